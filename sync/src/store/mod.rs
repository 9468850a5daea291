//! One database file: a handle that is cheap to clone, one writer behind it, and readers that never wait for it.

mod read_only;
mod backup;
mod queue;
mod region;
mod retention;
mod writer;
mod migrate;
mod refusal;
mod requests;
mod doing;
mod sweeper;
mod view;
mod told;
mod log;
mod page;
mod files;
mod reader;
mod choice;
mod file;
mod position;
mod meters;
mod clock;
mod value;

pub use backup::{Backup, BackupError, backup};
pub use choice::Chosen;
pub use file::{LOCK_NAME, OpenError, libsql_version, sqlite_version};
pub use log::{Alterations, Altered, FollowError, Interest, Interesting, Key, State, Step};
pub use meters::{Load, Meters};
pub use migrate::{MigrateError, Mode, Ran};
pub use queue::{Fate, Queue, QueueError};
pub use reader::{Cell, Flow, ReadError, Reader, Record};
pub use region::{FRAME_BYTES, Health, Progress};
pub use retention::Retention;
pub use told::{Witness, Witnessed};
pub use view::View;
pub use writer::CommitError;

use crate::catalog::Catalog;
use crate::commit::{Commit, Committed};
use crate::limits;
use crate::primary::Primary;
use arc_swap::{ArcSwap, Guard};
use files::Files;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use stoa_schema::model::Schema;
use tokio::sync::watch;
use told::Told;

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

/// A database, open. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    files: Arc<ArcSwap<Files>>,
    /// Ends before the writer, which it asks.
    _keeper: Option<retention::Keeper>,
    writer: Writers,
    told: Told,
    secret: Box<[u8]>,
    folder: PathBuf,
    /// What waits for the primary of a region.
    queue: Option<Arc<Queue>>,
}

/// Who carries out commits.
enum Writers {
    /// A thread of this process.
    Here(writer::Writer),
    /// A primary elsewhere.
    There(region::RegionWriter),
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

/// Brings the primary of a region to a schema, and does nothing else with it; the region's replica in `folder` is brought there
/// too. `announce` hears what will be lost and what converted, a line each.
///
/// # Errors
/// As [`Store::join`]; what `mode` allows to lose is no error.
pub async fn migrate_primary(
    folder: &Path,
    primary: &Primary,
    schema: Schema,
    mode: Mode,
    announce: &mut (dyn FnMut(&[String]) + Send),
) -> Result<Vec<Ran>, OpenError> {
    let options = Options { folder: folder.to_owned(), readers: 1, sweep: false, retention: None };
    let joined = region::join(&options, primary, schema, mode, announce, Arc::new(|_| {})).await?;
    joined.filler.close().await;
    Ok(joined.ran)
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
        let (path, secret) = (opened.path.clone(), opened.secret.clone());
        let told = Told::new(opened.log.clone(), opened.seq);
        let (writer, catalog) = writer::Writer::start(opened, schema, told.clone(), options.sweep)?;
        let files = Files::open(&path, options.readers, &told.meters).map_err(OpenError::Database)?;
        let files = Arc::new(ArcSwap::from_pointee(files));
        let trimmer = writer.trimmer();
        let trim = move |through| trimmer.trim(through);
        let store = Self::of(options, files, Writers::Here(writer), told, secret, trim)?;
        Ok((store, catalog))
    }

    /// Opens the replica of a region in a folder, fills one if there is none, and brings the tables of its primary to `schema`.
    /// `progress` hears how far the first filling is. The store works on the runtime that this is called on.
    ///
    /// # Errors
    /// As [`Store::open`], or the primary refuses. As long as it is away, a region without a replica waits for it.
    pub async fn join(
        options: &Options,
        primary: &Primary,
        schema: Schema,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Result<(Store, Arc<Catalog>), OpenError> {
        let joined = region::join(options, primary, schema, Mode::Additive, &mut |_| {}, progress).await?;
        let region::Joined { region, filler, catalog, secret, revision, .. } = joined;
        let (files, told) = (region.files(), region.told().clone());
        let writer = region::RegionWriter::start(region, filler, &catalog, revision, options.sweep);
        let trim = writer.trimmer();
        let store = Self::of(options, files, Writers::There(writer), told, secret, trim)?;
        Ok((store, catalog))
    }

    fn of(
        options: &Options,
        files: Arc<ArcSwap<Files>>,
        writer: Writers,
        told: Told,
        secret: Vec<u8>,
        trim: impl Fn(u64) -> Result<std::time::Duration, writer::TrimError> + Send + 'static,
    ) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { folder: options.folder.clone(), source };
        let read = Arc::clone(&files);
        let path = move || read.load().path().to_owned();
        let keep = |retention| {
            retention::Keeper::start(retention, path, Arc::clone(&told.position), trim, told.meters.clone())
        };
        let _keeper = options.retention.map(keep).transpose().map_err(unusable)?;
        let queue = match writer {
            Writers::Here(_) => None,
            Writers::There(_) => Some(Arc::new(Queue::open(&options.folder).map_err(OpenError::Database)?)),
        };
        let (secret, folder) = (secret.into_boxed_slice(), options.folder.clone());
        Ok(Self { shared: Arc::new(Shared { files, _keeper, writer, told, secret, folder, queue }) })
    }

