//! `POST`, `PUT`, `PATCH`, `DELETE`: a body becomes one commit, its outcome the answer.

use super::condition::{self, Manner};
use super::headers::{self, Preferences};
use super::idempotency::{self, Fingerprint};
use super::import::Importing;
use super::media;
use super::negotiate::{self, Chosen};
use super::problem::{self, Problem};
use super::request_body;
use super::respond::{self, Answer, Content, Position, Timing, Written};
use super::service::{Service, Tables};
use crate::data::format::Format;
use crate::data::input::{Body, BodyError};
use crate::data::keys::Noting;
use crate::data::record::{Part, Wanted};
use crate::data::tag::Tag;
use crate::data::whole::Whole;
use crate::data::write::{self, Intent, Posted};
use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use std::time::{Duration, Instant};
use stoa_schema::model::{Table, TableId};
use stoa_schema::query::{Filter, Query, RecordQuery};
use stoa_schema::value::{Value, path_of_key};
use stoa_sync::Catalog;
use stoa_sync::commit::{Commit, Outcome, Precondition, Rejected, Write, WriteKind};

/// A write on its way: everything that all of them need.
pub(super) struct Writing<'a> {
    service: &'a Service,
    tables: &'a Tables,
    parts: &'a Parts,
    table: TableId,
    /// `Idempotency-Key`.
    key: Option<String>,
}

/// What a commit did, as seen from outside.
struct Done {
    outcomes: Vec<Outcome>,
    position: Position,
    how: How,
}

/// How it was done.
#[derive(Clone, Copy)]
struct How {
    /// Whether an earlier request with the same key did it.
    replayed: bool,
    took: Duration,
}

