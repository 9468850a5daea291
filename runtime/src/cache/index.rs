//! Which answers a change concerns, and which are being read.

use super::entry::{Entry, NOWHERE};
use super::filling::Filling;
use super::watch::Watch;
use crate::interests::{Interests, Terms};
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stoa_schema::model::{Schema, TableId};
use stoa_schema::value::Value;
use stoa_sync::store::{Altered, Interesting};

/// A watch of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watched {
    slot: u32,
    watch: u32,
}

/// Whose watches these are.
#[derive(Clone)]
pub(super) enum Owner {
    /// An answer that is being read.
    Filling(Arc<Filling>),
    /// One that is there.
    Resident(Arc<Entry>),
}

impl Owner {
    /// Something has changed on which it depends.
    pub(super) fn make_stale(&self) {
        match self {
            Self::Filling(filling) => filling.make_stale(),
            Self::Resident(entry) => entry.make_stale(),
        }
    }
}

struct Slot {
    owner: Owner,
    watches: Vec<Watch>,
}

/// All answers that are kept or being read, by what they depend on.
pub(super) struct Index {
    slots: Slab<Slot>,
    tables: Vec<Interests<Watched>>,
    /// Those that are being read, by their place in the cache.
    pub(super) filling: HashMap<u64, Arc<Filling>>,
    /// Room for those that a change concerns.
    concerned: Vec<u32>,
}

impl Index {
    pub(super) fn new(tables: usize) -> Self {
        let tables = (0..tables).map(|_| Interests::default()).collect();
        Self { slots: Slab::new(), tables, filling: HashMap::new(), concerned: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Which changes of a table matter to some answer.
    pub(super) fn interesting(&self, table: TableId) -> Interesting<'_> {
        self.tables[table.0].interesting()
    }

    /// Whether changes of records with this value matter to some answer.
    pub(super) fn is_wanted(&self, terms: &Terms, schema: &Schema, table: TableId, at: usize, value: &Value) -> bool {
        self.tables[table.0].is_wanted(terms, schema.table(table), at, value)
    }

    /// Puts an answer down under what it depends on; its slot.
    pub(super) fn enter(&mut self, owner: Owner, watches: Vec<Watch>) -> u32 {
        let slot = self.slots.vacant_key();
        let slot = u32::try_from(slot).unwrap_or_else(|_| unreachable!("so many answers have no room in memory"));
        self.note(slot, &watches);
        self.slots.insert(Slot { owner, watches });
        slot
    }

    /// An answer that was being read is there, and depends on less.
    pub(super) fn settle(&mut self, slot: u32, entry: &Arc<Entry>, watches: Vec<Watch>) {
        self.forget(slot);
        self.note(slot, &watches);
        entry.slot.store(slot, Ordering::Relaxed);
        if let Some(known) = self.slots.get_mut(slot as usize) {
            *known = Slot { owner: Owner::Resident(Arc::clone(entry)), watches };
        }
    }

    /// Puts another answer in the place of one, which depends on the same.
    pub(super) fn renew(&mut self, slot: u32, entry: &Arc<Entry>) {
        if let Some(known) = self.slots.get_mut(slot as usize) {
            known.owner = Owner::Resident(Arc::clone(entry));
        }
    }

    /// Forgets an answer that is not kept any more.
    pub(super) fn leave(&mut self, entry: &Arc<Entry>) {
        let slot = entry.slot.load(Ordering::Relaxed);
        if slot == NOWHERE {
            return;
        }
        let owner = self.slots.get(slot as usize).map(|slot| &slot.owner);
        if matches!(owner, Some(Owner::Resident(known)) if Arc::ptr_eq(known, entry)) {
            // Whoever still holds it must not put it back: no change finds it any more.
            entry.make_stale();
            self.remove(slot);
        }
    }

    /// Whose slot it is.
    pub(super) fn owner(&self, slot: u32) -> Option<Owner> {
        self.slots.get(slot as usize).map(|slot| slot.owner.clone())
    }

    /// Takes an answer out.
    pub(super) fn remove(&mut self, slot: u32) {
        self.forget(slot);
        self.slots.try_remove(slot as usize);
    }

    /// The slots of all answers, or of those that look at some of these tables.
    pub(super) fn all(&self, tables: Option<&[TableId]>) -> Vec<u32> {
        let looks =
            |watches: &[Watch]| tables.is_none_or(|tables| watches.iter().any(|watch| tables.contains(&watch.table)));
        let all = self.slots.iter().filter(|(_, slot)| looks(&slot.watches));
        all.filter_map(|(slot, _)| u32::try_from(slot).ok()).collect()
    }

    /// Shows the slots and owners of the answers that a change concerns.
    pub(super) fn concerned(
        &mut self,
        terms: &Terms,
        schema: &Schema,
        altered: &Altered,
        found: &mut dyn FnMut(&mut Self, u32, Owner),
    ) {
        let mut concerned = std::mem::take(&mut self.concerned);
        let interests = &self.tables[altered.table.0];
        let declared = schema.table(altered.table);
        for state in [&altered.before, &altered.after].into_iter().flatten() {
            interests.concerned(terms, declared, &state.values, &mut |place| {
                let watch = self.slots.get(place.slot as usize).and_then(|slot| slot.watches.get(place.watch as usize));
                if watch.is_some_and(|watch| watch.concerns(schema, altered)) {
                    concerned.push(place.slot);
                }
            });
        }
        concerned.sort_unstable();
        concerned.dedup();
        for slot in concerned.drain(..) {
            if let Some(owner) = self.owner(slot) {
                found(self, slot, owner);
            }
        }
        self.concerned = concerned;
    }

    fn note(&mut self, slot: u32, watches: &[Watch]) {
        for (watch, at) in watches.iter().zip(0..) {
            self.tables[watch.table.0].add(&watch.lead, Watched { slot, watch: at });
        }
    }

    fn forget(&mut self, slot: u32) {
        let Some(known) = self.slots.get(slot as usize) else { return };
        for (watch, at) in known.watches.iter().zip(0..) {
            self.tables[watch.table.0].remove(&watch.lead, Watched { slot, watch: at });
        }
    }
}
