//! The owner of a region's replica: a thread that alone writes the file, with the frames that the primary pushes.
//!
//! Frames become visible at the end of a transaction. Before that the turn is taken (nobody tries out a write meanwhile) and
//! whoever reads is told that there may be something to wait for; after it the witness hears what has changed, and the
//! position moves.
//!
//! A filling that cannot be gone on with (the primary's log is another one, the file is damaged) is replaced: another one is
//! filled beside it while it is still read, and takes its place when it is as far as the primary. Then reads go on from it.
//! Only if the primary has lost what was read here do they go back, and everybody is told ([`Told::begun_anew`]).

use super::folder::{Filling, Folder};
use super::{Begun, Facts, Region};
use crate::limits;
use crate::primary::{Applied, Connection, Feed, FeedError};
use crate::store::files::Files;
use crate::store::reader::{self, ReadError, Reader};
use crate::store::told::Told;
use libsql_replication::replicator::Replicator;
use rusqlite::{Connection as Database, OptionalExtension};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stoa_schema::value::Value;
use tokio::sync::{OwnedMutexGuard, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Bytes of the database that one frame carries.
pub const FRAME_BYTES: u64 = 4_096;

/// How far the first filling of a region is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The primary is not there yet, for this reason.
    Waiting(String),
    /// So many frames of so many are here.
    Filling {
        /// Those that are here.
        frames: u64,
        /// Those that the primary had at the beginning.
        of: u64,
    },
}

/// The thread that fills a replica, as long as this lives.
pub(in crate::store) struct Filler {
    stop: mpsc::Sender<oneshot::Sender<()>>,
}

impl Filler {
    pub(super) fn start(region: Arc<Region>, begun: Begun) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || runtime.block_on(fill(&region, begun, stopped));
        std::thread::Builder::new().name("stoa-replica".into()).spawn(work)?;
        Ok(Self { stop })
    }

    /// Ends it between two transactions.
    pub(in crate::store) async fn close(&self) {
        let (done, when_done) = oneshot::channel();
        if self.stop.send(done).await.is_ok() {
            _ = when_done.await;
        }
    }
}

async fn fill(region: &Arc<Region>, begun: Begun, mut stopped: mpsc::Receiver<oneshot::Sender<()>>) {
    let pulse = tokio::spawn(beat(Arc::clone(region)));
    let current = Arc::new(Mutex::new(begun.filling));
    let filling = tokio::spawn(follow(Arc::clone(region), Arc::clone(&current), begun.is_doubtful));
    let done = stopped.recv().await;
    // No transaction becomes visible from here on.
    let turn = tokio::time::timeout(limits::CAUGHT_UP_WAIT, region.trial.turn()).await;
    filling.abort();
    pulse.abort();
    _ = filling.await;
    _ = pulse.await;
    let filling = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let (Ok(_), Err(error)) = (turn, filling.mark_closed()) {
        tracing::warn!(%error, "the replica is checked at the next start");
    }
    _ = done.map(|done| done.send(()));
}

/// Asks the primary where it stands, again and again.
async fn beat(region: Arc<Region>) {
    loop {
        let asked = Instant::now();
        let question = super::batch::rows(super::batch::POSITION);
        match super::ask_within(&region.asking, vec![question], limits::PULSE_WAIT).await {
            Ok(answer) => {
                let seq = super::number(&answer).unwrap_or_default().unsigned_abs();
                region.pulse.beats(asked, seq, &region.told.position).await;
            }
            Err(error) => region.pulse.misses(&error),
        }
        tokio::time::sleep(limits::PULSE.saturating_sub(asked.elapsed())).await;
    }
}

/// Fills what is current, for ever; replaces it when it cannot be filled further.
async fn follow(region: Arc<Region>, current: Arc<Mutex<Filling>>, is_doubtful: bool) {
    let mut pause = Pause::default();
    let mut replace = is_doubtful;
    loop {
        let filling = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if replace {
            match another(&region, &filling).await {
                Ok(next) => {
                    *current.lock().unwrap_or_else(PoisonError::into_inner) = next;
                    pause = Pause::default();
                    replace = false;
                }
                Err(error) => {
                    pause.tell(&error, "the replica is not filled anew yet");
                    pause.rest().await;
                }
            }
            continue;
        }
        let began = Instant::now();
        let error = Running::start(apply(Arc::clone(&region), filling.clone())).ended().await;
        if began.elapsed() > limits::FEED_AGAIN.1 * 2 {
            pause = Pause::default();
        }
        match error {
            FeedError::AnotherLog => {
                tracing::warn!(
                    "the primary has begun another log: the replica is filled anew beside the one that is read"
                );
                replace = true;
                continue;
            }
            // All of it is read once, not at every try: most likely the disk is full.
            error @ FeedError::Replica(_) => {
                if !pause.is_told
                    && let Err(damage) = filling.check()
                {
                    tracing::error!(damage, "the replica is damaged: it is filled anew");
                    replace = true;
                    continue;
                }
                pause.tell(&error, "the replica cannot be filled: it is read as it is, and tried again");
            }
            error @ (FeedError::Away(_) | FeedError::Refused(_)) => {
                pause.tell(&error, "the stream of changes from the primary broke; it is taken up again");
            }
        }
        pause.rest().await;
    }
}

