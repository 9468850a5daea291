//! The writer: one thread owns the only writing connection. It takes the commits that wait, carries each out in a
//! savepoint of one transaction, pays one fsync for all, and answers them (group commit).
//!
//! A commit of many independent writes (an import) gives way: it is carried out in slices, each a transaction of its own
//! that ends when others wait, and takes turns with them.
//!
//! Trap: after a failure that rolls back the whole transaction (disk full, I/O error), a later `SAVEPOINT … RELEASE` would
//! commit by itself, while the earlier commits of the group are gone. So after every failure the transaction is looked
//! for; if it is gone, nobody is answered and the group runs again, one commit at a time.

use super::doing::{self, Did, Doing};
use super::file::{self, OpenError, Opened};
use super::migrate::{MigrateError, Mode, migrate};
use super::refusal;
use super::requests::{self, Kept};
use super::retention;
use super::sweeper::Sweeper;
use super::told::Told;
use super::value::Param;
use crate::catalog::Catalog;
use crate::commit::{Commit, Committed, Outcome, Reason, Rejected, Write};
use crate::limits;
use crate::sql::{self, Moment, Step};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{self, Duration, SystemTime, UNIX_EPOCH};
use stoa_schema::model::{Schema, Table};
use stoa_schema::time::Instant;
use tokio::sync::oneshot;

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// One of its writes is forbidden.
    #[error("write {} was rejected: {:?}", .0.index, .0.reason)]
    Rejected(Rejected),
    /// Its idempotency key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    Mismatch,
    /// Too many others wait.
    #[error("too many writes are waiting")]
    Busy,
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// libSQL failed: the disk is full, the file is damaged. Nothing was written.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
    /// The primary cannot be reached. Nothing was written.
    #[error("the primary cannot be reached; nothing was written")]
    Unreachable,
    /// The primary was asked and did not answer: what was asked may have been written.
    #[error("the primary did not answer; the write may have happened")]
    Unconfirmed,
    /// The primary's tables are not those of this schema. Nothing was written.
    #[error("the primary has the tables of another schema; nothing was written")]
    Outdated,
    /// It is more than a primary takes at once. Nothing was written.
    #[error(
        "a commit through a region may have {} writes, and 5 MB of JSON to show if it has an Idempotency-Key",
        limits::COMMIT_WRITES
    )]
    TooLarge,
    /// The primary refuses for a reason that is none of the schema's. Nothing was written.
    #[error("the primary refuses: {0}")]
    Primary(String),
}

/// Why the change log was not trimmed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrimError {
    /// Too many others wait.
    #[error("too many writes are waiting")]
    Busy,
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// libSQL failed. All of it is there.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
}

enum Request {
    Commit(Commit, oneshot::Sender<Result<Committed, CommitError>>),
    Migrate(Schema, oneshot::Sender<Result<Arc<Catalog>, MigrateError>>),
    Trim(u64, oneshot::Sender<rusqlite::Result<Duration>>),
    Close(oneshot::Sender<()>),
}

/// The queue to the writer thread.
pub(super) struct Writer {
    queue: Sender<Request>,
}

impl Writer {
    /// Brings the file to the schema, then starts the thread.
    pub(super) fn start(
        opened: Opened,
        schema: Schema,
        told: Told,
        sweep: bool,
    ) -> Result<(Self, Arc<Catalog>), OpenError> {
        migrate(&opened.writing, &schema, Mode::Additive, &mut |_| {})?;
        let catalog = Arc::new(Catalog::new(schema));
        let (queue, requests) = bounded(limits::COMMIT_QUEUE);
        let mut thread = WriterThread {
            connection: opened.writing,
            revision: opened.revision,
            told,
            imports: VecDeque::new(),
            sweep,
            sweeper: Sweeper::new(&catalog.schema, sweep),
            _lock: opened.lock,
        };
        let work = move || {
            let close = thread.run(&requests);
            // The lock goes first: whoever has closed a store can open it again.
            drop(thread);
            _ = close.map(|answer| answer.send(()));
        };
        let started = std::thread::Builder::new().name("stoa-writer".into()).spawn(work);
        started.map_err(|source| OpenError::Folder { folder: opened.path, source })?;
        Ok((Self { queue }, catalog))
    }

