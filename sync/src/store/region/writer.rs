//! The writer of a region: commits that wait go to the primary together, as one batch in one round trip, some batches at a
//! time. A batch whose answer is lost is sent again; it says of itself what was done.
//!
//! Whoever asked is answered when what was written can be read here, or after [`limits::CAUGHT_UP_WAIT`]: never with an error
//! after a commit. What the primary refuses is tried out here, when the replica is as far as the refusal, to say why: see `reason`.

use super::batch::{self, Answer, Became, Unit};
use super::{Region, filling, migrate};
use crate::catalog::Catalog;
use crate::commit::{Commit, Committed, Outcome};
use crate::limits;
use crate::primary::SendError;
use crate::store::migrate::{MigrateError, Mode};
use crate::store::sweeper::Sweeper;
use crate::store::writer::{self, CommitError, TrimError};
use crate::store::{file, reader};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stoa_schema::model::Schema;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use uuid::Uuid;

/// A commit that was accepted.
struct Waiting {
    commit: Commit,
    asker: Asker,
}

/// Who waits for what becomes of a commit. It counts as unanswered as long as this lives.
struct Asker {
    answer: oneshot::Sender<Result<Committed, CommitError>>,
    _unanswered: Unanswered,
}

impl Asker {
    fn tell(self, result: Result<Committed, CommitError>) {
        // Whoever asked may be gone; the commit stands.
        _ = self.answer.send(result);
    }
}

/// One of the commits that were accepted and are not answered yet.
struct Unanswered(watch::Sender<usize>);

impl Unanswered {
    fn count(all: &watch::Sender<usize>) -> Self {
        all.send_modify(|count| *count += 1);
        Self(all.clone())
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The queue to the primary.
pub(in crate::store) struct RegionWriter {
    queue: mpsc::Sender<Waiting>,
    closing: watch::Sender<bool>,
    unanswered: watch::Sender<usize>,
    sender: Arc<Sender>,
    filler: filling::Filler,
}

impl RegionWriter {
    /// Starts it on the runtime that this is called on.
    pub(in crate::store) fn start(
        region: Arc<Region>,
        filler: filling::Filler,
        catalog: &Catalog,
        revision: i64,
        sweep: bool,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(limits::COMMIT_QUEUE);
        let in_flight = Arc::new(Semaphore::new(PARTS as usize));
        let sweeper = Mutex::new(Sweeper::new(&catalog.schema, sweep));
        let unanswered = watch::Sender::new(0);
        let sender = Arc::new(Sender {
            region,
            in_flight,
            unanswered: unanswered.clone(),
            took_us: AtomicU64::new(0),
            revision: Mutex::new(revision),
            sweeper,
            sweep,
            expecting: tokio::sync::Mutex::default(),
        });
        let closing = watch::Sender::new(false);
        tokio::spawn(Arc::clone(&sender).run(waiting));
        tokio::spawn(Arc::clone(&sender).tidy(closing.subscribe()));
        Self { queue, closing, unanswered, sender, filler }
    }

    pub(in crate::store) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        if *self.closing.borrow() {
            return Err(CommitError::Closed);
        }
        if !commit.independent && commit.writes.len() > limits::COMMIT_WRITES {
            return Err(CommitError::TooLarge);
        }
        if let Some(done) = self.sender.done_once(&commit) {
            return Ok(done);
        }
        let (answer, answered) = oneshot::channel();
        let asker = Asker { answer, _unanswered: Unanswered::count(&self.unanswered) };
        self.queue.try_send(Waiting { commit, asker }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Closed,
        })?;
        answered.await.unwrap_or(Err(CommitError::Closed))
    }

    pub(in crate::store) async fn migrate(&self, schema: Schema) -> Result<Arc<Catalog>, MigrateError> {
        self.sender.region.serve(&schema)?;
        migrate::migrate(&self.sender.region, &schema, Mode::Additive, &mut |_| {}).await?;
        *self.sender.sweeper.lock().unwrap_or_else(PoisonError::into_inner) = Sweeper::new(&schema, self.sender.sweep);
        Ok(Arc::new(Catalog::new(schema)))
    }