impl How {
    fn marked(self, mut answer: Answer) -> Answer {
        if self.replayed {
            respond::replayed(answer.headers_mut());
        }
        respond::timed(answer.headers_mut(), Timing::Write(self.took));
        answer
    }
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        service: &'a Service,
        tables: &'a Tables,
        parts: &'a Parts,
        table: TableId,
    ) -> Result<Self, Box<Problem>> {
        Ok(Self { service, tables, parts, table, key: idempotency::key(&parts.headers)? })
    }

    /// `POST /T/` and `PUT /T/`.
    pub(super) async fn collection(
        &self,
        body: &mut Incoming,
        query: &str,
        intent: Intent,
    ) -> Result<Answer, Box<Problem>> {
        let atomic = is_atomic(query)?;
        let manner = Manner::of(intent, &self.parts.headers);
        condition::of_collection(&self.parts.headers, manner)?;
        let chosen = self.chosen()?;
        let format = media::of_body(&self.parts.headers, media::ALL)?;
        if matches!(format, Format::Ndjson | Format::Csv) {
            return self.import(body, manner, format, atomic).await;
        }
        let body = self.body(body).await?;
        condition::collection_allows(self.declared(), manner)?;
        let posted = posted(&self.tables.catalog, self.table, &body, manner)?;
        let mut answer = match posted {
            Posted::One(writes) => self.one(writes, &body, chosen).await?,
            Posted::Many(writes) => {
                let status = status_of_many(manner);
                let done = self.commit(writes, &body, true).await?;
                let content = (!self.preferences().minimal).then(|| self.list(&done.outcomes, chosen));
                let written = Written { status, content, tag: None, location: None, position: done.position };
                done.how.marked(written.answer())
            }
        };
        if manner == Manner::Merging {
            respond::merged(answer.headers_mut());
        }
        Ok(answer)
    }

    /// The only record of a collection's body.
    async fn one(&self, writes: Vec<Write>, body: &Body, chosen: Chosen) -> Result<Answer, Box<Problem>> {
        let done = self.commit(writes, body, false).await?;
        let answer = match done.outcomes.first() {
            Some(Outcome::Stored { revision, record, created }) => {
                self.stored(*revision, record, status_of_one(*created), chosen, done.position)
            }
            _ => respond::no_content(Some(done.position)),
        };
        Ok(done.how.marked(answer))
    }

    /// A record on each line.
    async fn import(
        &self,
        body: &mut Incoming,
        manner: Manner,
        format: Format,
        atomic: bool,
    ) -> Result<Answer, Box<Problem>> {
        // The report is JSON, whatever the lines were.
        negotiate::choose(&self.parts.headers, None, &[Format::Json])?;
        let Manner::As(intent) = manner else {
            return Err(Problem::syntax("lines cannot be merged: send an array with resolution=merge-duplicates"));
        };
        if self.key.is_some() && !atomic {
            let detail =
                "an import that is stored piece by piece has no Idempotency-Key; atomic=true makes it one write";
            return Err(Problem::syntax(detail));
        }
        condition::collection_allows(self.declared(), manner)?;
        let Self { service, tables, parts, table, .. } = *self;
        Importing { service, tables, parts, table, intent, format, atomic, key: self.key.clone() }.answer(body).await
    }

    /// `PUT /T/id`, `PATCH /T/id`, `DELETE /T/id`.
    pub(super) async fn record(
        &self,
        body: &mut Incoming,
        id: Option<Value>,
        query: &str,
    ) -> Result<Answer, Box<Problem>> {
        let shown_as = RecordQuery::parse(&self.tables.catalog.schema, self.table, query)?;
        let precondition = headers::precondition(&self.parts.headers)?;
        let method = &self.parts.method;
        let chosen = if *method == Method::DELETE { Chosen::PLAIN } else { self.chosen()? };
        let body = match *method {
            Method::DELETE => NO_BODY,
            Method::PATCH => self.patch(body).await?,
            _ => self.body(body).await?,
        };
        condition::names_version(self.declared(), method, &precondition)?;
        let Some(id) = id else { return Err(no_such_id(self.declared())) };
        let write = of_record(&self.tables.catalog, self.table, method, id.clone(), &body, precondition)?;
        let done = self.commit(vec![write], &body, false).await?;
        let answer = match done.outcomes.into_iter().next() {
            Some(Outcome::Stored { revision, record, created }) => {
                let status = status_of_one(created);
                match query.is_empty() || self.preferences().minimal {
                    true => self.stored(revision, &record, status, chosen, done.position),
                    false => self.shown(id, shown_as, status, chosen, done.position).await?,
                }
            }
            _ => respond::no_content(Some(done.position)),
        };
        Ok(done.how.marked(answer))
    }

    /// `PATCH /T/?query` and `DELETE /T/?query`.
    pub(super) async fn matching(&self, body: &mut Incoming, query: &str) -> Result<Answer, Box<Problem>> {
        let method = &self.parts.method;
        let filter = conditions(&self.tables.catalog, self.table, method, query)?;
        condition::none(&self.parts.headers)?;
        let chosen = negotiate::choose(&self.parts.headers, None, &[Format::Json])?;
        let body = if *method == Method::DELETE { NO_BODY } else { self.patch(body).await? };
        condition::query_allows(self.declared())?;
        let write = of_matching(&self.tables.catalog, self.table, method, filter, &body)?;
        let done = self.commit(vec![write], &body, false).await?;
        let shown = counted(method, done.outcomes.first()).into_bytes();
        let content = (!self.preferences().minimal).then(|| Content::whole(shown, chosen.content_type, None));
        let written = Written { status: StatusCode::OK, content, tag: None, location: None, position: done.position };
        Ok(done.how.marked(written.answer()))
    }

    fn declared(&self) -> &'a Table {
        self.tables.catalog.table(self.table)
    }

    fn chosen(&self) -> Result<Chosen, Box<Problem>> {
        negotiate::choose(&self.parts.headers, None, media::ALL)
    }

    /// A body of records.
    async fn body(&self, body: &mut Incoming) -> Result<Body, Box<Problem>> {
        let format = media::of_body(&self.parts.headers, media::ALL)?;
        Ok(Body { format, bytes: request_body::read(self.parts, body).await? })
    }

    /// A body of changes.
    async fn patch(&self, body: &mut Incoming) -> Result<Body, Box<Problem>> {
        media::patches(&self.parts.headers)?;
        Ok(Body { format: Format::Json, bytes: request_body::read(self.parts, body).await? })
    }

    /// `array`: the body was one, so that positions in it matter.
    async fn commit(&self, writes: Vec<Write>, body: &Body, array: bool) -> Result<Done, Box<Problem>> {
        self.service.reach(&self.parts.headers).await?;
        let request = self.key.as_deref().map(|key| {
            let mut fingerprint = Fingerprint::of(self.parts, body.format);
            fingerprint.body(&body.bytes);
            fingerprint.request(key)
        });
        let commit = Commit { request, ..write::commit(&self.tables.catalog, writes) };
        // Kept for the words of a refusal: a commit of many is not copied for that.
        let first = commit.writes.first().filter(|_| commit.writes.len() == 1).cloned();
        let began = Instant::now();
        match self.service.store.commit(commit).await {
            Ok(committed) => {
                let how = How { replayed: committed.replayed, took: began.elapsed() };
                let position = Position::new(&self.service.store.log(), committed.seq);
                Ok(Done { outcomes: committed.outcomes, position, how })
            }
            Err(error) => Err(problem::of_commit(error, |Rejected { index, reason }| {
                let problem = problem::of_reason(reason, &self.tables.catalog, self.table, first.as_ref());
                if array { problem.within(&format!("/{index}")).with("index", *index) } else { problem }
            })),
        }
    }

    fn stored(
        &self,
        revision: i64,
        record: &[Value],
        status: StatusCode,
        chosen: Chosen,
        position: Position,
    ) -> Answer {
        let declared = self.declared();
        let location = (status == StatusCode::CREATED).then(|| {
            respond::location(declared.export.as_deref().unwrap_or_default(), &path_of_key(&record[declared.key.0]))
        });
        if self.preferences().minimal {
            let tag = Tag::revision(revision);
            return Written { status, content: None, tag: Some(&tag), location, position }.answer();
        }
        let (renderer, format) = (self.tables.records.renderer(), chosen.accepted.format);
        let mut body = Vec::with_capacity(512);
        renderer.values_header(format, self.table, &mut body);
        renderer.values(format, self.table, record, None, &mut body);
        let sent_as = chosen.accepted.for_length(body.len());
        let tag = Tag::record(revision, &body, true, sent_as);
        let content = Some(Content::whole(body, chosen.content_type, sent_as.coding));
        Written { status, content, tag: Some(&tag), location, position }.answer()
    }

    /// The stored record as `select` and `timezone` want it.
    async fn shown(
        &self,
        id: Value,
        query: RecordQuery,
        status: StatusCode,
        chosen: Chosen,
        position: Position,
    ) -> Result<Answer, Box<Problem>> {
        let format = chosen.accepted.format;
        let wanted = Wanted { table: self.table, id, part: Part::Selected(query), format };
        let (whole, noted) = self.tables.records.read(&self.service.store, wanted, Noting::default()).await?;
        self.service.store.reached(noted.seen).await?;
        let Some(Whole { body, revision, plain, .. }) = whole else { return Ok(respond::no_content(Some(position))) };
        let sent_as = chosen.accepted.for_length(body.len());
        let tag = Tag::record(revision.unwrap_or_default(), &body, plain, sent_as);
        let content = Some(Content::whole(body, chosen.content_type, sent_as.coding));
        Ok(Written { status, content, tag: Some(&tag), location: None, position }.answer())
    }

    fn list(&self, outcomes: &[Outcome], chosen: Chosen) -> Content {
        let (renderer, format) = (self.tables.records.renderer(), chosen.accepted.format);
        let mut body = Vec::new();
        renderer.values_header(format, self.table, &mut body);
        format.begin_list(&mut body);
        for (at, outcome) in outcomes.iter().enumerate() {
            if at > 0 {
                format.separate(&mut body);
            }
            if let Outcome::Stored { record, .. } = outcome {
                renderer.values(format, self.table, record, None, &mut body);
            }
        }
        format.end_list(&mut body);
        format.set_count(outcomes.len() as u64, &mut body);
        let coding = chosen.accepted.for_length(body.len()).coding;
        Content::whole(body, chosen.content_type, coding)
    }

    fn preferences(&self) -> Preferences {
        headers::preferences(&self.parts.headers)
    }
}

