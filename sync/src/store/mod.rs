//! One database file: a handle that is cheap to clone, one writer behind it, and readers that never wait for it.

mod read_only;
mod retention;
mod writer;
mod migrate;
mod refusal;
mod requests;
mod sweeper;
mod view;
mod log;
mod page;
mod reader;
mod choice;
mod file;
mod position;
mod meters;
mod value;

pub use choice::Chosen;
pub use file::{LOCK_NAME, OpenError, libsql_version, sqlite_version};
pub use log::{Alterations, Altered, FollowError, Interest, Interesting, Key, State, Step};
pub use meters::{Load, Meters};
pub use migrate::{MigrateError, Mode, Ran};
pub use reader::{Cell, Flow, ReadError, Reader, Record};
pub use retention::Retention;
pub use view::View;
pub use writer::CommitError;

use crate::catalog::Catalog;
use crate::commit::{Commit, Committed};
use crate::limits;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use stoa_schema::model::Schema;
use tokio::sync::watch;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds the database; it is made if missing.
    pub folder: PathBuf,
    /// Threads for reading.
    pub readers: usize,
    /// Whether what has expired is taken away; it is invisible in any case.
    pub sweep: bool,
    /// How much of the change log is kept; `None`: all of it.
    pub retention: Option<Retention>,
}

/// Hears what each commit changed when it can be read already, but before anybody is answered and before the position of the
/// store moves: what it keeps of the records is right for every position that is reached. It holds up every write.
pub type Witness = Box<dyn Fn(&Step<'_>) + Send + Sync>;

/// A database, open. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    readers: reader::Readers,
    /// Goes through the log; `None` if it cannot be had.
    following: OnceLock<Option<reader::Readers>>,
    /// For those who begin to follow it; likewise.
    joining: OnceLock<Option<reader::Readers>>,
    /// Ends before the writer, which it asks.
    _keeper: Option<retention::Keeper>,
    writer: writer::Writer,
    witness: Arc<OnceLock<Witness>>,
    meters: Meters,
    position: Arc<position::Position>,
    log: Box<str>,
    secret: Box<[u8]>,
    path: PathBuf,
}

/// Brings the database in a folder to a schema, and does nothing else with it. `announce` hears, before the first change,
/// what will be lost and what converted, a line each. Blocks.
///
/// # Errors
/// As [`Store::open`]; what `mode` allows to lose is no error.
pub fn migrate(
    folder: &Path,
    schema: &Schema,
    mode: Mode,
    announce: &mut dyn FnMut(&[String]),
) -> Result<Vec<Ran>, OpenError> {
    let opened = file::open(folder)?;
    Ok(migrate::migrate(&opened.writing, schema, mode, announce)?)
}

/// Opens the database in a folder for reading alone, also while another process writes it. No deadline ends its reads.
///
/// # Errors
/// There is none, it is newer than this program, or its tables are not those of the schema.
pub fn open_to_read(folder: &Path, schema: &Schema) -> Result<Reader, OpenError> {
    read_only::open(folder, schema)
}

impl Store {
    /// Opens the database in a folder, makes it if there is none, and brings its tables to `schema`.
    ///
    /// # Errors
    /// The folder cannot be used, another process has it, the file is newer than this program, or the schema would lose
    /// data.
    pub fn open(options: &Options, schema: Schema) -> Result<(Store, Arc<Catalog>), OpenError> {
        let opened = file::open(&options.folder)?;
        let position = Arc::new(position::Position::new(opened.seq));
        let path = opened.path.clone();
        let log = opened.log.clone().into_boxed_str();
        let secret = opened.secret.clone().into_boxed_slice();
        let witness = Arc::new(OnceLock::new());
        let meters = Meters::default();
        let told =
            writer::Told { position: Arc::clone(&position), witness: Arc::clone(&witness), meters: meters.clone() };
        let (writer, catalog) = writer::Writer::start(opened, schema, told, options.sweep)?;
        let readers =
            reader::Readers::open(&path, options.readers, options.readers, &meters).map_err(OpenError::Database)?;
        let keep = |retention| {
            retention::Keeper::start(retention, path.clone(), Arc::clone(&position), writer.trimmer(), meters.clone())
                .map_err(|source| OpenError::Folder { folder: options.folder.clone(), source })
        };
        let _keeper = options.retention.map(keep).transpose()?;
        let (following, joining) = (OnceLock::new(), OnceLock::new());
        let shared =
            Shared { readers, following, joining, _keeper, writer, witness, meters, position, log, secret, path };
        Ok((Store { shared: Arc::new(shared) }, catalog))
    }

    /// The position of the change log that every read from now on includes.
    pub fn position(&self) -> u64 {
        self.shared.position.reached()
    }

