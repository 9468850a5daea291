//! A query that is followed: which records a step of the log concerns, and what is told of them.

use super::message::{Message, Opening};
use crate::data::format::{Format, Renderer, Selected};
use crate::data::representation::Representation;
use crate::data::tag::Tag;
use std::collections::BTreeMap;
use std::sync::Arc;
use stoa_schema::model::{RelationId, Schema, TableId};
use stoa_schema::query::{Field, Filter, Query, Select, Values};
use stoa_schema::value::Value;
use stoa_sync::store::{Alterations, Altered, Cell, FollowError, Interest, Interesting, Key, Reader, State, View};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use xxhash_rust::xxh3::xxh3_128;

/// A relation on the way from the records that are followed, and the table that it belongs to.
type Hop = (TableId, RelationId);

/// A query that is followed.
#[derive(Debug)]
pub struct Followed {
    renderer: Arc<Renderer>,
    query: Query,
    /// Whether records are shown whole and plain, so that their tag is that of their revision.
    whole: bool,
    /// The ways to other tables whose records the query asks for or shows; with each its beginnings.
    ways: Vec<Vec<Hop>>,
    /// Whether records expire to which they lead.
    expiring: bool,
    opening: Opening,
    identity: u128,
}

/// A record that a step of the log may concern.
struct Concerned<'s> {
    id: &'s Value,
    before: Option<&'s State>,
    after: Option<&'s State>,
    /// Whether there was a time in between when it was not there: who looked then does not know it.
    made_again: bool,
    at_ms: i64,
}

impl Followed {
    /// A query over the tables of a renderer.
    pub fn new(renderer: Arc<Renderer>, mut query: Query) -> Self {
        near_first(&mut query.filter);
        // Many queries are kept, most of them for long.
        query.select.fields.shrink_to_fit();
        let schema = renderer.schema();
        let zone = query.zone.as_ref().map(|zone| zone.name());
        // All but the order, which is only that of the state at the beginning.
        let identity = format!("{:?}{:?}{:?}{zone:?}", query.table, query.filter, query.select);
        let mut ways = Vec::new();
        ways_of_filter(schema, query.table, &query.filter, &mut Vec::new(), &mut ways);
        ways_of_select(schema, query.table, &query.select, &mut Vec::new(), &mut ways);
        ways.sort_unstable();
        ways.dedup();
        let expires = |(table, relation): &Hop| schema.table(schema.table(*table).relation(*relation).target).expires();
        Self {
            whole: query.zone.is_none() && query.select == Select::all(schema, query.table),
            opening: Opening::new(&schema.table(query.table).name),
            identity: xxh3_128(identity.as_bytes()),
            expiring: ways.iter().filter_map(|way| way.last()).any(expires),
            ways,
            query,
            renderer,
        }
    }

    /// What tells it from every other query over the same tables.
    pub(super) fn identity(&self) -> u128 {
        self.identity
    }

    /// The tables, and how their records are written.
    pub(super) fn renderer(&self) -> &Arc<Renderer> {
        &self.renderer
    }

    /// The query.
    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    /// Whether it looks at records of other tables.
    pub(super) fn looks_further(&self) -> bool {
        !self.ways.is_empty()
    }

    /// Whether changes of a table's records can concern it.
    pub(super) fn depends_on(&self, table: TableId) -> bool {
        table == self.query.table || self.ways.iter().any(|way| self.end(way) == Some(table))
    }

    fn end(&self, way: &[Hop]) -> Option<TableId> {
        way.last().map(|(table, relation)| self.renderer.schema().table(*table).relation(*relation).target)
    }

