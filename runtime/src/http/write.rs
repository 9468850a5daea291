//! `POST`, `PUT`, `PATCH`, `DELETE`: a body becomes one commit, its outcome the answer.

use super::headers::{self, Preferences};
use super::problem::{self, Problem};
use super::request_body;
use super::respond::{self, Answer, Position, Written};
use super::service::{Service, Tables};
use crate::data::record::Part;
use crate::data::tag::Tag;
use crate::data::write::{self, Intent, Posted};
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use stoa_schema::model::TableId;
use stoa_schema::query::{Query, RecordQuery};
use stoa_schema::value::Value;
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
    pub(super) async fn collection(&self, body: Incoming, query: &str, intent: Intent) -> Result<Answer, Box<Problem>> {
        if !query.is_empty() {
            return Err(Problem::syntax("a write to the whole collection takes no query"));
        }
        let precondition = self.collection_precondition(intent)?;
        let body = self.body(body, false).await?;
        let posted = write::collection(&self.tables.catalog, self.table, &body, intent, &precondition)?;
        let created = if intent == Intent::Insert { StatusCode::CREATED } else { StatusCode::OK };
        match posted {
            Posted::One(writes) => {
                let done = self.commit(writes, false).await?;
                let Some(Outcome::Stored { revision, record, created }) = done.outcomes.first() else {
                    return Ok(respond::no_content(Some(done.position)));
                };
                let status = if *created { StatusCode::CREATED } else { StatusCode::OK };
                Ok(self.stored(*revision, record, status, done.position))
            }
            Posted::Many(writes) => {
                let done = self.commit(writes, true).await?;
                let body = self.list(&done.outcomes);
                let minimal = self.preferences().minimal;
                Ok(Written { status: created, body, tag: None, location: None, position: done.position, minimal }
                    .answer())
            }
        }
    }

    /// `PUT /T/id`, `PATCH /T/id`, `DELETE /T/id`.
    pub(super) async fn record(&self, body: Incoming, id: Option<Value>, query: &str) -> Result<Answer, Box<Problem>> {
        let shown_as = RecordQuery::parse(&self.tables.catalog.schema, self.table, query)?;
        let precondition = headers::precondition(&self.parts.headers)?;
        let deleting = self.parts.method == Method::DELETE;
        let patching = self.parts.method == Method::PATCH;
        let body = if deleting { String::new() } else { self.body(body, patching).await? };
        let Some(id) = id else { return Err(self.no_such_id()) };
        let catalog = &self.tables.catalog;
        let write = if deleting {
            Write { table: self.table, kind: WriteKind::Delete { id: id.clone() }, precondition }
        } else if patching {
            write::patch(catalog, self.table, id.clone(), &body, precondition)?
        } else {
            write::put(catalog, self.table, id.clone(), &body, precondition)?
        };
        let done = self.commit(vec![write], false).await?;
        match done.outcomes.into_iter().next() {
            Some(Outcome::Stored { revision, record, created }) => {
                let status = if created { StatusCode::CREATED } else { StatusCode::OK };
                if query.is_empty() || self.preferences().minimal {
                    return Ok(self.stored(revision, &record, status, done.position));
                }
                self.shown(id, shown_as, status, done.position).await
            }
            _ => Ok(respond::no_content(Some(done.position))),
        }
    }

    /// `PATCH /T/?query` and `DELETE /T/?query`.
    pub(super) async fn matching(&self, body: Incoming, query: &str) -> Result<Answer, Box<Problem>> {
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
        let write = if deleting {
            Write {
                table: self.table,
                kind: WriteKind::DeleteMatching { filter: query.filter },
                precondition: Precondition::default(),
            }
        } else {
            let body = self.body(body, true).await?;
            write::patch_matching(&self.tables.catalog, self.table, query.filter, &body)?
        };
        let done = self.commit(vec![write], false).await?;
        let count = match done.outcomes.first() {
            Some(Outcome::Counted(count)) => *count,
            _ => 0,
        };
        let body = format!("{{\"{}\":{count}}}", if deleting { "deleted" } else { "updated" }).into_bytes();
        let minimal = self.preferences().minimal;
        Ok(Written { status: StatusCode::OK, body, tag: None, location: None, position: done.position, minimal }
            .answer())
    }

    async fn body(&self, body: Incoming, patch: bool) -> Result<String, Box<Problem>> {
        headers::accepts_json(&self.parts.headers)?;
        headers::sends_json(&self.parts.headers, patch)?;
        request_body::read(self.parts, body).await
    }

    async fn commit(&self, writes: Vec<Write>, array: bool) -> Result<Done, Box<Problem>> {
        self.service.position(&self.parts.headers).await?;
        let commit = write::commit(&self.tables.catalog, writes);
        let told = self.tables.catalog.table(self.table);
        // Kept for the words of a refusal: a commit of many is not copied for that.
        let first = commit.writes.first().filter(|_| commit.writes.len() == 1).cloned();
        match self.service.store.commit(commit).await {
            Ok(committed) => {
                let position = Position::new(self.service.store.log(), committed.seq);
                Ok(Done { outcomes: committed.outcomes, position })
            }
            Err(error) => Err(problem::of_commit(error, told, first.as_slice(), array)),
        }
    }

    fn stored(&self, revision: i64, record: &[Value], status: StatusCode, position: Position) -> Answer {
        let tag = Tag::revision(revision);
        let declared = self.tables.catalog.table(self.table);
        let location = (status == StatusCode::CREATED).then(|| {
            respond::location(declared.export.as_deref().unwrap_or_default(), &key_text(&record[declared.key.0]))
        });
        let minimal = self.preferences().minimal;
        let mut body = Vec::new();
        if !minimal {
            body.reserve(512);
            self.tables.records.renderer().values(self.table, record, None, &mut body);
        }
        Written { status, body, tag: Some(&tag), location, position, minimal }.answer()
    }

    /// The stored record as `select` and `timezone` want it.
    async fn shown(
        &self,
        id: Value,
        query: RecordQuery,
        status: StatusCode,
        position: Position,
    ) -> Result<Answer, Box<Problem>> {
        let shown = self.tables.records.read(&self.service.store, self.table, id, Part::Selected(query)).await?;
        let Some(shown) = shown else { return Ok(respond::no_content(Some(position))) };
        let written =
            Written { status, body: shown.body, tag: Some(&shown.tag), location: None, position, minimal: false };
        Ok(written.answer())
    }

    fn list(&self, outcomes: &[Outcome]) -> Vec<u8> {
        let mut body = vec![b'['];
        for (at, outcome) in outcomes.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            if let Outcome::Stored { record, .. } = outcome {
                self.tables.records.renderer().values(self.table, record, None, &mut body);
            }
        }
        body.push(b']');
        body
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

fn key_text(key: &Value) -> String {
    match key {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) => String::new(),
    }
}