/// A task of its own, so that a panic in the library that writes frames does not end the region. It ends with this.
struct Running(JoinHandle<FeedError>);

impl Running {
    fn start(work: impl Future<Output = FeedError> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Why it has ended.
    async fn ended(&mut self) -> FeedError {
        (&mut self.0).await.unwrap_or_else(|panicked| FeedError::Replica(panicked.to_string()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Fills the replica that is read until that fails.
async fn apply(region: Arc<Region>, filling: Filling) -> FeedError {
    let database = filling.database();
    let applying = match reader::connect_alone(&database) {
        Ok(tail) => Applying { region: Arc::clone(&region), tail, turn: None },
        Err(error) => return FeedError::Replica(error.to_string()),
    };
    match Feed::open(region.connection.clone(), &database, applying).await {
        Ok(feed) => {
            region.pulse.reached(feed.frame().unwrap_or_default());
            run(feed, &filling).await
        }
        Err(error) => error,
    }
}

async fn run<A: Applied + 'static>(feed: Feed<A>, filling: &Filling) -> FeedError {
    match Replicator::new_sqlite(feed, filling.database(), limits::CHECKPOINT_PAGES, None).await {
        Ok(mut replicator) => replicator.run().await.into(),
        Err(error) => error.into(),
    }
}

/// What hears of the frames of the replica that is read.
struct Applying {
    region: Arc<Region>,
    tail: Reader,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Applied for Applying {
    async fn begins(&mut self) {
        if self.turn.is_none() {
            self.turn = Some(self.region.trial.turn().await);
        }
        self.region.told.position.prepare(u64::MAX);
    }

    async fn reached(&mut self, frame: u64) {
        let connection = self.tail.connection();
        match self.tail.position() {
            Ok(seq) => {
                self.region.told.committed(connection, seq);
                self.region.look_at_log(connection, seq);
            }
            Err(error) => tracing::error!(%error, "the change log cannot be read"),
        }
        self.region.look_at_shape(connection);
        self.region.told.position.forget_prepared();
        self.region.pulse.reached(frame);
        self.turn = None;
    }

    fn gives_up(&mut self) {
        self.region.told.position.forget_prepared();
        self.turn = None;
    }
}

/// What hears of the frames of a replica that nobody reads yet, up to the one that it is to have.
struct Beside {
    target: u64,
    frames: watch::Sender<u64>,
}

impl Applied for Beside {
    async fn begins(&mut self) {}

    async fn reached(&mut self, frame: u64) {
        self.frames.send_replace(frame);
        if frame >= self.target {
            // Here it ends, between two transactions.
            std::future::pending::<()>().await;
        }
    }

    fn gives_up(&mut self) {}
}

/// Fills a replica up to where the primary is now.
async fn catch_up(
    filling: &Filling,
    connection: &Connection,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), FeedError> {
    let target = connection.clone().last_frame(limits::PULSE_WAIT).await?;
    let (frames, mut reached) = watch::channel(0);
    let feed = Feed::open(connection.clone(), &filling.database(), Beside { target, frames }).await?;
    if feed.frame().is_some_and(|frame| frame >= target) {
        return Ok(());
    }
    let filled = filling.clone();
    let mut running = Running::start(async move { run(feed, &filled).await });
    loop {
        let at_end = tokio::select! {
            error = running.ended() => return Err(error),
            // If the filling ends early, nobody tells any more: that is no end that was reached.
            reached = tokio::time::timeout(limits::PROGRESS_LOOK, reached.wait_for(|frame| *frame >= target)) => {
                reached.is_ok_and(|reached| reached.is_ok())
            }
        };
        progress(Progress::Filling { frames: *reached.borrow(), of: target });
        if at_end {
            return Ok(());
        }
    }
}

/// The first filling of a region, complete; waits for the primary as long as it takes.
pub(super) async fn fill_first(
    folder: &Folder,
    connection: &Connection,
    progress: &Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<Filling, FeedError> {
    let replica = |error: std::io::Error| FeedError::Replica(error.to_string());
    let mut filling = folder.next().map_err(replica)?;
    let mut pause = Pause::default();
    loop {
        match catch_up(&filling, connection, progress.as_ref()).await {
            Ok(()) => break,
            Err(FeedError::Away(detail)) => progress(Progress::Waiting(detail)),
            Err(FeedError::AnotherLog) => {
                filling.remove().map_err(replica)?;
                filling = folder.next().map_err(replica)?;
            }
            Err(error) => return Err(error),
        }
        pause.rest().await;
    }
    filling.mark_open().and_then(|()| filling.complete()).map_err(replica)?;
    Ok(filling)
}

/// Fills another replica beside the one that is read, and lets it take its place.
async fn another(region: &Arc<Region>, old: &Filling) -> Result<Filling, FeedError> {
    let replica = |error: &dyn std::fmt::Display| FeedError::Replica(error.to_string());
    let next = region.folder.next().map_err(|error| replica(&error))?;
    let filled = fill_beside(region, old, &next).await;
    if let Err(error) = filled {
        // What is half filled may be of another log by then.
        next.remove().map_err(|error| replica(&error))?;
        return Err(error);
    }
    next.mark_open().and_then(|()| next.complete()).map_err(|error| replica(&error))?;
    let turn = region.trial.turn().await;
    take_its_place(region, old, &next).map_err(|error| replica(&error))?;
    drop(turn);
    region.pulse.rebuilds.inc();
    if let Err(error) = old.remove() {
        tracing::warn!(%error, "the replica of before stays on the disk until the next start");
    }
    tracing::info!("the replica is filled anew");
    Ok(next)
}

async fn fill_beside(region: &Arc<Region>, old: &Filling, next: &Filling) -> Result<(), FeedError> {
    let database = |error: rusqlite::Error| FeedError::Replica(error.to_string());
    catch_up(next, &region.connection, &|_| {}).await?;
    let history = history(&old.database(), &next.database()).map_err(database)?;
    if let History::Rewritten { log } = history {
        // What clients hold of the history before must lead nowhere, in any region.
        let renamed = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
        let rename = "UPDATE _meta SET value=?1 WHERE key='log' AND value=?2";
        let rename = super::batch::statement(rename, &[Value::Text(renamed), Value::Text(log)]);
        super::ask(&region.asking, vec![rename]).await.map_err(|error| FeedError::Away(error.to_string()))?;
        catch_up(next, &region.connection, &|_| {}).await?;
    }
    Ok(())
}

fn take_its_place(region: &Region, old: &Filling, next: &Filling) -> Result<(), ReadError> {
    let is_same = matches!(history(&old.database(), &next.database()), Ok(History::Same));
    let tail = reader::connect_alone(&next.database())?;
    let facts = Facts::read(tail.connection())?;
    let files = Arc::new(Files::open(&next.database(), region.readers, &region.told.meters)?);
    let told: &Told = &region.told;
    if is_same && facts.log == **told.log.load() && facts.seq >= told.position.reached() {
        told.position.prepare(u64::MAX);
        region.files.store(files);
        told.committed(tail.connection(), facts.seq);
        told.position.forget_prepared();
    } else {
        tracing::warn!(
            "the primary has lost what was read here: reads go back to what it has, and who follows begins anew"
        );
        region.files.store(files);
        told.begun_anew(facts.log, facts.seq);
    }
    region.look_at_shape(tail.connection());
    Ok(())
}

/// How what a replica holds stands to what another one holds.
#[derive(Debug, PartialEq, Eq)]
enum History {
    /// What the old one has, the new one has too.
    Same,
    /// The new one is of another database, or does not say.
    Another,
    /// The new one goes by the name of the old one, and has other changes in the place of those that the old one has.
    Rewritten { log: String },
}

fn history(old: &std::path::Path, new: &std::path::Path) -> rusqlite::Result<History> {
    let (new, old) = (reader::connect_alone(new)?, reader::connect_alone(old));
    let Ok(old) = old else { return Ok(History::Another) };
    let (old, new) = (old.connection(), new.connection());
    let Ok(last) = change(old, None) else { return Ok(History::Another) };
    let log = crate::store::file::meta(new, "log")?.unwrap_or_default();
    if crate::store::file::meta(old, "log")?.as_ref() != Some(&log) {
        return Ok(History::Another);
    }
    let Some(last) = last else { return Ok(History::Same) };
    if change(new, Some(last.0))?.as_ref() == Some(&last) {
        return Ok(History::Same);
    }
    let begins: Option<i64> = new.query_row("SELECT min(seq) FROM _changes", [], |row| row.get(0))?;
    Ok(if begins.is_some_and(|begins| begins > last.0) { History::Another } else { History::Rewritten { log } })
}

type Change = (i64, String, rusqlite::types::Value, i64, i64);

/// The change at a position, or the last one.
fn change(database: &Database, seq: Option<i64>) -> rusqlite::Result<Option<Change>> {
    let sql = "SELECT seq,tbl,id,rev,op FROM _changes WHERE ?1 IS NULL OR seq=?1 ORDER BY seq DESC LIMIT 1";
    database.query_row(sql, [seq], |row| row.try_into()).optional()
}

/// Pauses that grow, so that a primary that comes back is not overrun.
pub(super) struct Pause {
    next: Duration,
    is_told: bool,
}

impl Default for Pause {
    fn default() -> Self {
        Self { next: limits::FEED_AGAIN.0, is_told: false }
    }
}

impl Pause {
    /// Says it once.
    fn tell(&mut self, error: &FeedError, what: &str) {
        if !std::mem::replace(&mut self.is_told, true) {
            tracing::warn!(%error, "{what}");
        }
    }

    pub(super) async fn rest(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(limits::FEED_AGAIN.1);
    }
}
