//! `POST /T/` and `PUT /T/` with a record on each line: an import, read as it comes in and answered with a report.

use super::idempotency::{Fingerprint, Fingerprinted};
use super::problem::{self, Problem, ProblemKind};
use super::request_body;
use super::respond::{self, Answer, Position};
use super::service::{Service, Tables};
use crate::data::coding::decoder;
use crate::data::format::Format;
use crate::data::import::{Fault, Import, ImportError, Report};
use crate::data::input::Lines;
use crate::data::write::Intent;
use crate::limits;
use bytes::Bytes;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value as Json, json};
use std::io::{self, Read};
use std::sync::Arc;
use stoa_schema::model::TableId;
use stoa_sync::Catalog;
use stoa_sync::store::Flow;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// What is imported where.
pub(super) struct Importing<'a> {
    pub(super) service: &'a Service,
    pub(super) tables: &'a Tables,
    pub(super) parts: &'a Parts,
    pub(super) table: TableId,
    pub(super) intent: Intent,
    pub(super) format: Format,
    pub(super) atomic: bool,
    /// `Idempotency-Key`; only where it is atomic.
    pub(super) key: Option<String>,
}

impl Importing<'_> {
    pub(super) async fn answer(self, body: &mut Incoming) -> Result<Answer, Box<Problem>> {
        self.service.reach(&self.parts.headers).await?;
        let codings = request_body::codings(&self.parts.headers)?;
        let import = Import {
            store: self.service.store.clone(),
            catalog: Arc::clone(&self.tables.catalog),
            table: self.table,
            intent: self.intent,
            runtime: Handle::current(),
        };
        let lines = if self.format == Format::Csv { Lines::csv() } else { Lines::ndjson() };
        let atomic = self.atomic;
        let keyed = self.key.map(|key| (key, Fingerprint::of(self.parts, self.format)));
        let (pieces, received) = mpsc::channel(limits::IMPORT_PIECES);
        let working = tokio::task::spawn_blocking(move || {
            let body = Received { pieces: received, current: Bytes::new() };
            let body = decoder(&codings, body).map_err(ImportError::Broken)?;
            let watch = &mut |_: &Report| Flow::Continue;
            if !atomic {
                return import.run(lines, body, watch);
            }
            let Some((key, fingerprint)) = keyed else { return import.run_atomically(lines, body, watch) };
            let mut body = Fingerprinted { body, fingerprint };
            let gathered = import.gather(lines, &mut body, watch)?;
            import.store(gathered, Some(body.fingerprint.request(&key)))
        });
        forward(body, pieces).await;
        let (catalog, table) = (&self.tables.catalog, self.table);
        let done = working.await.unwrap_or(Err(ImportError::Commit(stoa_sync::store::CommitError::Closed)));
        let report = done.map_err(|error| of_import(error, catalog, table))?;
        let position = Position::new(&self.service.store.log(), report.seq);
        let mut answer = respond::report(&told(&report, catalog, table), position);
        if report.replayed {
            respond::replayed(answer.headers_mut());
        }
        Ok(answer)
    }
}

/// Hands the body to the one who reads it, until it ends or nobody wants more.
async fn forward(body: &mut Incoming, pieces: mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let piece = match tokio::time::timeout(limits::BODY_STALL, body.frame()).await {
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
            Ok(None) => return,
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
            Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
        };
        let broken = piece.is_err();
        if pieces.send(piece).await.is_err() || broken {
            return;
        }
    }
}

/// The pieces of a body as a reader, for a thread that may block.
struct Received {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

fn of_import(error: ImportError, catalog: &Catalog, table: TableId) -> Box<Problem> {
    match error {
        ImportError::Body(error) => error.into(),
        ImportError::Broken(error) if error.kind() == io::ErrorKind::TimedOut => {
            Problem::new(ProblemKind::TIMEOUT, "the body stopped in the middle; the lines before it may be stored")
        }
        ImportError::Broken(error) => Problem::syntax(format!("the body broke off: {error}")),
        ImportError::Commit(error) => {
            problem::of_commit(error, |rejected| problem::of_reason(&rejected.reason, catalog, table, None))
        }
        ImportError::TooLarge => {
            let most = limits::ATOMIC_IMPORT_BYTES >> 20;
            Problem::new(ProblemKind::TOO_LARGE, format!("an import that is all or nothing may have {most} MiB"))
        }
        ImportError::Refused(report) => {
            let detail = "some lines are wrong, so nothing was stored";
            let mut told = told(&report, catalog, table);
            Problem::new(ProblemKind::VALIDATION, detail)
                .with("errors", json!([{"pointer": "", "code": "lines", "message": detail}]))
                .with("failed", told["failed"].take())
        }
    }
}

fn told(report: &Report, catalog: &Catalog, table: TableId) -> Json {
    let failed: Vec<Json> =
        report.failed.iter().map(|it| json!({"line": it.line, "errors": faults(&it.fault, catalog, table)})).collect();
    let mut told = json!({"inserted": report.inserted, "updated": report.updated, "failed": failed});
    if report.failed_beyond > 0 {
        told["failedBeyond"] = report.failed_beyond.into();
    }
    told
}

/// What is wrong with a line, in the words of the problem that it would have been alone.
fn faults(fault: &Fault, catalog: &Catalog, table: TableId) -> Vec<Json> {
    let problem = match fault {
        Fault::Body(error) => Box::<Problem>::from(error.clone()),
        Fault::Reason(reason) => problem::of_reason(reason, catalog, table, None),
    };
    problem.as_errors()
}

/// What is wrong with a line, for people.
pub(crate) fn fault_messages(fault: &Fault, catalog: &Catalog, table: TableId) -> Vec<String> {
    let message = |error: &Json| error["message"].as_str().map(str::to_owned);
    faults(fault, catalog, table).iter().filter_map(message).collect()
}
