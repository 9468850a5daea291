//! `stoa import`: files of records → the database, as imports over HTTP are stored, without a server.

use super::ImportArgs;
use super::files::{self, Named, STANDARD_STREAM};
use super::migrate::opening;
use super::offline::Offline;
use super::progress::{Of, Progress};
use super::running::Stop;
use crate::data::coding::Coding;
use crate::data::format::Format;
use crate::data::import::{Failed, Fault, Import, ImportError, Report};
use crate::data::input::{BodyError, Lines};
use crate::data::write::Intent;
use crate::http::fault_messages;
use crate::limits;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stoa_schema::model::{Table, TableId};
use stoa_schema::value::ViolationCode;
use stoa_sync::Catalog;
use stoa_sync::store::{Flow, OpenError};
use tokio::runtime::Runtime;

/// Imports the files, one after the other; the error is for people.
pub(super) fn run(arguments: &ImportArgs) -> Result<(), String> {
    let sources = sources(arguments)?;
    let app = Offline::load(&arguments.app, arguments.data.clone())?;
    let table = app.table(&arguments.table)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    let stop = stop_on_signal(&runtime)?;
    let (store, catalog) = app.open().map_err(|error| match error {
        OpenError::Locked { holder: Some(ref server), .. } => {
            format!("{error}\n{}", through_the_server(server, &app, table, &sources, arguments))
        }
        other => opening(&other, &arguments.app),
    })?;
    let intent = if arguments.new { Intent::Insert } else { Intent::PutChanged };
    let import = Import { store: store.clone(), catalog, table, intent, runtime: runtime.handle().clone() };
    let mut failures = 0;
    let done = sources.iter().try_for_each(|source| {
        failures += one(&import, source, arguments.atomic, &stop)?;
        Ok(())
    });
    runtime.block_on(store.close());
    match done {
        Ok(()) if failures > 0 => Err(format!("{failures} lines could not be stored")),
        done => done,
    }
}

/// A file, and how it is read.
struct Source {
    path: PathBuf,
    format: Format,
    coding: Option<Coding>,
}

fn sources(arguments: &ImportArgs) -> Result<Vec<Source>, String> {
    let given = match &arguments.format {
        Some(name) => {
            Some(files::format(name).ok_or_else(|| format!("--format {name}: ndjson and csv can be imported"))?)
        }
        None => None,
    };
    if arguments.atomic && arguments.files.len() > 1 {
        return Err("--atomic takes one file: each file is a transaction of its own".into());
    }
    arguments.files.iter().map(|path| source(path, given)).collect()
}

fn source(path: &Path, given: Option<Format>) -> Result<Source, String> {
    let named = Named::of(path);
    let shown = path.display();
    match given.or(named.format) {
        Some(format @ (Format::Ndjson | Format::Csv)) => {
            Ok(Source { path: path.to_owned(), format, coding: named.coding })
        }
        Some(Format::Json | Format::Cbor | Format::MessagePack) => {
            Err(format!("{shown}: ndjson and csv can be imported; `jq -c .[]` makes NDJSON of a JSON array"))
        }
        None if path.as_os_str() == STANDARD_STREAM => {
            Err("say what comes in with --format ndjson or --format csv".into())
        }
        None => Err(format!("{shown}: its name does not end in .ndjson or .csv; say what it is with --format")),
    }
}

/// Imports one file and reports it; how many of its lines could not be stored.
fn one(import: &Import, source: &Source, atomic: bool, stop: &AtomicBool) -> Result<u64, String> {
    let shown = source.path.display().to_string();
    let (file, length) = files::open(&source.path)?;
    let mut progress = Progress::new(&shown, Of::Bytes, length);
    let body = files::decoded(source.coding, progress.reading(file))?;
    let lines = if source.format == Format::Csv { Lines::csv() } else { Lines::ndjson() };
    let watch = &mut |report: &Report| {
        progress.records(report.lines());
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
    };
    let done = if atomic { import.run_atomically(lines, body, watch) } else { import.run(lines, body, watch) };
    progress.finish();
    let (catalog, table) = (&import.catalog, import.table);
    let report = match done {
        Ok(report) => report,
        Err(ImportError::Refused(report)) => {
            tell_failures(&report, &shown, catalog, table);
            return Err(format!("{shown}: some lines are wrong, so nothing was stored"));
        }
        Err(error) => return Err(format!("{shown}: {}", explained(error))),
    };
    tell_failures(&report, &shown, catalog, table);
    println!("{shown}: {}, {}", counted(&report), progress.pace(report.lines()));
    match report.stopped {
        true => Err(stopped(&report, import.intent, atomic)),
        false => Ok(report.failures()),
    }
}

