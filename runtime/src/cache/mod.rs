//! Answers that are kept: what was read once is sent again until a change makes it another.
//!
//! **Never stale.** The store lets the cache see every commit when it can be read, but before anybody is answered and before
//! the store's position moves ([`Cache::witness`]). An answer enters the index under what it depends on *before* it is read;
//! a change that concerns it makes it stale, while it is read as well. So whatever is fresh includes every position that
//! was reached when it was looked up:
//!
//! - a change that was witnessed before the answer entered the index was committed before the reading began;
//! - one that is witnessed later finds it there: what is kept and fresh is in the index, at any time.
//!
//! **Never backwards.** A reading may have seen a commit that is not witnessed yet, while another request still finds what was
//! kept before it. So it waits until the store has reached what it saw ([`Noted::seen`]) before it leaves.
//!
//! **Once.** Who asks what is just being read waits for that, unless a change has concerned it already.
//!
//! What there is room for, [`moka`] decides: what is asked often stays (TinyLFU), by the bytes that it takes.
//!
//! It knows no SQL and no HTTP. Modules stand in the order of their dependencies.

mod index;
mod filling;
mod watch;
mod entry;
mod asked;
mod counts;

pub use asked::Asked;
pub use counts::{Counted, Counts};
pub use entry::{Coded, Entry, Page};
pub use watch::Watches;

use crate::data::coding::Coding;
use crate::data::format::{Format, Renderer};
use crate::data::keys::{Noted, Noting};
use crate::data::whole::{Read, Whole};
use crate::interests::Terms;
use filling::{Filled, Filling};
use index::{Index, Owner};
use moka::notification::RemovalCause;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stoa_schema::model::TableId;
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::store::{Altered, FollowError, Interest, Interesting, ReadError, Step, Witnessed};
use xxhash_rust::xxh3::xxh3_64_with_seed;

type Kept = moka::sync::Cache<u64, Arc<Entry>, BuildHasherDefault<Hashed>>;

/// The hash of what is hashed already.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The answers over the tables of one renderer.
pub struct Cache {
    renderer: Arc<Renderer>,
    terms: Terms,
    /// `None` if nothing is kept.
    kept: Option<Kept>,
    index: Mutex<Index>,
    /// What there was no room for any more, to be taken out of the index.
    evicted: Arc<Mutex<Vec<Arc<Entry>>>>,
    counts: Arc<Counts>,
    closed: AtomicBool,
}

/// What is to be answered.
#[derive(Debug)]
pub enum Got<T> {
    /// This; and whether it was there already.
    Entry(Arc<Entry>, bool),
    /// There is no such record.
    Nothing,
    /// See [`Read::Own`].
    Own(T),
}

/// How a question is to be answered.
enum Begun {
    Known(Arc<Entry>),
    Filling(Participant),
    /// Without keeping it.
    Passing,
}

/// One who reads an answer or waits for it. When all have gone before it was there, it is forgotten.
struct Participant {
    cache: Arc<Cache>,
    filling: Arc<Filling>,
}

