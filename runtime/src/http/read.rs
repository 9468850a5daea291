//! `GET` and `HEAD`: records, attributes, lists, descriptions.

use super::describe;
use super::headers;
use super::kept;
use super::media;
use super::negotiate::{self, Chosen};
use super::problem::Problem;
use super::respond::{self, Answer, Content, Position, Timing};
use super::service::{Service, Tables};
use crate::cache::{Asked, Entry, Got, Watches};
use crate::data::cursor;
use crate::data::format::Format;
use crate::data::keys::{self, Noted, Noting};
use crate::data::list::{self, List};
use crate::data::record::{self, Part};
use crate::data::whole::{Read, Whole};
use crate::interests::Terms;
use http::Method;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;
use stoa_schema::model::{AttributeId, Table, TableId};
use stoa_schema::query::{Query, RecordQuery};
use stoa_schema::value::Value;
use stoa_sync::store::{ReadError, Reader};

/// What of a record a path asks for.
pub(super) struct Wanted<'a> {
    pub(super) attribute: Option<AttributeId>,
    pub(super) format: Option<Format>,
    pub(super) query: &'a str,
}

/// A reading on its way: everything that all of them need.
pub(super) struct Reading<'a> {
    pub(super) service: &'a Service,
    pub(super) tables: &'a Tables,
    pub(super) parts: &'a Parts,
    pub(super) table: TableId,
    /// How the answer is known in the cache, if it is to be kept.
    pub(super) asked: Option<Asked<'a>>,
}

