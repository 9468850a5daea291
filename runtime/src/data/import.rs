//! Lines of a body → commits of a bounded number of records, and a report of what became of each line. However long the
//! body is, what is kept of it is two chunks; while one is written the next is read.

use super::input::{BodyError, Line, Lines};
use super::write::{self, Intent};
use crate::limits;
use std::io::Read;
use std::sync::Arc;
use stoa_schema::model::TableId;
use stoa_sync::commit::{Commit, Committed, Outcome, Reason, RequestKey, Write};
use stoa_sync::store::{CommitError, Flow};
use stoa_sync::{Catalog, Store};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Where the records go.
pub struct Import {
    /// The database.
    pub store: Store,
    /// What its tables are.
    pub catalog: Arc<Catalog>,
    /// The table.
    pub table: TableId,
    /// How the records are meant.
    pub intent: Intent,
    /// Runs the commits.
    pub runtime: Handle,
}

/// What an import did.
#[derive(Debug, Default)]
pub struct Report {
    /// How many records are new.
    pub inserted: u64,
    /// How many records were there and were replaced.
    pub updated: u64,
    /// How many were there exactly so and were left alone ([`Intent::PutChanged`]).
    pub unchanged: u64,
    /// Whether it was stopped before the end of the body.
    pub stopped: bool,
    /// The first lines that could not be stored, in their order.
    pub failed: Vec<Failed>,
    /// How many more there are.
    pub failed_beyond: u64,
    /// A position of the change log that includes what was stored.
    pub seq: u64,
    /// Whether an earlier import with the same key did it.
    pub replayed: bool,
}

/// A body that has nothing wrong, and was read to its end unless it was stopped.
pub struct Gathered {
    chunk: Chunk,
    report: Report,
}

/// A line that could not be stored.
#[derive(Debug)]
pub struct Failed {
    /// Counted from 1; the header of CSV counts.
    pub line: u64,
    /// Why.
    pub fault: Fault,
}

/// Why a line could not be stored.
#[derive(Debug)]
pub enum Fault {
    /// It is no record of the table.
    Body(BodyError),
    /// The database forbids it.
    Reason(Reason),
}

/// Why an import ended before its body did.
#[derive(Debug)]
pub enum ImportError {
    /// Nothing of the body can be read.
    Body(BodyError),
    /// The body broke off.
    Broken(std::io::Error),
    /// The database cannot take it.
    Commit(CommitError),
    /// Some lines are wrong and it was to be all or nothing: nothing was stored.
    Refused(Report),
    /// It was to be all or nothing, and is too long for that.
    TooLarge,
}

impl Report {
    /// How many lines were looked at.
    pub fn lines(&self) -> u64 {
        self.inserted + self.updated + self.unchanged + self.failures()
    }

    /// How many of them could not be stored.
    pub fn failures(&self) -> u64 {
        self.failed.len() as u64 + self.failed_beyond
    }

    /// A line that cannot be read is known before those that stand above it are stored.
    fn fail(&mut self, line: u64, fault: Fault) {
        let at = self.failed.partition_point(|known| known.line < line);
        self.failed.insert(at, Failed { line, fault });
        if self.failed.len() > limits::LISTED_FAILURES {
            self.failed.pop();
            self.failed_beyond += 1;
        }
    }
}

/// A chunk on its way: its commit, and the line of each of its writes.
struct Sent {
    commit: JoinHandle<Result<Committed, CommitError>>,
    lines: Vec<u64>,
}

impl Import {
    /// Reads the body to its end and stores its records, chunk by chunk; what was stored stays when it breaks off. `watch`
    /// sees the report now and then, and may stop the import: what has been read is then stored. Blocks.
    ///
    /// # Errors
    /// See [`ImportError`]; lines that cannot be stored are part of the report.
    pub fn run(
        &self,
        mut lines: Lines,
        mut body: impl Read,
        watch: &mut dyn FnMut(&Report) -> Flow,
    ) -> Result<Report, ImportError> {
        let mut report = Report { seq: self.store.position(), ..Report::default() };
        let mut chunk = Chunk::default();
        let mut sent: Option<Sent> = None;
        let mut buffer = vec![0; limits::IMPORT_PIECE_BYTES];
        loop {
            let read = feed(&mut lines, &mut body, &mut buffer)?;
            chunk.bytes += read;
            while let Some(line) = lines.next(self.catalog.table(self.table)).map_err(ImportError::Body)? {
                self.take(line, &mut chunk, &mut report);
                if chunk.is_full() {
                    self.settle(sent.take(), &mut report)?;
                    sent = Some(self.send_chunk(std::mem::take(&mut chunk)));
                }
            }
            report.stopped = read > 0 && watch(&report) == Flow::Stop;
            if read == 0 || report.stopped {
                break;
            }
        }
        self.settle(sent, &mut report)?;
        self.settle(Some(self.send_chunk(chunk)), &mut report)?;
        Ok(report)
    }

