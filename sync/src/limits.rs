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

/// How long a connection to the primary may take to be made.
pub const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// How long a connection to the primary is kept open without a use.
pub const WARM_CONNECTION: Duration = Duration::from_mins(5);

/// Batches that are on their way to the primary at once; more commits wait and go together.
pub const BATCHES_IN_FLIGHT: u32 = 4;

/// How long a batch keeps the primary busy. No more are on their way than there is distance to be on: where several connections want to
/// write at the same moment, sqld can stand still for seconds, or for good (docs/deploy.md).
pub const BATCH_BUSY: Duration = Duration::from_millis(10);

/// The part of a batch's time to the primary and back for which the next one waits to be as large as its fellows, but no longer
/// than [`BATCH_BUSY`].
pub const BATCH_PATIENCE: u32 = 8;

/// Commits of one batch to the primary.
pub const BATCH_COMMITS: usize = 128;

/// Writes of one batch to the primary: sqld takes 20,000 steps, and each write is some.
pub const BATCH_WRITES: usize = 512;

/// Parameters of one statement in a batch: SQLite takes 32,766.
pub const STATEMENT_PARAMS: usize = 32_000;

/// Bytes of values in one batch from which on no further commit joins it: sqld takes 60 MB.
pub const BATCH_BYTES: usize = 4 << 20;

/// Bytes of values in one batch from which on what is stored is read in the replica, not in the primary's answer: sqld answers with
/// 10 MB at most, and a byte can take six in JSON.
pub const BATCH_SHOWN_BYTES: usize = 1 << 20;

/// Writes of one commit that is all or nothing, through a region: sqld takes 20,000 steps.
pub const COMMIT_WRITES: usize = 4_000;

/// How long a batch may take to be answered by the primary, and to wait there for those of others: sqld ends a transaction after
/// 5 s when others wait. Then it is asked again what became of it.
pub const BATCH_WAIT: Duration = Duration::from_secs(6);

/// How long a write may take from being taken up to its answer: then it is answered that the primary is away.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// The pause before a batch is sent again.
pub const SEND_AGAIN: Duration = Duration::from_millis(100);

/// The longest pause before a batch is sent again that found the primary writing for others.
pub const LOCKED_AGAIN: Duration = Duration::from_millis(20);

/// How often a commit is sent that the primary refuses and that nothing forbids when it is looked at: others come in between.
pub const REFUSED_TRIES: u32 = 5;

/// The same of a commit that expects which record the primary makes: another region's may come before each time.
pub const EXPECTED_TRIES: u32 = 50;

/// How long a write that is done waits to be readable here; then it is answered all the same.
pub const CAUGHT_UP_WAIT: Duration = Duration::from_secs(1);

/// How long the reason of a refusal waits for the replica to be as far as the refusal.
pub const REASON_WAIT: Duration = Duration::from_secs(4);

/// Time between two looks whether the primary is there.
pub const PULSE: Duration = Duration::from_secs(1);

/// How long the primary may take to say that it is there.
pub const PULSE_WAIT: Duration = Duration::from_secs(2);

/// For so long what is read in a region counts as all there is, after the primary said so.
pub const FRESH: Duration = Duration::from_secs(3);

/// How long a region that starts waits until it has what its primary has; then it serves what it has.
pub const CATCH_UP_WAIT: Duration = Duration::from_secs(10);

/// The shortest and the longest pause before a broken stream of frames is taken up again.
pub const FEED_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Time between two looks how far a replica is filled.
pub const PROGRESS_LOOK: Duration = Duration::from_millis(250);

/// Bytes of frames that may be on their way.
pub const FEED_WINDOW_BYTES: u32 = 8 << 20;

/// Bytes of one message of the stream of frames: a frame has 4 KiB.
pub const FEED_MESSAGE_BYTES: usize = 1 << 20;

/// The pause before a snapshot that is being made is asked for again, and how often that happens before the stream begins anew.
pub const SNAPSHOT_PAUSE: Duration = Duration::from_millis(50);
/// See [`SNAPSHOT_PAUSE`].
pub const SNAPSHOT_TRIES: u32 = 200;

/// How long what became of a commit is kept at the primary for a region that was not told.
pub const SENT_KEPT: Duration = Duration::from_hours(1);

/// Time between two looks for what of it can be forgotten.
pub const SENT_LOOK: Duration = Duration::from_mins(5);

/// Bytes of a replica up to which all of it is checked at every start; a larger one only after an end that was none.
pub const CHECKED_BYTES: u64 = 256 << 20;

/// Characters shown of an answer that is none.
pub const SHOWN_ANSWER_CHARS: usize = 200;

/// How long a migration keeps regions from writing at most, unless it ends before.
pub const MIGRATION_TURN: Duration = Duration::from_mins(1);

/// How long a region waits for another one's migration, and for what it has migrated to arrive.
pub const MIGRATION_WAIT: Duration = Duration::from_mins(2);

/// Requests that wait in a region for its primary; beyond it they are refused as if they did not want to wait.
pub const QUEUED_REQUESTS: usize = 10_000;

/// Bytes of what waits so.
pub const QUEUED_BYTES: usize = 64 << 20;
