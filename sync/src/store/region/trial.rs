//! Writes that are tried out on the replica and always undone: to find out why the primary refused one, which records it will
//! make, what a migration would do. Nothing of it reaches the file: what is changed stays in the page cache of the connection
//! until it is rolled back.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// A connection for trying out, and whose turn it is: the file has one writer at a time, and it is mostly the one that fills it.
pub(super) struct Trial {
    turns: Arc<tokio::sync::Mutex<()>>,
    connection: Arc<Mutex<Option<(PathBuf, Connection)>>>,
}

impl Trial {
    pub(super) fn new() -> Self {
        Self { turns: Arc::default(), connection: Arc::default() }
    }

    /// Waits for one's turn to write the file, or to pretend to.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turns).lock_owned().await
    }

    /// Runs `work` in a transaction on the replica in this file, and undoes it.
    ///
    /// # Errors
    /// The file cannot be opened or locked, or as `work`.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        database: &Path,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let (turn, kept, path) = (self.turn().await, Arc::clone(&self.connection), database.to_owned());
        let run = move || {
            let _turn = turn;
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.as_ref().is_none_or(|(known, _)| *known != path) {
                *kept = Some((path.clone(), open(&path)?));
            }
            let Some((_, connection)) = kept.as_ref() else { return Err(rusqlite::Error::InvalidQuery) };
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let done = work(connection);
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK")?;
            }
            done
        };
        tokio::task::spawn_blocking(run).await.unwrap_or(Err(rusqlite::Error::InvalidQuery))
    }
}

/// A connection that writes nothing into the file or its log: it never commits, spills or checkpoints.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(crate::limits::LOCK_WAIT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("PRAGMA foreign_keys=OFF;PRAGMA cache_spill=0;PRAGMA wal_autocheckpoint=0")?;
    connection.set_prepared_statement_cache_capacity(crate::limits::KEPT_STATEMENTS);
    Ok(connection)
}
