//! Readers: connections that see the last commit and never wait for the writer.
//!
//! Calls into libSQL block, so reads run on threads of their own; a point read may run where it is asked for. A reader's
//! statement is reset when its rows are dropped, on every path: a cursor left open would hold the connection at its
//! snapshot for ever. An answer that is streamed to a client keeps its thread: another takes its place in the pool.

use super::choice::Choices;
use super::meters::Meters;
use super::value::Param;
use crate::expiry;
use crate::limits;
use crate::row::Row;
use crate::sql::Plan;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use prometheus_client::metrics::gauge::Gauge;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, StatementStatus, params_from_iter};
use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stoa_schema::model::Table;
use stoa_schema::value::Value;
use tokio::sync::oneshot;

/// Why a read did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Too many others wait.
    #[error("too many reads are waiting")]
    Busy,
    /// It took too long.
    #[error("the read took longer than {} s", limits::READ_DEADLINE.as_secs())]
    Deadline,
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// libSQL failed.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::Deadline,
            _ => Self::Database(error),
        }
    }
}

/// Whether to go on with the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Yes.
    Continue,
    /// No.
    Stop,
}

/// A connection for reading, for the time of one piece of work.
pub struct Reader {
    connection: Connection,
    deadline: Arc<Deadline>,
    pool: Option<Arc<Pool>>,
    detached: std::cell::Cell<bool>,
    pub(super) choices: RefCell<Choices>,
}

/// One record of a plan's answer.
pub struct Record<'r> {
    row: &'r rusqlite::Row<'r>,
}

/// A stored value, where it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'r> {
    /// Absent.
    Null,
    /// An integer, or a Boolean as 0 or 1.
    Int(i64),
    /// A double.
    Real(f64),
    /// A text; or a list, a nested value or one of any type as JSON.
    Text(&'r str),
    /// Bytes.
    Blob(&'r [u8]),
}

impl<'r> From<&'r Value> for Cell<'r> {
    fn from(value: &'r Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Int(i64::from(*flag)),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Real(*number),
            Value::Text(text) | Value::List(text) | Value::Json(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Blob(bytes),
        }
    }
}

impl Cell<'_> {
    /// The value, copied; a truth value stays the integer it is stored as.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(number),
            Self::Real(number) => Value::Float(number),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Blob(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

impl Record<'_> {
    /// The record's revision.
    pub fn revision(&self) -> i64 {
        match self.cell(0) {
            Cell::Int(revision) => revision,
            Cell::Null | Cell::Real(_) | Cell::Text(_) | Cell::Blob(_) => 0,
        }
    }

    /// The values of some columns.
    pub fn values(&self, columns: &[usize]) -> Vec<Value> {
        columns.iter().map(|column| self.cell(*column).to_value()).collect()
    }

    /// The value of a column.
    pub fn cell(&self, column: usize) -> Cell<'_> {
        match self.row.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Cell::Int(number),
            Ok(ValueRef::Real(number)) => Cell::Real(number),
            Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).map_or(Cell::Blob(bytes), Cell::Text),
            Ok(ValueRef::Blob(bytes)) => Cell::Blob(bytes),
            Ok(ValueRef::Null) | Err(_) => Cell::Null,
        }
    }
}

impl Reader {
    /// Runs a plan and shows each record to `visit`, until it says stop. `key` is the first parameter of a relation's or
    /// a record's plan. While `visit` runs, the reader can run other plans, in the same snapshot.
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn each(
        &self,
        plan: &Plan,
        key: Option<Cell<'_>>,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<Flow, ReadError>,
    ) -> Result<(), ReadError> {
        self.steps(plan, key, visit).map(|_| ())
    }

