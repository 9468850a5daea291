//! `GET` and `HEAD`: records, attributes, lists, descriptions.

use super::body::AnswerBody;
use super::describe;
use super::headers;
use super::problem::Problem;
use super::respond::{self, Answer, Position};
use super::service::{Service, Tables};
use crate::data::list::{self, List};
use crate::data::record::Part;
use http::request::Parts;
use http::{Method, StatusCode};
use stoa_schema::model::{AttributeId, TableId};
use stoa_schema::query::{Query, RecordQuery};
use stoa_schema::value::Value;

/// `GET /T/id` and `GET /T/id.attribute`.
pub(super) async fn record(
    service: &Service,
    tables: &Tables,
    parts: &Parts,
    table: TableId,
    id: Option<Value>,
    attribute: Option<AttributeId>,
    query: &str,
) -> Result<Answer, Box<Problem>> {
    let part = part(tables, table, attribute, query)?;
    headers::accepts_json(&parts.headers)?;
    let declared = tables.catalog.table(table);
    let missing = || Problem::not_found(format!("there is no {} with this {}", declared.name, declared.key().name));
    let position = service.position(&parts.headers).await?;
    let id = id.ok_or_else(missing)?;
    let shown = tables.records.read(&service.store, table, id, part).await?.ok_or_else(missing)?;
    let cache_control = tables.cache_control(table);
    if headers::not_modified(&parts.headers, &shown.tag)? {
        return Ok(respond::not_modified(&shown.tag, cache_control, position));
    }
    Ok(respond::data(StatusCode::OK, shown.body.into(), Some(&shown.tag), cache_control, position))
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
    query: &str,
) -> Result<Answer, Box<Problem>> {
    let query = Query::parse(&tables.catalog.schema, table, query)?;
    headers::accepts_json(&parts.headers)?;
    let position = service.position(&parts.headers).await?;
    let cache_control = tables.cache_control(table);
    let streaming = parts.method != Method::HEAD;
    match list::read(&service.store, tables.records.renderer(), &query, streaming).await? {
        List::Whole { tag, .. } if headers::not_modified(&parts.headers, &tag)? => {
            Ok(respond::not_modified(&tag, cache_control, position))
        }
        List::Whole { body, tag } => {
            Ok(respond::data(StatusCode::OK, body.into(), Some(&tag), cache_control, position))
        }
        List::Streamed(chunks) => {
            Ok(respond::data(StatusCode::OK, AnswerBody::Streamed(chunks), None, cache_control, position))
        }
    }
}

/// `GET /T`.
pub(super) async fn description(
    service: &Service,
    tables: &Tables,
    parts: &Parts,
    table: TableId,
) -> Result<Answer, Box<Problem>> {
    headers::accepts_json(&parts.headers)?;
    let position: Position = service.position(&parts.headers).await?;
    let name = tables.catalog.table(table).name.clone();
    let records = service.store.read(move |reader| reader.count(&name)).await??;
    let body = describe::table(tables, table, records).to_string().into_bytes();
    Ok(respond::data(StatusCode::OK, body.into(), None, tables.cache_control(table), position))
}