    /// As [`Import::run`], but all in one commit, and only if nothing is wrong; stopped, it stores nothing. Blocks.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn run_atomically(
        &self,
        lines: Lines,
        body: impl Read,
        watch: &mut dyn FnMut(&Report) -> Flow,
    ) -> Result<Report, ImportError> {
        self.store(self.gather(lines, body, watch)?, None)
    }

    /// Reads the body to its end, for [`Import::store`]. Blocks.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn gather(
        &self,
        mut lines: Lines,
        body: impl Read,
        watch: &mut dyn FnMut(&Report) -> Flow,
    ) -> Result<Gathered, ImportError> {
        let mut report = Report { seq: self.store.position(), ..Report::default() };
        let mut chunk = Chunk::default();
        let mut body = body.take(limits::ATOMIC_IMPORT_BYTES + 1);
        let mut buffer = vec![0; limits::IMPORT_PIECE_BYTES];
        loop {
            let read = feed(&mut lines, &mut body, &mut buffer)?;
            if body.limit() == 0 {
                return Err(ImportError::TooLarge);
            }
            while let Some(line) = lines.next(self.catalog.table(self.table)).map_err(ImportError::Body)? {
                self.take(line, &mut chunk, &mut report);
            }
            if read > 0 && watch(&report) == Flow::Stop {
                report.stopped = true;
                return Ok(Gathered { chunk, report });
            }
            if read == 0 {
                break;
            }
        }
        if report.failed.is_empty() { Ok(Gathered { chunk, report }) } else { Err(ImportError::Refused(report)) }
    }

    /// Stores what was gathered in one commit, or nothing of it; under a key, what an earlier one with this key did. Blocks.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn store(&self, gathered: Gathered, request: Option<RequestKey>) -> Result<Report, ImportError> {
        let Gathered { chunk, mut report } = gathered;
        if report.stopped {
            return Ok(report);
        }
        let places = chunk.lines.clone();
        let commit = Commit { request, shown: false, ..write::commit(&self.catalog, chunk.writes) };
        match self.settle(Some(self.send(commit, chunk.lines)), &mut report) {
            Err(ImportError::Commit(CommitError::Rejected(rejected))) => {
                report.fail(places.get(rejected.index).copied().unwrap_or_default(), Fault::Reason(rejected.reason));
                Err(ImportError::Refused(report))
            }
            Err(error) => Err(error),
            Ok(()) => Ok(report),
        }
    }

    fn take(&self, line: Line, chunk: &mut Chunk, report: &mut Report) {
        let Line { number, record } = line;
        match record.and_then(|record| write::one(&self.catalog, self.table, record, self.intent)) {
            Ok(write) => {
                chunk.writes.push(write);
                chunk.lines.push(number);
            }
            Err(error) => report.fail(number, Fault::Body(error)),
        }
    }

    fn send_chunk(&self, chunk: Chunk) -> Sent {
        let commit = Commit { independent: true, shown: false, ..write::commit(&self.catalog, chunk.writes) };
        self.send(commit, chunk.lines)
    }

    fn send(&self, commit: Commit, lines: Vec<u64>) -> Sent {
        let store = self.store.clone();
        Sent { commit: self.runtime.spawn(async move { store.commit(commit).await }), lines }
    }

    /// Waits for a chunk and counts what became of its lines.
    fn settle(&self, sent: Option<Sent>, report: &mut Report) -> Result<(), ImportError> {
        let Some(Sent { commit, lines }) = sent.filter(|sent| !sent.lines.is_empty()) else { return Ok(()) };
        let committed =
            self.runtime.block_on(commit).unwrap_or(Err(CommitError::Closed)).map_err(ImportError::Commit)?;
        report.seq = committed.seq;
        report.replayed = committed.replayed;
        for (outcome, line) in committed.outcomes.into_iter().zip(lines) {
            match outcome {
                Outcome::Stored { created: true, .. } => report.inserted += 1,
                Outcome::Stored { created: false, .. } => report.updated += 1,
                Outcome::Written { created: true } => report.inserted += 1,
                Outcome::Written { created: false } => report.updated += 1,
                Outcome::Kept => report.unchanged += 1,
                Outcome::Refused(reason) => report.fail(line, Fault::Reason(reason)),
                Outcome::Deleted | Outcome::Counted(_) => {}
            }
        }
        Ok(())
    }
}

/// Records that are written together, and their lines.
#[derive(Default)]
struct Chunk {
    writes: Vec<Write>,
    lines: Vec<u64>,
    /// About so many bytes of the body.
    bytes: usize,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.writes.len() >= limits::IMPORT_CHUNK || self.bytes >= limits::IMPORT_CHUNK_BYTES
    }
}

/// Reads the next piece of the body; how many bytes it has, 0 at the end.
fn feed(lines: &mut Lines, body: &mut impl Read, buffer: &mut [u8]) -> Result<usize, ImportError> {
    let read = body.read(buffer).map_err(ImportError::Broken)?;
    if read == 0 {
        lines.end();
        return Ok(0);
    }
    lines.feed(&buffer[..read]);
    Ok(read)
}