    /// As [`Reader::each`]; returns how many steps SQLite's machine took.
    pub(super) fn steps(
        &self,
        plan: &Plan,
        key: Option<Cell<'_>>,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<Flow, ReadError>,
    ) -> Result<u64, ReadError> {
        let mut statement = self.connection.prepare_cached(&plan.sql)?;
        for (at, value) in plan.params.iter().enumerate().skip(usize::from(key.is_some())) {
            statement.raw_bind_parameter(at + 1, Param(value))?;
        }
        match key {
            None => {}
            Some(Cell::Null) => statement.raw_bind_parameter(1, rusqlite::types::Null)?,
            Some(Cell::Int(number)) => statement.raw_bind_parameter(1, number)?,
            Some(Cell::Real(number)) => statement.raw_bind_parameter(1, number)?,
            Some(Cell::Text(text)) => statement.raw_bind_parameter(1, text)?,
            Some(Cell::Blob(bytes)) => statement.raw_bind_parameter(1, bytes)?,
        }
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if visit(&Record { row })? == Flow::Stop {
                break;
            }
        }
        drop(rows);
        Ok(u64::from(statement.reset_status(StatementStatus::VmStep).unsigned_abs()))
    }

    /// The value of a plan that shows one number.
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn number(&self, plan: &Plan) -> Result<u64, ReadError> {
        let mut statement = self.connection.prepare_cached(&plan.sql)?;
        let number: i64 = statement.query_row(params_from_iter(plan.params.iter().map(Param)), |row| row.get(0))?;
        Ok(number.unsigned_abs())
    }

    /// The connection itself.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs `work` with all its reads in one snapshot.
    ///
    /// # Errors
    /// As `work`, or libSQL failed.
    pub fn snapshot<T, E: From<ReadError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([])).map_err(ReadError::from)?;
        let snapshot = Snapshot(&self.connection);
        let done = work();
        drop(snapshot);
        done
    }

    /// At least as many as the records of a table, if they were not given larger keys; found without counting.
    pub(super) fn rows_at_most(&self, table: &str) -> Result<u64, ReadError> {
        let sql = format!("SELECT coalesce(max(rowid),0) FROM {}", crate::ident::quoted(table));
        let largest: i64 = self.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(largest).unwrap_or_default())
    }

    /// The number of records in a table, without those that have expired.
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn count(&self, table: &Table) -> Result<u64, ReadError> {
        let visible = expiry::visible(table, Row::Bare).map(|visible| format!(" WHERE {visible}"));
        let sql = format!("SELECT count(*) FROM {}{}", crate::ident::quoted(&table.name), visible.unwrap_or_default());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let count: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// When a record of a table expires next, of all or the one with this key, in milliseconds since 1970; `None`: none will.
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn expires_at_ms(&self, table: &Table, key: Option<&Value>) -> Result<Option<i64>, ReadError> {
        let mut earliest = None;
        for sql in expiry::next(table, key.is_some()) {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(key.map(Param)))?;
            let next: Option<i64> = rows.next()?.map(|row| row.get(0)).transpose()?.flatten();
            earliest = [earliest, next].into_iter().flatten().min();
        }
        Ok(earliest)
    }

    /// How SQLite would carry out a plan: the lines of `EXPLAIN QUERY PLAN`.
    ///
    /// # Errors
    /// libSQL failed.
    pub fn explain(&self, plan: &Plan) -> Result<Vec<String>, ReadError> {
        let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", plan.sql))?;
        let lines = statement.query_map(params_from_iter(plan.params.iter().map(Param)), |row| row.get(3))?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Takes this reader out of the pool for a long answer; another takes its place.
    ///
    /// # Errors
    /// Too many long answers are under way.
    pub fn detach(&self) -> Result<(), ReadError> {
        let Some(pool) = self.pool.as_ref().filter(|_| !self.detached.get()) else { return Ok(()) };
        pool.lend().map(|()| self.detached.set(true))
    }

    /// Grants the whole deadline anew: a piece of the answer has left.
    pub fn renew_deadline(&self) {
        self.deadline.set(limits::READ_DEADLINE);
    }
}

/// A transaction that only reads; it ends with this, also when the work in it panics.
struct Snapshot<'c>(&'c Connection);

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        let ended = self.0.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
        if let Err(error) = ended {
            tracing::error!(%error, "a snapshot does not end");
        }
    }
}

/// When the work of a connection must end, in milliseconds of a common clock; read by its progress handler.
struct Deadline {
    epoch: Instant,
    ends_ms: AtomicU64,
}

