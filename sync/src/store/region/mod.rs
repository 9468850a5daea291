//! A store whose writer is a primary elsewhere and whose file is filled from there.
//!
//! What is written goes to the primary as batches ([`writer`], [`batch`]); what was written there, by whomever, comes back as
//! frames of its log ([`filling`]), and the change log in them drives cache and live updates as on a single node. A write is
//! answered when its own changes have come back. Why something was refused is found out here, on the replica, in a transaction
//! that is always undone ([`trial`]).

mod filling;
mod migrate;
mod writer;
mod trial;
mod upkeep;
mod batch;
mod pulse;
mod reason;
mod folder;

pub use filling::{FRAME_BYTES, Progress};
pub use pulse::Health;
pub(super) use writer::RegionWriter;

use super::Options;
use super::file::{self, OpenError};
use super::files::Files;
use super::migrate::{Mode, Ran};
use super::told::Told;
use crate::catalog::Catalog;
use crate::ddl::{self, Shape};
use crate::limits;
use crate::primary::{Asking, Connection, FeedError, Primary, SendError};
use arc_swap::{ArcSwap, ArcSwapOption};
use folder::{Ailment, Filling, Folder};
use libsql_hrana::proto::{Batch, Stmt, StmtResult};
use pulse::Pulse;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stoa_schema::model::Schema;
use stoa_schema::value::Value;
use trial::Trial;

/// The replica in a data folder, if there is a complete one.
pub(super) fn replica(data: &Path) -> Option<PathBuf> {
    Folder::new(data).newest().ok().flatten().map(|filling| filling.database())
}

/// What the parts of a region share.
pub(super) struct Region {
    primary: Primary,
    asking: Asking,
    connection: Connection,
    folder: Folder,
    readers: usize,
    told: Told,
    files: Arc<ArcSwap<Files>>,
    pulse: Pulse,
    trial: Trial,
    /// The name under which the tables have the shape that is served; `None`: they have another.
    shape: ArcSwapOption<String>,
    /// The shape that is served.
    served: Mutex<Shape>,
    _lock: File,
}

/// What a region is opened with, beside the options of every store.
pub(super) struct Joined {
    pub(super) region: Arc<Region>,
    pub(super) filler: filling::Filler,
    pub(super) catalog: Arc<Catalog>,
    /// What the migration ran.
    pub(super) ran: Vec<Ran>,
    pub(super) secret: Vec<u8>,
    pub(super) revision: i64,
}

