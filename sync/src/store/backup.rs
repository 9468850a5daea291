//! A copy of a database as it is at one moment, also while a server works on it: for keeping, or for making another primary of
//! a region's replica.

use super::file::{DATABASE_NAME, OpenError};
use super::region;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is a file already.
    #[error("{} is there already; give another name, or take it away", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// libSQL failed.
    #[error("the database cannot be copied: {0}")]
    Database(#[from] rusqlite::Error),
}

/// A copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The position of the change log that it includes.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
}

/// Copies the database of a data folder, or the replica of a region's, to a file, which takes its name when it is complete.
///
/// # Errors
/// There is none, the file exists or cannot be written, or libSQL failed.
pub fn backup(folder: &Path, out: &Path) -> Result<Backup, BackupError> {
    if out.exists() {
        return Err(BackupError::Exists(out.to_owned()));
    }
    let own = folder.join(DATABASE_NAME);
    let database = if own.is_file() { Some(own) } else { region::replica(folder) };
    let database = database.ok_or_else(|| OpenError::Missing { folder: folder.to_owned() })?;
    let failed = |source| BackupError::File { path: out.to_owned(), source };
    let partial = PathBuf::from(format!("{}.partial", out.display()));
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(&database, flags)?.execute("VACUUM INTO ?1", [partial.to_string_lossy()])?;
    let copy = Connection::open_with_flags(&partial, flags)?;
    let seq: i64 = copy.query_row("SELECT coalesce(max(seq),0) FROM _changes", [], |row| row.get(0))?;
    drop(copy);
    let bytes =
        fs::File::open(&partial).and_then(|file| file.sync_all().and_then(|()| file.metadata())).map_err(failed)?;
    fs::rename(&partial, out).map_err(failed)?;
    Ok(Backup { seq: seq.unsigned_abs(), bytes: bytes.len() })
}