    pub(super) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Request::Commit(commit, answer)).map_err(|error| match error {
            TrySendError::Full(_) => CommitError::Busy,
            TrySendError::Disconnected(_) => CommitError::Closed,
        })?;
        answered.await.unwrap_or(Err(CommitError::Closed))
    }

    pub(super) async fn migrate(&self, schema: Schema) -> Result<Arc<Catalog>, MigrateError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Request::Migrate(schema, answer)).map_err(|_| MigrateError::Closed)?;
        answered.await.unwrap_or(Err(MigrateError::Closed))
    }

    /// How many wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// For having the change log trimmed.
    pub(super) fn trimmer(&self) -> Trimmer {
        Trimmer { queue: self.queue.clone() }
    }

    pub(super) async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        let mut request = Request::Close(answer);
        // The queue is bounded and is being emptied: there is room soon.
        while let Err(TrySendError::Full(back)) = self.queue.try_send(request) {
            request = back;
            tokio::task::yield_now().await;
        }
        _ = answered.await;
    }
}

/// The same queue, for what goes from the change log.
pub(super) struct Trimmer {
    queue: Sender<Request>,
}

impl Trimmer {
    /// Has the changes up to a position deleted, and blocks until they are; how long the writer worked on it.
    pub(super) fn trim(&self, through: u64) -> Result<Duration, TrimError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Request::Trim(through, answer)).map_err(|error| match error {
            TrySendError::Full(_) => TrimError::Busy,
            TrySendError::Disconnected(_) => TrimError::Closed,
        })?;
        answered.blocking_recv().map_err(|_| TrimError::Closed)?.map_err(TrimError::Database)
    }
}

type Waiting = (Commit, oneshot::Sender<Result<Committed, CommitError>>);

/// A commit of independent writes, under way.
struct Import {
    waiting: Waiting,
    /// Of the writes that were carried out.
    outcomes: Vec<Outcome>,
}

struct WriterThread {
    connection: Connection,
    /// The last revision given; each commit gets a greater one.
    revision: i64,
    told: Told,
    /// Those under way, in turn.
    imports: VecDeque<Import>,
    /// Whether what has expired is taken away.
    sweep: bool,
    sweeper: Sweeper,
    /// Held as long as the file is open.
    _lock: std::fs::File,
}

impl WriterThread {
    /// Works until nobody can ask any more, or until it is closed: then, whom to tell.
    fn run(&mut self, requests: &Receiver<Request>) -> Option<oneshot::Sender<()>> {
        loop {
            let Ok(mut next) = self.next(requests) else { break };
            while let Some(request) = next.take() {
                match request {
                    Request::Commit(commit, answer) if gives_way(&commit) => {
                        let waiting = (commit, answer);
                        self.imports.push_back(Import { waiting, outcomes: Vec::new() });
                    }
                    Request::Commit(commit, answer) => {
                        let (group, other) = gather((commit, answer), requests);
                        self.group(group);
                        next = other;
                    }
                    Request::Migrate(schema, answer) => {
                        let done = migrate(&self.connection, &schema, Mode::Additive, &mut |_| {});
                        if done.is_ok() {
                            self.sweeper = Sweeper::new(&schema, self.sweep);
                        }
                        _ = answer.send(done.map(|_| Arc::new(Catalog::new(schema))));
                    }
                    Request::Trim(through, answer) => _ = answer.send(self.trim(through)),
                    Request::Close(answer) => {
                        self.finish_imports();
                        self.checkpoint();
                        return Some(answer);
                    }
                }
            }
            if let Some(import) = self.imports.pop_front() {
                self.slice(import, &|| !requests.is_empty());
            }
            if let Err(error) = self.take_away_expired() {
                tracing::warn!(%error, "what has expired was not taken away; it stays invisible");
            }
        }
        self.finish_imports();
        self.checkpoint();
        None
    }

    /// The next request; none if there is other work meanwhile. An error says that nobody can ask any more.
    fn next(&self, requests: &Receiver<Request>) -> Result<Option<Request>, ()> {
        let next = match self.sleep() {
            None => return requests.recv().map(Some).map_err(|_| ()),
            Some(Duration::ZERO) => requests.try_recv().map_err(|error| error.is_disconnected()),
            Some(sleep) => requests.recv_timeout(sleep).map_err(|error| error.is_disconnected()),
        };
        match next {
            Ok(request) => Ok(Some(request)),
            Err(false) => Ok(None),
            Err(true) => Err(()),
        }
    }

    /// How long there is nothing to do but to wait for requests; `None`: until there is one.
    fn sleep(&self) -> Option<Duration> {
        if self.imports.is_empty() { self.sweeper.sleeps() } else { Some(Duration::ZERO) }
    }