    /// What is told of those of `altered` that the query is about: for a query that looks at no other table.
    ///
    /// # Errors
    /// libSQL failed.
    pub(super) fn told<'s>(
        &self,
        views: &Views<'_>,
        altered: impl Iterator<Item = &'s Altered>,
    ) -> Result<Vec<Message>, FollowError> {
        let mut messages = Vec::new();
        for altered in altered {
            let Altered { id, before, after, made_again, at_ms, .. } = altered;
            let (before, after) = (before.as_ref(), after.as_ref());
            let concerned = Concerned { id, before, after, made_again: *made_again, at_ms: *at_ms };
            messages.extend(self.judged(views, &concerned)?);
        }
        Ok(messages)
    }

    /// What is told of a step: of the records that changed, and of those that changed for this query because of others.
    ///
    /// # Errors
    /// It is too much, or libSQL failed.
    pub(super) fn told_of_all(
        &self,
        views: &Views<'_>,
        alterations: &Alterations,
    ) -> Result<Vec<Message>, FollowError> {
        if !self.looks_further() {
            return self.told(views, alterations.of(self.query.table));
        }
        let touched = self.touched(views, alterations)?;
        let mut all: Vec<(u64, Concerned<'_>)> = touched
            .values()
            .map(|touched| {
                let (before, after, made_again) = match alterations.record(self.query.table, &touched.id) {
                    Some(altered) => (altered.before.as_ref(), altered.after.as_ref(), altered.made_again),
                    None => (touched.state.as_ref(), touched.state.as_ref(), false),
                };
                (touched.seq, Concerned { id: &touched.id, before, after, made_again, at_ms: touched.at_ms })
            })
            .collect();
        all.sort_by_key(|(seq, _)| *seq);
        let mut messages = Vec::new();
        for (_, concerned) in &all {
            messages.extend(self.judged(views, concerned)?);
        }
        Ok(messages)
    }

    /// The records that a step may concern, each with the last change that reaches it.
    fn touched(&self, views: &Views<'_>, alterations: &Alterations) -> Result<BTreeMap<Key, Touched>, FollowError> {
        let mut touched: BTreeMap<Key, Touched> = BTreeMap::new();
        for altered in alterations.of(self.query.table) {
            let Altered { id, seq, at_ms, .. } = altered;
            touched.insert(Key::of(id), Touched { id: id.clone(), state: None, seq: *seq, at_ms: *at_ms });
        }
        let key = self.renderer.schema().table(self.query.table).key.0;
        for way in &self.ways {
            let Some(end) = self.end(way) else { continue };
            for altered in alterations.of(end) {
                for (view, state) in [(&views.before, &altered.before), (&views.after, &altered.after)] {
                    let Some(state) = state else { continue };
                    for reached in self.back(view, way, state.clone())? {
                        let id = reached.values[key].clone();
                        let entry = touched.entry(Key::of(&id)).or_insert_with(|| Touched {
                            id,
                            state: Some(reached),
                            seq: altered.seq,
                            at_ms: altered.at_ms,
                        });
                        if entry.seq < altered.seq {
                            (entry.seq, entry.at_ms) = (altered.seq, altered.at_ms);
                        }
                    }
                }
            }
        }
        Ok(touched)
    }

    /// The records from which a way leads to this one.
    fn back(&self, view: &View<'_>, way: &[Hop], end: State) -> Result<Vec<State>, FollowError> {
        let mut reached = vec![end];
        for (table, relation) in way.iter().rev() {
            let relation = self.renderer.schema().table(*table).relation(*relation);
            let mut referring = Vec::new();
            for state in &reached {
                referring.extend(view.referring(*table, relation, &state.values)?);
            }
            reached = referring;
        }
        Ok(reached)
    }

    fn judged(&self, views: &Views<'_>, concerned: &Concerned<'_>) -> Result<Option<Message>, FollowError> {
        let was = self.holds(&views.before, concerned.before)?;
        let is = self.holds(&views.after, concerned.after)?;
        let (id, at_ms) = (self.id(concerned.id), concerned.at_ms);
        let text = match (was, is) {
            (None, None) => return Ok(None),
            (Some(_), None) if concerned.after.is_none() => self.opening.delete(&id, at_ms),
            (Some(_), None) => self.opening.leave(&id, at_ms),
            // Nobody can say which subscribers know what it refers to that has expired: what matters is what is left.
            (_, Some(state)) if self.expiring && self.holds(&views.living, Some(state))?.is_none() => return Ok(None),
            (was, Some(state)) => {
                let mut value = Vec::with_capacity(256);
                if let Some(was) = was.filter(|_| !concerned.made_again && !self.expiring)
                    && self.shows_the_same(views, was, state, &mut value)?
                {
                    return Ok(None);
                }
                if value.is_empty() {
                    self.write(&views.living, &state.values, &mut value)?;
                }
                self.put(&id, state.revision, &value, at_ms)
            }
        };
        Ok(Some(Message { id: id.into(), text }))
    }

    /// The state, if it meets the query's conditions.
    fn holds<'s>(&self, view: &View<'_>, state: Option<&'s State>) -> Result<Option<&'s State>, FollowError> {
        let Some(state) = state else { return Ok(None) };
        let meets = self.query.filter.matches(self.renderer.schema(), self.query.table, &state.values, view)?;
        Ok(meets.then_some(state))
    }

    /// Whether nothing that is shown has changed. If values had to be written to see it, `value` holds the new one.
    fn shows_the_same(
        &self,
        views: &Views<'_>,
        was: &State,
        is: &State,
        value: &mut Vec<u8>,
    ) -> Result<bool, FollowError> {
        let same = |field: &Field| match field {
            Field::Attribute(id) => was.values[id.0] == is.values[id.0],
            Field::Related { .. } => true,
        };
        let fields = &self.query.select.fields;
        if !fields.iter().all(same) || !fields.iter().any(|field| matches!(field, Field::Related { .. })) {
            return Ok(fields.iter().all(same));
        }
        let mut before = Vec::with_capacity(256);
        self.write(&views.before, &was.values, &mut before)?;
        self.write(&views.after, &is.values, value)?;
        Ok(before == *value)
    }

    fn write(&self, view: &View<'_>, values: &Values, out: &mut Vec<u8>) -> Result<(), FollowError> {
        let shown = Selected { renderer: &self.renderer, joined: view, zone: self.query.zone.as_ref() };
        shown.record(self.query.table, &self.query.select, values, out)
    }

    /// The message that a record has this value.
    pub(super) fn put(&self, id: &str, revision: i64, value: &[u8], at_ms: i64) -> Utf8Bytes {
        let tag = match self.whole {
            true => Tag::revision(revision),
            false => Tag::variant(revision, value, Representation::PLAIN),
        };
        self.opening.put(id, value, tag.opaque(), at_ms)
    }

    /// A primary key as JSON.
    pub(super) fn id(&self, id: &Value) -> String {
        let key = self.renderer.schema().table(self.query.table).key();
        let mut shown = Vec::with_capacity(40);
        self.renderer.value(Format::Json, key, Cell::from(id), None, &mut shown);
        String::from_utf8(shown).unwrap_or_default()
    }
}

