//! The folder and the file: found or made, locked against a second process, and fit for this program.

use crate::ddl;
use crate::limits;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The lock file's name in the data folder.
pub const LOCK_NAME: &str = "stoa.lock";
/// The database's name in the data folder.
pub(super) const DATABASE_NAME: &str = "stoa.db";

/// The folder of a region's replica in the data folder.
pub(super) const REPLICA_NAME: &str = "replica";

/// In `_meta`: the position of the change log at which the tables got another shape for the last time.
pub(super) const SHAPED_AT: &str = "shaped_at";
/// In `_meta`: a name for the shape that the tables have, another one whenever they get another shape.
pub(super) const SHAPE_ID: &str = "shape_id";
/// In `_meta`: the last revision given when the change log was last trimmed.
pub(super) const REVISION: &str = "revision";

/// Why a database cannot be opened. Each is one sentence for the person who started the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error("cannot use the data folder {}: {source}", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process works on it.
    #[error("another stoa is running on the data folder {}; stop it, or give this one another folder with --data", folder.display())]
    Locked {
        /// Which folder.
        folder: PathBuf,
        /// What that process says of itself ([`super::Store::sign`]).
        holder: Option<String>,
    },
    /// A newer program wrote it.
    #[error("{} was written by a newer stoa (format {found}, this one knows {known}); upgrade stoa to open it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format of this program.
        known: u32,
    },
    /// There is none, and none is to be made.
    #[error("there is no database in {}", folder.display())]
    Missing {
        /// Which folder.
        folder: PathBuf,
    },
    /// Its tables are not those of the schema, and it is only to be read.
    #[error("the schema asks for more than the database in {} has; bring it there first", folder.display())]
    Behind {
        /// Which folder.
        folder: PathBuf,
    },
    /// It is no database, or a damaged one.
    #[error("{} cannot be opened as a database: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What libSQL says.
        detail: String,
    },
    /// The folder is that of a region, and no primary is named.
    #[error("{} holds the replica of a region: name its primary with --primary, or give another folder with --data", folder.display())]
    Replicated {
        /// Which folder.
        folder: PathBuf,
    },
    /// The folder holds a database of its own, and a primary is named.
    #[error("{} holds a database of its own, which would be ignored: give a region another folder with --data (docs/deploy.md says how a database becomes a primary)", folder.display())]
    OwnDatabase {
        /// Which folder.
        folder: PathBuf,
    },
    /// The primary cannot be used.
    #[error("the primary cannot be used: {0}")]
    Primary(String),
    /// The region's replica cannot be made.
    #[error("the replica cannot be made: {0}")]
    Replica(String),
    /// The schema would lose data.
    #[error(transparent)]
    Migration(#[from] super::migrate::MigrateError),
    /// libSQL failed.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
}

/// An open database file, held by this process alone.
pub(super) struct Opened {
    pub(super) writing: Connection,
    pub(super) path: PathBuf,
    pub(super) log: String,
    pub(super) secret: Vec<u8>,
    pub(super) seq: u64,
    pub(super) revision: i64,
    pub(super) lock: File,
}

/// Opens or makes the database of a folder.
pub(super) fn open(folder: &Path) -> Result<Opened, OpenError> {
    let lock = lock(folder)?;
    if folder.join(REPLICA_NAME).is_dir() {
        return Err(OpenError::Replicated { folder: folder.to_owned() });
    }
    let path = folder.join(DATABASE_NAME);
    let damaged = |error: rusqlite::Error| OpenError::Damaged { path: path.clone(), detail: error.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let writing = Connection::open_with_flags(&path, flags).map_err(damaged)?;
    prepare(&writing).map_err(damaged)?;
    let found = format(&writing).map_err(damaged)?;
    if found > ddl::FORMAT {
        return Err(OpenError::Newer { path, found, known: ddl::FORMAT });
    }
    let log = kept(&writing, "log", "SELECT lower(hex(randomblob(4)))").map_err(damaged)?;
    let secret = kept(&writing, "secret", "SELECT hex(randomblob(32))").map_err(damaged)?.into_bytes();
    let (seq, revision) = last_change(&writing).map_err(damaged)?;
    Ok(Opened { writing, path, log, secret, seq, revision, lock })
}

pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK_NAME)).map_err(failed)?;
    match file.try_lock() {
        // What the one before said is no longer true.
        Ok(()) => file.set_len(0).map(|()| file).map_err(failed),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: folder.to_owned(), holder: holder(folder) }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn holder(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join(LOCK_NAME)).ok().filter(|text| !text.is_empty())
}