const NO_BODY: Body = Body { format: Format::Json, bytes: Vec::new() };

/// What the query of a write to the whole collection says: whether an import is all or nothing.
pub(super) fn is_atomic(query: &str) -> Result<bool, Box<Problem>> {
    match query {
        "" | "atomic=false" => Ok(false),
        "atomic=true" => Ok(true),
        _ => Err(Problem::syntax(
            "POST and PUT on a collection take no conditions and no controls but atomic=true or atomic=false",
        )),
    }
}

/// The writes of a collection's body.
pub(super) fn posted(catalog: &Catalog, table: TableId, body: &Body, manner: Manner) -> Result<Posted, BodyError> {
    Ok(match manner {
        Manner::As(intent) => write::collection(catalog, table, body, intent)?,
        Manner::Merging => write::merging(catalog, table, body)?,
    })
}

/// The write of `PUT`, `PATCH` or `DELETE` on one record.
pub(super) fn of_record(
    catalog: &Catalog,
    table: TableId,
    method: &Method,
    id: Value,
    body: &Body,
    precondition: Precondition,
) -> Result<Write, BodyError> {
    Ok(match *method {
        Method::DELETE => Write { precondition, ..Write::new(table, WriteKind::Delete { id }) },
        Method::PATCH => write::patch(catalog, table, id, &body.bytes, precondition)?,
        _ => write::put(catalog, table, id, body, precondition)?,
    })
}

