//! Problem documents (RFC 9457): the one place where a failure gets its status, name and words.

mod rules;

pub(super) use rules::of_reason;

use super::body::AnswerBody;
use crate::data::input::BodyError;
use crate::data::tag::Tag;
use crate::limits;
use crate::openapi;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value as Json, json};
use stoa_schema::query::QueryError;
use stoa_schema::value::Violation;
use stoa_sync::commit::Rejected;
use stoa_sync::store::{CommitError, ReadError};

/// A kind of problem: its name in `type`, its status, its title, and what the page about it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProblemKind {
    pub(super) name: &'static str,
    status: StatusCode,
    title: &'static str,
    explanation: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $name:literal, $status:ident, $title:literal, $explanation:literal;)*) => {
        impl ProblemKind {
            $(pub(super) const $constant: ProblemKind = ProblemKind {
                name: $name, status: StatusCode::$status, title: $title, explanation: $explanation,
            };)*
            const ALL: &[ProblemKind] = &[$(Self::$constant),*];
        }
    };
}

kinds! {
    SYNTAX = "syntax", BAD_REQUEST, "The request cannot be read",
        "The URL, a header or the body breaks the rules of its syntax. `position` is the byte of the query string or of the body where it was noticed.";
    UNKNOWN_ATTRIBUTE = "unknown-attribute", BAD_REQUEST, "Unknown attribute",
        "The query names an attribute that the type does not declare. `position` is the byte of the query string.";
    NOT_FOUND = "not-found", NOT_FOUND, "Not found",
        "There is no table under this path, or no record with this id.";
    METHOD = "method", METHOD_NOT_ALLOWED, "Method not allowed",
        "This path does not know the method; the header Allow lists those it knows.";
    NOT_ACCEPTABLE = "not-acceptable", NOT_ACCEPTABLE, "Not acceptable",
        "None of the formats in the header Accept can be given, or none of the encodings in Accept-Encoding. Every answer can be application/json as it is.";
    TIMEOUT = "timeout", REQUEST_TIMEOUT, "The request took too long",
        "The body of the request stopped in the middle. Nothing was written.";
    TOO_LARGE = "too-large", PAYLOAD_TOO_LARGE, "Too large",
        "The body may have 16 MiB, one record 1 MiB. Nothing was written.";
    URI_TOO_LONG = "too-large", URI_TOO_LONG, "The URL is too long",
        "Path and query together may have 16 KiB.";
    RANGE = "range", RANGE_NOT_SATISFIABLE, "The range lies outside",
        "The header Range asks for bytes of a file behind its end. The header Content-Range says how many it has.";
    MEDIA_TYPE = "media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
        "The header Content-Type is missing or names a format that this request does not take, or Content-Encoding names an encoding that is not known. Every request takes Content-Type: application/json.";
    VALIDATION = "validation", UNPROCESSABLE_ENTITY, "The content is not valid",
        "The body can be read, but is not what the schema declares. `errors` lists everything that is wrong: where (a JSON Pointer), a code, and what.";
    UNIQUE = "unique", CONFLICT, "Already there",
        "A record with the same value in `fields` exists. `id` is its key.";
    INSUFFICIENT = "insufficient", CONFLICT, "Not enough left",
        "Adding to `field` would take it beyond what it may hold. `requested` is how much the whole request asked for, `available` how much is possible; both without a sign.";
    OVERLAP = "overlap", CONFLICT, "Already taken",
        "Other records occupy the interval, and the rule `constraint` lets no more share the value `key` at a time. `conflicts` lists some of them; it is empty where the records that the request changes are in each other's way.";
    REFERENCED = "referenced", CONFLICT, "Still referred to",
        "Other records refer to this one, and the schema says that they keep it: `table` has the relation `relation`, and `ids` are some of them.";
    IDEMPOTENCY_MISMATCH = "idempotency-mismatch", UNPROCESSABLE_ENTITY, "The key belongs to another request",
        "A request with this Idempotency-Key was carried out, and it was not the same: a key stands for one method, path, query and body.";
    UPGRADE = "upgrade", UPGRADE_REQUIRED, "A WebSocket is required",
        "This is answered over a WebSocket of version 13 only: open one, in a browser with `new WebSocket(url)`.";
    PRECONDITION_REQUIRED = "precondition-required", PRECONDITION_REQUIRED, "A precondition is required",
        "Records of this table are changed only by those who say which version they have seen: send If-Match with the ETag of the record.";
    PRECONDITION = "precondition", PRECONDITION_FAILED, "The record has changed",
        "If-Match or If-None-Match does not hold. The header ETag and the member `etag` carry the tag of the record as it is; without them there is no such record.";
    FORBIDDEN = "forbidden", FORBIDDEN, "Forbidden",
        "The request comes from a page of another origin, or names a host that this server does not answer for.";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "Not available now",
        "The server cannot do this at the moment. The header Retry-After says when to try again. A write that was answered so did not happen, unless `unconfirmed` says that it may have: its primary was lost while it was asked.";
}

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct Problem {
    kind: ProblemKind,
    detail: String,
    members: Map<String, Json>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, detail: detail.into(), members: Map::new(), headers: Vec::new() })
    }

    pub(super) fn with(mut self: Box<Self>, member: &str, value: impl Into<Json>) -> Box<Self> {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// With more to say to people.
    pub(super) fn hint(mut self: Box<Self>, hint: &str) -> Box<Self> {
        self.detail = format!("{}; {hint}", self.detail);
        self
    }

    fn header(mut self: Box<Self>, name: HeaderName, value: &str) -> Box<Self> {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Box<Self> {
        Self::new(ProblemKind::NOT_FOUND, detail)
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Box<Self> {
        Self::new(ProblemKind::SYNTAX, detail)
    }

    pub(super) fn method(allow: &str) -> Box<Self> {
        Self::new(ProblemKind::METHOD, format!("this path takes {allow}")).header(ALLOW, allow)
    }

    pub(super) fn coding(detail: impl Into<String>) -> Box<Self> {
        Self::new(ProblemKind::MEDIA_TYPE, detail).header(ACCEPT_ENCODING, "zstd, br, gzip")
    }

    /// No byte of the range is one of a file of this length.
    pub(super) fn range(length: u64) -> Box<Self> {
        Self::new(ProblemKind::RANGE, format!("the file has {length} bytes"))
            .header(CONTENT_RANGE, &format!("bytes */{length}"))
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Box<Self> {
        Self::new(ProblemKind::UNAVAILABLE, detail).header(RETRY_AFTER, "1")
    }

    pub(super) fn upgrade(detail: impl Into<String>) -> Box<Self> {
        let problem = Self::new(ProblemKind::UPGRADE, detail).header(UPGRADE, "websocket");
        problem.header(SEC_WEBSOCKET_VERSION, "13")
    }

    pub(super) fn precondition(current: Option<i64>) -> Box<Self> {
        match current.map(Tag::revision) {
            Some(tag) => Self::new(ProblemKind::PRECONDITION, "the record is not the one that the precondition names")
                .with("etag", tag.quoted())
                .header(ETAG, tag.quoted()),
            None => Self::new(ProblemKind::PRECONDITION, "the record does not exist"),
        }
    }

    /// The same, seen from a body of which what it tells of is the part at `place`, a JSON Pointer.
    pub(super) fn within(mut self: Box<Self>, place: &str) -> Box<Self> {
        let errors = self.members.get_mut("errors").and_then(Json::as_array_mut);
        for error in errors.into_iter().flatten() {
            if let Some(Json::String(pointer)) = error.get_mut("pointer") {
                pointer.insert_str(0, place);
            }
        }
        self
    }

    /// What is wrong, as the members of `errors`: its own, or itself as the only one.
    pub(super) fn as_errors(&self) -> Vec<Json> {
        match self.members.get("errors") {
            Some(Json::Array(errors)) if !errors.is_empty() => errors.clone(),
            _ => vec![json!({"pointer": "", "code": self.kind.name, "message": self.detail})],
        }
    }

    fn violations(violations: &[Violation], index: Option<usize>) -> Box<Self> {
        let listed: Vec<Json> = violations
            .iter()
            .take(limits::LISTED_VIOLATIONS)
            .map(|it| json!({"pointer": it.pointer, "code": it.code.name(), "message": it.message}))
            .collect();
        let detail = match violations {
            [single] => single.message.clone(),
            many => format!("{} things are wrong", many.len()),
        };
        let problem = Self::new(ProblemKind::VALIDATION, detail).with("errors", listed);
        match index {
            Some(index) => problem.with("index", index),
            None => problem,
        }
    }

    /// The answer. `request_id` stands in the header that every answer has.
    pub(super) fn response(self) -> Response<AnswerBody> {
        let mut response = Response::new(AnswerBody::from(self.document().to_string().into_bytes()));
        *response.status_mut() = self.kind.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// The document.
    pub(super) fn document(&self) -> Json {
        let Self { kind, detail, members, .. } = self;
        if kind.status.is_server_error() {
            tracing::warn!(problem = kind.name, detail, "request failed");
        }
        let mut document = Map::new();
        document.insert("type".into(), format!("/_stoa/problems/{}", kind.name).into());
        document.insert("title".into(), kind.title.into());
        document.insert("status".into(), kind.status.as_u16().into());
        document.insert("detail".into(), detail.as_str().into());
        document.extend(members.clone());
        document.into()
    }
}

/// Every kind of problem, for the document that describes the app.
pub(super) fn all() -> Vec<openapi::Problem> {
    let told = |kind: &ProblemKind| openapi::Problem {
        name: kind.name,
        status: kind.status.as_u16(),
        title: kind.title,
        explanation: kind.explanation,
    };
    ProblemKind::ALL.iter().map(told).collect()
}

impl From<QueryError> for Box<Problem> {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::Syntax { position, .. } => Problem::syntax(detail).with("position", position),
            QueryError::UnknownAttribute { position, name, .. } => {
                Problem::new(ProblemKind::UNKNOWN_ATTRIBUTE, detail).with("position", position).with("attribute", name)
            }
            QueryError::UnknownZone(_) => Problem::new(ProblemKind::VALIDATION, detail.clone())
                .with("errors", json!([{"pointer": "", "code": "timezone", "message": detail}])),
        }
    }
}

impl From<BodyError> for Box<Problem> {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Syntax { detail, position } => {
                Problem::syntax(format!("the body: {detail}")).with("position", position)
            }
            BodyError::TooLarge { index } => {
                let problem = Problem::new(ProblemKind::TOO_LARGE, "a record may have 1 MiB");
                match index {
                    Some(index) => problem.with("index", index),
                    None => problem,
                }
            }
            BodyError::Invalid { violations, index } => Problem::violations(&violations, index),
        }
    }
}