impl Interest for Followed {
    fn of(&self, table: TableId) -> Interesting<'_> {
        if self.depends_on(table) { Interesting::All } else { Interesting::Nothing }
    }

    fn is_wanted(&self, _: TableId, _: usize, _: &Value) -> bool {
        true
    }
}

/// The records before a step of the log and after it.
pub(super) struct Views<'a> {
    pub(super) before: View<'a>,
    pub(super) after: View<'a>,
    /// After it, without what has expired: it is not shown, but was there for those who were told of it until it is swept.
    pub(super) living: View<'a>,
}

impl<'a> Views<'a> {
    /// Of the step whose alterations are these and which ends with the snapshot that `reader` holds.
    pub(super) fn new(reader: &'a Reader, renderer: &'a Renderer, alterations: &'a Alterations) -> Self {
        let catalog = renderer.catalog();
        let (after, living) = (View::now(reader, catalog), View::living(reader, catalog));
        Self { before: View::before(reader, catalog, alterations), after, living }
    }
}

/// A record that a step reaches.
struct Touched {
    id: Value,
    /// What it is and was, if it did not change itself.
    state: Option<State>,
    seq: u64,
    at_ms: i64,
}

/// Puts what asks for related records behind what a record's own values decide.
fn near_first(filter: &mut Filter) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            parts.iter_mut().for_each(near_first);
            parts.sort_by_key(Filter::follows_relations);
        }
        Filter::Related { filter, .. } => near_first(filter),
        Filter::Key(_) | Filter::Is(_) | Filter::Inside(_) => {}
    }
}

fn ways_of_filter(schema: &Schema, table: TableId, filter: &Filter, here: &mut Vec<Hop>, ways: &mut Vec<Vec<Hop>>) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            parts.iter().for_each(|part| ways_of_filter(schema, table, part, here, ways));
        }
        Filter::Key(_) | Filter::Is(_) | Filter::Inside(_) => {}
        Filter::Related { relation, filter } => {
            here.push((table, *relation));
            ways.push(here.clone());
            ways_of_filter(schema, schema.table(table).relation(*relation).target, filter, here, ways);
            here.pop();
        }
    }
}

fn ways_of_select(schema: &Schema, table: TableId, select: &Select, here: &mut Vec<Hop>, ways: &mut Vec<Vec<Hop>>) {
    for field in &select.fields {
        let Field::Related { relation, select, filter } = field else { continue };
        let target = schema.table(table).relation(*relation).target;
        here.push((table, *relation));
        ways.push(here.clone());
        ways_of_filter(schema, target, filter, here, ways);
        ways_of_select(schema, target, select, here, ways);
        here.pop();
    }
}
