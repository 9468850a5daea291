//! `GET` and `HEAD`: records, attributes, lists, descriptions.

use super::describe;
use super::headers;
use super::media;
use super::negotiate;
use super::problem::Problem;
use super::respond::{self, Answer, Content, Position};
use super::service::{Service, Tables};
use crate::data::cursor;
use crate::data::format::Format;
use crate::data::list::{self, List};
use crate::data::record::Part;
use http::Method;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use std::sync::Arc;
use stoa_schema::model::{AttributeId, Table, TableId};
use stoa_schema::query::{Query, RecordQuery};
use stoa_schema::value::Value;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What of a record a path asks for.
pub(super) struct Wanted<'a> {
    pub(super) attribute: Option<AttributeId>,
    pub(super) format: Option<Format>,
    pub(super) query: &'a str,
}

/// `GET /T/id` and `GET /T/id.attribute`.
pub(super) async fn record(
    service: &Service,
    tables: &Tables,
    parts: &Parts,
    table: TableId,
    id: Option<Value>,
    wanted: Wanted<'_>,
) -> Result<Answer, Box<Problem>> {
    let part = part(tables, table, wanted.attribute, wanted.query)?;
    let chosen = negotiate::choose(&parts.headers, wanted.format, media::ALL)?;
    let declared = tables.catalog.table(table);
    let missing = || Problem::not_found(format!("there is no {} with this {}", declared.name, declared.key().name));
    let position = service.position(&parts.headers).await?;
    let id = id.ok_or_else(missing)?;
    let shown = tables.records.read(&service.store, table, id, part, chosen.accepted).await?.ok_or_else(missing)?;
    let cache_control = tables.cache_control(table);
    if headers::not_modified(&parts.headers, &shown.tag)? {
        return Ok(respond::not_modified(&shown.tag, cache_control, position));
    }
    let content = Content::whole(shown.body, chosen.content_type, shown.sent_as.coding);
    Ok(respond::data(content, Some(&shown.tag), cache_control, position))
}

fn part(tables: &Tables, table: TableId, attribute: Option<AttributeId>, query: &str) -> Result<Part, Box<Problem>> {
    if query.is_empty() {
        return Ok(attribute.map_or(Part::Whole, |attribute| Part::Attribute(attribute, None)));
    }
    let query = RecordQuery::parse(&tables.catalog.schema, table, query)?;
    match attribute {
        None => Ok(Part::Selected(query)),
        Some(attribute) if query.select.is_none() => Ok(Part::Attribute(attribute, query.zone)),
        Some(_) => Err(Problem::syntax("select and .attribute exclude each other")),
    }
}

/// `GET /T/?…`.
pub(super) async fn collection(
    service: &Service,
    tables: &Tables,
    parts: &Parts,
    table: TableId,
    format: Option<Format>,
    query: &str,
) -> Result<Answer, Box<Problem>> {
    let query = Arc::new(Query::parse(&tables.catalog.schema, table, query)?);
    let chosen = negotiate::choose(&parts.headers, format, media::ALL)?;
    let declared = tables.catalog.table(table);
    let after = after(service, declared, &query)?;
    let position = service.position(&parts.headers).await?;
    let cache_control = tables.cache_control(table);
    let place = headers::preferences(&parts.headers).count;
    let wanted = list::Wanted { streaming: parts.method != Method::HEAD, place, accepted: chosen.accepted };
    let page = list::read(&service.store, tables.records.renderer(), &query, after, wanted).await?;
    let mut answer = match page.list {
        List::Whole { tag, .. } if headers::not_modified(&parts.headers, &tag)? => {
            respond::not_modified(&tag, cache_control, position)
        }
        List::Whole { body, tag, sent_as } => {
            let content = Content::whole(body, chosen.content_type, sent_as.coding);
            respond::data(content, Some(&tag), cache_control, position)
        }
        List::Streamed { chunks, sent_as } => {
            let content = Content::streamed(chunks, chosen.content_type, sent_as.coding);
            respond::data(content, None, cache_control, position)
        }
    };
    let next = page.next.map(|keys| next_page(service, declared, &query, &keys));
    respond::paging(answer.headers_mut(), next.as_deref(), page.place);
    if service.advises() {
        advise(tables, &query, answer.headers_mut());
    }
    Ok(answer)
}

/// Tells the one who writes the app which index this query lacks.
fn advise(tables: &Tables, query: &Query, headers: &mut HeaderMap) {
    let schema = &tables.catalog.schema;
    let Some((table, attribute)) = query.missing_index(schema) else { return };
    let (table, attribute) = (&schema.table(table).name, &schema.table(table).attribute(attribute).name);
    tracing::info!("a query reads all of {table}: add @indexed to {attribute}");
    headers.append(SERVER_TIMING, respond::header(&format!("missing-index;desc=\"{table}.{attribute}\"")));
}

/// The keys that the query's cursor holds.
fn after(service: &Service, table: &Table, query: &Query) -> Result<Option<Vec<Value>>, Box<Problem>> {
    let Some((cursor, position)) = &query.after else { return Ok(None) };
    match cursor::read(service.store.secret(), table, query, cursor) {
        Some(keys) => Ok(Some(keys)),
        None => Err(Problem::syntax("this cursor was not given out for this query").with("position", *position)),
    }
}

/// The URL of the page after the record with these keys.
fn next_page(service: &Service, table: &Table, query: &Query, keys: &[Value]) -> String {
    let token = cursor::write(service.store.secret(), table, query, keys);
    let path = respond::location(table.export.as_deref().unwrap_or_default(), &[]);
    let limit = query.limit.map(|limit| control(table, "limit", &limit.to_string()));
    let after = Some(control(table, "after", &token));
    let common = Some(query.without_page.clone()).filter(|common| !common.is_empty());
    let items: Vec<String> = [common, limit, after].into_iter().flatten().collect();
    format!("{path}?{}", items.join("&"))
}

/// A control as it stands in a query; the form of a call cannot be taken for a condition on an attribute of that name.
fn control(table: &Table, name: &str, value: &str) -> String {
    match table.shown_named(name) {
        None => format!("{name}={value}"),
        Some(_) => format!("{name}({value})"),
    }
}

/// `GET /T`.
pub(super) async fn description(
    service: &Service,
    tables: &Tables,
    parts: &Parts,
    table: TableId,
) -> Result<Answer, Box<Problem>> {
    let chosen = negotiate::choose(&parts.headers, None, &[Format::Json])?;
    let position: Position = service.position(&parts.headers).await?;
    let catalog = Arc::clone(&tables.catalog);
    let records = service.store.read(move |reader| reader.count(catalog.table(table))).await??;
    let body = describe::table(tables, table, records).to_string().into_bytes();
    let coding = chosen.accepted.for_length(body.len()).coding;
    let content = Content::whole(body, chosen.content_type, coding);
    Ok(respond::data(content, None, tables.cache_control(table), position))
}