impl Drop for Participant {
    fn drop(&mut self) {
        if self.filling.participants.fetch_sub(1, Ordering::AcqRel) == 1 && !self.filling.filled.initialized() {
            let mut index = self.cache.locked();
            // Somebody may have come meanwhile.
            if self.filling.participants.load(Ordering::Acquire) == 0 {
                Cache::give_up(&mut index, &self.filling);
            }
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cache").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache of so many bytes, none if 0; `counts` goes on counting.
    pub fn new(renderer: Arc<Renderer>, bytes: u64, counts: Arc<Counts>) -> Arc<Self> {
        let evicted = Arc::new(Mutex::new(Vec::new()));
        let (gone, counting) = (Arc::clone(&evicted), Arc::clone(&counts));
        let listener = move |_: Arc<u64>, entry: Arc<Entry>, cause: RemovalCause| {
            if cause == RemovalCause::Size {
                counting.evicted();
            }
            gone.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        };
        let kept = (bytes > 0).then(|| {
            moka::sync::Cache::builder()
                .max_capacity(bytes)
                .weigher(|_, entry: &Arc<Entry>| u32::try_from(entry.bytes()).unwrap_or(u32::MAX))
                .eviction_listener(listener)
                .build_with_hasher(BuildHasherDefault::default())
        });
        let index = Mutex::new(Index::new(renderer.schema().tables.len()));
        Arc::new(Self {
            renderer,
            terms: Terms::default(),
            kept,
            index,
            evicted,
            counts,
            closed: AtomicBool::new(false),
        })
    }

    /// The bytes and the number of the answers that are kept.
    pub fn size(&self) -> (u64, u64) {
        self.kept.as_ref().map_or((0, 0), |kept| (kept.weighted_size(), kept.entry_count()))
    }

    /// How many bytes of answers it keeps.
    pub fn capacity(&self) -> u64 {
        self.kept.as_ref().and_then(|kept| kept.policy().max_capacity()).unwrap_or_default()
    }

    /// Says that it sees no commit any more: nothing of it is answered from here on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// How often answers were there.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// The answer, if it is there.
    pub fn find(&self, asked: &Asked<'_>) -> Option<Arc<Entry>> {
        let entry = self.kept.as_ref().filter(|_| !self.is_closed())?.get(&asked.hash())?;
        (entry.is_fresh() && entry.answers(asked) && !entry.is_long()).then_some(entry)
    }

    /// The answer: the one that is there, that another request is reading, or that `read` makes. It is kept if `keep` says so.
    ///
    /// # Errors
    /// As `read`; or the store did not reach in time what was seen.
    pub async fn fetch<T>(
        self: &Arc<Self>,
        store: &Store,
        asked: Asked<'_>,
        keep: bool,
        watches: impl FnOnce(&Terms) -> Watches,
        read: impl AsyncFnOnce(Noting) -> Result<(Read<T>, Noted), ReadError>,
    ) -> Result<Got<T>, ReadError> {
        let begun = if keep { self.begin(&asked, watches) } else { Begun::Passing };
        let participant = match begun {
            Begun::Known(entry) => return Ok(Got::Entry(entry, true)),
            Begun::Passing => return self.pass(store, asked, read).await,
            Begun::Filling(participant) => participant,
        };
        let (mut own, mut reading, filling) = (None, Some(read), &participant.filling);
        let filled = filling.filled.get_or_try_init(async || {
            let Some(read) = reading.take() else { return Err(ReadError::Closed) };
            self.counts.miss();
            let (done, noted) = read(filling.watches.noting(&self.terms)).await?;
            store.reached(noted.seen).await?;
            Ok(match done {
                Read::Whole(whole) => Filled::Entry(self.keep(filling, &asked, whole, noted)),
                Read::Nothing => {
                    Self::give_up(&mut self.locked(), filling);
                    Filled::Nothing
                }
                Read::Own(mine) => {
                    own = Some(mine);
                    self.note_long(filling, &asked);
                    Filled::Long
                }
            })
        });
        let filled = filled.await?.clone();
        match (filled, own, reading) {
            (_, Some(own), _) => Ok(Got::Own(own)),
            (Filled::Entry(entry), None, None) => Ok(Got::Entry(entry, false)),
            (Filled::Entry(entry), None, Some(_)) if entry.is_in_time() => {
                self.counts.waited();
                Ok(Got::Entry(entry, false))
            }
            // While it was read something that it shows has expired; or it is too long.
            (Filled::Entry(_) | Filled::Long, None, Some(read)) => self.pass(store, asked, read).await,
            (Filled::Nothing | Filled::Long, None, _) => Ok(Got::Nothing),
        }
    }

    /// Reads an answer that is not kept.
    async fn pass<T>(
        &self,
        store: &Store,
        asked: Asked<'_>,
        read: impl AsyncFnOnce(Noting) -> Result<(Read<T>, Noted), ReadError>,
    ) -> Result<Got<T>, ReadError> {
        self.counts.miss();
        let (done, noted) = read(Noting::default()).await?;
        store.reached(noted.seen).await?;
        Ok(match done {
            Read::Whole(whole) => {
                // It was too long before: the next one may be kept.
                self.forget_long(&asked);
                Got::Entry(Arc::new(Entry::new(&asked, whole, None)), false)
            }
            Read::Nothing => Got::Nothing,
            Read::Own(own) => Got::Own(own),
        })
    }

    fn begin(self: &Arc<Self>, asked: &Asked<'_>, watches: impl FnOnce(&Terms) -> Watches) -> Begun {
        let Some(kept) = self.kept.as_ref().filter(|_| !self.is_closed()) else { return Begun::Passing };
        let mut index = self.locked();
        self.take_out_evicted(&mut index);
        // It may have come since it was looked for.
        if let Some(entry) = kept.get(&asked.hash()).filter(|entry| entry.answers(asked)) {
            if entry.is_long() {
                return Begun::Passing;
            }
            if entry.is_fresh() {
                self.counts.hit();
                return Begun::Known(entry);
            }
        }
        let filling = match index.filling.get(&asked.hash()) {
            Some(known) if !known.answers(asked) => return Begun::Passing,
            Some(known) => Arc::clone(known),
            None => {
                let filling = Arc::new(Filling::new(asked, watches(&self.terms)));
                let slot = index.enter(Owner::Filling(Arc::clone(&filling)), filling.watches.pending.clone());
                filling.slot.store(slot, Ordering::Relaxed);
                index.filling.insert(asked.hash(), Arc::clone(&filling));
                filling
            }
        };
        filling.participants.fetch_add(1, Ordering::AcqRel);
        Begun::Filling(Participant { cache: Arc::clone(self), filling })
    }

    /// Keeps what was read, unless it is stale already.
    fn keep(&self, filling: &Arc<Filling>, asked: &Asked<'_>, whole: Whole, noted: Noted) -> Arc<Entry> {
        let watches = filling.watches.settle(self.renderer.schema(), noted.keys);
        let entry = Entry::new(asked, whole, noted.expires_at_ms).watched(&watches, filling.watches.look_at_expiring());
        let entry = Arc::new(entry);
        let mut index = self.locked();
        if filling.is_stale() {
            entry.make_stale();
        } else {
            index.settle(filling.slot.load(Ordering::Relaxed), &entry, watches);
            // Before it is out of those that are being read: whoever comes finds it here or there.
            self.insert(&entry);
            index.filling.remove(&filling.hash);
        }
        entry
    }

    /// Notes that an answer is too long to be kept: nobody waits for it any more. That depends on nothing.
    fn note_long(&self, filling: &Arc<Filling>, asked: &Asked<'_>) {
        let mut index = self.locked();
        Self::give_up(&mut index, filling);
        self.insert(&Arc::new(Entry::long(asked)));
    }

    fn forget_long(&self, asked: &Asked<'_>) {
        if let Some(kept) = &self.kept
            && kept.get(&asked.hash()).is_some_and(|entry| entry.is_long())
        {
            kept.invalidate(&asked.hash());
        }
    }

    fn insert(&self, entry: &Arc<Entry>) {
        if let Some(kept) = &self.kept {
            kept.insert(entry.hash(), Arc::clone(entry));
        }
    }

    /// What is being read is not kept.
    fn give_up(index: &mut Index, filling: &Arc<Filling>) {
        if index.filling.get(&filling.hash).is_some_and(|known| Arc::ptr_eq(known, filling)) {
            index.filling.remove(&filling.hash);
            index.remove(filling.slot.load(Ordering::Relaxed));
        }
    }

    fn take_out_evicted(&self, index: &mut Index) {
        let evicted = std::mem::take(&mut *self.evicted.lock().unwrap_or_else(PoisonError::into_inner));
        for entry in evicted {
            let there = self.kept.as_ref().and_then(|kept| kept.get(&entry.hash()));
            if !there.is_some_and(|there| Arc::ptr_eq(&there, &entry)) {
                index.leave(&entry);
            }
        }
    }

    /// The encoded body of an answer; what is asked for again is kept.
    ///
    /// # Errors
    /// There is no memory for it.
    pub async fn encoded(&self, entry: &Arc<Entry>, coding: Coding, again: bool) -> io::Result<Coded> {
        if let Some(known) = entry.known(coding) {
            return Ok(known.clone());
        }
        let coded = entry.encoded(coding).await?;
        if again && entry.keep(coding, coded.clone()) {
            // What is fresh while the index is locked is in it.
            let _index = self.locked();
            if entry.is_fresh() {
                // It weighs more now.
                self.insert(entry);
            }
        }
        Ok(coded)
    }

    /// Sees what a commit changed, before anybody is answered who could ask for it: what it concerns is stale from now on.
    pub fn witness(&self, seen: &Witnessed<'_>) {
        let Witnessed::Step(step) = seen else { return self.close() };
        // A bug here must not end the writer, and nobody may find what it has left as it was.
        if std::panic::catch_unwind(AssertUnwindSafe(|| self.see(step))).is_err() {
            tracing::error!("the cache panicked: no answer is kept");
            self.drop_all(None);
        }
    }

    fn see(&self, step: &Step<'_>) {
        let Some(interest) = self.interest() else { return };
        let catalog = self.renderer.catalog();
        let dropped = match step.alterations(catalog, &interest) {
            Ok(alterations) => self.alter(alterations.iter()),
            Err(FollowError::TooMuch) => self.drop_all(step.altered_tables(catalog).ok().as_deref()),
            Err(FollowError::Read(error)) => {
                tracing::warn!(%error, "the change log cannot be read: no answer is kept");
                self.drop_all(None)
            }
        };
        self.counts.dropped(dropped.len());
        if let Some(kept) = &self.kept {
            dropped.iter().for_each(|hash| kept.invalidate(hash));
        }
    }

    /// Which changes matter now; `None`: none. What enters the index from here on is read later than what is witnessed.
    fn interest(&self) -> Option<Wanted<'_>> {
        let mut index = self.locked();
        self.take_out_evicted(&mut index);
        if index.is_empty() {
            return None;
        }
        let tables = (0..self.renderer.schema().tables.len()).map(|at| match index.interesting(TableId(at)) {
            Interesting::Nothing => OfTable::Nothing,
            Interesting::All => OfTable::All,
            Interesting::By(attributes) => OfTable::By(attributes.to_vec()),
        });
        Some(Wanted { cache: self, tables: tables.collect() })
    }

    /// Makes stale what these changes concern, or renews it; the places of what is not there any more.
    fn alter<'a>(&self, alterations: impl Iterator<Item = &'a Altered>) -> Vec<u64> {
        let schema = self.renderer.schema();
        let (mut dropped, mut all_renewed) = (Vec::new(), Vec::new());
        let mut index = self.locked();
        for altered in alterations {
            index.concerned(&self.terms, schema, altered, &mut |index, slot, owner| {
                let Some(renewed) = self.renewed(&owner, altered) else {
                    dropped.extend(Self::make_stale(index, slot, &owner));
                    return;
                };
                owner.make_stale();
                index.renew(slot, &renewed);
                all_renewed.push(renewed);
            });
        }
        // Nobody may see one of them while another answer is still as it was. Who finds a stale one waits for the index.
        all_renewed.iter().for_each(|renewed| self.insert(renewed));
        self.counts.renewed(all_renewed.len());
        dropped
    }

