//! Every bound of this crate, with what happens beyond it.

use std::time::Duration;

/// Commits waiting for the writer; beyond it a commit is refused at once ([`crate::store::CommitError::Busy`]).
pub const COMMIT_QUEUE: usize = 4_096;

/// Commits of one transaction: more wait for the next, so that nobody waits long for the shared fsync.
pub const GROUP_COMMITS: usize = 256;

/// Writes that the commits of one transaction have together; a commit with more has a transaction of its own.
pub const GROUP_WRITES: usize = 4_096;

/// How long an import goes on writing while others wait; then they take their turn.
pub const IMPORT_SLICE: Duration = Duration::from_millis(5);

/// Writes of an import between two looks at whether others wait.
pub const WRITES_BETWEEN_LOOKS: usize = 16;

/// Rows shown of those that stand in the way of a migration; the others are counted.
pub const SHOWN_ROWS: u32 = 10;

/// How long what became of a request with an idempotency key is kept.
pub const REQUESTS_KEPT: Duration = Duration::from_hours(24);

/// Of the requests kept beyond their time, so many are forgotten whenever another is kept.
pub const REQUESTS_FORGOTTEN: u32 = 16;

/// Time between two looks for what has expired.
pub const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// Expired records of a table that one transaction takes away; the others wait for the next.
pub const SWEPT_ROWS: usize = 500;

/// Time between two looks at the size and age of the change log while it grows.
pub const LOG_LOOK: Duration = Duration::from_millis(500);

/// The same when nothing has been written for so long.
pub const IDLE_LOG_LOOK: Duration = Duration::from_secs(5);

/// Rows of the change log that are measured at a time.
pub const MEASURED_ROWS: usize = 2_048;

/// Rows of the change log that one transaction takes away; the others wait for the next.
pub const TRIMMED_ROWS: usize = 512;

/// Bytes of the change log from which on one transaction takes away no further row.
pub const TRIMMED_BYTES: u64 = 1 << 20;

/// After each piece of work on the change log's length, the rest before the next is so many times as long.
pub const LOG_REST: u32 = 3;

/// What a row of the change log counts beside its images: its other columns, and its share of the pages.
pub const CHANGE_OVERHEAD_BYTES: u64 = 64;

/// Conflicting records listed where an interval is occupied.
pub const LISTED_CONFLICTS: usize = 20;

/// Referring records listed where they keep one from being deleted.
pub const LISTED_REFERENCES: usize = 10;

/// Reads waiting for a reader thread; beyond it a read is refused at once ([`crate::store::ReadError::Busy`]).
pub const READ_QUEUE: usize = 4_096;

/// How long a statement may work between two pieces of its answer; then it is interrupted.
pub const READ_DEADLINE: Duration = Duration::from_secs(10);

/// The pause between two looks of a thread that waits for a commit it has seen to be told to all: that takes microseconds.
pub const REACHED_PAUSE: Duration = Duration::from_micros(20);

/// Rows that are counted at least and at most to choose what leads the search for a page.
pub const PROBE_ROWS: (u64, u64) = (64, 8_192);

/// Steps of SQLite's machine up to which the choice of a plan counts as good: some hundred microseconds.
pub const FEW_STEPS: u64 = 20_000;

/// Texts of queries whose choice is remembered per connection; beyond it all are forgotten.
pub const KNOWN_CHOICES: usize = 1_024;

/// Answers that are being streamed to slow clients at once, each with a thread and a connection of its own; beyond it a
/// long answer is refused.
pub const STREAMS: usize = 64;

/// Statements kept prepared per connection; the least used is forgotten.
pub const KEPT_STATEMENTS: usize = 128;

/// How long the writer waits for a lock that another program holds on the file.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Bytes of the file that each reader maps instead of copying pages.
pub const MAPPED_BYTES: u64 = 1 << 30;

/// KiB of page cache of a reader; pages outside the map (those in the write-ahead log) go through it.
pub const READER_CACHE_KIB: u32 = 1_024;

/// KiB of page cache of the writer.
pub const WRITER_CACHE_KIB: u32 = 16_384;

/// Pages in the write-ahead log at which the writer copies them into the file.
pub const CHECKPOINT_PAGES: u32 = 2_000;

/// Pairs that one `json_object` call takes: SQLite's functions take at most 127 arguments.
pub const JSON_OBJECT_PAIRS: usize = 60;

/// Changed records that are told one by one to those who follow the log, and related records that are read to tell who is
/// concerned; beyond it they are told to read anew.
pub const TOLD_CHANGES: usize = 10_000;

/// Bytes that the log holds of what is told so; beyond it likewise.
pub const TOLD_BYTES: usize = 32 << 20;

/// Threads that read the state for those who begin to follow the log; they are started for the first who does.
pub const JOINING_THREADS: usize = 2;
