//! The database file that is read now, and the threads that read it. A region reads another file when its replica was filled
//! anew; whoever reads the one before ends there.

use super::meters::Meters;
use super::reader::{ReadError, Reader, Readers};
use crate::limits;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A database file with its readers.
pub(super) struct Files {
    path: PathBuf,
    readers: Readers,
    /// Goes through the log; `None` if it cannot be had.
    following: OnceLock<Option<Readers>>,
    /// For those who begin to follow it; likewise.
    joining: OnceLock<Option<Readers>>,
    meters: Meters,
}

impl Files {
    pub(super) fn open(path: &Path, readers: usize, meters: &Meters) -> rusqlite::Result<Self> {
        let readers = Readers::open(path, readers, readers, meters)?;
        let (following, joining) = (OnceLock::new(), OnceLock::new());
        Ok(Self { path: path.to_owned(), readers, following, joining, meters: meters.clone() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Starts `work` on the thread that goes through the change log.
    pub(super) fn start_following(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.start_beside(&self.following, 1, work)
    }

    /// Starts `work` on a thread for those who begin to follow it.
    pub(super) fn start_joining(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.start_beside(&self.joining, limits::JOINING_THREADS, work)
    }

    /// Starts `work` on threads of their own kind, which are started for the first who needs them.
    fn start_beside(
        &self,
        beside: &OnceLock<Option<Readers>>,
        threads: usize,
        work: impl FnOnce(&Reader) + Send + 'static,
    ) -> Result<(), ReadError> {
        let open = || Readers::open(&self.path, threads, 0, &self.meters);
        let readers = beside.get_or_init(|| {
            open().inspect_err(|error| tracing::error!(%error, "nobody can follow the change log")).ok()
        });
        readers.as_ref().ok_or(ReadError::Closed)?.start(work)
    }
}