    fn take_away_expired(&mut self) -> rusqlite::Result<()> {
        let due = self.sweeper.due(&self.connection)?;
        if due.is_empty() {
            return Ok(());
        }
        let (more, _) = self.transact(|writer| {
            let mut more = false;
            for sql in &due {
                more |= writer.connection.prepare_cached(sql)?.execute([])? >= limits::SWEPT_ROWS;
            }
            Ok(more)
        })?;
        if more {
            self.sweeper.again();
        }
        Ok(())
    }

    /// Deletes the oldest changes. The log tells which revisions were given, so the last of them is noted beside it.
    fn trim(&mut self, through: u64) -> rusqlite::Result<Duration> {
        let began = time::Instant::now();
        self.transact(|writer| {
            let through = i64::try_from(through).unwrap_or(i64::MAX);
            writer.connection.prepare_cached(retention::DELETE)?.execute([through])?;
            file::set_meta(&writer.connection, file::REVISION, &writer.revision.to_string())
        })?;
        Ok(began.elapsed())
    }

    /// Commits that were taken are carried out, also when the store closes.
    fn finish_imports(&mut self) {
        while let Some(import) = self.imports.pop_front() {
            self.slice(import, &|| false);
        }
    }

    /// Carries out a slice of an import: all that remains of it, or what could be done before others had waited long enough.
    fn slice(&mut self, mut import: Import, others_wait: &dyn Fn() -> bool) {
        let done = self.transact(|writer| {
            let (commit, _) = &import.waiting;
            let began = time::Instant::now();
            for (at, write) in commit.writes.iter().enumerate().skip(import.outcomes.len()) {
                if at % limits::WRITES_BETWEEN_LOOKS == 0 && others_wait() && began.elapsed() >= limits::IMPORT_SLICE {
                    break;
                }
                let moment = writer.moment();
                import.outcomes.push(match carry_out(&writer.connection, commit, at, write, moment) {
                    Ok(outcome) => outcome,
                    // What changes rows is one statement, which undid itself.
                    Err(Failure::Reason(reason)) => Outcome::Refused(reason),
                    Err(Failure::Database(error)) => return Err(error),
                });
            }
            Ok(())
        });
        match done {
            Err(error) => _ = import.waiting.1.send(Err(CommitError::Database(error))),
            Ok(_) if import.outcomes.len() < import.waiting.0.writes.len() => self.imports.push_back(import),
            Ok(((), seq)) => {
                _ = import.waiting.1.send(Ok(Committed { seq, outcomes: import.outcomes, replayed: false }))
            }
        }
    }