    pub(in crate::store) fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    pub(in crate::store) fn region(&self) -> &Arc<Region> {
        &self.sender.region
    }

    /// For having the change log trimmed, on a thread that may block.
    pub(in crate::store) fn trimmer(&self) -> impl Fn(u64) -> Result<Duration, TrimError> + Send + use<> {
        let (sender, runtime) = (Arc::clone(&self.sender), tokio::runtime::Handle::current());
        move |through| runtime.block_on(sender.trim(through))
    }

    /// Waits until every commit that was accepted is answered, and lets no other in.
    pub(in crate::store) async fn close(&self) {
        self.closing.send_replace(true);
        _ = self.unanswered.subscribe().wait_for(|count| *count == 0).await;
        self.filler.close().await;
    }
}

/// A place among the batches that are under way.
type Place = OwnedSemaphorePermit;

/// The whole that batches under way share: each takes as many parts as leave room for those that may go beside it.
const PARTS: u32 = 12;

/// What sends batches.
pub(super) struct Sender {
    pub(super) region: Arc<Region>,
    in_flight: Arc<Semaphore>,
    unanswered: watch::Sender<usize>,
    /// How long the last batch took to be answered, in microseconds.
    took_us: AtomicU64,
    /// The last revision given.
    pub(super) revision: Mutex<i64>,
    pub(super) sweeper: Mutex<Sweeper>,
    sweep: bool,
    /// Whose turn it is to expect which records are made.
    expecting: tokio::sync::Mutex<()>,
}

impl Sender {
    async fn run(self: Arc<Self>, mut waiting: mpsc::Receiver<Waiting>) {
        let mut held = None;
        loop {
            let first = match held.take() {
                Some(first) => first,
                None => match waiting.recv().await {
                    Some(first) => first,
                    None => return,
                },
            };
            if first.commit.independent {
                // It takes its turns like the others, a slice at a time.
                tokio::spawn(Arc::clone(&self).import(first));
                continue;
            }
            let Ok(place) = self.place().await else { return };
            let (group, other) = self.gather(first, &mut waiting).await;
            held = other;
            tokio::spawn(Arc::clone(&self).group(group, place));
        }
    }

    /// How many batches may be under way.
    fn most_in_flight(&self) -> u32 {
        let fit = self.region.pulse.distance().as_micros() / limits::BATCH_BUSY.as_micros();
        u32::try_from(fit).unwrap_or(u32::MAX).saturating_add(1).min(limits::BATCHES_IN_FLIGHT)
    }

    /// Waits for a place among the batches that are under way.
    async fn place(&self) -> Result<Place, AcquireError> {
        Arc::clone(&self.in_flight).acquire_many_owned(PARTS / self.most_in_flight()).await
    }

    /// The commits that go together: those that wait, up to the bounds of a batch and their share of what is under way; one that
    /// does not go with the others is handed back. When others are under way, the share is waited for: those whose answers
    /// came together come back together, and would find the first of them gone with their place.
    async fn gather(&self, first: Waiting, waiting: &mut mpsc::Receiver<Waiting>) -> (Vec<Waiting>, Option<Waiting>) {
        let share = self.unanswered.borrow().div_ceil(self.most_in_flight() as usize).min(limits::BATCH_COMMITS);
        let patience = Duration::from_micros(self.took_us.load(Ordering::Relaxed)) / limits::BATCH_PATIENCE;
        let until = tokio::time::Instant::now() + patience.min(limits::BATCH_BUSY);
        let (mut writes, mut bytes) = (first.commit.writes.len(), whole(&first.commit));
        let mut group = vec![first];
        while group.len() < share && writes < limits::BATCH_WRITES && bytes < limits::BATCH_BYTES {
            let Ok(Some(next)) = tokio::time::timeout_at(until, waiting.recv()).await else { break };
            let (more, larger) = (next.commit.writes.len(), whole(&next.commit));
            let fits = writes + more <= limits::BATCH_WRITES && bytes + larger <= limits::BATCH_BYTES;
            if next.commit.independent || !fits {
                return (group, Some(next));
            }
            writes += more;
            bytes += larger;
            group.push(next);
        }
        (group, None)
    }

