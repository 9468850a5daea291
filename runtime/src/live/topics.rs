//! The distinct queries that are followed now, and which of them a changed record can concern.

use super::followed::{Followed, Views};
use super::message::{Batch, Message};
use crate::data::format::Renderer;
use crate::limits;
use async_broadcast::{InactiveReceiver, Receiver, Sender, TrySendError, broadcast};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use stoa_schema::model::{Schema, TableId};
use stoa_schema::query::{Filter, Test, has_terms, terms};
use stoa_schema::value::Value;
use stoa_sync::store::{Alterations, Altered, FollowError, Interest, Interesting, Reader};

/// What those who follow a query hear.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// What a step of the log means for them.
    Step(Arc<Batch>),
    /// It means more than is told: the state is to be read anew.
    Reset,
}

/// The queries that are followed.
pub(super) struct Topics {
    renderer: Arc<Renderer>,
    all: HashMap<u128, Topic>,
    /// By the position of their tables: where to look for those that a changed record can concern.
    tables: Vec<Interests>,
    hasher: RandomState,
    /// Those who were told something in the last step.
    told: Vec<u128>,
}

struct Topic {
    followed: Arc<Followed>,
    events: Sender<Event>,
    /// Keeps the events going while nobody hears them: who comes before the query is forgotten hears them again.
    _open: InactiveReceiver<Event>,
}

/// A value of an attribute, hashed.
type Term = (usize, u64);

/// Who is interested in the changes of a table.
#[derive(Default)]
struct Interests {
    /// Queries by an equality that their records meet.
    by_term: HashMap<Term, Vec<u128>>,
    /// The attributes that have such equalities, by their positions.
    attributes: Vec<usize>,
    /// Queries that every change has to be held against.
    scanned: Vec<u128>,
    /// Queries that look at this table, or at others from it.
    looking: Vec<u128>,
}

fn note_attribute(attributes: &mut Vec<usize>, (attribute, _): Term) {
    if !attributes.contains(&attribute) {
        attributes.push(attribute);
    }
}

impl Interest for Topics {
    fn of(&self, table: TableId) -> Interesting<'_> {
        let interests = &self.tables[table.0];
        if !interests.scanned.is_empty() || !interests.looking.is_empty() {
            Interesting::All
        } else if interests.by_term.is_empty() {
            Interesting::Nothing
        } else {
            Interesting::By(&interests.attributes)
        }
    }

    fn is_wanted(&self, table: TableId, attribute: usize, value: &Value) -> bool {
        self.by_value(table, attribute, value).next().is_some()
    }
}

impl Topics {
    /// Topics over the tables of a renderer.
    pub(super) fn new(renderer: Arc<Renderer>) -> Self {
        let tables = renderer.schema().tables.iter().map(|_| Interests::default()).collect();
        Self { renderer, all: HashMap::new(), tables, hasher: RandomState::new(), told: Vec::new() }
    }

