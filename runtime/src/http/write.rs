//! `POST`, `PUT`, `PATCH`, `DELETE`: a body becomes one commit, its outcome the answer.

use super::headers::{self, Preferences};
use super::import::Importing;
use super::media;
use super::negotiate::{self, Chosen};
use super::problem::{self, Problem};
use super::request_body;
use super::respond::{self, Answer, Content, Position, Written};
use super::service::{Service, Tables};
use crate::data::format::Format;
use crate::data::input::Body;
use crate::data::record::{Part, Shown};
use crate::data::tag::Tag;
use crate::data::write::{self, Intent, Posted};
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use stoa_schema::model::TableId;
use stoa_schema::query::{Query, RecordQuery};
use stoa_schema::value::{Value, path_of_key};
use stoa_sync::commit::{Outcome, Precondition, Write, WriteKind};

/// A write on its way: everything that all of them need.
pub(super) struct Writing<'a> {
    pub(super) service: &'a Service,
    pub(super) tables: &'a Tables,
    pub(super) parts: &'a Parts,
    pub(super) table: TableId,
}

/// What a commit did, as seen from outside.
struct Done {
    outcomes: Vec<Outcome>,
    position: Position,
}

impl Writing<'_> {
    /// `POST /T/` and `PUT /T/`.
    pub(super) async fn collection(
        &self,
        body: &mut Incoming,
        query: &str,
        intent: Intent,
    ) -> Result<Answer, Box<Problem>> {
        let atomic = match query {
            "" => None,
            "atomic=true" => Some(true),
            "atomic=false" => Some(false),
            _ => return Err(Problem::syntax("a write to the whole collection takes only atomic=true or atomic=false")),
        };
        let precondition = self.collection_precondition(intent)?;
        let chosen = self.chosen()?;
        let format = media::of_body(&self.parts.headers, media::ALL)?;
        if matches!(format, Format::Ndjson | Format::Csv) {
            // The report is JSON, whatever the lines were.
            negotiate::choose(&self.parts.headers, None, &[Format::Json])?;
            let Self { service, tables, parts, table } = *self;
            let atomic = atomic.unwrap_or(false);
            return Importing { service, tables, parts, table, intent, format, atomic }.answer(body).await;
        }
        let body = self.body(body).await?;
        let posted = write::collection(&self.tables.catalog, self.table, &body, intent, &precondition)?;
        let created = if intent == Intent::Insert { StatusCode::CREATED } else { StatusCode::OK };
        match posted {
            Posted::One(writes) => {
                let done = self.commit(writes, false).await?;
                let Some(Outcome::Stored { revision, record, created }) = done.outcomes.first() else {
                    return Ok(respond::no_content(Some(done.position)));
                };
                let status = if *created { StatusCode::CREATED } else { StatusCode::OK };
                Ok(self.stored(*revision, record, status, chosen, done.position))
            }
            Posted::Many(writes) => {
                let done = self.commit(writes, true).await?;
                let content = (!self.preferences().minimal).then(|| self.list(&done.outcomes, chosen));
                Ok(Written { status: created, content, tag: None, location: None, position: done.position }.answer())
            }
        }
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
        let deleting = self.parts.method == Method::DELETE;
        let patching = self.parts.method == Method::PATCH;
        let chosen = if deleting { Chosen::PLAIN } else { self.chosen()? };
        let body = match (deleting, patching) {
            (true, _) => Body { format: Format::Json, bytes: Vec::new() },
            (false, true) => self.patch(body).await?,
            (false, false) => self.body(body).await?,
        };
        let Some(id) = id else { return Err(self.no_such_id()) };
        let catalog = &self.tables.catalog;
        let write = if deleting {
            Write { precondition, ..Write::new(self.table, WriteKind::Delete { id: id.clone() }) }
        } else if patching {
            write::patch(catalog, self.table, id.clone(), &body.bytes, precondition)?
        } else {
            write::put(catalog, self.table, id.clone(), &body, precondition)?
        };
        let done = self.commit(vec![write], false).await?;
        match done.outcomes.into_iter().next() {
            Some(Outcome::Stored { revision, record, created }) => {
                let status = if created { StatusCode::CREATED } else { StatusCode::OK };
                if query.is_empty() || self.preferences().minimal {
                    return Ok(self.stored(revision, &record, status, chosen, done.position));
                }
                self.shown(id, shown_as, status, chosen, done.position).await
            }
            _ => Ok(respond::no_content(Some(done.position))),
        }
    }

    /// `PATCH /T/?query` and `DELETE /T/?query`.
    pub(super) async fn matching(&self, body: &mut Incoming, query: &str) -> Result<Answer, Box<Problem>> {
        let query = Query::parse(&self.tables.catalog.schema, self.table, query)?;
        let deleting = self.parts.method == Method::DELETE;
        let refused = query.controls.paging_or_select.or(query.controls.timezone.filter(|_| deleting));
        if let Some(position) = refused {
            return Err(Problem::syntax("a write by query takes conditions only").with("position", position));
        }
        if query.filter.is_everything() {
            let method = &self.parts.method;
            return Err(Problem::syntax(format!(
                "{method} on a collection needs a condition, for example ?id=gt= for every record"
            )));
        }
        self.refuse_preconditions()?;
        let chosen = negotiate::choose(&self.parts.headers, None, &[Format::Json])?;
        let write = if deleting {
            Write::new(self.table, WriteKind::DeleteMatching { filter: query.filter })
        } else {
            let body = self.patch(body).await?;
            write::patch_matching(&self.tables.catalog, self.table, query.filter, &body.bytes)?
        };
        let done = self.commit(vec![write], false).await?;
        let count = match done.outcomes.first() {
            Some(Outcome::Counted(count)) => *count,
            _ => 0,
        };
        let body = format!("{{\"{}\":{count}}}", if deleting { "deleted" } else { "updated" }).into_bytes();
        let content = (!self.preferences().minimal).then(|| Content::whole(body, chosen.content_type, None));
        Ok(Written { status: StatusCode::OK, content, tag: None, location: None, position: done.position }.answer())
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

    async fn commit(&self, writes: Vec<Write>, array: bool) -> Result<Done, Box<Problem>> {
        self.service.position(&self.parts.headers).await?;
        let commit = write::commit(&self.tables.catalog, writes);
        // Kept for the words of a refusal: a commit of many is not copied for that.
        let first = commit.writes.first().filter(|_| commit.writes.len() == 1).cloned();
        match self.service.store.commit(commit).await {
            Ok(committed) => {
                let position = Position::new(self.service.store.log(), committed.seq);
                Ok(Done { outcomes: committed.outcomes, position })
            }
            Err(error) => Err(problem::of_commit(error, &self.tables.catalog, self.table, first.as_slice(), array)),
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
        let declared = self.tables.catalog.table(self.table);
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
        let Shown { body, tag, sent_as } = Shown::new(revision, body, true, chosen.accepted);
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
        let (store, part) = (&self.service.store, Part::Selected(query));
        let shown = self.tables.records.read(store, self.table, id, part, chosen.accepted).await?;
        let Some(Shown { body, tag, sent_as }) = shown else { return Ok(respond::no_content(Some(position))) };
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

    /// A collection has no revision to compare with; `If-None-Match: *` on `POST` says what `POST` does anyway.
    fn collection_precondition(&self, intent: Intent) -> Result<Precondition, Box<Problem>> {
        let headers = &self.parts.headers;
        if intent == Intent::Insert && !headers.contains_key(IF_MATCH) && is_star(headers) {
            return Ok(Precondition::default());
        }
        self.refuse_preconditions().map(|()| Precondition::default())
    }

    fn refuse_preconditions(&self) -> Result<(), Box<Problem>> {
        let headers = &self.parts.headers;
        match headers.contains_key(IF_MATCH) || headers.contains_key(IF_NONE_MATCH) {
            true => Err(Problem::syntax("If-Match and If-None-Match belong to single records")),
            false => Ok(()),
        }
    }

    fn no_such_id(&self) -> Box<Problem> {
        let table = self.tables.catalog.table(self.table);
        Problem::not_found(format!("no {} can have this {}", table.name, table.key().name))
    }
}

fn is_star(headers: &HeaderMap) -> bool {
    headers.get(IF_NONE_MATCH).is_some_and(|value| value == "*")
}