    async fn group(self: Arc<Self>, group: Vec<Waiting>, under_way: Place) {
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        self.region.told.meters.group_commits.observe(group.len() as f64);
        let mut answers = HashMap::with_capacity(group.len());
        let mut units = Vec::with_capacity(group.len());
        for Waiting { commit, asker } in group {
            let unit = self.unit(Arc::new(commit), None);
            answers.insert(unit.id, asker);
            units.push(unit);
        }
        // Those that are under way at the same time have no order. Side by side, those of one kind can be carried out together.
        units.sort_by_key(batch::kind);
        let answers = Mutex::new(answers);
        let tell = move |unit: &Unit, result: Result<Committed, CommitError>| {
            let asker = answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit.id);
            if let Some(asker) = asker {
                asker.tell(result);
            }
        };
        self.carry_out(units, Some(under_way), Arc::new(tell)).await;
    }

    /// A commit with a name that stands here already needs no primary.
    fn done_once(&self, commit: &Commit) -> Option<Committed> {
        let name = commit.once.as_ref()?;
        let reader = reader::connect_alone(self.region.files.load().path()).ok()?;
        file::meta(reader.connection(), name).ok()??;
        let outcomes = vec![Outcome::Kept; commit.writes.len()];
        Some(Committed { seq: self.region.told.position.reached(), outcomes, replayed: false })
    }

    fn unit(&self, commit: Arc<Commit>, one: Option<usize>) -> Unit {
        let writes = one.map_or(0..commit.writes.len(), |at| at..at + 1);
        let moment = writer::next_moment(&mut self.revision.lock().unwrap_or_else(PoisonError::into_inner));
        Unit { commit, writes, id: Uuid::now_v7(), moment, sent_before: false, made: Vec::new() }
    }

    /// Writes that stand each for itself, in slices; what became of each is told when all are done.
    async fn import(self: Arc<Self>, Waiting { commit, asker }: Waiting) {
        let commit = Arc::new(commit);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(commit.writes.len());
        let mut last = 0;
        while outcomes.len() < commit.writes.len() {
            let begin = outcomes.len();
            let end = (begin + slice(&commit, begin)).min(commit.writes.len());
            let units: Vec<Unit> = (begin..end).map(|at| self.unit(Arc::clone(&commit), Some(at))).collect();
            let results = Arc::new(Mutex::new(HashMap::with_capacity(units.len())));
            let told = Arc::clone(&results);
            let tell = move |unit: &Unit, result: Result<Committed, CommitError>| {
                told.lock().unwrap_or_else(PoisonError::into_inner).insert(unit.writes.start, result);
            };
            let Ok(place) = self.place().await else { return };
            Arc::clone(&self).carry_out(units, Some(place), Arc::new(tell)).await;
            let mut results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
            for at in begin..end {
                match results.remove(&at).unwrap_or(Err(CommitError::Closed)) {
                    Ok(committed) => {
                        last = last.max(committed.seq);
                        outcomes.extend(committed.outcomes.into_iter().next());
                    }
                    Err(CommitError::Rejected(rejected)) => outcomes.push(Outcome::Refused(rejected.reason)),
                    Err(error) => {
                        asker.tell(Err(error));
                        return;
                    }
                }
            }
        }
        asker.tell(Ok(Committed { seq: last, outcomes, replayed: false }));
    }

    /// Sends units until each is judged, and tells what became of it. Their place among those under way is free for others as
    /// soon as nothing of them is to be sent any more.
    fn carry_out(
        self: Arc<Self>,
        units: Vec<Unit>,
        under_way: Option<Place>,
        tell: Arc<Tell>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.judge_all(units, under_way, tell))
    }

    async fn judge_all(self: Arc<Self>, mut units: Vec<Unit>, mut under_way: Option<Place>, tell: Arc<Tell>) {
        let began = Instant::now();
        let mut tries = 0;
        // Of those that expect which record they make, one batch at a time does.
        let expects = units.iter().any(|unit| !unit.commit.references.is_empty());
        let alone = if expects { Some(self.expecting.lock().await) } else { None };
        let bytes: usize = units.iter().map(|unit| batch::bytes(&unit.commit, unit.writes.clone())).sum();
        let mut shown = bytes <= limits::BATCH_SHOWN_BYTES && units.iter().any(|unit| unit.commit.shown);
        while !units.is_empty() {
            if !self.try_what_must_be(&mut units, &tell).await {
                continue;
            }
            match self.send(&mut units, shown, began).await {
                Ok(Answer::Judged { seq, units: became }) => {
                    let (done, refused) = judged(&units, became, &tell);
                    if refused.is_empty() {
                        under_way.take();
                    }
                    self.answer(done, seq, &tell).await;
                    tries += 1;
                    units = self.explain(refused, seq, tries, &tell).await;
                }
                Ok(Answer::Outdated) if began.elapsed() > limits::WRITE_DEADLINE => {
                    return units.iter().for_each(|unit| tell(unit, Err(CommitError::Outdated)));
                }
                Ok(Answer::Outdated) => tokio::time::sleep(limits::SEND_AGAIN).await,
                // What is stored is more than the primary shows; it is read here.
                Err(Unsent::Refused(detail)) if shown && detail.contains("Response is too large") => shown = false,
                // Others write: it is nobody's fault.
                Ok(Answer::Failed(detail)) if is_locked(&detail) && began.elapsed() < limits::WRITE_DEADLINE => {
                    tokio::time::sleep(limits::LOCKED_AGAIN.mul_f64(fraction())).await;
                }
                Ok(Answer::Failed(detail)) if units.len() == 1 => {
                    tracing::warn!(detail, "the primary refuses a commit");
                    return units.iter().for_each(|unit| tell(unit, Err(CommitError::Primary(detail.clone()))));
                }
                Ok(Answer::Failed(detail)) => {
                    tracing::warn!(detail, commits = units.len(), "a batch failed; each commit is tried alone");
                    drop(alone);
                    for unit in units {
                        Arc::clone(&self).carry_out(vec![unit], None, Arc::clone(&tell)).await;
                    }
                    return;
                }
                Err(error) => return units.iter().for_each(|unit| tell(unit, Err(error.again()))),
            }
        }
    }

    /// Sends units as one batch, again and again until the primary has answered or the time is over.
    pub(super) async fn send(&self, units: &mut [Unit], shown: bool, began: Instant) -> Result<Answer, Unsent> {
        let region = &self.region;
        let mut may_have_happened = units.iter().any(|unit| unit.sent_before);
        loop {
            let Some(shape) = region.shape.load_full() else {
                if began.elapsed() > limits::SEND_AGAIN * 5 {
                    return Err(Unsent::Outdated);
                }
                tokio::time::sleep(limits::SEND_AGAIN).await;
                continue;
            };
            let (batch, composed) = batch::compose(&shape, units, shown);
            let sent = Instant::now();
            let error = match region.asking.batch(batch, limits::BATCH_WAIT).await {
                Ok(result) => {
                    let took = sent.elapsed();
                    region.told.meters.sync_seconds.observe(took.as_secs_f64());
                    self.took_us.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
                    return Ok(composed.read(units, &result));
                }
                Err(error) => error,
            };
            match &error {
                SendError::Refused(detail) => return Err(Unsent::Refused(detail.clone())),
                SendError::NotSent(_) => {}
                SendError::Unanswered(_) => {
                    may_have_happened = true;
                    units.iter_mut().for_each(|unit| unit.sent_before = true);
                }
            }
            // Where the primary is known to be away, nobody is kept waiting for it.
            let patience =
                if region.pulse.is_away() { limits::PULSE } else { limits::WRITE_DEADLINE - limits::BATCH_WAIT };
            if began.elapsed() > patience {
                if region.pulse.is_away() {
                    tracing::debug!(%error, "a batch was not answered");
                } else {
                    tracing::warn!(%error, "the primary answers, but not to writes; if it goes on, restart it (docs/deploy.md)");
                }
                return Err(if may_have_happened { Unsent::Unconfirmed } else { Unsent::Unreachable });
            }
            tokio::time::sleep(limits::SEND_AGAIN).await;
        }
    }

    /// Tells what was done when it can be read here.
    async fn answer(&self, done: Vec<Done>, seq: u64, tell: &Arc<Tell>) {
        if done.is_empty() {
            return;
        }
        let all_told = done.iter().all(|done| done.outcomes.is_some());
        let wait = if all_told { limits::CAUGHT_UP_WAIT } else { limits::WRITE_DEADLINE };
        let is_reached = self.is_reached(seq, wait).await;
        if !is_reached {
            tracing::debug!(seq, "a write is answered before it can be read here");
        }
        for Done { unit, outcomes, replayed } in done {
            let outcomes = match outcomes {
                Some(outcomes) => Ok(outcomes),
                None if is_reached => self.logged_here(unit.clone()).await,
                None => Err(CommitError::Unconfirmed),
            };
            tell(&unit, outcomes.map(|outcomes| Committed { seq, outcomes, replayed }));
        }
    }

    async fn logged_here(&self, unit: Unit) -> Result<Vec<Outcome>, CommitError> {
        let files = self.region.files.load_full();
        let read = move || batch::logged_here(reader::connect_alone(files.path())?.connection(), &unit);
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read.map_err(CommitError::Database),
            Err(_) => Err(CommitError::Closed),
        }
    }

    pub(super) async fn is_reached(&self, seq: u64, wait: Duration) -> bool {
        self.region.told.position.is_reached_within(seq, wait).await
    }
}

