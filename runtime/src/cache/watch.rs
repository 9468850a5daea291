//! What an answer depends on: which changes of which tables can make it another one.
//!
//! While an answer is being read it depends on everything that its query looks at. Once it is there, the keys are known by
//! which it shows records ([`Key`]), and it depends on these, and on what can bring other records in: so one record that
//! changes on no page leaves all pages as they are.

use crate::data::keys::{Key, Noting};
use crate::interests::{Lead, Term, Terms};
use std::collections::HashMap;
use stoa_schema::model::{AttributeId, RelationId, Schema, Table, TableId};
use stoa_schema::query::{Alone, Field, Filter, Query, RecordQuery, Select, SortKey, has_terms};
use stoa_schema::value::Value;
use stoa_sync::store::{Altered, Key as Identity, State};

/// Changes that matter.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// Of this table's records.
    pub(super) table: TableId,
    /// What the records have in common, before or after the change.
    pub(super) lead: Lead,
    condition: Condition,
    matters: Matters,
}

/// What the records are asked for beside what leads to them.
#[derive(Clone, Debug)]
enum Condition {
    /// Nothing.
    None,
    /// It is the one with this key.
    Key(Identity),
    /// They meet this on their own values.
    Filter(Box<Filter>),
}

/// Which updates of a record matter; that it comes or goes always does.
#[derive(Clone, Debug, PartialEq)]
enum Matters {
    /// All: the revision is shown.
    All,
    /// Those of one of these attributes.
    Some(Box<[AttributeId]>),
}

impl Matters {
    /// Those of these attributes; where records expire all, since each may change when they do.
    fn of(schema: &Schema, table: TableId, mut attributes: Vec<AttributeId>) -> Self {
        if schema.table(table).expires() {
            return Self::All;
        }
        attributes.sort_unstable();
        attributes.dedup();
        Self::Some(attributes.into_boxed_slice())
    }

    /// Those of other attributes too.
    fn and(self, others: &[AttributeId]) -> Self {
        match self {
            Self::All => Self::All,
            Self::Some(attributes) => Self::Some([&attributes, others].concat().into_boxed_slice()),
        }
    }
}

impl Watch {
    fn every(table: TableId, lead: Lead) -> Self {
        Self { table, lead, condition: Condition::None, matters: Matters::All }
    }

    /// Whether a change is one of these; it is of this table.
    pub(super) fn concerns(&self, schema: &Schema, altered: &Altered) -> bool {
        if let (Matters::Some(attributes), Some(before), Some(after)) = (&self.matters, &altered.before, &altered.after)
            && attributes.iter().all(|at| before.values[at.0] == after.values[at.0])
        {
            return false;
        }
        let filter = match &self.condition {
            Condition::None => return true,
            Condition::Key(key) => return *key == Identity::of(&altered.id),
            Condition::Filter(filter) => filter,
        };
        let meets = |state: &State| {
            let Ok(meets) = filter.matches(schema, self.table, &state.values, &Alone);
            meets
        };
        altered.before.as_ref().is_some_and(meets) || altered.after.as_ref().is_some_and(meets)
    }

    /// The bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        const OF_TERM: usize = 56;
        let terms = match &self.lead {
            Lead::Terms(terms) => terms.len() * OF_TERM,
            Lead::Everything => 16,
            Lead::Range(_) => 192,
        };
        let condition = match &self.condition {
            Condition::None => 0,
            Condition::Key(_) => 32,
            Condition::Filter(_) => 160,
        };
        size_of::<Self>() + terms + condition
    }
}

/// What an answer depends on.
#[derive(Debug, Default)]
pub struct Watches {
    /// While it is read.
    pub(super) pending: Vec<Watch>,
    /// From then on, beside the keys.
    settled: Vec<Watch>,
    /// Which updates matter of records that are shown by a key.
    embedded: HashMap<(TableId, AttributeId), Vec<AttributeId>>,
    /// Whether the answer notes by which keys it shows the query's own records: it may leave out some that meet the filter.
    paged: bool,
    /// The tables whose records it looks at and which can expire.
    expiring: Vec<TableId>,
}