/// Opens the region's replica, or fills one, and brings the primary's tables to a schema; waits for the primary where there is
/// nothing to begin with. `announce` hears what the migration is before it is carried out.
pub(super) async fn join(
    options: &Options,
    primary: &Primary,
    schema: Schema,
    mode: Mode,
    announce: &mut (dyn FnMut(&[String]) + Send),
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<Joined, OpenError> {
    let lock = file::lock(&options.folder)?;
    if options.folder.join(file::DATABASE_NAME).exists() {
        return Err(OpenError::OwnDatabase { folder: options.folder.clone() });
    }
    let unusable = |source| OpenError::Folder { folder: options.folder.clone(), source };
    let asking = Asking::new(primary).map_err(|error| OpenError::Primary(error.to_string()))?;
    let connection = Connection::new(primary).map_err(|error| OpenError::Primary(error.to_string()))?;
    let folder = Folder::new(&options.folder);
    let begun = begin(&folder, &asking, &connection, &progress).await?;
    let path = begun.filling.database();
    let tail = super::reader::connect_alone(&path).map_err(OpenError::Database)?;
    let facts = Facts::read(tail.connection()).map_err(OpenError::Database)?;
    if facts.format > ddl::FORMAT {
        return Err(OpenError::Newer { path, found: facts.format, known: ddl::FORMAT });
    }
    let told = Told::new(facts.log, facts.seq);
    let files = Files::open(&path, options.readers, &told.meters).map_err(OpenError::Database)?;
    let region = Arc::new(Region {
        primary: primary.clone(),
        asking,
        connection,
        folder,
        readers: options.readers,
        told,
        files: Arc::new(ArcSwap::from_pointee(files)),
        pulse: Pulse::new(),
        trial: Trial::new(),
        shape: ArcSwapOption::empty(),
        served: Mutex::new(Shape::of(&schema)),
        _lock: lock,
    });
    region.look_at_shape(tail.connection());
    let filler = filling::Filler::start(Arc::clone(&region), begun).map_err(unusable)?;
    let ran = match migrate::migrate(&region, &schema, mode, announce).await {
        Ok(ran) => ran,
        Err(error) => {
            filler.close().await;
            return Err(error.into());
        }
    };
    region.catch_up().await;
    let catalog = Arc::new(Catalog::new(schema));
    Ok(Joined { region, filler, catalog, ran, secret: facts.secret, revision: facts.revision })
}

/// A filling to begin with, and whether another one must take its place.
pub(super) struct Begun {
    filling: Filling,
    is_doubtful: bool,
}

async fn begin(
    folder: &Folder,
    asking: &Asking,
    connection: &Connection,
    progress: &Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<Begun, OpenError> {
    let failed = |error: std::io::Error| OpenError::Replica(error.to_string());
    if let Some(filling) = folder.current().map_err(failed)? {
        match filling.take(limits::CHECKED_BYTES) {
            Ok(()) => return Ok(Begun { filling, is_doubtful: false }),
            Err(Ailment::Doubtful) => {
                tracing::warn!("the machine lost its power: the replica is read as it is, and filled anew beside");
                return Ok(Begun { filling, is_doubtful: true });
            }
            Err(Ailment::Damaged(detail)) => {
                let aside = folder.set_aside(&filling).map_err(failed)?;
                tracing::warn!(detail, aside = %aside.display(), "the replica is damaged: it is set aside and filled anew");
            }
        }
    }
    prepare(asking, progress).await?;
    let filling = filling::fill_first(folder, connection, progress).await?;
    Ok(Begun { filling, is_doubtful: false })
}

/// Makes the internal tables at a primary that is new, and waits for one that is not there.
async fn prepare(asking: &Asking, progress: &Arc<dyn Fn(Progress) + Send + Sync>) -> Result<(), OpenError> {
    let mut pause = filling::Pause::default();
    loop {
        match prepare_once(asking).await {
            Ok(()) => return Ok(()),
            Err(SendError::Refused(detail)) => return Err(OpenError::Primary(detail)),
            Err(error) => {
                progress(Progress::Waiting(error.to_string()));
                pause.rest().await;
            }
        }
    }
}

/// Regions that do this at once make the same tables: whoever comes second changes nothing.
async fn prepare_once(asking: &Asking) -> Result<(), SendError> {
    let found = ask(asking, vec![Stmt::new("SELECT value FROM _meta WHERE key='format'", true)]).await;
    match found {
        Ok(rows) if number(&rows).is_some_and(|format| format >= i64::from(ddl::FORMAT)) => return Ok(()),
        Ok(_) | Err(SendError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    let mut statements: Vec<Stmt> = ddl::INTERNAL.iter().map(|sql| Stmt::new(*sql, false)).collect();
    let keep = |key: &str, value: String| {
        let insert = "INSERT INTO _meta(key,value) VALUES(?1,?2) ON CONFLICT(key) DO NOTHING";
        batch::statement(insert, &[Value::Text(key.to_owned()), Value::Text(value)])
    };
    let random = || uuid::Uuid::new_v4().simple().to_string();
    statements.push(keep("log", random()[..8].to_owned()));
    statements.push(keep("secret", (random() + &random()).to_uppercase()));
    let format = ddl::FORMAT;
    let set = format!(
        "INSERT INTO _meta(key,value) VALUES('format','{format}') ON CONFLICT(key) DO UPDATE SET value='{format}' \
         WHERE CAST(value AS INTEGER)<{format}"
    );
    statements.push(Stmt::new(set, false));
    ask(asking, statements).await.map(|_| ())
}

/// Runs statements in one transaction; what the last one says.
async fn ask(asking: &Asking, statements: Vec<Stmt>) -> Result<StmtResult, SendError> {
    ask_within(asking, statements, limits::BATCH_WAIT).await
}

async fn ask_within(asking: &Asking, statements: Vec<Stmt>, wait: Duration) -> Result<StmtResult, SendError> {
    let batch = if statements.len() == 1 { Batch::from_iter(statements) } else { Batch::transactional(statements) };
    let last = if batch.steps.len() == 1 { 0 } else { batch.steps.len() - 3 };
    let mut result = asking.batch(batch, wait).await?;
    if let Some(error) = result.step_errors.iter().flatten().next() {
        return Err(SendError::Refused(error.message.clone()));
    }
    let done = result.step_results.get_mut(last).and_then(Option::take);
    done.ok_or_else(|| SendError::Refused("a step was not carried out".into()))
}

/// The number in the first cell, if there is one.
fn number(result: &StmtResult) -> Option<i64> {
    match result.rows.first()?.values.first()? {
        libsql_hrana::proto::Value::Integer { value } => Some(*value),
        libsql_hrana::proto::Value::Text { value } => value.parse().ok(),
        _ => None,
    }
}

/// What stands in `_meta` and in the log of a replica.
struct Facts {
    format: u32,
    log: String,
    secret: Vec<u8>,
    seq: u64,
    revision: i64,
}

impl Facts {
    fn read(connection: &rusqlite::Connection) -> rusqlite::Result<Self> {
        let fact = |key| file::meta(connection, key).map(Option::unwrap_or_default);
        let (seq, revision) = file::last_change(connection)?;
        Ok(Self {
            format: fact("format")?.parse().unwrap_or(u32::MAX),
            log: fact("log")?,
            secret: fact("secret")?.into_bytes(),
            seq,
            revision,
        })
    }
}

impl Region {
    /// Whether the change log still goes by the name that it had: otherwise the history is another one, which another region
    /// or a migration has said.
    fn look_at_log(&self, connection: &rusqlite::Connection, seq: u64) {
        match file::meta(connection, "log") {
            Ok(Some(log)) if log != **self.told.log.load() => self.told.begun_anew(log, seq),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the name of the change log cannot be read"),
        }
    }

    /// Whether the tables have the shape that is served, and under which name.
    fn look_at_shape(&self, connection: &rusqlite::Connection) {
        let id = file::meta(connection, file::SHAPE_ID);
        let Ok(id) = id.inspect_err(|error| tracing::error!(%error, "the shape of the tables cannot be read")) else {
            return;
        };
        if self.shape.load().as_deref() == id.as_ref() {
            return;
        }
        let held = file::meta(connection, "shape").ok().flatten();
        let held: Option<Shape> = held.and_then(|text| serde_json::from_str(&text).ok());
        let same = held.is_some_and(|held| held == *self.served.lock().unwrap_or_else(PoisonError::into_inner));
        if !same && self.shape.load().is_some() {
            tracing::warn!(
                "the primary has the tables of another schema: until this region serves it too, nothing is written from here"
            );
        }
        self.shape.store(id.filter(|_| same).map(Arc::new));
    }

    /// Serves another schema from now on, whose shape the tables may have already.
    fn serve(&self, schema: &Schema) -> rusqlite::Result<()> {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Shape::of(schema);
        self.shape.store(None);
        let reader = super::reader::connect_alone(self.files.load().path())?;
        self.look_at_shape(reader.connection());
        Ok(())
    }

    /// Waits until what is read is what the primary has now, if the primary is there: whoever comes back finds what was there
    /// when it left.
    async fn catch_up(&self) {
        let question = batch::rows(batch::POSITION);
        let Ok(answer) = ask_within(&self.asking, vec![question], limits::PULSE_WAIT).await else { return };
        let seq = number(&answer).unwrap_or_default().unsigned_abs();
        if !self.told.position.is_reached_within(seq, limits::CATCH_UP_WAIT).await {
            tracing::warn!("the replica is still behind its primary; it is read as it is");
        }
    }

    /// The file that is read.
    pub(super) fn files(&self) -> Arc<ArcSwap<Files>> {
        Arc::clone(&self.files)
    }

    /// Who is told of commits.
    pub(super) fn told(&self) -> &Told {
        &self.told
    }

    /// For how long it is not known that what is read here is all there is, if that is longer than between two looks.
    pub(super) fn age(&self) -> Option<Duration> {
        Some(self.pulse.age()).filter(|age| *age > limits::FRESH)
    }

    /// How the region stands.
    pub(super) fn health(&self) -> Health {
        self.pulse.health(&self.primary, self.told.position.reached(), self.shape.load().is_some())
    }
}

impl From<FeedError> for OpenError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Refused(detail) => Self::Primary(detail),
            other => Self::Replica(other.to_string()),
        }
    }
}
