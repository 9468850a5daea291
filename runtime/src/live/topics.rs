//! The distinct queries that are followed now, and which of them a changed record can concern.

use super::followed::{Followed, Views};
use super::message::{Batch, Message};
use crate::data::format::Renderer;
use crate::interests::{Interests, Lead, Terms};
use crate::limits;
use async_broadcast::{InactiveReceiver, Receiver, Sender, TrySendError, broadcast};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use stoa_schema::model::TableId;
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
    tables: Vec<Watching>,
    terms: Terms,
    /// Those who were told something in the last step.
    told: Vec<u128>,
}

struct Topic {
    followed: Arc<Followed>,
    events: Sender<Event>,
    /// Keeps the events going while nobody hears them: who comes before the query is forgotten hears them again.
    _open: InactiveReceiver<Event>,
}

/// Who is interested in the changes of a table.
#[derive(Default)]
struct Watching {
    /// Queries that look at no other table, by what their records have in common.
    near: Interests<u128>,
    /// Queries that look at this table, or at others from it.
    looking: Vec<u128>,
}

impl Interest for Topics {
    fn of(&self, table: TableId) -> Interesting<'_> {
        let watching = &self.tables[table.0];
        if watching.looking.is_empty() { watching.near.interesting() } else { Interesting::All }
    }

    fn is_wanted(&self, table: TableId, attribute: usize, value: &Value) -> bool {
        let declared = self.renderer.schema().table(table);
        self.tables[table.0].near.is_wanted(&self.terms, declared, attribute, value)
    }
}

impl Topics {
    /// Topics over the tables of a renderer.
    pub(super) fn new(renderer: Arc<Renderer>) -> Self {
        let tables = renderer.schema().tables.iter().map(|_| Watching::default()).collect();
        Self { renderer, all: HashMap::new(), tables, terms: Terms::default(), told: Vec::new() }
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
            for (at, watching) in self.tables.iter_mut().enumerate() {
                if followed.depends_on(TableId(at)) {
                    watching.looking.push(identity);
                }
            }
            return;
        }
        let lead = self.lead(followed);
        self.tables[followed.query().table.0].near.add(&lead, identity);
    }

    fn lead(&self, followed: &Followed) -> Lead {
        let query = followed.query();
        Lead::of(&self.terms, self.renderer.schema(), query.table, &query.filter)
    }

    /// Forgets the queries that nobody follows any more.
    pub(super) fn prune(&mut self) {
        let left: Vec<u128> =
            self.all.iter().filter(|(_, topic)| topic.events.receiver_count() == 0).map(|(it, _)| *it).collect();
        for identity in left {
            let Some(topic) = self.all.remove(&identity) else { continue };
            if topic.followed.looks_further() {
                self.tables.iter_mut().for_each(|watching| watching.looking.retain(|known| *known != identity));
            } else {
                let lead = self.lead(&topic.followed);
                self.tables[topic.followed.query().table.0].near.remove(&lead, identity);
            }
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
            let near = &self.tables[altered.table.0].near;
            let table = self.renderer.schema().table(altered.table);
            for state in [&altered.before, &altered.after].into_iter().flatten() {
                near.concerned(&self.terms, table, &state.values, &mut |identity| add(identity, altered));
            }
        }
        concerned
    }

    fn looking(&self, alterations: &Alterations) -> Vec<u128> {
        let mut looking: Vec<u128> = Vec::new();
        for (at, watching) in self.tables.iter().enumerate() {
            if !watching.looking.is_empty() && alterations.of(TableId(at)).next().is_some() {
                looking.extend(&watching.looking);
            }
        }
        looking.sort_unstable();
        looking.dedup();
        looking
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