    /// The tables, and how their records are written.
    pub(super) fn renderer(&self) -> &Arc<Renderer> {
        &self.renderer
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes part in what is told to those who follow a query, from the next step on.
    pub(super) fn join(&mut self, followed: &Arc<Followed>) -> Receiver<Event> {
        let vacant = match self.all.entry(followed.identity()) {
            Entry::Occupied(known) => return known.get().events.new_receiver(),
            Entry::Vacant(vacant) => vacant,
        };
        let (mut events, receiver) = broadcast(limits::WAITING_STEPS);
        events.set_overflow(true);
        vacant.insert(Topic { followed: Arc::clone(followed), events, _open: receiver.clone().deactivate() });
        self.note(followed);
        receiver
    }

    fn note(&mut self, followed: &Followed) {
        let identity = followed.identity();
        if followed.looks_further() {
            for (at, interests) in self.tables.iter_mut().enumerate() {
                if followed.depends_on(TableId(at)) {
                    interests.looking.push(identity);
                }
            }
            return;
        }
        let interests = &mut self.tables[followed.query().table.0];
        match keys(&self.hasher, followed) {
            None => interests.scanned.push(identity),
            Some(keys) => {
                for term in keys {
                    interests.by_term.entry(term).or_default().push(identity);
                    note_attribute(&mut interests.attributes, term);
                }
            }
        }
    }

    /// Forgets the queries that nobody follows any more.
    pub(super) fn prune(&mut self) {
        let before = self.all.len();
        self.all.retain(|_, topic| topic.events.receiver_count() > 0);
        if self.all.len() < before {
            self.tables.iter_mut().for_each(|interests| interests.keep_only(&self.all));
        }
    }

    /// Tells everybody to read the state anew whom changes of these tables can concern.
    pub(super) fn reset(&self, tables: &[TableId]) {
        let concerned = |topic: &&Topic| tables.iter().any(|table| topic.followed.depends_on(*table));
        self.all.values().filter(concerned).for_each(|topic| topic.tell(Event::Reset));
    }

    /// Tells everybody to read the state anew.
    pub(super) fn reset_all(&self) {
        self.all.values().for_each(|topic| topic.tell(Event::Reset));
    }

    /// Tells everybody what a step of the log, which ends at `seq`, means for them.
    pub(super) fn tell(&mut self, reader: &Reader, alterations: &Alterations, seq: u64) {
        self.told.clear();
        for (identity, altered) in self.concerned(alterations) {
            let Some(topic) = self.all.get(&identity) else { continue };
            let views = Views::new(reader, &self.renderer, alterations);
            topic.tell_messages(topic.followed.told(&views, altered.into_iter()), seq);
            self.told.push(identity);
        }
        for identity in self.looking(alterations) {
            let Some(topic) = self.all.get(&identity) else { continue };
            // One query that takes long leaves the others their time.
            reader.renew_deadline();
            let views = Views::new(reader, &self.renderer, alterations);
            topic.tell_messages(topic.followed.told_of_all(&views, alterations), seq);
            self.told.push(identity);
        }
    }

    /// Whether somebody has much left to hear of what was told last. Who reads slowly hears nevertheless: it is the
    /// processors that are behind.
    pub(super) fn are_behind(&self) -> bool {
        let waiting = |identity| self.all.get(identity).map_or(0, |topic: &Topic| topic.events.len());
        self.told.iter().any(|identity| waiting(identity) > limits::WAITING_STEPS / 2)
    }

    /// The queries that look at no other table, and which changed records can concern each.
    fn concerned<'s>(&self, alterations: &'s Alterations) -> HashMap<u128, Vec<&'s Altered>> {
        let mut concerned: HashMap<u128, Vec<&Altered>> = HashMap::new();
        let mut add = |identity: u128, altered: &'s Altered| {
            let all = concerned.entry(identity).or_default();
            if all.last().is_none_or(|last| !std::ptr::eq(*last, altered)) {
                all.push(altered);
            }
        };
        for altered in alterations.iter() {
            let interests = &self.tables[altered.table.0];
            interests.scanned.iter().for_each(|identity| add(*identity, altered));
            for at in &interests.attributes {
                for state in [&altered.before, &altered.after].into_iter().flatten() {
                    let known = self.by_value(altered.table, *at, &state.values[*at]);
                    known.flatten().for_each(|identity| add(*identity, altered));
                }
            }
        }
        concerned
    }

    /// The queries with an equality that an attribute with this value meets.
    fn by_value(&self, table: TableId, attribute: usize, value: &Value) -> impl Iterator<Item = &Vec<u128>> {
        let declared = self.renderer.schema().table(table);
        // The key stands as it is, also where it has several parts.
        let values = match declared.key.0 == attribute {
            true => vec![value.clone()],
            false => terms(&declared.attributes[attribute], value),
        };
        let by_term = &self.tables[table.0].by_term;
        values.into_iter().filter_map(move |value| by_term.get(&(attribute, hashed(&self.hasher, &value)?)))
    }

    fn looking(&self, alterations: &Alterations) -> Vec<u128> {
        let mut looking: Vec<u128> = Vec::new();
        for (at, interests) in self.tables.iter().enumerate() {
            if !interests.looking.is_empty() && alterations.of(TableId(at)).next().is_some() {
                looking.extend(&interests.looking);
            }
        }
        looking.sort_unstable();
        looking.dedup();
        looking
    }
}