/// Writes into the lock file of a folder what others are told who find it locked.
pub(super) fn sign(folder: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(folder.join(LOCK_NAME), text)
}

/// `synchronous=FULL`: an acknowledged write survives a power failure. Foreign keys are Stoa's relations, not SQLite's.
fn prepare(writing: &Connection) -> rusqlite::Result<()> {
    writing.busy_timeout(limits::LOCK_WAIT)?;
    let mode: String = writing.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidParameterName(format!(
            "journal mode {mode}; WAL is not possible in this folder"
        )));
    }
    writing.execute_batch(&format!(
        "PRAGMA synchronous=FULL;PRAGMA foreign_keys=OFF;PRAGMA cache_size=-{};PRAGMA wal_autocheckpoint={}",
        limits::WRITER_CACHE_KIB,
        limits::CHECKPOINT_PAGES
    ))?;
    writing.set_prepared_statement_cache_capacity(limits::KEPT_STATEMENTS);
    Ok(())
}

/// The format of the internal tables, which are made if there are none.
fn format(writing: &Connection) -> rusqlite::Result<u32> {
    writing.execute_batch("BEGIN IMMEDIATE")?;
    writing.execute_batch(ddl::INTERNAL[0])?;
    let format: Option<String> = meta(writing, "format")?;
    let format = match format.map(|format| format.parse().unwrap_or(u32::MAX)) {
        Some(format) if format >= ddl::FORMAT => format,
        _ => {
            writing.execute_batch(&ddl::INTERNAL[1..].join(";"))?;
            set_meta(writing, "format", &ddl::FORMAT.to_string())?;
            ddl::FORMAT
        }
    };
    writing.execute_batch("COMMIT")?;
    Ok(format)
}

/// A fact that is made up when the file is first opened, and stays: the identity of the change log, the key of cursors.
fn kept(writing: &Connection, key: &str, make: &str) -> rusqlite::Result<String> {
    if let Some(held) = meta(writing, key)? {
        return Ok(held);
    }
    let made: String = writing.query_row(make, [], |row| row.get(0))?;
    set_meta(writing, key, &made)?;
    Ok(made)
}

/// The version of libSQL that is built in.
pub fn libsql_version() -> &'static str {
    std::str::from_utf8(rusqlite::ffi::LIBSQL_VERSION).unwrap_or_default().trim_end_matches('\0')
}

/// The version of SQLite that libSQL is made from.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// The last position of the change log, and the last revision given: the greatest among its last changes (a delete carries
/// the revision of what it deleted, so the last one alone would not do), or the one noted when changes were taken away.
pub(super) fn last_change(writing: &Connection) -> rusqlite::Result<(u64, i64)> {
    let sql = "SELECT coalesce(max(seq),0),coalesce(max(rev),0) FROM (SELECT seq,rev FROM _changes ORDER BY seq DESC LIMIT 10000)";
    let (seq, revision): (i64, i64) = writing.query_row(sql, [], |row| row.try_into())?;
    let noted = meta(writing, REVISION)?.and_then(|noted| noted.parse().ok()).unwrap_or_default();
    Ok((seq.unsigned_abs(), revision.max(noted)))
}

/// A fact about the file.
pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT value FROM _meta WHERE key=?1")?;
    let mut rows = statement.query([key])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

/// Remembers a fact about the file.
pub(super) const SET_META: &str =
    "INSERT INTO _meta(key,value) VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value";

/// Remembers a fact about the file.
pub(super) fn set_meta(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    connection.execute(SET_META, [key, value]).map(|_| ())
}