fn counted(report: &Report) -> String {
    let Report { inserted, updated, unchanged, .. } = report;
    format!("{inserted} inserted, {updated} updated, {unchanged} unchanged, {} failed", report.failures())
}

fn stopped(report: &Report, intent: Intent, atomic: bool) -> String {
    let stored = report.inserted + report.updated + report.unchanged;
    match intent {
        _ if atomic => "stopped; nothing was stored".into(),
        Intent::Insert => format!("stopped: the first {stored} records are stored; leave them out when you go on"),
        Intent::Put | Intent::PutChanged => {
            format!("stopped: the first {stored} records are stored; run the same command again to go on")
        }
    }
}

fn tell_failures(report: &Report, shown: &str, catalog: &Catalog, table: TableId) {
    for Failed { line, fault } in &report.failed {
        eprintln!("{shown}:{line}: {}", fault_messages(fault, catalog, table).join("; "));
    }
    if report.failed_beyond > 0 {
        eprintln!("{shown}: {} more lines could not be stored", report.failed_beyond);
    }
    if report.failed.iter().any(|failed| lacks_id(&failed.fault, catalog.table(table))) {
        eprintln!("{shown}: --new makes ids where there are none, and takes every record as new");
    }
}

fn lacks_id(fault: &Fault, table: &Table) -> bool {
    let Fault::Body(BodyError::Invalid { violations, .. }) = fault else { return false };
    let pointer = format!("/{}", table.key().name);
    violations.iter().any(|violation| violation.code == ViolationCode::Required && violation.pointer == pointer)
}

fn explained(error: ImportError) -> String {
    match error {
        ImportError::Body(BodyError::Invalid { violations, .. }) => {
            violations.into_iter().map(|violation| violation.message).collect::<Vec<_>>().join("; ")
        }
        ImportError::Body(BodyError::Syntax { detail, .. }) => detail,
        ImportError::Body(BodyError::TooLarge { .. }) => "its header is too long".into(),
        ImportError::Broken(error) => format!("it cannot be read to its end: {error}; what was read is stored"),
        ImportError::Commit(error) => error.to_string(),
        ImportError::Refused(_) => "some lines are wrong, so nothing was stored".into(),
        ImportError::TooLarge => format!("--atomic takes up to {} MiB", limits::ATOMIC_IMPORT_BYTES >> 20),
    }
}

/// The first signal stops the import after what it has read; the second ends the process, which loses no more than a
/// power failure would.
fn stop_on_signal(runtime: &Runtime) -> Result<Arc<AtomicBool>, String> {
    const INTERRUPTED: i32 = 130;
    let mut signals = {
        let _inside = runtime.enter();
        Stop::listen().map_err(|error| format!("cannot receive signals: {error}"))?
    };
    let stop = Arc::new(AtomicBool::new(false));
    let noticed = Arc::clone(&stop);
    runtime.spawn(async move {
        signals.next().await;
        noticed.store(true, Ordering::Relaxed);
        eprintln!("stopping: what has been read is stored first");
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    Ok(stop)
}

/// The requests that do the same while the server at this address runs.
fn through_the_server(
    server: &str,
    app: &Offline,
    table: TableId,
    sources: &[Source],
    arguments: &ImportArgs,
) -> String {
    let Some(export) = &app.schema.table(table).export else {
        return format!("{} has no @export: it can be imported only while the server is stopped", arguments.table);
    };
    let requests = sources.iter().map(|source| curl(source, &format!("{server}/{export}"), arguments));
    let requests: Vec<String> = requests.collect();
    format!("Or import through it:\n  {}", requests.join("\n  "))
}

fn curl(source: &Source, url: &str, arguments: &ImportArgs) -> String {
    let method = if arguments.new { "POST" } else { "PUT" };
    let media_type = if source.format == Format::Csv { "text/csv" } else { "application/x-ndjson" };
    let coding = match source.coding {
        None => "",
        Some(Coding::Gzip) => " -H 'Content-Encoding: gzip'",
        Some(Coding::Brotli) => " -H 'Content-Encoding: br'",
        Some(Coding::Zstd) => " -H 'Content-Encoding: zstd'",
    };
    let query = if arguments.atomic { "?atomic=true" } else { "" };
    let file = source.path.display();
    format!("curl -X {method} -T '{file}' -H 'Content-Type: {media_type}'{coding} '{url}{query}'")
}