impl From<ReadError> for Box<Problem> {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Busy | ReadError::Closed | ReadError::Deadline => Problem::unavailable(error.to_string()),
            ReadError::Database(error) => {
                tracing::error!(%error, "a read failed");
                Problem::unavailable("the database cannot be read")
            }
        }
    }
}

/// The problem of a commit; `rejected` tells that of a write that is forbidden.
pub(super) fn of_commit(error: CommitError, rejected: impl FnOnce(&Rejected) -> Box<Problem>) -> Box<Problem> {
    match error {
        CommitError::Mismatch => {
            Problem::new(ProblemKind::IDEMPOTENCY_MISMATCH, "this Idempotency-Key was used with another request").with(
                "errors",
                json!([{"pointer": "", "code": "idempotency-key", "message": "use a new key for a new request"}]),
            )
        }
        CommitError::Busy | CommitError::Closed | CommitError::Unreachable | CommitError::Outdated => {
            Problem::unavailable(error.to_string())
        }
        CommitError::Unconfirmed => Problem::unavailable(
            "the primary did not confirm the write: it may have happened; sent again with an Idempotency-Key, a write happens once",
        )
        .with("unconfirmed", true),
        CommitError::TooLarge => Problem::new(ProblemKind::TOO_LARGE, error.to_string()),
        CommitError::Primary(detail) => {
            tracing::error!(detail, "the primary refuses a write");
            Problem::unavailable("the primary cannot write it; nothing was stored")
        }
        CommitError::Database(error) => {
            tracing::error!(%error, "a write failed");
            Problem::unavailable("the database cannot be written; nothing was stored")
        }
        CommitError::Rejected(reason) => rejected(&reason),
    }
}
