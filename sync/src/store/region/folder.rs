//! Where a region keeps its replica: one folder per filling, `replica/1`, `replica/2`, … The files of a filling live and die
//! together (the database, its write-ahead log, its shared memory, how far it is filled), so another filling is another folder,
//! and the greatest one that is complete counts.

use crate::store::file::{DATABASE_NAME, REPLICA_NAME};
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// In a filling's folder: it was as far as the primary once.
const COMPLETE: &str = "complete";
/// In a filling's folder: a process works on it. It holds since which start of the machine.
const OPEN: &str = "open";
/// In a filling's folder: nobody works on it. It holds the position of the change log that it was left at.
const CLOSED: &str = "closed";

/// The folder of all fillings.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// One filling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filling {
    path: PathBuf,
    number: u64,
}

/// What is wrong with a filling that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// Its records are right, but how far it is filled may have been lost with the power: it can be read, not filled further.
    Doubtful,
    /// It is damaged.
    Damaged(String),
}

impl Folder {
    pub(super) fn new(data: &Path) -> Self {
        Self { path: data.join(REPLICA_NAME) }
    }

    /// The filling that counts.
    pub(super) fn newest(&self) -> io::Result<Option<Filling>> {
        let complete = self.fillings()?.into_iter().filter(|filling| filling.path.join(COMPLETE).is_file());
        Ok(complete.max_by_key(|filling| filling.number))
    }

    /// The filling to go on with; those that were never complete, and older ones, are taken away.
    pub(super) fn current(&self) -> io::Result<Option<Filling>> {
        let current = self.newest()?;
        for other in self.fillings()?.iter().filter(|filling| Some(*filling) != current.as_ref()) {
            other.remove()?;
        }
        Ok(current)
    }

    /// An empty folder for the next filling.
    pub(super) fn next(&self) -> io::Result<Filling> {
        let last = self.fillings()?.iter().map(|filling| filling.number).max().unwrap_or_default();
        let filling = Filling { path: self.path.join((last + 1).to_string()), number: last + 1 };
        fs::create_dir_all(&filling.path)?;
        Ok(filling)
    }

    fn fillings(&self) -> io::Result<Vec<Filling>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut fillings = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            fillings.extend(number.map(|number| Filling { path: path.clone(), number }));
        }
        Ok(fillings)
    }

    /// Puts a damaged filling where nobody uses it and somebody can look at it; the one before there is taken away.
    pub(super) fn set_aside(&self, filling: &Filling) -> io::Result<PathBuf> {
        let aside = self.path.join("damaged");
        gone(fs::remove_dir_all(&aside))?;
        fs::rename(&filling.path, &aside)?;
        Ok(aside)
    }
}

impl Filling {
    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE_NAME)
    }

    /// Says that it has been as far as the primary: from now on it is the one that counts.
    pub(super) fn complete(&self) -> io::Result<()> {
        fs::File::create(self.path.join(COMPLETE))?.sync_all()?;
        fs::File::open(&self.path)?.sync_all()
    }

    /// Looks at a filling that another process left, and takes it.
    pub(super) fn take(&self, checked_bytes: u64) -> Result<(), Ailment> {
        let left_open = fs::read_to_string(self.path.join(OPEN)).ok();
        let bytes = fs::metadata(self.database()).map_or(0, |file| file.len());
        let whole = left_open.is_some() || bytes <= checked_bytes;
        check(&self.database(), whole).map_err(Ailment::Damaged)?;
        let left_at = fs::read_to_string(self.path.join(CLOSED)).ok();
        if left_at.is_some_and(|left_at| position(&self.database()).ok() != left_at.parse().ok()) {
            return Err(Ailment::Damaged("what was written last is missing".to_owned()));
        }
        if left_open.is_some_and(|machine| machine.is_empty() || machine != machine_start()) {
            return Err(Ailment::Doubtful);
        }
        self.mark_open().map_err(|error| Ailment::Damaged(error.to_string()))
    }

    /// Whether all of it can be read as a database; otherwise, what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        check(&self.database(), true)
    }

    /// Says that a process works on it.
    pub(super) fn mark_open(&self) -> io::Result<()> {
        fs::write(self.path.join(OPEN), machine_start())?;
        gone(fs::remove_file(self.path.join(CLOSED)))
    }

    /// Says that nobody works on it any more, and that all that was done is in its files.
    pub(super) fn mark_closed(&self) -> io::Result<()> {
        let name = format!("{DATABASE_NAME}-client_wal_index");
        if let Ok(file) = fs::File::open(self.path.join(name)) {
            file.sync_all()?;
        }
        let seq = position(&self.database()).map_err(io::Error::other)?;
        fs::write(self.path.join(CLOSED), seq.to_string())?;
        gone(fs::remove_file(self.path.join(OPEN)))
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        gone(fs::remove_dir_all(&self.path))
    }
}

/// What is not there is gone.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Where the change log of a database stands; 0 without one.
fn position(database: &Path) -> rusqlite::Result<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    let logs: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master WHERE name='_changes'", [], |row| row.get(0))?;
    if logs == 0 {
        return Ok(0);
    }
    connection.query_row("SELECT coalesce(max(seq),0) FROM _changes", [], |row| row.get(0))
}

/// What identifies the run of the machine, as long as it has power; empty where the system does not say.
fn machine_start() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Whether a file can be read as a database: its head and its tables, or all of it.
fn check(database: &Path, whole: bool) -> Result<(), String> {
    if !database.is_file() {
        return Err("there is no file".to_owned());
    }
    let told = |error: rusqlite::Error| error.to_string();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).map_err(told)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(told)?;
    if tables == 0 {
        return Err("it has no tables".to_owned());
    }
    if whole {
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(told)?;
        if said != "ok" {
            return Err(said);
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Ailment, Filling, Folder};
    use rusqlite::Connection;
    use std::fs;

    fn filled(folder: &Folder) -> Filling {
        let filling = folder.next().unwrap();
        let connection = Connection::open(filling.database()).unwrap();
        connection.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1)").unwrap();
        filling
    }

    #[test]
    fn the_greatest_complete_filling_counts() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::new(data.path());
        assert_eq!(folder.current().unwrap(), None);
        let (first, second, third) = (filled(&folder), filled(&folder), filled(&folder));
        first.complete().unwrap();
        second.complete().unwrap();
        assert_eq!(folder.current().unwrap(), Some(second.clone()));
        assert!(!first.database().exists() && !third.database().exists() && second.database().exists());
        assert_eq!(folder.next().unwrap().number, 3);
    }

    #[test]
    fn what_another_process_left_is_looked_at() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::new(data.path());
        let filling = filled(&folder);
        assert_eq!(filling.take(1 << 20), Ok(()));
        // It was killed, and the machine went on.
        assert_eq!(filling.take(0), Ok(()));
        fs::write(filling.path.join("open"), "another start").unwrap();
        assert_eq!(filling.take(0), Err(Ailment::Doubtful));
        filling.mark_closed().unwrap();
        assert_eq!(filling.take(0), Ok(()));
        filling.mark_closed().unwrap();
        fs::write(
            filling.database(),
            "no database, but as long as the head of one would be: a hundred bytes, more or less, of text",
        )
        .unwrap();
        assert!(matches!(filling.take(1 << 20), Err(Ailment::Damaged(_))));
        let aside = folder.set_aside(&filling).unwrap();
        assert!(aside.join("stoa.db").exists() && folder.current().unwrap().is_none());
    }
}
