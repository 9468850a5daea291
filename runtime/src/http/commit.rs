//! `POST /_stoa/commit`: several writes, all or nothing. Each means what it would mean as a request of its own, after
//! those before it.

use super::condition::{self, Manner};
use super::headers;
use super::idempotency::{self, Fingerprint};
use super::media;
use super::negotiate;
use super::operation::{self, Operation};
use super::problem::{self, Problem};
use super::request_body;
use super::respond::{self, Answer, Content, Position, Timing};
use super::route::{Target, nothing_here, route};
use super::service::{RECORD, Service, Tables};
use super::write;
use crate::data::format::Format;
use crate::data::input::{Body, BodyError};
use crate::data::reference::{self, Later, Made};
use crate::data::tag::Tag;
use crate::data::write::{Intent, Posted};
use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Instant;
use stoa_schema::model::{Table, TableId};
use stoa_schema::query::RecordQuery;
use stoa_schema::value::{Value, Violation};
use stoa_sync::commit::{Commit, Committed, Outcome, Reference, Rejected, Write, WriteKind};

/// Answers a commit.
pub(super) async fn answer(
    service: &Service,
    tables: &Tables,
    parts: &Parts,
    query: &str,
    body: &mut Incoming,
) -> Result<Answer, Box<Problem>> {
    if !query.is_empty() {
        return Err(Problem::syntax("a commit takes no query"));
    }
    let key = idempotency::key(&parts.headers)?;
    condition::none(&parts.headers)?;
    let chosen = negotiate::choose(&parts.headers, None, &[Format::Json])?;
    let format = media::of_body(&parts.headers, &[Format::Json])?;
    let body = request_body::read(parts, body).await?;
    let plan = Plan::of(tables, &operation::read(&body)?)?;
    service.reach(&parts.headers).await?;
    let request = key.map(|key| {
        let mut fingerprint = Fingerprint::of(parts, format);
        fingerprint.body(&body);
        fingerprint.request(&key)
    });
    let commit = Commit { request, ..plan.commit() };
    let began = Instant::now();
    let committed = service.store.commit(commit).await;
    let took = began.elapsed();
    let committed = committed.map_err(|error| problem::of_commit(error, |rejected| plan.rejected(rejected)))?;
    let minimal = headers::preferences(&parts.headers).minimal;
    let body = plan.results(&committed, minimal);
    let coding = chosen.accepted.for_length(body.len()).coding;
    let content = Content::whole(body, chosen.content_type, coding);
    let position = Position::new(&service.store.log(), committed.seq);
    let mut answer = respond::committed(content, position, minimal, committed.replayed);
    respond::timed(answer.headers_mut(), Timing::Write(took));
    Ok(answer)
}

/// The writes of all operations.
struct Plan<'a> {
    tables: &'a Tables,
    writes: Vec<Write>,
    references: Vec<Reference>,
    steps: Vec<Step>,
    /// What later operations may refer to, of each.
    made: Vec<Made>,
}

/// An operation that is planned.
struct Step {
    table: TableId,
    /// The position of its first write.
    first: usize,
    shows: Shows,
}

/// What the result of an operation shows.
enum Shows {
    /// The record that it stores, or nothing if it deletes one.
    One,
    /// The records of its array, so many of them.
    Many(StatusCode, usize),
    /// How many records it met.
    Count(Method),
}

/// An operation's body without references.
struct Read {
    body: Body,
    later: Vec<Later>,
}

