//! Who is concerned by a changed record, found by the values that they ask for: those who follow a query, and what is kept
//! of answers.
//!
//! Whoever waits for records is put down under one condition that all of these meet ([`Lead`]): values of which each has
//! one, or a range. So a change is held against those whom it can concern, not against all.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use stoa_schema::model::{AttributeId, Kind, Schema, Table, TableId};
use stoa_schema::query::{Filter, Test, Values, compare, has_terms, terms};
use stoa_schema::value::Value;
use stoa_sync::store::{Cell, Interesting};

/// A value of an attribute, hashed: the attribute stands in the upper 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(u64);

const ATTRIBUTE_SHIFT: u32 = 48;

impl Term {
    fn attribute(self) -> usize {
        usize::try_from(self.0 >> ATTRIBUTE_SHIFT).unwrap_or_default()
    }
}

/// Makes terms. Equal values have equal terms; others may have too. A table's keys of several parts are taken as a whole.
#[derive(Clone, Debug, Default)]
pub struct Terms(RandomState);

impl Terms {
    /// The term of a value; `None` if an equality cannot ask for such a value.
    pub fn of(&self, attribute: AttributeId, value: &Value) -> Option<Term> {
        self.of_cell(attribute, Cell::from(value))
    }

    /// The same of a stored value.
    pub fn of_cell(&self, attribute: AttributeId, value: Cell<'_>) -> Option<Term> {
        let hash = match value {
            Cell::Int(number) => self.0.hash_one(number),
            Cell::Text(text) => self.0.hash_one(text),
            Cell::Null | Cell::Real(_) | Cell::Blob(_) => return None,
        };
        Some(Term((attribute.0 as u64) << ATTRIBUTE_SHIFT | hash >> (64 - ATTRIBUTE_SHIFT)))
    }
}

/// What every record has that somebody waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Lead {
    /// Nothing in common.
    Everything,
    /// One of these values.
    Terms(Box<[Term]>),
    /// A value of an attribute that lies between two others.
    Range(Box<Range>),
}

/// Values of an attribute between two others, these included.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    attribute: AttributeId,
    /// The least value, if there is one.
    low: Option<Value>,
    /// The greatest value, if there is one.
    high: Option<Value>,
}

impl Lead {
    /// What the records of a table have in common that meet a filter: the narrowest that can be had.
    pub fn of(terms: &Terms, schema: &Schema, table: TableId, filter: &Filter) -> Self {
        let declared = schema.table(table);
        match filter {
            Filter::Key(key) => Self::of_values(terms, declared.key, std::slice::from_ref(key)),
            // The key of several parts is looked for as a whole.
            Filter::Is(condition) if condition.attribute == declared.key && declared.key().list => Self::Everything,
            Filter::Is(condition) if !condition.negated => {
                let attribute = declared.attribute(condition.attribute);
                Self::of_test(terms, condition.attribute, has_terms(attribute), &condition.test)
            }
            Filter::Is(_) | Filter::Inside(_) | Filter::Related { .. } => Self::Everything,
            Filter::All(parts) => {
                let leads = parts.iter().map(|part| Self::of(terms, schema, table, part));
                leads.min_by_key(|lead| lead.width(declared)).unwrap_or(Self::Everything)
            }
            Filter::Any(parts) => {
                let leads = parts.iter().map(|part| match Self::of(terms, schema, table, part) {
                    Self::Terms(terms) => Some(terms.into_vec()),
                    Self::Everything | Self::Range(_) => None,
                });
                leads.collect::<Option<Vec<_>>>().map_or(Self::Everything, |all| Self::terms(all.concat()))
            }
        }
    }

    /// One of these values.
    pub fn terms(terms: impl IntoIterator<Item = Term>) -> Self {
        let mut terms: Vec<Term> = terms.into_iter().collect();
        terms.sort_unstable();
        terms.dedup();
        Self::Terms(terms.into_boxed_slice())
    }

    fn of_values(terms: &Terms, attribute: AttributeId, values: &[Value]) -> Self {
        let all: Option<Vec<Term>> = values.iter().map(|value| terms.of(attribute, value)).collect();
        all.map_or(Self::Everything, Self::terms)
    }

    fn of_test(terms: &Terms, attribute: AttributeId, has_terms: bool, test: &Test) -> Self {
        let range = |low: Option<&Value>, high: Option<&Value>| {
            Self::Range(Box::new(Range { attribute, low: low.cloned(), high: high.cloned() }))
        };
        match test {
            Test::Equal(value) if has_terms => Self::of_values(terms, attribute, std::slice::from_ref(value)),
            Test::In { values, null: false } if has_terms => Self::of_values(terms, attribute, values),
            Test::Equal(value) => range(Some(value), Some(value)),
            Test::Less(value) | Test::LessOrEqual(value) => range(None, Some(value)),
            Test::Greater(value) | Test::GreaterOrEqual(value) => range(Some(value), None),
            Test::Between(low, high) => range(Some(low), Some(high)),
            Test::Null | Test::In { .. } | Test::StartsWith(_) | Test::EndsWith(_) | Test::Contains(_) => {
                Self::Everything
            }
        }
    }