    /// Whether whoever has read before this call has seen nothing that [`Store::position`] does not include by now.
    pub fn is_settled(&self) -> bool {
        self.shared.position.is_settled()
    }

    /// Waits until a position that a reading has seen is reached: no time at all, unless it is the commit of this moment.
    ///
    /// # Errors
    /// It took too long.
    pub async fn reached(&self, seen: Option<u64>) -> Result<(), ReadError> {
        let Some(seen) = seen.filter(|seen| *seen > self.position()) else { return Ok(()) };
        let mut positions = self.positions();
        let reached = positions.wait_for(|position| *position >= seen);
        match tokio::time::timeout(limits::READ_DEADLINE, reached).await {
            Ok(reached) => reached.map(|_| ()).map_err(|_| ReadError::Closed),
            Err(_) => Err(ReadError::Deadline),
        }
    }

    /// As [`Store::reached`], on a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn wait_until_reached(&self, seen: u64) -> Result<(), ReadError> {
        let began = Instant::now();
        while self.position() < seen {
            if began.elapsed() > limits::READ_DEADLINE {
                return Err(ReadError::Deadline);
            }
            std::thread::sleep(limits::REACHED_PAUSE);
        }
        Ok(())
    }

    /// Lets `witness` hear of every commit from now on. Only the first one is ever heard.
    pub fn set_witness(&self, witness: Witness) {
        if self.shared.witness.set(witness).is_err() {
            tracing::error!("a store has one witness only");
        }
    }

    /// Tells whenever that position has moved on.
    pub fn positions(&self) -> watch::Receiver<u64> {
        self.shared.position.watch()
    }

    /// What can be measured of it.
    pub fn meters(&self) -> &Meters {
        &self.shared.meters
    }

    /// What waits and works now.
    pub fn load(&self) -> Load {
        let (readers, streams) = self.shared.readers.crew();
        let queued_commits = self.shared.writer.queued();
        Load { queued_commits, queued_reads: self.shared.readers.queued(), readers, streams }
    }

    /// The identity of the change log; a database that was made anew or restored has another.
    pub fn log(&self) -> &str {
        &self.shared.log
    }

    /// A key that only this database has, for signing what clients hand back.
    pub fn secret(&self) -> &[u8] {
        &self.shared.secret
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Says who works on the folder; others who find it locked are told ([`OpenError::Locked`]).
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub fn sign(&self, text: &str) -> std::io::Result<()> {
        file::sign(&self.shared.path, text)
    }

    /// Carries out a commit. Once this has been called, dropping the future does not undo it.
    ///
    /// # Errors
    /// It was rejected, or the database cannot take it now.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.shared.writer.commit(commit).await
    }

    /// Brings the tables to another schema, while everything goes on.
    ///
    /// # Errors
    /// It would lose data, or the database failed.
    pub async fn migrate(&self, schema: Schema) -> Result<Arc<Catalog>, MigrateError> {
        self.shared.writer.migrate(schema).await
    }

    /// Runs `work` on a reader thread and hands back its result.
    ///
    /// # Errors
    /// Too many reads wait already, or the store is closing.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        self.shared.readers.run(work).await
    }

    /// Starts `work` on a reader thread; it reports in its own way.
    ///
    /// # Errors
    /// Too many reads wait already, or the store is closing.
    pub fn start(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.shared.readers.start(work)
    }

    /// As [`Store::start`], on a thread that is kept for going through the change log.
    ///
    /// # Errors
    /// Too many wait already, or there is no such thread.
    pub fn start_following(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.start_beside(&self.shared.following, 1, work)
    }

    /// As [`Store::start`], on threads that are kept for those who begin to follow the change log.
    ///
    /// # Errors
    /// Too many wait already, or there are no such threads.
    pub fn start_joining(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.start_beside(&self.shared.joining, limits::JOINING_THREADS, work)
    }

    /// Starts `work` on threads of their own kind, which are started for the first who needs them.
    fn start_beside(
        &self,
        beside: &OnceLock<Option<reader::Readers>>,
        threads: usize,
        work: impl FnOnce(&Reader) + Send + 'static,
    ) -> Result<(), ReadError> {
        let open = || reader::Readers::open(&self.shared.path, threads, 0, &self.shared.meters);
        let readers = beside.get_or_init(|| {
            open().inspect_err(|error| tracing::error!(%error, "nobody can follow the change log")).ok()
        });
        readers.as_ref().ok_or(ReadError::Closed)?.start(work)
    }

    /// Runs a short `work` (a point read) on this thread; `None` if every connection kept for that is in use.
    pub fn read_here<T>(&self, work: impl FnOnce(&Reader) -> T) -> Option<T> {
        self.shared.readers.run_here(work)
    }

    /// Waits until every commit that was accepted is carried out, and lets no other in.
    pub async fn close(&self) {
        self.shared.writer.close().await;
    }
}