impl<'a> Plan<'a> {
    /// Reads all operations; the first that is wrong is told, with its position.
    fn of(tables: &'a Tables, operations: &[Operation<'_>]) -> Result<Self, Box<Problem>> {
        let mut plan = Self { tables, writes: Vec::new(), references: Vec::new(), steps: Vec::new(), made: Vec::new() };
        for (at, operation) in operations.iter().enumerate() {
            plan.add(operation).map_err(|problem| problem.with("index", at))?;
        }
        Ok(plan)
    }

    fn add(&mut self, operation: &Operation<'_>) -> Result<(), Box<Problem>> {
        let single = operation.method != Method::POST;
        match route(self.tables, &operation.method, &operation.uri)? {
            Target::Collection { table, query, .. } => match operation.method {
                Method::POST => self.collection(operation, table, query, Intent::Insert),
                Method::PUT => self.collection(operation, table, query, Intent::Put),
                _ => self.matching(operation, table, query),
            },
            Target::Record { table, id, query, .. } if single => self.record(operation, table, id, query),
            Target::Record { .. } => Err(Problem::method(RECORD)),
            Target::Elsewhere => Err(nothing_here(self.tables, operation.uri.path())),
            _ => Err(Problem::not_found("an operation of a commit is on the path of a table or of one of its records")),
        }
    }

    fn collection(
        &mut self,
        operation: &Operation<'_>,
        table: TableId,
        query: &str,
        intent: Intent,
    ) -> Result<(), Box<Problem>> {
        write::is_atomic(query)?;
        let manner = Manner::of(intent, &operation.headers);
        condition::of_collection(&operation.headers, manner)?;
        condition::collection_allows(self.declared(table), manner)?;
        let Read { body, later } = self.read(operation)?;
        let posted = write::posted(&self.tables.catalog, table, &body, manner);
        let (writes, shows) = match posted.map_err(|error| self.of_body(error, operation))? {
            Posted::One(writes) => (writes, Shows::One),
            Posted::Many(writes) => {
                let shows = Shows::Many(write::status_of_many(manner), writes.len());
                (writes, shows)
            }
        };
        self.push(operation, table, writes, shows, &later)
    }

    fn record(
        &mut self,
        operation: &Operation<'_>,
        table: TableId,
        id: Option<Value>,
        query: &str,
    ) -> Result<(), Box<Problem>> {
        RecordQuery::parse(&self.tables.catalog.schema, table, query)?;
        if !query.is_empty() {
            return Err(Problem::syntax("an operation of a commit on one record takes no query"));
        }
        let precondition = headers::precondition(&operation.headers)?;
        condition::names_version(self.declared(table), &operation.method, &precondition)?;
        let Some(id) = id else { return Err(write::no_such_id(self.declared(table))) };
        let Read { body, later } = self.read(operation)?;
        let write = write::of_record(&self.tables.catalog, table, &operation.method, id, &body, precondition)
            .map_err(|error| self.of_body(error, operation))?;
        self.push(operation, table, vec![write], Shows::One, &later)
    }

    fn matching(&mut self, operation: &Operation<'_>, table: TableId, query: &str) -> Result<(), Box<Problem>> {
        let filter = write::conditions(&self.tables.catalog, table, &operation.method, query)?;
        condition::none(&operation.headers)?;
        condition::query_allows(self.declared(table))?;
        let Read { body, later } = self.read(operation)?;
        let write = write::of_matching(&self.tables.catalog, table, &operation.method, filter, &body)
            .map_err(|error| self.of_body(error, operation))?;
        self.push(operation, table, vec![write], Shows::Count(operation.method.clone()), &later)
    }

    fn declared(&self, table: TableId) -> &'a Table {
        self.tables.catalog.table(table)
    }

    /// The body of the operation that is planned next.
    fn read(&self, operation: &Operation<'_>) -> Result<Read, Box<Problem>> {
        let resolved = reference::resolve(operation.body, &self.made);
        let resolved = resolved.map_err(|violations| self.invalid(violations, operation))?;
        let body = Body { format: Format::Json, bytes: resolved.text.into_bytes() };
        Ok(Read { body, later: resolved.later })
    }

    fn of_body(&self, error: BodyError, operation: &Operation<'_>) -> Box<Problem> {
        Box::<Problem>::from(error.at(operation.position)).within(&body_of(self.steps.len()))
    }

    fn invalid(&self, violations: Vec<Violation>, operation: &Operation<'_>) -> Box<Problem> {
        self.of_body(BodyError::Invalid { violations, index: None }, operation)
    }

    /// Adds the writes of an operation.
    fn push(
        &mut self,
        operation: &Operation<'_>,
        table: TableId,
        writes: Vec<Write>,
        shows: Shows,
        later: &[Later],
    ) -> Result<(), Box<Problem>> {
        let (declared, first) = (self.declared(table), self.writes.len());
        let mut key_is_open = false;
        for it in later {
            let attribute = it.attribute(declared).map_err(|violation| self.invalid(vec![violation], operation))?;
            let Some(attribute) = attribute else { continue };
            key_is_open |= attribute == declared.key;
            let write = first + it.element.unwrap_or_default();
            self.references.push(Reference { write, attribute, made_by: it.made_by });
        }
        self.made.push(match (&shows, writes.as_slice()) {
            (Shows::One, [write]) => made(declared, write, first, key_is_open),
            _ => Made::Nothing,
        });
        self.steps.push(Step { table, first, shows });
        self.writes.extend(writes);
        Ok(())
    }

    fn commit(&self) -> Commit {
        let references = self.references.clone();
        Commit { references, ..Commit::new(Arc::clone(&self.tables.catalog), self.writes.clone()) }
    }

    /// The problem of a write, told as that of its operation.
    fn rejected(&self, rejected: &Rejected) -> Box<Problem> {
        let after = self.steps.partition_point(|step| step.first <= rejected.index);
        // Of several that begin at this write only the last has it: an empty array has none.
        let at = after.saturating_sub(1);
        let Some((step, write)) = self.steps.get(at).zip(self.writes.get(rejected.index)) else {
            return Problem::unavailable("the commit did not happen");
        };
        let mut place = body_of(at);
        if let Shows::Many(..) = step.shows {
            place.push_str(&format!("/{}", rejected.index - step.first));
        }
        let problem = problem::of_reason(&rejected.reason, &self.tables.catalog, step.table, Some(write));
        problem.within(&place).with("index", at)
    }

    /// `{"results": […]}`.
    fn results(&self, committed: &Committed, minimal: bool) -> Vec<u8> {
        let mut out = b"{\"results\":[".to_vec();
        for (at, step) in self.steps.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let outcomes = committed.outcomes.get(step.first..).unwrap_or_default();
            step.result(self.tables, outcomes, minimal, &mut out);
        }
        out.extend_from_slice(b"]}");
        out
    }
}