impl Watches {
    /// Of one record, in some form.
    pub fn of_record(schema: &Schema, terms: &Terms, table: TableId, id: &Value, query: Option<&RecordQuery>) -> Self {
        let own = || {
            let filter = Filter::Key(id.clone());
            let lead = Lead::of(terms, schema, table, &filter);
            Watch { condition: Condition::Key(Identity::of(id)), ..Watch::every(table, lead) }
        };
        let mut watches = Self { pending: vec![own()], settled: vec![own()], ..Self::default() };
        watches.note_expiring(schema, table);
        if let Some(select) = query.and_then(|query| query.select.as_ref()) {
            watches.embed(schema, terms, table, select);
        }
        watches
    }

    /// Of the records of a query.
    pub fn of_query(schema: &Schema, terms: &Terms, query: &Query) -> Self {
        let table = query.table;
        let declared = schema.table(table);
        let paged = query.limit.is_some() || query.offset > 0 || query.after.is_some();
        let mut watches = Self { paged: paged && !declared.key().list, ..Self::default() };
        watches.note_expiring(schema, table);
        let mut order = Vec::new();
        for key in &query.sort {
            watches.sorted(schema, table, key, &mut order);
        }
        let own = watches.met(schema, terms, table, &query.filter, &order);
        let mut shown = Vec::new();
        shown_attributes(declared, &query.select, &mut shown);
        watches.pending.push(Watch { matters: Matters::All, ..own.clone() });
        if watches.paged {
            watches.embedded.insert((table, declared.key), shown);
            watches.settled.push(own);
        } else {
            // Every record that meets the filter is shown.
            watches.settled.push(Watch { matters: own.matters.and(&shown), ..own });
        }
        watches.embed(schema, terms, table, &query.select);
        watches
    }

    /// What the answer depends on now that it is there.
    pub(super) fn settle(&self, schema: &Schema, keys: Vec<Key>) -> Vec<Watch> {
        let mut settled = self.settled.clone();
        let mut by_attribute: HashMap<(TableId, AttributeId), Option<Vec<Term>>> = HashMap::new();
        for Key { table, attribute, term } in keys {
            let terms = by_attribute.entry((table, attribute)).or_insert_with(|| Some(Vec::new()));
            match (terms, term) {
                (Some(terms), Some(term)) => terms.push(term),
                (terms, _) => *terms = None,
            }
        }
        for ((table, attribute), terms) in by_attribute {
            let them = self.embedded.get(&(table, attribute));
            let matters = them.map_or(Matters::All, |them| Matters::of(schema, table, them.clone()));
            let declared = schema.table(table);
            // A key of several parts is known as a whole, where a relation asks for one of them.
            let known = has_terms(declared.attribute(attribute)) && !(attribute == declared.key && declared.key().list);
            let lead = terms.filter(|_| known).map_or(Lead::Everything, Lead::terms);
            settled.push(Watch { matters, ..Watch::every(table, lead) });
        }
        settled
    }

    /// Whether records that the answer looks at can expire.
    pub(super) fn look_at_expiring(&self) -> bool {
        !self.expiring.is_empty()
    }

    /// What is to be noted while the answer is read.
    pub(super) fn noting(&self, terms: &Terms) -> Noting {
        let wanted = self.paged || !self.embedded.is_empty();
        Noting { terms: wanted.then(|| terms.clone()), records: self.paged, expiring: self.expiring.clone() }
    }

    fn note_expiring(&mut self, schema: &Schema, table: TableId) {
        if schema.table(table).expires() && !self.expiring.contains(&table) {
            self.expiring.push(table);
        }
    }

