//! Requests that wait in a region for its primary, in the order in which they came, and what became of them: a small database
//! of its own beside the replica, so that they outlive the process and any replica.

use super::clock::now_ms;
use crate::limits;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The database of what waits, in the data folder.
const NAME: &str = "queue.db";

const TABLES: &str = "
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS queued(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, at INTEGER NOT NULL, answer BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS waiting ON queued(number) WHERE answer IS NULL;";

/// What waits for the primary.
pub struct Queue {
    database: Mutex<Connection>,
}

/// Why something cannot wait.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Too much waits already.
    #[error("too many writes wait for the primary already")]
    Full,
    /// Something else goes by that name.
    #[error("another request goes by that name")]
    Another,
    /// The database of what waits failed.
    #[error("what waits cannot be kept: {0}")]
    Database(#[from] rusqlite::Error),
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits.
    Waiting,
    /// It was carried out: what was answered.
    Answered(Vec<u8>),
}

impl Queue {
    pub(super) fn open(folder: &Path) -> rusqlite::Result<Self> {
        let database = Connection::open(folder.join(NAME))?;
        database.busy_timeout(limits::LOCK_WAIT)?;
        database.execute_batch(TABLES)?;
        Ok(Self { database: Mutex::new(database) })
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request wait under a name; when this returns it is on disk. The same request twice waits once. Blocks.
    ///
    /// # Errors
    /// Too much waits, another request has that name, or the disk is full.
    pub fn push(&self, id: &str, request: &[u8]) -> Result<(), QueueError> {
        let database = self.database();
        let now = now_ms();
        let kept = i64::try_from(limits::REQUESTS_KEPT.as_millis()).unwrap_or(i64::MAX);
        database.execute("DELETE FROM queued WHERE answer IS NOT NULL AND at<?1", [now - kept])?;
        let known: Option<Vec<u8>> =
            database.query_row("SELECT request FROM queued WHERE id=?1", [id], |row| row.get(0)).optional()?;
        if let Some(known) = known {
            return if known == request { Ok(()) } else { Err(QueueError::Another) };
        }
        let (count, bytes): (usize, usize) = database.query_row(
            "SELECT count(*),coalesce(sum(octet_length(request)),0) FROM queued WHERE answer IS NULL",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if count >= limits::QUEUED_REQUESTS || bytes + request.len() > limits::QUEUED_BYTES {
            return Err(QueueError::Full);
        }
        database.execute("INSERT INTO queued(id,request,at) VALUES(?1,?2,?3)", params![id, request, now])?;
        Ok(())
    }

    /// What waits longest. Blocks.
    ///
    /// # Errors
    /// The database of what waits failed.
    pub fn first(&self) -> Result<Option<(String, Vec<u8>)>, QueueError> {
        let sql = "SELECT id,request FROM queued WHERE answer IS NULL ORDER BY number LIMIT 1";
        Ok(self.database().query_row(sql, [], |row| row.try_into()).optional()?)
    }

    /// How many wait. Blocks.
    ///
    /// # Errors
    /// As [`Queue::first`].
    pub fn waiting(&self) -> Result<u64, QueueError> {
        let count: i64 =
            self.database().query_row("SELECT count(*) FROM queued WHERE answer IS NULL", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Keeps what was answered to a request, for a day. Blocks.
    ///
    /// # Errors
    /// As [`Queue::first`].
    pub fn finish(&self, id: &str, answer: &[u8]) -> Result<(), QueueError> {
        let sql = "UPDATE queued SET answer=?2,at=?3 WHERE id=?1";
        self.database().execute(sql, params![id, answer, now_ms()])?;
        Ok(())
    }

    /// What became of a request; `None`: nobody knows of it. Blocks.
    ///
    /// # Errors
    /// As [`Queue::first`].
    pub fn fate(&self, id: &str) -> Result<Option<Fate>, QueueError> {
        let answer: Option<Option<Vec<u8>>> =
            self.database().query_row("SELECT answer FROM queued WHERE id=?1", [id], |row| row.get(0)).optional()?;
        Ok(answer.map(|answer| answer.map_or(Fate::Waiting, Fate::Answered)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Fate, Queue, QueueError};

    #[test]
    fn what_waits_is_there_after_a_restart_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path()).unwrap();
        for id in ["b", "a", "b"] {
            queue.push(id, id.as_bytes()).unwrap();
        }
        assert!(matches!(queue.push("a", b"other"), Err(QueueError::Another)));
        drop(queue);
        let queue = Queue::open(folder.path()).unwrap();
        assert_eq!((queue.waiting().unwrap(), queue.first().unwrap().unwrap().0), (2, "b".to_owned()));
        queue.finish("b", b"done").unwrap();
        assert_eq!(queue.first().unwrap().unwrap(), ("a".to_owned(), b"a".to_vec()));
        assert_eq!(queue.fate("b").unwrap(), Some(Fate::Answered(b"done".to_vec())));
        assert_eq!((queue.fate("a").unwrap(), queue.fate("c").unwrap()), (Some(Fate::Waiting), None));
    }
}