impl Step {
    /// `outcomes`: of its writes and those after them.
    fn result(&self, tables: &Tables, outcomes: &[Outcome], minimal: bool, out: &mut Vec<u8>) {
        let (status, tag) = match (&self.shows, outcomes.first()) {
            (Shows::One, Some(Outcome::Stored { revision, created, .. })) => {
                (write::status_of_one(*created), Some(Tag::revision(*revision)))
            }
            (Shows::One, _) => (StatusCode::NO_CONTENT, None),
            (Shows::Many(status, _), _) => (*status, None),
            (Shows::Count(_), _) => (StatusCode::OK, None),
        };
        // The characters of a tag need no escapes in JSON, but for its quotes.
        let tag = tag.map_or_else(|| "null".to_owned(), |tag| format!("\"\\\"{}\\\"\"", tag.opaque()));
        out.extend_from_slice(format!("{{\"status\":{},\"etag\":{tag},\"body\":", status.as_u16()).as_bytes());
        match minimal {
            true => out.extend_from_slice(b"null"),
            false => self.body(tables, outcomes, out),
        }
        out.push(b'}');
    }

    fn body(&self, tables: &Tables, outcomes: &[Outcome], out: &mut Vec<u8>) {
        match &self.shows {
            Shows::One => self.record(tables, outcomes.first(), out),
            Shows::Many(_, count) => {
                out.push(b'[');
                for (at, outcome) in outcomes.iter().take(*count).enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.record(tables, Some(outcome), out);
                }
                out.push(b']');
            }
            Shows::Count(method) => out.extend_from_slice(write::counted(method, outcomes.first()).as_bytes()),
        }
    }

    fn record(&self, tables: &Tables, outcome: Option<&Outcome>, out: &mut Vec<u8>) {
        match outcome {
            Some(Outcome::Stored { record, .. }) => {
                tables.records.renderer().values(Format::Json, self.table, record, None, out);
            }
            _ => out.extend_from_slice(b"null"),
        }
    }
}

/// What is known of the record that a write stores.
fn made(table: &Table, write: &Write, at: usize, key_is_open: bool) -> Made {
    let known = match &write.kind {
        WriteKind::Insert(record) | WriteKind::Put(record) | WriteKind::PutChanged(record) => &record[table.key.0],
        // One of its unique attributes may lead to a record with another id.
        WriteKind::Merge { .. } if has_uniques(table) => &Value::Null,
        WriteKind::Merge { record, .. } => &record[table.key.0],
        WriteKind::Patch { id, .. } => id,
        WriteKind::InsertMissing(_)
        | WriteKind::Delete { .. }
        | WriteKind::PatchMatching { .. }
        | WriteKind::DeleteMatching { .. } => return Made::Nothing,
    };
    match known {
        Value::Null if table.key().list => Made::Nothing,
        known if key_is_open || *known == Value::Null => Made::Later { write: at, kind: table.key().kind.clone() },
        known => Made::Id(known.clone()),
    }
}

fn has_uniques(table: &Table) -> bool {
    !table.uniques.is_empty() || table.attributes.iter().any(|attribute| attribute.unique)
}

fn body_of(operation: usize) -> String {
    format!("/operations/{operation}/body")
}