    /// How a region stands to its primary; `None`: this store is its own primary.
    pub fn health(&self) -> Option<Health> {
        match &self.shared.writer {
            Writers::Here(_) => None,
            Writers::There(writer) => Some(writer.region().health()),
        }
    }

    /// For how long it is not known that what is read here is all there is; `None`: it is.
    pub fn age(&self) -> Option<std::time::Duration> {
        match &self.shared.writer {
            Writers::Here(_) => None,
            Writers::There(writer) => writer.region().age(),
        }
    }

    /// What waits in a region for its primary; `None`: this store is its own primary.
    pub fn queue(&self) -> Option<Arc<Queue>> {
        self.shared.queue.clone()
    }

    /// Tells whenever the history of the database has become another one: what is followed must begin anew.
    pub fn histories(&self) -> watch::Receiver<u64> {
        self.shared.told.histories.subscribe()
    }

    /// The position of the change log that every read from now on includes.
    pub fn position(&self) -> u64 {
        self.shared.told.position.reached()
    }

    /// Whether whoever has read before this call has seen nothing that [`Store::position`] does not include by now.
    pub fn is_settled(&self) -> bool {
        self.shared.told.position.is_settled()
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
        if self.shared.told.witness.set(witness).is_err() {
            tracing::error!("a store has one witness only");
        }
    }

    /// Tells whenever that position has moved on.
    pub fn positions(&self) -> watch::Receiver<u64> {
        self.shared.told.position.watch()
    }

    /// What can be measured of it.
    pub fn meters(&self) -> &Meters {
        &self.shared.told.meters
    }

    /// What waits and works now.
    pub fn load(&self) -> Load {
        let files = self.shared.files.load();
        let (readers, streams) = files.readers().crew();
        let queued_commits = match &self.shared.writer {
            Writers::Here(writer) => writer.queued(),
            Writers::There(writer) => writer.queued(),
        };
        Load { queued_commits, queued_reads: files.readers().queued(), readers, streams }
    }

    /// The identity of the change log; a database that was made anew or restored has another.
    pub fn log(&self) -> Guard<Arc<String>> {
        self.shared.told.log.load()
    }

    /// A key that only this database has, for signing what clients hand back.
    pub fn secret(&self) -> &[u8] {
        &self.shared.secret
    }

    /// Says who works on the folder; others who find it locked are told ([`OpenError::Locked`]).
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub fn sign(&self, text: &str) -> std::io::Result<()> {
        file::sign(&self.shared.folder, text)
    }

    /// Carries out a commit. Once this has been called, dropping the future does not undo it.
    ///
    /// # Errors
    /// It was rejected, or the database cannot take it now.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        match &self.shared.writer {
            Writers::Here(writer) => writer.commit(commit).await,
            Writers::There(writer) => writer.commit(commit).await,
        }
    }

    /// Brings the tables to another schema, while everything goes on.
    ///
    /// # Errors
    /// It would lose data, or the database failed.
    pub async fn migrate(&self, schema: Schema) -> Result<Arc<Catalog>, MigrateError> {
        match &self.shared.writer {
            Writers::Here(writer) => writer.migrate(schema).await,
            Writers::There(writer) => writer.migrate(schema).await,
        }
    }

    /// Runs `work` on a reader thread and hands back its result.
    ///
    /// # Errors
    /// Too many reads wait already, or the store is closing.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        self.shared.files.load_full().readers().run(work).await
    }

    /// Starts `work` on a reader thread; it reports in its own way.
    ///
    /// # Errors
    /// Too many reads wait already, or the store is closing.
    pub fn start(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.shared.files.load().readers().start(work)
    }

    /// As [`Store::start`], on a thread that is kept for going through the change log.
    ///
    /// # Errors
    /// Too many wait already, or there is no such thread.
    pub fn start_following(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.shared.files.load().start_following(work)
    }

    /// As [`Store::start`], on threads that are kept for those who begin to follow the change log.
    ///
    /// # Errors
    /// Too many wait already, or there are no such threads.
    pub fn start_joining(&self, work: impl FnOnce(&Reader) + Send + 'static) -> Result<(), ReadError> {
        self.shared.files.load().start_joining(work)
    }

    /// Runs a short `work` (a point read) on this thread; `None` if every connection kept for that is in use.
    pub fn read_here<T>(&self, work: impl FnOnce(&Reader) -> T) -> Option<T> {
        self.shared.files.load().readers().run_here(work)
    }

    /// Waits until every commit that was accepted is carried out, and lets no other in.
    pub async fn close(&self) {
        match &self.shared.writer {
            Writers::Here(writer) => writer.close().await,
            Writers::There(writer) => writer.close().await,
        }
    }
}