    /// How much a lead lets through, about: a truth value lets through half of all records, more than most ranges.
    fn width(&self, table: &Table) -> usize {
        const RANGE: usize = 1_000;
        let of_term = |term: &Term| match table.attributes.get(term.attribute()).map(|attribute| &attribute.kind) {
            Some(Kind::Boolean) => 2 * RANGE,
            _ => 1,
        };
        match self {
            Self::Terms(terms) => terms.iter().map(of_term).sum(),
            Self::Range(range) if range.low.is_some() && range.high.is_some() => RANGE,
            Self::Range(_) => RANGE + 1,
            Self::Everything => usize::MAX,
        }
    }
}

/// Those who wait for changes of one table's records.
#[derive(Debug)]
pub struct Interests<T> {
    by_term: HashMap<Term, Few<T>>,
    /// The attributes that have terms, by their positions, and how many.
    attributes: Vec<usize>,
    counts: Vec<usize>,
    ranges: Vec<(AttributeId, Ranges<T>)>,
    everything: Vec<T>,
}

impl<T> Default for Interests<T> {
    fn default() -> Self {
        Self {
            by_term: HashMap::new(),
            attributes: Vec::new(),
            counts: Vec::new(),
            ranges: Vec::new(),
            everything: Vec::new(),
        }
    }
}

impl<T: Copy + PartialEq> Interests<T> {
    /// Puts down who waits for the records that a lead leads to.
    pub fn add(&mut self, lead: &Lead, who: T) {
        match lead {
            Lead::Everything => self.everything.push(who),
            Lead::Terms(terms) => terms.iter().for_each(|term| self.add_term(*term, who)),
            Lead::Range(range) => self.ranges_of(range.attribute).add(range.low.as_ref(), range.high.as_ref(), who),
        }
    }

    /// Forgets who was put down under a lead.
    pub fn remove(&mut self, lead: &Lead, who: T) {
        match lead {
            Lead::Everything => forget(&mut self.everything, &who),
            Lead::Terms(terms) => terms.iter().for_each(|term| self.remove_term(*term, who)),
            Lead::Range(range) => {
                self.ranges_of(range.attribute).remove(range.low.as_ref(), range.high.as_ref(), who);
                self.ranges.retain(|(_, ranges)| !ranges.is_empty());
            }
        }
    }

    /// Which changes of the table somebody waits for.
    pub fn interesting(&self) -> Interesting<'_> {
        if !self.everything.is_empty() || !self.ranges.is_empty() {
            Interesting::All
        } else if self.by_term.is_empty() {
            Interesting::Nothing
        } else {
            Interesting::By(&self.attributes)
        }
    }

    /// Whether somebody waits for records with this value.
    pub fn is_wanted(&self, terms: &Terms, table: &Table, attribute: usize, value: &Value) -> bool {
        let mut wanted = false;
        self.by_value(terms, table, AttributeId(attribute), value, &mut |_| wanted = true);
        wanted
    }

    /// Shows those who may wait for a record with these values; some of them several times.
    pub fn concerned(&self, terms: &Terms, table: &Table, values: &Values, found: &mut dyn FnMut(T)) {
        self.everything.iter().for_each(|who| found(*who));
        for attribute in &self.attributes {
            self.by_value(terms, table, AttributeId(*attribute), &values[*attribute], found);
        }
        for (attribute, ranges) in &self.ranges {
            each_value(table, *attribute, &values[attribute.0], &mut |value| ranges.around(value, found));
        }
    }

    fn by_value(&self, terms: &Terms, table: &Table, attribute: AttributeId, value: &Value, found: &mut dyn FnMut(T)) {
        each_value(table, attribute, value, &mut |value| {
            let known = terms.of(attribute, value).and_then(|term| self.by_term.get(&term));
            known.into_iter().flat_map(Few::all).for_each(|who| found(*who));
        });
    }

    fn add_term(&mut self, term: Term, who: T) {
        use std::collections::hash_map::Entry;
        match self.by_term.entry(term) {
            Entry::Occupied(mut known) => known.get_mut().add(who),
            Entry::Vacant(vacant) => {
                vacant.insert(Few::One(who));
                match self.attributes.iter().position(|known| *known == term.attribute()) {
                    Some(at) => self.counts[at] += 1,
                    None => {
                        self.attributes.push(term.attribute());
                        self.counts.push(1);
                    }
                }
            }
        }
    }

    fn remove_term(&mut self, term: Term, who: T) {
        let Some(known) = self.by_term.get_mut(&term) else { return };
        if known.remove(who) {
            return;
        }
        self.by_term.remove(&term);
        if let Some(at) = self.attributes.iter().position(|known| *known == term.attribute()) {
            self.counts[at] -= 1;
            if self.counts[at] == 0 {
                self.attributes.swap_remove(at);
                self.counts.swap_remove(at);
            }
        }
    }

    fn ranges_of(&mut self, attribute: AttributeId) -> &mut Ranges<T> {
        let at = self.ranges.iter().position(|(known, _)| *known == attribute).unwrap_or_else(|| {
            self.ranges.push((attribute, Ranges::default()));
            self.ranges.len() - 1
        });
        &mut self.ranges[at].1
    }
}