impl Reading<'_> {
    /// `GET /T/id` and `GET /T/id.attribute`.
    pub(super) async fn record(&self, id: Option<Value>, wanted: Wanted<'_>) -> Result<Answer, Box<Problem>> {
        let (schema, declared) = (&self.tables.catalog.schema, self.declared());
        let part = part(self.tables, self.table, wanted.attribute, wanted.query)?;
        let chosen = negotiate::choose(&self.parts.headers, wanted.format, media::ALL)?;
        let missing = || Problem::not_found(format!("there is no {} with this {}", declared.name, declared.key().name));
        let position = self.service.position(&self.parts.headers).await?;
        let (id, began) = (id.ok_or_else(missing)?, Instant::now());
        let query = match &part {
            Part::Selected(query) => Some(query),
            Part::Whole | Part::Attribute(..) => None,
        };
        let watches = |terms: &Terms| Watches::of_record(schema, terms, self.table, &id, query);
        let read = async |noting| {
            let format = chosen.accepted.format;
            let wanted = record::Wanted { table: self.table, id: id.clone(), part: part.clone(), format };
            let (whole, noted) = self.tables.records.read(&self.service.store, wanted, noting).await?;
            let read = whole.map_or(Read::Nothing, |whole| Read::Whole(Whole { name: chosen.name, ..whole }));
            Ok::<(Read<Infallible>, Noted), ReadError>((read, noted))
        };
        match self.fetch(chosen, watches, read).await? {
            Got::Entry(entry, there) => self.answer(&entry, chosen, position, timing(there, began)).await,
            Got::Nothing => Err(missing()),
            Got::Own(never) => match never {},
        }
    }

    /// `GET /T/?…`.
    pub(super) async fn collection(&self, format: Option<Format>, query: &str) -> Result<Answer, Box<Problem>> {
        let (service, tables, headers) = (self.service, self.tables, &self.parts.headers);
        let schema = &tables.catalog.schema;
        let query = Arc::new(Query::parse(schema, self.table, query)?);
        let chosen = negotiate::choose(headers, format, media::ALL)?;
        let after = after(service, self.declared(), &query)?;
        let (position, began) = (service.position(headers).await?, Instant::now());
        let place = headers::preferences(headers).count;
        let streaming = self.parts.method != Method::HEAD;
        let wanted = list::Wanted { streaming, place, accepted: chosen.accepted };
        let advice = service.advises().then(|| advice(tables, &query)).flatten();
        let next = |keys: Vec<Value>| next_page(service, self.declared(), &query, &keys);
        let read = async |noting| {
            let (renderer, query) = (tables.records.renderer(), &query);
            let (page, noted) = list::read(&service.store, renderer, query, after, wanted, noting).await?;
            let (next, place, advice) = (page.next.map(next), page.place, advice);
            let read = match page.list {
                List::Whole(body) => {
                    let whole = Whole::new(self.table, body);
                    Read::Whole(Whole { name: chosen.name, next, place, advice, ..whole })
                }
                List::Streamed { chunks, sent_as } => Read::Own((chunks, sent_as, next, place, advice)),
            };
            Ok((read, noted))
        };
        let watches = |terms: &Terms| Watches::of_query(schema, terms, &query);
        let (chunks, sent_as, next, place, advice) = match self.fetch(chosen, watches, read).await? {
            Got::Entry(entry, there) => return self.answer(&entry, chosen, position, timing(there, began)).await,
            Got::Nothing => return Err(Problem::unavailable("the list cannot be read now")),
            Got::Own(own) => own,
        };
        let content = Content::streamed(chunks, chosen.content_type, sent_as.coding);
        let mut answer = respond::data(content, tables.cache_control(self.table), position);
        respond::timed(answer.headers_mut(), timing(false, began));
        respond::paging(answer.headers_mut(), next.as_deref(), place);
        respond::advise(answer.headers_mut(), advice.as_deref());
        Ok(answer)
    }

    fn declared(&self) -> &Table {
        self.tables.catalog.table(self.table)
    }

    async fn fetch<T>(
        &self,
        chosen: Chosen,
        watches: impl FnOnce(&Terms) -> Watches,
        read: impl AsyncFnOnce(Noting) -> Result<(Read<T>, Noted), ReadError>,
    ) -> Result<Got<T>, ReadError> {
        let keep = self.asked.is_some() && self.tables.keeps(self.table);
        let format = chosen.accepted.format;
        let asked = self.asked.unwrap_or(Asked::new("", chosen.name, format, false)).with_format(format);
        self.tables.cache.fetch(&self.service.store, asked, keep, watches, read).await
    }

    async fn answer(
        &self,
        entry: &Arc<Entry>,
        chosen: Chosen,
        position: Position,
        timing: Timing,
    ) -> Result<Answer, Box<Problem>> {
        kept::answer(self.tables, &self.parts.headers, entry, chosen, position, timing).await
    }

    /// `GET /T`.
    pub(super) async fn description(&self) -> Result<Answer, Box<Problem>> {
        let Self { service, tables, parts, table, .. } = *self;
        let chosen = negotiate::choose(&parts.headers, None, &[Format::Json])?;
        let (position, began) = (service.position(&parts.headers).await?, Instant::now());
        let (catalog, store) = (Arc::clone(&tables.catalog), service.store.clone());
        let count = move |reader: &Reader| {
            let records = reader.count(catalog.table(table))?;
            Ok::<_, ReadError>((records, keys::seen(&store, reader)?))
        };
        let (records, seen) = service.store.read(count).await??;
        service.store.reached(seen).await?;
        let body = describe::table(tables, table, records).to_string().into_bytes();
        let coding = chosen.accepted.for_length(body.len()).coding;
        let content = Content::whole(body, chosen.content_type, coding);
        let mut answer = respond::data(content, tables.cache_control(table), position);
        respond::timed(answer.headers_mut(), timing(false, began));
        Ok(answer)
    }
}

fn timing(there: bool, began: Instant) -> Timing {
    if there { Timing::Hit } else { Timing::Miss(began.elapsed()) }
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

/// What the one who writes the app should know: the index that this query lacks.
fn advice(tables: &Tables, query: &Query) -> Option<String> {
    let schema = &tables.catalog.schema;
    let (table, attribute) = query.missing_index(schema)?;
    let (table, attribute) = (&schema.table(table).name, &schema.table(table).attribute(attribute).name);
    tracing::info!("a query reads all of {table}: add @indexed to {attribute}");
    Some(format!("missing-index;desc=\"{table}.{attribute}\""))
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
