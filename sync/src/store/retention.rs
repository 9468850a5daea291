//! Retention: how far back the change log reaches. What is older than its age, or beyond its size, goes from the oldest on;
//! the newest change always stays, because its number is the position of the log.
//!
//! A thread of its own measures the log on a connection of its own, a few rows at a time: after the start what is there,
//! from then on what is added, so that nothing is read twice but what goes. The writer only deletes, in transactions of
//! few rows, and between two of them the thread rests longer than they took.

use super::clock::now_ms;
use super::meters::Meters;
use super::position::Position;
use super::reader::{self, ReadError, Reader};
use super::writer::TrimError;
use crate::limits;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of the change log is kept: what one of the two excludes is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// So long.
    pub age: Duration,
    /// So many bytes: those of the images, and a little for each row.
    pub bytes: u64,
}

/// Deletes the oldest changes up to a position, except the newest change of all.
pub(super) const DELETE: &str = "DELETE FROM _changes WHERE seq<=?1 AND seq<(SELECT max(seq) FROM _changes)";

/// The thread that keeps the log within its bounds, as long as this lives.
pub(super) struct Keeper {
    _alive: Sender<Infallible>,
}

impl Keeper {
    pub(super) fn start(
        retention: Retention,
        path: impl Fn() -> PathBuf + Send + 'static,
        position: Arc<Position>,
        trim: impl Fn(u64) -> Result<Duration, TrimError> + Send + 'static,
        meters: Meters,
    ) -> std::io::Result<Self> {
        let (alive, ended) = bounded(0);
        let work = move || {
            run(&ended, path, &position, |log| {
                let kept = log.keep(retention, &trim);
                meters.log_bytes.set(i64::try_from(log.bytes).unwrap_or(i64::MAX));
                kept
            })
        };
        std::thread::Builder::new().name("stoa-log".into()).spawn(work)?;
        Ok(Self { _alive: alive })
    }
}

/// Looks at the log whenever it may have changed, until nobody needs it any more.
fn run(
    ended: &Receiver<Infallible>,
    path: impl Fn() -> PathBuf,
    position: &Position,
    keep: impl Fn(&mut Log) -> Result<Rest, KeepError>,
) {
    let mut log: Option<Log> = None;
    let (mut seen, mut moved) = (0, Instant::now());
    let mut rest = limits::LOG_LOOK;
    while ended.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
        let now = position.reached();
        if std::mem::replace(&mut seen, now) != now {
            moved = Instant::now();
        }
        let path = path();
        let kept = match &mut log {
            Some(log) if log.path == path => keep(log),
            // The first look, or another file took its place.
            _ => Log::open(path).map_err(KeepError::Read).and_then(|opened| keep(log.insert(opened))),
        };
        rest = match kept {
            Ok(Rest::Short(rest)) => rest,
            Ok(Rest::Long) if moved.elapsed() < limits::IDLE_LOG_LOOK => limits::LOG_LOOK,
            Ok(Rest::Long) => limits::IDLE_LOG_LOOK,
            Err(KeepError::Trim(TrimError::Busy)) => limits::LOG_LOOK,
            Err(KeepError::Trim(TrimError::Closed)) => return,
            Err(error) => {
                tracing::warn!(%error, "the change log was not trimmed; it stays longer than it should");
                limits::IDLE_LOG_LOOK
            }
        };
    }
}

/// How long there is nothing to do.
enum Rest {
    /// There is more at once.
    Short(Duration),
    /// Until the log grows or ages.
    Long,
}

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Trim(#[from] TrimError),
}

/// The log, and what is known of its size.
struct Log {
    path: PathBuf,
    reader: Reader,
    /// Up to here it is measured.
    measured: u64,
    /// The size of what is measured and still there.
    bytes: u64,
}

/// A change, as far as it matters here.
struct Change {
    seq: u64,
    at_ms: i64,
    bytes: u64,
}

impl Log {
    fn open(path: PathBuf) -> Result<Self, ReadError> {
        Ok(Self { reader: reader::connect_alone(&path)?, path, measured: 0, bytes: 0 })
    }

    /// Measures some of what is not measured, and has some taken away of what is beyond the bounds.
    fn keep(
        &mut self,
        retention: Retention,
        trim: &dyn Fn(u64) -> Result<Duration, TrimError>,
    ) -> Result<Rest, KeepError> {
        let began = Instant::now();
        let more_to_measure = self.measure()?;
        let mut worked = began.elapsed();
        let beyond = self.beyond(retention)?;
        if let Some(Beyond { through, bytes }) = beyond {
            worked += trim(through)?;
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        let more = more_to_measure || beyond.is_some();
        Ok(if more { Rest::Short(worked * limits::LOG_REST) } else { Rest::Long })
    }

    /// Measures some changes; whether there may be more.
    fn measure(&mut self) -> Result<bool, ReadError> {
        let added = self.changes(self.measured, u64::MAX, limits::MEASURED_ROWS)?;
        self.bytes += added.iter().map(|change| change.bytes).sum::<u64>();
        self.measured = added.last().map_or(self.measured, |last| last.seq);
        Ok(added.len() == limits::MEASURED_ROWS)
    }

    /// The oldest changes that are too many or too old, as many as one transaction takes away. What is not measured stays,
    /// and so does the last that is measured: it may be the newest there is.
    fn beyond(&self, retention: Retention) -> Result<Option<Beyond>, ReadError> {
        let oldest_ms = now_ms() - i64::try_from(retention.age.as_millis()).unwrap_or(i64::MAX / 2);
        let is_beyond = |change: &Change, gone: u64| {
            change.at_ms < oldest_ms || self.bytes - gone.min(self.bytes) > retention.bytes
        };
        let some = |rows| self.changes(0, self.measured, rows);
        // Mostly there is nothing to do, which the first change tells.
        if !some(1)?.first().is_some_and(|first| is_beyond(first, 0)) {
            return Ok(None);
        }
        let mut beyond: Option<Beyond> = None;
        for change in some(limits::TRIMMED_ROWS)? {
            let gone = beyond.map_or(0, |beyond| beyond.bytes);
            if gone >= limits::TRIMMED_BYTES || !is_beyond(&change, gone) {
                break;
            }
            beyond = Some(Beyond { through: change.seq, bytes: gone + change.bytes });
        }
        Ok(beyond)
    }

    /// The first changes between two positions, both excluded.
    fn changes(&self, after: u64, before: u64, limit: usize) -> Result<Vec<Change>, ReadError> {
        let sql = "SELECT seq,at,coalesce(octet_length(after),0)+coalesce(octet_length(before),0) FROM _changes \
                   WHERE seq>?1 AND seq<?2 ORDER BY seq LIMIT ?3";
        let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let mut statement = self.reader.connection().prepare_cached(sql)?;
        let rows = statement.query_map((bound(after), bound(before), limit), |row| {
            let (seq, at_ms, images): (i64, i64, i64) = row.try_into()?;
            Ok(Change { seq: seq.unsigned_abs(), at_ms, bytes: images.unsigned_abs() + limits::CHANGE_OVERHEAD_BYTES })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What is to go: up to a position, so many bytes.
#[derive(Clone, Copy)]
struct Beyond {
    through: u64,
    bytes: u64,
}