/// Between 0 and 1, so that regions do not do the same at the same time.
pub(super) fn fraction() -> f64 {
    f64::from(Uuid::new_v4().as_bytes()[0]) / 256.0
}

fn is_locked(detail: &str) -> bool {
    detail.contains("database is locked") || detail.contains("SQLITE_BUSY")
}

pub(super) type Tell = dyn Fn(&Unit, Result<Committed, CommitError>) + Send + Sync;

/// Why units were not judged.
pub(super) enum Unsent {
    Unreachable,
    Unconfirmed,
    Outdated,
    Refused(String),
}

impl Unsent {
    pub(super) fn again(&self) -> CommitError {
        match self {
            Self::Unreachable => CommitError::Unreachable,
            Self::Unconfirmed => CommitError::Unconfirmed,
            Self::Outdated => CommitError::Outdated,
            Self::Refused(detail) => CommitError::Primary(detail.clone()),
        }
    }
}

/// What was carried out.
struct Done {
    unit: Unit,
    /// `None`: it is to be read here.
    outcomes: Option<Vec<Outcome>>,
    replayed: bool,
}

fn judged(units: &[Unit], became: Vec<Became>, tell: &Arc<Tell>) -> (Vec<Done>, Vec<(Unit, String)>) {
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for (unit, became) in units.iter().zip(became) {
        let unit = unit.clone();
        match became {
            Became::Done(outcomes) => done.push(Done { unit, outcomes, replayed: false }),
            Became::Replayed(outcomes) => done.push(Done { unit, outcomes: Some(outcomes), replayed: true }),
            Became::Refused(detail) => refused.push((unit, detail)),
            Became::Mismatch => tell(&unit, Err(CommitError::Mismatch)),
        }
    }
    (done, refused)
}

fn whole(commit: &Commit) -> usize {
    batch::bytes(commit, 0..commit.writes.len())
}

/// How many writes of an import go together.
fn slice(commit: &Commit, begin: usize) -> usize {
    let (mut count, mut bytes) = (0, 0);
    while count < limits::BATCH_WRITES && bytes < limits::BATCH_BYTES && begin + count < commit.writes.len() {
        bytes += batch::bytes(commit, begin + count..begin + count + 1);
        count += 1;
    }
    count
}
