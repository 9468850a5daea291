//! Paths → what they mean.

use super::media;
use super::problem::Problem;
use super::service::Tables;
use crate::data::format::Format;
use crate::limits;
use http::{Method, Uri};
use stoa_schema::model::{AttributeId, TableId};
use stoa_schema::query::percent_decode;
use stoa_schema::value::{Value, key_of_path};

/// What a request is about.
#[derive(Debug)]
pub(super) enum Target<'a> {
    /// `/T` without query: what the table is.
    Description(TableId),
    /// `/T/`: its records.
    Collection { table: TableId, format: Option<Format>, query: &'a str },
    /// `/T/id`: one of them, or one attribute of it. An id that the key's type cannot hold is that of no record.
    Record { table: TableId, id: Option<Value>, attribute: Option<AttributeId>, format: Option<Format>, query: &'a str },
    /// `/_stoa/commit`.
    Commit { query: &'a str },
    /// `/_stoa/live`.
    Live,
    /// `/openapi.json`.
    OpenApi,
    /// `/_stoa/docs`, or a file of it.
    Docs(Option<&'a str>),
    /// `/_stoa/live.js`, or its types.
    LiveModule(&'a str),
    /// `/_stoa/queued/id`.
    Queued(&'a str),
    /// `/_stoa/health`.
    Health,
    /// `/_stoa/ready`.
    Ready,
    /// `/_stoa/metrics`.
    Metrics,
    /// `/_stoa/problems/name`.
    ProblemPage(&'a str),
    /// No table and nothing of Stoa's own: a file of the app, or nothing.
    Elsewhere,
}

/// Routes a request. `GET` and `HEAD` know suffixes; to other methods every character belongs to the id.
pub(super) fn route<'a>(tables: &Tables, method: &Method, uri: &'a Uri) -> Result<Target<'a>, Box<Problem>> {
    let (path, query) = (uri.path(), uri.query());
    if path.len() + query.map_or(0, str::len) > limits::URL_BYTES {
        return Err(Problem::new(super::problem::ProblemKind::URI_TOO_LONG, "path and query together may have 16 KiB"));
    }
    if !path.is_ascii() || !query.is_none_or(str::is_ascii) {
        return Err(Problem::syntax("the URL has bytes that are not ASCII; percent-encode them"));
    }
    let rest = path.strip_prefix('/').ok_or_else(|| nothing_here(tables, path))?;
    if rest == "openapi.json" {
        return Ok(Target::OpenApi);
    }
    if let Some(internal) = rest.strip_prefix("_stoa/") {
        return match internal.split_once('/') {
            None if internal == "health" => Ok(Target::Health),
            None if internal == "ready" => Ok(Target::Ready),
            None if internal == "metrics" => Ok(Target::Metrics),
            None if internal == "commit" => Ok(Target::Commit { query: query.unwrap_or_default() }),
            None if internal == "live" => Ok(Target::Live),
            None if internal.starts_with("live.") => Ok(Target::LiveModule(internal)),
            None if internal == "docs" => Ok(Target::Docs(None)),
            Some(("docs", file)) => Ok(Target::Docs(Some(file))),
            Some(("queued", id)) => Ok(Target::Queued(id)),
            Some(("problems", name)) => Ok(Target::ProblemPage(name)),
            _ => Err(nothing_here(tables, path)),
        };
    }
    let (segment, rest) = match rest.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (rest, None),
    };
    let name = decoded(segment)?;
    let Some(table) = tables.catalog.schema.exported(&name) else { return Ok(Target::Elsewhere) };
    let reading = matches!(*method, Method::GET | Method::HEAD);
    match rest {
        None if reading && query.is_none() => Ok(Target::Description(table)),
        None | Some("") => Ok(Target::Collection { table, format: None, query: query.unwrap_or_default() }),
        Some(raw) if reading => match media::suffixed(raw) {
            ("", format) => Ok(Target::Collection { table, format, query: query.unwrap_or_default() }),
            (raw, format) => record(tables, table, raw, format, query.unwrap_or_default(), reading),
        },
        Some(raw) => record(tables, table, raw, None, query.unwrap_or_default(), reading),
    }
}

/// The id is the rest of the path, each segment decoded once. The suffix of a format is cut off already; the raw name of an attribute
/// goes next.
fn record<'a>(
    tables: &Tables,
    table: TableId,
    raw: &str,
    format: Option<Format>,
    query: &'a str,
    reading: bool,
) -> Result<Target<'a>, Box<Problem>> {
    let declared = tables.catalog.table(table);
    let (mut raw_id, mut attribute) = (raw, None);
    if reading
        && let Some((rest, name)) = raw_id.rsplit_once('.')
        && let Some(id) = declared.shown_named(name)
        && !rest.is_empty()
    {
        (raw_id, attribute) = (rest, Some(id));
    }
    let segments: Vec<String> = raw_id.split('/').map(decoded).collect::<Result<_, _>>()?;
    let id = key_of_path(declared.key(), &segments);
    Ok(Target::Record { table, id, attribute, format, query })
}

/// The segments of the id in the path of a record, each decoded once.
pub(super) fn key_segments(uri: &Uri) -> Result<Vec<String>, Box<Problem>> {
    let rest = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest);
    rest.split('/').map(decoded).collect()
}

fn decoded(raw: &str) -> Result<String, Box<Problem>> {
    percent_decode(raw).ok_or_else(|| Problem::syntax("broken percent-encoding or UTF-8 in the path"))
}

/// Says that a path leads nowhere, and where it may have been meant to.
pub(super) fn nothing_here(tables: &Tables, path: &str) -> Box<Problem> {
    let wanted = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let near = stoa_schema::nearest::nearest(wanted, tables.catalog.schema.exports());
    match near {
        Some(near) if !wanted.is_empty() => {
            Problem::not_found(format!("nothing is at {path:?}; did you mean /{near}/?"))
        }
        _ => {
            let known: Vec<String> = tables.catalog.schema.exports().take(20).map(|name| format!("/{name}/")).collect();
            Problem::not_found(format!("nothing is at {path:?}; the tables are at {}", known.join(" ")))
        }
    }
}