/// The values that a condition on an attribute looks at: the elements of a list, but the key as it stands.
fn each_value(table: &Table, attribute: AttributeId, value: &Value, visit: &mut dyn FnMut(&Value)) {
    let declared = table.attribute(attribute);
    if declared.list && attribute != table.key {
        terms(declared, value).iter().for_each(visit);
    } else {
        visit(value);
    }
}

fn forget<T: PartialEq>(all: &mut Vec<T>, who: &T) {
    if let Some(at) = all.iter().position(|known| known == who) {
        all.swap_remove(at);
    }
}

/// Mostly one: then it needs no memory of its own.
#[derive(Debug)]
enum Few<T> {
    One(T),
    Many(Vec<T>),
}

impl<T: Copy + PartialEq> Few<T> {
    fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(all) => all,
        }
    }

    fn add(&mut self, who: T) {
        match self {
            Self::One(one) => *self = Self::Many(vec![*one, who]),
            Self::Many(all) => all.push(who),
        }
    }

    /// Whether somebody is left.
    fn remove(&mut self, who: T) -> bool {
        match self {
            Self::One(one) => *one != who,
            Self::Many(all) => {
                forget(all, &who);
                !all.is_empty()
            }
        }
    }
}

/// A value in the order in which conditions compare.
#[derive(Clone, Debug)]
struct Bound(Value);

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bound {}

/// Who waits for values in ranges of one attribute. What is open at one end is found without looking at others; of what is
/// bounded twice, all that begin below a value are looked at.
#[derive(Debug)]
struct Ranges<T> {
    below: BTreeMap<Bound, Vec<T>>,
    above: BTreeMap<Bound, Vec<T>>,
    between: BTreeMap<Bound, Vec<(Bound, T)>>,
}

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Self { below: BTreeMap::new(), above: BTreeMap::new(), between: BTreeMap::new() }
    }
}

impl<T: Copy + PartialEq> Ranges<T> {
    fn is_empty(&self) -> bool {
        self.below.is_empty() && self.above.is_empty() && self.between.is_empty()
    }

    fn add(&mut self, low: Option<&Value>, high: Option<&Value>, who: T) {
        let bound = |value: &Value| Bound(value.clone());
        match (low, high) {
            (Some(low), Some(high)) => self.between.entry(bound(low)).or_default().push((bound(high), who)),
            (Some(low), None) => self.above.entry(bound(low)).or_default().push(who),
            (None, Some(high)) => self.below.entry(bound(high)).or_default().push(who),
            (None, None) => {}
        }
    }

    fn remove(&mut self, low: Option<&Value>, high: Option<&Value>, who: T) {
        match (low, high) {
            (Some(low), Some(high)) => remove_from(&mut self.between, low, &(Bound(high.clone()), who)),
            (Some(low), None) => remove_from(&mut self.above, low, &who),
            (None, Some(high)) => remove_from(&mut self.below, high, &who),
            (None, None) => {}
        }
    }

    fn around(&self, value: &Value, found: &mut dyn FnMut(T)) {
        if *value == Value::Null {
            return;
        }
        let value = Bound(value.clone());
        self.below.range(&value..).flat_map(|(_, all)| all).for_each(|who| found(*who));
        self.above.range(..=&value).flat_map(|(_, all)| all).for_each(|who| found(*who));
        let between = self.between.range(..=&value).flat_map(|(_, all)| all);
        between.filter(|(high, _)| *high >= value).for_each(|(_, who)| found(*who));
    }
}

fn remove_from<T: PartialEq>(all: &mut BTreeMap<Bound, Vec<T>>, bound: &Value, who: &T) {
    let bound = Bound(bound.clone());
    let Some(known) = all.get_mut(&bound) else { return };
    forget(known, who);
    if known.is_empty() {
        all.remove(&bound);
    }
}