/// The conditions of a write by query.
pub(super) fn conditions(
    catalog: &Catalog,
    table: TableId,
    method: &Method,
    query: &str,
) -> Result<Filter, Box<Problem>> {
    let deleting = *method == Method::DELETE;
    let query = Query::parse(&catalog.schema, table, query)?;
    let refused = query.controls.paging_or_select.or(query.controls.timezone.filter(|_| deleting));
    if let Some(position) = refused {
        return Err(Problem::syntax("a write by query takes conditions only").with("position", position));
    }
    if query.filter.is_everything() {
        let detail = format!("{method} on a collection needs a condition, for example ?id=gt= for every record");
        return Err(Problem::syntax(detail));
    }
    Ok(query.filter)
}

/// The write of `PATCH` or `DELETE` by query.
pub(super) fn of_matching(
    catalog: &Catalog,
    table: TableId,
    method: &Method,
    filter: Filter,
    body: &Body,
) -> Result<Write, BodyError> {
    Ok(match *method == Method::DELETE {
        true => Write::new(table, WriteKind::DeleteMatching { filter }),
        false => write::patch_matching(catalog, table, filter, &body.bytes)?,
    })
}

/// How many records a write by query met, as JSON.
pub(super) fn counted(method: &Method, outcome: Option<&Outcome>) -> String {
    let count = match outcome {
        Some(Outcome::Counted(count)) => *count,
        _ => 0,
    };
    format!("{{\"{}\":{count}}}", if *method == Method::DELETE { "deleted" } else { "updated" })
}

/// The status of a write that stored one record.
pub(super) fn status_of_one(created: bool) -> StatusCode {
    if created { StatusCode::CREATED } else { StatusCode::OK }
}

/// The status of a write that stored the records of an array.
pub(super) fn status_of_many(manner: Manner) -> StatusCode {
    status_of_one(manner == Manner::As(Intent::Insert))
}

/// The path has an id that the type of the key cannot hold.
pub(super) fn no_such_id(table: &Table) -> Box<Problem> {
    Problem::not_found(format!("no {} can have this {}", table.name, table.key().name))
}