impl Interests {
    /// Forgets those who are not there any more.
    fn keep_only(&mut self, all: &HashMap<u128, Topic>) {
        self.scanned.retain(|identity| all.contains_key(identity));
        self.looking.retain(|identity| all.contains_key(identity));
        self.attributes.clear();
        self.by_term.retain(|term, identities| {
            identities.retain(|identity| all.contains_key(identity));
            let followed = !identities.is_empty();
            if followed {
                note_attribute(&mut self.attributes, *term);
            }
            followed
        });
    }
}

impl Topic {
    fn tell_messages(&self, messages: Result<Vec<Message>, FollowError>, seq: u64) {
        match messages.map(|messages| Batch::new(messages, seq)) {
            Ok(None) => {}
            Ok(Some(batch)) if batch.messages.len() > limits::WAITING_MESSAGES => self.tell(Event::Reset),
            Ok(Some(batch)) if batch.bytes() > limits::WAITING_BYTES => self.tell(Event::Reset),
            Ok(Some(batch)) => self.tell(Event::Step(Arc::new(batch))),
            Err(error) => {
                tracing::debug!(%error, "subscribers read their state anew");
                self.tell(Event::Reset);
            }
        }
    }

    fn tell(&self, event: Event) {
        match self.events.try_broadcast(event) {
            // Nobody listens any more; it is forgotten soon.
            Ok(_) | Err(TrySendError::Inactive(_) | TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => unreachable!("the oldest event makes room"),
        }
    }
}

/// The equalities of which every record meets one that meets the query's conditions; `None` if they have no such.
fn keys(hasher: &RandomState, followed: &Followed) -> Option<Vec<Term>> {
    let query = followed.query();
    let mut keys = of_filter(hasher, followed.renderer().schema(), query.table, &query.filter)?;
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

fn of_filter(hasher: &RandomState, schema: &Schema, table: TableId, filter: &Filter) -> Option<Vec<Term>> {
    let declared = schema.table(table);
    match filter {
        Filter::Key(key) => Some(vec![(declared.key.0, hashed(hasher, key)?)]),
        Filter::Is(condition) if !condition.negated && has_terms(declared.attribute(condition.attribute)) => {
            // The key of several parts is looked for as a whole.
            if condition.attribute == declared.key && declared.key().list {
                return None;
            }
            let values = match &condition.test {
                Test::Equal(value) => std::slice::from_ref(value),
                Test::In { values, null: false } => values,
                _ => return None,
            };
            values.iter().map(|value| Some((condition.attribute.0, hashed(hasher, value)?))).collect()
        }
        Filter::Is(_) | Filter::Inside(_) | Filter::Related { .. } => None,
        Filter::All(parts) => {
            parts.iter().filter_map(|part| of_filter(hasher, schema, table, part)).min_by_key(Vec::len)
        }
        Filter::Any(parts) => {
            let all: Option<Vec<Vec<Term>>> = parts.iter().map(|part| of_filter(hasher, schema, table, part)).collect();
            Some(all?.concat())
        }
    }
}

/// Equal values have equal hashes; others may have too.
fn hashed(hasher: &RandomState, value: &Value) -> Option<u64> {
    Some(match value {
        Value::Bool(flag) => hasher.hash_one(i64::from(*flag)),
        Value::Int(number) => hasher.hash_one(number),
        Value::Text(text) | Value::List(text) | Value::Json(text) => hasher.hash_one(text.as_str()),
        Value::Null | Value::Float(_) | Value::Bytes(_) => return None,
    })
}