    fn drop_all(&self, tables: Option<&[TableId]>) -> Vec<u64> {
        let mut index = self.locked();
        let all = index.all(tables);
        let stale = all.into_iter().filter_map(|slot| {
            let owner = index.owner(slot)?;
            Self::make_stale(&mut index, slot, &owner)
        });
        stale.collect()
    }

    /// Makes an answer stale and takes it out of the index; its place, if it is kept.
    fn make_stale(index: &mut Index, slot: u32, owner: &Owner) -> Option<u64> {
        owner.make_stale();
        match owner {
            Owner::Filling(filling) => {
                Self::give_up(index, filling);
                None
            }
            Owner::Resident(entry) => {
                index.remove(slot);
                Some(entry.hash())
            }
        }
    }

    /// A whole record as a change has made it: it is all in the change log.
    fn renewed(&self, owner: &Owner, altered: &Altered) -> Option<Arc<Entry>> {
        let (Owner::Resident(entry), Some(after)) = (owner, &altered.after) else { return None };
        if !entry.is_renewable() {
            return None;
        }
        let mut body = Vec::with_capacity(entry.body.len() + 32);
        self.renderer.values(Format::Json, altered.table, &after.values, None, &mut body);
        Some(Arc::new(entry.renewed(after.revision, body)))
    }

    fn locked(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which changes matter, as it was when the step began. The index is not locked while the log is read.
struct Wanted<'a> {
    cache: &'a Cache,
    tables: Vec<OfTable>,
}

enum OfTable {
    Nothing,
    All,
    By(Vec<usize>),
}

impl Interest for Wanted<'_> {
    fn of(&self, table: TableId) -> Interesting<'_> {
        match &self.tables[table.0] {
            OfTable::Nothing => Interesting::Nothing,
            OfTable::All => Interesting::All,
            OfTable::By(attributes) => Interesting::By(attributes),
        }
    }

    fn is_wanted(&self, table: TableId, attribute: usize, value: &Value) -> bool {
        self.cache.locked().is_wanted(&self.cache.terms, self.cache.renderer.schema(), table, attribute, value)
    }
}