    /// Leaves a file without a write-ahead log behind.
    fn checkpoint(&self) {
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log stays beside the database; it is read at the next start");
        }
    }

    fn group(&mut self, group: Vec<Waiting>) {
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        self.told.meters.group_commits.observe(group.len() as f64);
        match self.transaction(&group) {
            Ok(outcomes) => answer(group, outcomes),
            Err(error) if group.len() == 1 => answer(group, vec![Err(CommitError::Database(error))]),
            Err(error) => {
                tracing::warn!(%error, commits = group.len(), "a group of commits failed; each is tried alone");
                for waiting in group {
                    let alone = vec![waiting];
                    match self.transaction(&alone) {
                        Ok(outcomes) => answer(alone, outcomes),
                        Err(error) => answer(alone, vec![Err(CommitError::Database(error))]),
                    }
                }
            }
        }
    }

    /// Carries out the group in one transaction. An error means that nothing of it happened.
    fn transaction(&mut self, group: &[Waiting]) -> rusqlite::Result<Vec<Result<Committed, CommitError>>> {
        let (mut outcomes, seq) = self.transact(|writer| writer.carry_out(group))?;
        for committed in outcomes.iter_mut().flatten() {
            committed.seq = seq;
        }
        Ok(outcomes)
    }

    /// Runs `work` in a transaction; with what it returns comes the position of the change log that includes it. An error
    /// means that nothing of it happened.
    fn transact<T>(&mut self, work: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> rusqlite::Result<(T, u64)> {
        run_kept(&self.connection, "BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|done| {
            let seq = self.last_seq()?;
            self.told.position.prepare(seq);
            let began = time::Instant::now();
            run_kept(&self.connection, "COMMIT")?;
            self.told.meters.sync_seconds.observe(began.elapsed().as_secs_f64());
            Ok((done, seq))
        });
        match &done {
            Ok((_, seq)) => self.told.committed(&self.connection, *seq),
            Err(_) => {
                self.told.position.forget_prepared();
                if !self.connection.is_autocommit() {
                    run_kept(&self.connection, "ROLLBACK")?;
                }
            }
        }
        done
    }

    fn carry_out(&mut self, group: &[Waiting]) -> rusqlite::Result<Vec<Result<Committed, CommitError>>> {
        let mut outcomes = Vec::with_capacity(group.len());
        for (commit, _) in group {
            let moment = self.moment();
            let outcome = one(&self.connection, commit, moment, group.len() == 1);
            if self.connection.is_autocommit() {
                // The transaction is gone, and with it the commits before this one.
                return Err(match outcome {
                    Err(CommitError::Database(error)) => error,
                    _ => rusqlite::Error::InvalidQuery,
                });
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn moment(&mut self) -> Moment {
        next_moment(&mut self.revision)
    }

    fn last_seq(&self) -> rusqlite::Result<u64> {
        let mut statement = self.connection.prepare_cached("SELECT coalesce(max(seq),0) FROM _changes")?;
        let seq: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(seq.unsigned_abs())
    }
}

/// Now; its revision is greater than the last one, which it becomes.
pub(super) fn next_moment(last: &mut i64) -> Moment {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX / 2);
    *last = micros.max(*last + 1);
    let at = Instant::from_millis(micros / 1_000).or(Instant::from_millis(0));
    Moment { revision: *last, at: at.unwrap_or_else(|| unreachable!("1970 is between the years 0 and 9999")) }
}

/// The commits that wait already, up to the bounds of a group; a request of another kind ends it and is handed back.
fn gather(first: Waiting, requests: &Receiver<Request>) -> (Vec<Waiting>, Option<Request>) {
    let mut writes = first.0.writes.len();
    let mut group = vec![first];
    while group.len() < limits::GROUP_COMMITS && writes < limits::GROUP_WRITES {
        match requests.try_recv() {
            Ok(Request::Commit(commit, answer)) if joins(&commit, writes) => {
                writes += commit.writes.len();
                group.push((commit, answer));
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => break,
        }
    }
    (group, None)
}

/// Whether a commit is carried out in slices.
fn gives_way(commit: &Commit) -> bool {
    commit.independent
}

/// Whether a commit has room in a group of so many writes.
fn joins(commit: &Commit, writes: usize) -> bool {
    !gives_way(commit) && writes + commit.writes.len() <= limits::GROUP_WRITES
}

fn answer(group: Vec<Waiting>, outcomes: Vec<Result<Committed, CommitError>>) {
    for ((_, answer), outcome) in group.into_iter().zip(outcomes) {
        // Whoever asked may be gone; the commit stands.
        _ = answer.send(outcome);
    }
}

/// Carries out one commit inside the open transaction; when it fails, nothing of it remains. Without others in the
/// transaction that needs no savepoint, which would keep a copy of every page it changes.
pub(super) fn one(
    connection: &Connection,
    commit: &Commit,
    moment: Moment,
    sole: bool,
) -> Result<Committed, CommitError> {
    let database = CommitError::Database;
    // A single statement undoes itself when it fails.
    let single = commit.writes.len() == 1 && commit.once.is_none() && commit.request.is_none();
    let (before, failed, after): (&[_], &[_], &[_]) = match (single, sole) {
        (true, _) => (&[], &[], &[]),
        (false, true) => (&[], &["ROLLBACK", "BEGIN IMMEDIATE"], &[]),
        (false, false) => (&["SAVEPOINT one"], &["ROLLBACK TO one"], &["RELEASE one"]),
    };
    run_all(connection, before).map_err(database)?;
    let done = requested(connection, commit, moment);
    if !connection.is_autocommit() {
        run_all(connection, if done.is_err() { failed } else { &[] }).map_err(database)?;
        run_all(connection, after).map_err(database)?;
    }
    done
}

fn run_all(connection: &Connection, statements: &[&str]) -> rusqlite::Result<()> {
    statements.iter().try_for_each(|sql| run_kept(connection, sql))
}

/// Runs a statement without parameters, which is kept prepared.
pub(super) fn run_kept(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// What a commit did, now or when its key was first used.
fn requested(connection: &Connection, commit: &Commit, moment: Moment) -> Result<Committed, CommitError> {
    let database = CommitError::Database;
    let Some(request) = &commit.request else {
        return writes(connection, commit, moment).map(|outcomes| Committed { seq: 0, outcomes, replayed: false });
    };
    match requests::kept(connection, commit, request, moment).map_err(database)? {
        Kept::Outcomes(outcomes) => Ok(Committed { seq: 0, outcomes, replayed: true }),
        Kept::Another => Err(CommitError::Mismatch),
        Kept::Nothing => {
            let outcomes = writes(connection, commit, moment)?;
            requests::keep(connection, commit, request, &outcomes, moment).map_err(database)?;
            Ok(Committed { seq: 0, outcomes, replayed: false })
        }
    }
}

fn writes(connection: &Connection, commit: &Commit, moment: Moment) -> Result<Vec<Outcome>, CommitError> {
    if let Some(once) = &commit.once {
        if file::meta(connection, once).map_err(CommitError::Database)?.is_some() {
            return Ok(vec![Outcome::Kept; commit.writes.len()]);
        }
        file::set_meta(connection, once, "done").map_err(CommitError::Database)?;
    }
    let mut outcomes = Vec::with_capacity(commit.writes.len());
    for (index, write) in commit.writes.iter().enumerate() {
        let write = referring(commit, index, write, &outcomes);
        outcomes.push(match carry_out(connection, commit, index, &write, moment) {
            Ok(outcome) => outcome,
            Err(Failure::Reason(reason)) => return Err(CommitError::Rejected(Rejected { index, reason })),
            Err(Failure::Database(error)) => return Err(CommitError::Database(error)),
        });
    }
    Ok(outcomes)
}

/// A write with the ids of records that earlier ones stored.
fn referring<'w>(commit: &Commit, index: usize, write: &'w Write, outcomes: &[Outcome]) -> Cow<'w, Write> {
    let mut write = Cow::Borrowed(write);
    let first = commit.references.partition_point(|reference| reference.write < index);
    let all = commit.references.get(first..).unwrap_or_default();
    for reference in all.iter().take_while(|reference| reference.write == index) {
        let made = commit.writes.get(reference.made_by).map(|made| commit.catalog.table(made.table).key);
        if let (Some(Outcome::Stored { record, .. }), Some(key)) = (outcomes.get(reference.made_by), made) {
            write.to_mut().kind.set(reference.attribute, record[key.0].clone());
        }
    }
    write
}

/// Why a write failed.
pub(super) enum Failure {
    Reason(Reason),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Carries out the write at a position of a commit.
pub(super) fn carry_out(
    connection: &Connection,
    commit: &Commit,
    index: usize,
    write: &Write,
    moment: Moment,
) -> Result<Outcome, Failure> {
    let attempt = || steps(connection, &commit.catalog, write, moment);
    let refused = refusal::Refused { connection, commit, index, write, moment };
    if !write.unmatched.is_empty() {
        return Err(refused.broken(&attempt));
    }
    attempt().map_err(|failure| refused.reason(failure, &attempt))
}

fn steps(connection: &Connection, catalog: &Catalog, write: &Write, moment: Moment) -> Result<Outcome, Failure> {
    let table = catalog.table(write.table);
    let mut doing = Doing::new(table, write, moment);
    for step in sql::steps(catalog, write, moment) {
        if doing.is_done_without(step.wanted) {
            continue;
        }
        let did = run(connection, table, &step)?;
        doing.take(step.wanted, step.params, did).map_err(Failure::Reason)?;
    }
    Ok(doing.outcome())
}

fn run(connection: &Connection, table: &Table, step: &Step<'_>) -> rusqlite::Result<Did> {
    let mut statement = connection.prepare_cached(&step.sql)?;
    let params = params_from_iter(step.params.iter().map(Param));
    if !doing::returns(step.wanted, table) {
        let rows = statement.execute(params)? as u64;
        return Ok(Did::Wrote { rows, rowid: connection.last_insert_rowid() });
    }
    let columns = statement.column_count();
    let mut rows = statement.query(params)?;
    let Some(row) = rows.next()? else { return Ok(Did::Returned(None)) };
    let cells: Vec<ValueRef<'_>> = (0..columns).map(|at| row.get_ref(at)).collect::<rusqlite::Result<_>>()?;
    let record = doing::record(table, cells.into_iter());
    // The statement has done its work only when it has run to its end.
    while rows.next()?.is_some() {}
    Ok(Did::Returned(record))
}