    /// Watches those records of a table that meet a filter, and those of others to which it leads. Updates matter of what
    /// the filter asks for, and of `beside`.
    fn met(
        &mut self,
        schema: &Schema,
        terms: &Terms,
        table: TableId,
        filter: &Filter,
        beside: &[AttributeId],
    ) -> Watch {
        let (mut attributes, mut relations) = (beside.to_vec(), Vec::new());
        asked_attributes(schema.table(table), filter, &mut attributes, &mut relations);
        for (relation, further) in relations {
            let joined = schema.table(table).relation(relation);
            attributes.push(joined.local);
            self.note_expiring(schema, joined.target);
            let there = self.met(schema, terms, joined.target, further, &[joined.remote]);
            self.pending.push(Watch::every(there.table, Lead::Everything));
            self.settled.push(there);
        }
        let own = without_relations(filter);
        let lead = Lead::of(terms, schema, table, &own);
        let condition = if own.is_everything() { Condition::None } else { Condition::Filter(Box::new(own)) };
        Watch { table, lead, condition, matters: Matters::of(schema, table, attributes) }
    }

    /// An order, of the query's own records or by records that they refer to.
    fn sorted(&mut self, schema: &Schema, table: TableId, key: &SortKey, order: &mut Vec<AttributeId>) {
        let (mut here, mut arrived) = (table, None);
        let mut note =
            |watches: &mut Self, table: TableId, arrived: Option<AttributeId>, leaves: AttributeId| match arrived {
                None => order.push(leaves),
                Some(arrived) => {
                    watches.note_expiring(schema, table);
                    watches.pending.push(Watch::every(table, Lead::Everything));
                    let matters = Matters::of(schema, table, vec![arrived, leaves]);
                    watches.settled.push(Watch { matters, ..Watch::every(table, Lead::Everything) });
                }
            };
        for relation in &key.through {
            let relation = schema.table(here).relation(*relation);
            note(self, here, arrived, relation.local);
            (here, arrived) = (relation.target, Some(relation.remote));
        }
        note(self, here, arrived, key.attribute);
    }

    /// The related records that are shown.
    fn embed(&mut self, schema: &Schema, terms: &Terms, table: TableId, select: &Select) {
        for field in &select.fields {
            let Field::Related { relation, select, filter } = field else { continue };
            let relation = schema.table(table).relation(*relation);
            let target = relation.target;
            self.note_expiring(schema, target);
            self.pending.push(Watch::every(target, Lead::Everything));
            let mut matters = vec![relation.remote];
            shown_attributes(schema.table(target), select, &mut matters);
            // What a condition further on asks for is watched as such.
            if let Matters::Some(attributes) = self.met(schema, terms, target, filter, &[]).matters {
                matters.extend(&attributes);
            }
            self.embedded.entry((target, relation.remote)).or_default().extend(matters);
            self.embed(schema, terms, target, select);
        }
    }
}

/// The attributes of which a selection shows something, and those by which it goes to other records.
fn shown_attributes(table: &Table, select: &Select, attributes: &mut Vec<AttributeId>) {
    attributes.extend(select.fields.iter().map(|field| match field {
        Field::Attribute(attribute) => *attribute,
        Field::Related { relation, .. } => table.relation(*relation).local,
    }));
}

/// The attributes that a filter asks for, and the relations that it follows.
fn asked_attributes<'f>(
    table: &Table,
    filter: &'f Filter,
    attributes: &mut Vec<AttributeId>,
    relations: &mut Vec<(RelationId, &'f Filter)>,
) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            parts.iter().for_each(|part| asked_attributes(table, part, attributes, relations));
        }
        Filter::Key(_) => attributes.push(table.key),
        Filter::Is(condition) => attributes.push(condition.attribute),
        Filter::Inside(condition) => attributes.push(condition.attribute),
        Filter::Related { relation, filter } => relations.push((*relation, filter)),
    }
}

/// What a filter asks of a record's own values: whatever meets the filter meets this too.
fn without_relations(filter: &Filter) -> Filter {
    match filter {
        Filter::All(parts) => Filter::All(parts.iter().map(without_relations).collect()),
        Filter::Any(parts) => Filter::Any(parts.iter().map(without_relations).collect()),
        Filter::Related { .. } => Filter::EVERYTHING,
        Filter::Key(_) | Filter::Is(_) | Filter::Inside(_) => filter.clone(),
    }
}
