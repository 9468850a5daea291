//! `stoa export`: the database → files of records, from one snapshot, also while a server runs.

use super::ExportArgs;
use super::files::{self, Named, Replacement, STANDARD_STREAM};
use super::migrate::opening;
use super::offline::Offline;
use super::progress::{Of, Progress};
use crate::data::export::{Export, ExportError, with_hidden};
use crate::data::format::{Format, Renderer};
use crate::zones;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stoa_schema::model::TableId;
use stoa_schema::query::Query;
use stoa_sync::Catalog;
use stoa_sync::store::{self, OpenError, ReadError, Reader};

/// The folder into which several tables go unless said otherwise.
const FOLDER: &str = "export";

/// Exports the tables, all as they are at one moment; the error is for people.
pub(super) fn run(arguments: &ExportArgs) -> Result<(), String> {
    zones::use_folder(None)?;
    let app = Offline::load(&arguments.app, arguments.data.clone())?;
    let exports = exports(arguments, &app)?;
    let reader = store::open_to_read(&app.data, &app.schema).map_err(|error| match error {
        OpenError::Behind { .. } => format!("{error}: `stoa migrate {}`", arguments.app.display()),
        other => opening(&other, &arguments.app),
    })?;
    let renderer = Renderer::new(Arc::new(Catalog::new(app.schema)));
    let done = reader.snapshot(|| Ok(exports.iter().try_for_each(|export| one(&reader, &renderer, export))));
    done.map_err(|error: ReadError| error.to_string())?
}

/// What goes where.
struct ToFile {
    name: String,
    query: Query,
    format: Format,
    path: PathBuf,
}

fn exports(arguments: &ExportArgs, app: &Offline) -> Result<Vec<ToFile>, String> {
    let given = match &arguments.format {
        Some(name) => Some(
            files::format(name)
                .ok_or_else(|| format!("--format {name}: there are ndjson, csv, json, cbor and msgpack"))?,
        ),
        None => None,
    };
    if let [name] = arguments.table.as_slice() {
        let path = arguments.out.clone().unwrap_or_else(|| STANDARD_STREAM.into());
        let format = given.or(Named::of(&path).format).unwrap_or(Format::Ndjson);
        return Ok(vec![ToFile::new(app, app.table(name)?, arguments, format, path)?]);
    }
    if arguments.query.is_some() {
        return Err("--query belongs to one table: name it with --table".into());
    }
    let tables: Vec<TableId> = match arguments.table.is_empty() {
        true => (0..app.schema.tables.len()).map(TableId).collect(),
        false => arguments.table.iter().map(|name| app.table(name)).collect::<Result<_, _>>()?,
    };
    let folder = arguments.out.clone().unwrap_or_else(|| FOLDER.into());
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let format = given.unwrap_or(Format::Ndjson);
    let file = |table: &TableId| folder.join(format!("{}.{}", app.schema.table(*table).name, format.extension()));
    tables.iter().map(|table| ToFile::new(app, *table, arguments, format, file(table))).collect()
}

impl ToFile {
    fn new(
        app: &Offline,
        table: TableId,
        arguments: &ExportArgs,
        format: Format,
        path: PathBuf,
    ) -> Result<Self, String> {
        let text = arguments.query.as_deref().unwrap_or_default();
        let mut query = Query::parse(&app.schema, table, text).map_err(|error| format!("--query: {error}"))?;
        if query.after.is_some() {
            return Err("--query: after belongs to pages; an export has none".into());
        }
        if arguments.hidden {
            query.select = with_hidden(&app.schema, table);
        }
        Ok(Self { name: app.schema.table(table).name.clone(), query, format, path })
    }
}

fn one(reader: &Reader, renderer: &Renderer, to: &ToFile) -> Result<(), String> {
    let failed = |error: ExportError| format!("{}: {error}", to.path.display());
    let export = Export::new(reader, renderer, &to.query).map_err(|error| failed(error.into()))?;
    let mut progress = Progress::new(&to.name, Of::Records, Some(export.records));
    let watch = &mut |records| progress.records(records);
    let written = match to.path.as_os_str() == STANDARD_STREAM {
        true => to_stdout(&export, to.format, watch),
        false => to_file(&export, to.format, &to.path, watch),
    };
    progress.finish();
    written.map_err(failed)?;
    eprintln!("{}: {} records, {}", to.name, export.records, progress.pace(export.records));
    Ok(())
}

fn to_stdout(export: &Export<'_>, format: Format, watch: &mut dyn FnMut(u64)) -> Result<(), ExportError> {
    let mut out = io::stdout().lock();
    export.write(format, &mut out, watch)?;
    Ok(out.flush()?)
}

fn to_file(export: &Export<'_>, format: Format, path: &Path, watch: &mut dyn FnMut(u64)) -> Result<(), ExportError> {
    let mut file = Replacement::of(path)?;
    export.write(format, &mut file, watch)?;
    Ok(file.finish()?)
}