#[cfg(test)]
mod tests {
    use super::{Interests, Lead, Terms};
    use proptest::prelude::{Strategy, prop_oneof, proptest};
    use proptest::{collection, option};
    use stoa_schema::model::{Kind, Schema, TableId};
    use stoa_schema::query::{Alone, Condition, Filter, Test};
    use stoa_schema::sdl::{Source, load};
    use stoa_schema::value::Value;

    fn schema() -> Schema {
        let text = "type T @table { id: ID @primaryKey number: Int price: Float tags: [String] flag: Boolean }";
        load(&[Source { name: "schema".into(), text: text.into() }]).map(|loaded| loaded.schema).unwrap_or_default()
    }

    fn value(kind: &Kind, number: i64) -> Value {
        match kind {
            Kind::Int => Value::Int(number),
            #[expect(clippy::cast_precision_loss, reason = "it is small")]
            Kind::Float => Value::Float(number as f64 / 2.0),
            Kind::Boolean => Value::Bool(number % 2 == 0),
            _ => Value::Text(format!("t{number}")),
        }
    }

    /// Attribute, kind of test, two numbers, negated.
    type Drawn = (usize, u8, i64, i64, bool);
    /// The values of a record's attributes.
    type Record = (i64, Option<i64>, Option<i64>, Option<Vec<i64>>, Option<i64>);

    fn test() -> impl Strategy<Value = Drawn> {
        (0..5_usize, 0..7_u8, 0..6_i64, 0..6_i64, proptest::bool::weighted(0.1))
    }

    fn condition(schema: &Schema, (attribute, kind, one, other, negated): Drawn) -> Filter {
        let attribute = stoa_schema::model::AttributeId(attribute);
        let value = |number| value(&schema.tables[0].attribute(attribute).kind, number);
        let test = match kind {
            0 => Test::Equal(value(one)),
            1 => Test::In { values: vec![value(one), value(other)], null: false },
            2 => Test::Less(value(one)),
            3 => Test::GreaterOrEqual(value(one)),
            4 => Test::Between(value(one.min(other)), value(one.max(other))),
            5 => Test::Null,
            _ => Test::LessOrEqual(value(one)),
        };
        Filter::Is(Condition { attribute, test, negated })
    }

    fn filter() -> impl Strategy<Value = Vec<Vec<Drawn>>> {
        collection::vec(collection::vec(test(), 1..3), 0..3)
    }

    fn record() -> impl Strategy<Value = Record> {
        let number = || prop_oneof![0..6_i64];
        let tags = option::of(collection::vec(number(), 0..3));
        (number(), option::of(number()), option::of(number()), tags, option::of(number()))
    }

    proptest! {
        /// Whoever a record concerns is found; and nobody once he has left.
        #[test]
        fn whoever_waits_is_found(
            filters in collection::vec(filter(), 1..8),
            records in collection::vec(record(), 1..8),
        ) {
            let (schema, terms) = (schema(), Terms::default());
            let table = &schema.tables[0];
            let all: Vec<Filter> = filters
                .into_iter()
                .map(|any| Filter::All(any.into_iter().map(|parts| {
                    Filter::Any(parts.into_iter().map(|part| condition(&schema, part)).collect())
                }).collect()))
                .collect();
            let leads: Vec<Lead> = all.iter().map(|filter| Lead::of(&terms, &schema, TableId(0), filter)).collect();
            let mut interests = Interests::default();
            leads.iter().zip(0..).for_each(|(lead, who)| interests.add(lead, who));
            let typed = |at: usize, number: Option<i64>| {
                number.map_or(Value::Null, |number| value(&table.attributes[at].kind, number))
            };
            for (id, number, price, tags, flag) in records {
                let list = |tags: Vec<i64>| {
                    Value::List(serde_json::json!(tags.iter().map(|tag| format!("t{tag}")).collect::<Vec<_>>()).to_string())
                };
                let values =
                    [typed(0, Some(id)), typed(1, number), typed(2, price), tags.map_or(Value::Null, list), typed(4, flag)];
                let mut found = Vec::new();
                interests.concerned(&terms, table, &values, &mut |who: usize| found.push(who));
                for (who, filter) in all.iter().enumerate() {
                    let Ok(meets) = filter.matches(&schema, TableId(0), &values, &Alone);
                    assert!(!meets || found.contains(&who), "{filter:?} of {values:?}");
                }
            }
            leads.iter().zip(0..).for_each(|(lead, who)| interests.remove(lead, who));
            assert_eq!(interests.interesting(), stoa_sync::store::Interesting::Nothing);
        }
    }
}
