//! The tables that Stoa keeps beside the user's.

/// The version of the internal tables. A file with a greater one was written by a newer Stoa.
pub const FORMAT: u32 = 3;

/// Creates the internal tables that are not there.
///
/// - `_meta`: facts about the file: its format, the identity of its change log, the shape of the user's tables, which
///   seeds were loaded, the last revision given when the log was last trimmed, the position at which the tables last got another shape.
/// - `_changes`: the change log, one row per changed record in commit order. `op` is 1 for an insert, 2 for an update, 3
///   for a delete, 4 for one because its time had come; `at` milliseconds since 1970; `after` the record after the change as a JSON object, `before` what it
///   held before in the attributes that changed (for a delete: in all).
/// - `_assert`: inserting a false value into it fails the statement, which is how a step of a batch that cannot look at
///   values can still refuse.
/// - `_lenient`: empty; while it has a row, rules only look on (see [`crate::rules`]).
/// - `_requests`: what became of the writes that carried an idempotency key: a fingerprint of the request, when it was
///   carried out in milliseconds since 1970, and what each of its writes did.
/// - `_sent`: what became of the writes of commits that came from other regions, for a region that was not told: the
///   commit's UUIDv7, the position of the write in it, the position of the change log behind it, and how many rows it wrote.
pub const INTERNAL: [&str; 8] = [
    "CREATE TABLE IF NOT EXISTS _meta(key TEXT PRIMARY KEY NOT NULL,value TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS _changes(seq INTEGER PRIMARY KEY AUTOINCREMENT,tbl TEXT NOT NULL,id ANY NOT NULL,\
     op INTEGER NOT NULL,rev INTEGER NOT NULL,at INTEGER NOT NULL,after TEXT,before TEXT) STRICT",
    "CREATE VIEW IF NOT EXISTS _assert(ok) AS SELECT 1",
    "CREATE TRIGGER IF NOT EXISTS \"_assert:insert\" INSTEAD OF INSERT ON _assert WHEN NOT new.ok \
     BEGIN SELECT RAISE(ABORT,'stoa:precondition'); END",
    "CREATE TABLE IF NOT EXISTS _lenient(\"on\" INTEGER) STRICT",
    "CREATE TABLE IF NOT EXISTS _requests(key TEXT PRIMARY KEY NOT NULL,fingerprint TEXT NOT NULL,at INTEGER NOT NULL,\
     outcomes TEXT NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS \"_requests:at\" ON _requests(at)",
    "CREATE TABLE IF NOT EXISTS _sent(id BLOB NOT NULL,n INTEGER NOT NULL,seq INTEGER NOT NULL,rows INTEGER NOT NULL,\
     PRIMARY KEY(id,n)) STRICT,WITHOUT ROWID",
];