impl Deadline {
    fn set(&self, after: Duration) {
        let ends = self.epoch.elapsed() + after;
        self.ends_ms.store(u64::try_from(ends.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn passed(&self) -> bool {
        self.epoch.elapsed().as_millis() > u128::from(self.ends_ms.load(Ordering::Relaxed))
    }
}

/// Steps of SQLite's machine between two looks at the clock: some hundred microseconds.
const STEPS_PER_LOOK: i32 = 20_000;

fn connect(path: &Path, pool: Option<Arc<Pool>>) -> rusqlite::Result<Reader> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(&format!(
        "PRAGMA query_only=1;PRAGMA mmap_size={};PRAGMA cache_size=-{}",
        limits::MAPPED_BYTES,
        limits::READER_CACHE_KIB
    ))?;
    connection.set_prepared_statement_cache_capacity(limits::KEPT_STATEMENTS);
    connection.busy_timeout(limits::LOCK_WAIT)?;
    let deadline = Arc::new(Deadline { epoch: Instant::now(), ends_ms: AtomicU64::new(u64::MAX) });
    let watched = Arc::clone(&deadline);
    connection.progress_handler(STEPS_PER_LOOK, Some(move || watched.passed()));
    Ok(Reader { connection, deadline, pool, detached: std::cell::Cell::new(false), choices: RefCell::default() })
}

/// A reader outside any pool.
pub(super) fn connect_alone(path: &Path) -> rusqlite::Result<Reader> {
    connect(path, None)
}

type Job = Box<dyn FnOnce(&Reader) + Send>;

/// The reader threads, and the connections for reads on the caller's thread.
pub(super) struct Readers {
    queue: Sender<Job>,
    here: Box<[Mutex<Reader>]>,
    pool: Arc<Pool>,
}

struct Pool {
    path: PathBuf,
    jobs: Receiver<Job>,
    /// Threads that always wait for jobs.
    threads: usize,
    crew: Mutex<Crew>,
    /// How many threads are at work.
    busy: Gauge,
}

/// How many threads do what. Those that come back from a stream are kept, up to as many again as always wait, so that
/// long lists do not cost a thread and a connection each.
#[derive(Default)]
struct Crew {
    serving: usize,
    streaming: usize,
}

impl Readers {
    /// `threads` that wait for work, and `here` connections for work on the caller's thread.
    pub(super) fn open(path: &Path, threads: usize, here: usize, meters: &Meters) -> rusqlite::Result<Self> {
        let (queue, jobs) = bounded(limits::READ_QUEUE);
        let crew = Mutex::new(Crew { serving: threads, streaming: 0 });
        let pool = Arc::new(Pool { path: path.to_owned(), jobs, threads, crew, busy: meters.busy_readers.clone() });
        for _ in 0..threads {
            pool.spawn()?;
        }
        let here = (0..here).map(|_| connect(path, None).map(Mutex::new)).collect::<rusqlite::Result<_>>()?;
        Ok(Self { queue, here, pool })
    }

    pub(super) fn start(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.queue.try_send(Box::new(work)).map_err(|error| match error {
            TrySendError::Full(_) => ReadError::Busy,
            TrySendError::Disconnected(_) => ReadError::Closed,
        })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        self.start(move |reader| {
            // Nobody waits any more: nothing to read.
            if !answer.is_closed() {
                _ = answer.send(work(reader));
            }
        })?;
        answered.await.map_err(|_| ReadError::Closed)
    }

    /// How many wait for a thread.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many threads there are, and how many of them stream.
    pub(super) fn crew(&self) -> (usize, usize) {
        let crew = self.pool.crew.lock().unwrap_or_else(PoisonError::into_inner);
        (crew.serving + crew.streaming, crew.streaming)
    }

    pub(super) fn run_here<T>(&self, work: impl FnOnce(&Reader) -> T) -> Option<T> {
        let reader = self.here.iter().find_map(|reader| reader.try_lock().ok())?;
        reader.deadline.set(limits::READ_DEADLINE);
        Some(work(&reader))
    }
}

impl Pool {
    /// Starts a thread that does jobs until the queue is closed or there are more threads than needed.
    fn spawn(self: &Arc<Self>) -> rusqlite::Result<()> {
        let reader = connect(&self.path, Some(Arc::clone(self)))?;
        let pool = Arc::clone(self);
        let work = move || {
            while let Ok(job) = pool.jobs.recv() {
                reader.deadline.set(limits::READ_DEADLINE);
                pool.busy.inc();
                // A bug in one answer must not take the thread from all others; its statements were reset on the way out.
                if std::panic::catch_unwind(AssertUnwindSafe(|| job(&reader))).is_err() {
                    tracing::error!("a read panicked");
                }
                pool.busy.dec();
                if reader.detached.replace(false) && !pool.take_back() {
                    break;
                }
            }
        };
        let started = std::thread::Builder::new().name("stoa-reader".into()).spawn(work);
        started
            .map(|_| ())
            .map_err(|error| rusqlite::Error::InvalidParameterName(format!("no thread for a reader: {error}")))
    }

    /// Lends a thread to a stream, and sees to it that enough go on serving.
    fn lend(self: &Arc<Self>) -> Result<(), ReadError> {
        let mut crew = self.crew.lock().unwrap_or_else(PoisonError::into_inner);
        if crew.streaming == limits::STREAMS {
            return Err(ReadError::Busy);
        }
        if crew.serving <= self.threads {
            self.spawn().map_err(ReadError::Database)?;
        } else {
            crew.serving -= 1;
        }
        crew.streaming += 1;
        Ok(())
    }

    /// Takes a thread back from a stream; whether it is still needed.
    fn take_back(&self) -> bool {
        let mut crew = self.crew.lock().unwrap_or_else(PoisonError::into_inner);
        crew.streaming -= 1;
        let needed = crew.serving < 2 * self.threads;
        crew.serving += usize::from(needed);
        needed
    }
}
