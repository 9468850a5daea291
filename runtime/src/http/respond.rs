//! Answers that are no problems.

use super::body::AnswerBody;
use super::encode;
use super::headers::{IDEMPOTENT_REPLAYED, PREFERENCE_APPLIED, REQUEST_ID, STOA_SEQ};
use crate::data::coding::Coding;
use crate::data::list::{Chunks, Place};
use crate::data::tag::Tag;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LINK, LOCATION, VARY,
};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

pub(super) type Answer = Response<AnswerBody>;

/// Room for all headers that an answer mostly has, so that it is made once.
const HEADERS: usize = 12;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What every answer may depend on beside the URL.
pub(super) const VARIES: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding, Origin, Prefer");

/// The position of the change log that an answer includes, as a header.
#[derive(Clone, Debug)]
pub(super) struct Position(pub(super) HeaderValue);

impl Position {
    pub(super) fn new(log: &str, seq: u64) -> Self {
        let mut text = [0; 64];
        let (mut number, mut length) = (itoa::Buffer::new(), 0);
        for part in [log, "-", number.format(seq)] {
            let Some(place) = text.get_mut(length..length + part.len()) else { break };
            place.copy_from_slice(part.as_bytes());
            length += part.len();
        }
        Self(HeaderValue::from_bytes(&text[..length]).unwrap_or_else(|_| HeaderValue::from_static("")))
    }
}

/// A header value from text that is ASCII by construction.
pub(super) fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Two numbers as 16 hexadecimal digits.
pub(super) fn hexadecimal(high: u32, low: u32) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut number = u64::from(high) << 32 | u64::from(low);
    let mut text = [b'0'; 16];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(number % 16) as usize];
        number /= 16;
    }
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Says which position an answer includes.
pub(super) fn at(headers: &mut HeaderMap, position: Position) {
    headers.insert(STOA_SEQ, position.0);
}

/// An answer without headers.
pub(super) fn bare(status: StatusCode, body: AnswerBody) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// What is to be sent, and how its headers name it.
pub(super) struct Content {
    pub(super) body: AnswerBody,
    content_type: &'static str,
    coding: Option<Coding>,
}

impl Content {
    /// A whole body that is encoded before it leaves.
    pub(super) fn whole(body: Vec<u8>, content_type: &'static str, coding: Option<Coding>) -> Self {
        let body = match coding {
            None => body.into(),
            Some(coding) => AnswerBody::Unencoded(body, coding),
        };
        Self { body, content_type, coding }
    }

    /// A body whose chunks are encoded already.
    pub(super) fn streamed(chunks: Chunks, content_type: &'static str, coding: Option<Coding>) -> Self {
        Self { body: AnswerBody::Streamed(chunks), content_type, coding }
    }

    fn answer(self, status: StatusCode) -> Answer {
        let mut response = bare(status, self.body);
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        coded(headers, self.coding);
        response
    }
}

/// Data without a tag.
pub(super) fn data(content: Content, cache_control: &HeaderValue, position: Position) -> Answer {
    let mut response = content.answer(StatusCode::OK);
    response.headers_mut().insert(CACHE_CONTROL, cache_control.clone());
    at(response.headers_mut(), position);
    response
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Timing {
    /// It was there.
    Hit,
    /// It was read, which took so long.
    Miss(Duration),
    /// It was written, which took so long.
    Write(Duration),
}

/// Says where an answer came from (`Server-Timing`, in milliseconds).
pub(super) fn timed(headers: &mut HeaderMap, timing: Timing) {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    let value = match timing {
        Timing::Hit => HeaderValue::from_static("cache;desc=hit"),
        Timing::Miss(took) => header(&format!("cache;desc=miss, db;dur={:.3}", milliseconds(took))),
        Timing::Write(took) => header(&format!("db;dur={:.3}", milliseconds(took))),
    };
    headers.insert(SERVER_TIMING, value);
}

/// Tells the one who writes the app what would make the answer faster.
pub(super) fn advise(headers: &mut HeaderMap, advice: Option<&str>) {
    if let Some(advice) = advice {
        headers.append(SERVER_TIMING, header(advice));
    }
}

/// The headers of an answer that was there, made once for each table: a copy costs less than making them. Those that differ
/// from answer to answer come first.
#[derive(Clone, Debug)]
pub(super) struct Template {
    data: HeaderMap,
    not_modified: HeaderMap,
}

impl Template {
    pub(super) fn new(cache_control: &HeaderValue) -> Self {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        for differs in [ETAG, STOA_SEQ, REQUEST_ID] {
            headers.insert(differs, HeaderValue::from_static(""));
        }
        headers.insert(CACHE_CONTROL, cache_control.clone());
        headers.insert(VARY, VARIES);
        timed(&mut headers, Timing::Hit);
        let mut data = headers.clone();
        data.insert(CONTENT_TYPE, JSON);
        Self { data, not_modified: headers }
    }

    /// An answer with its tag and its position, and without a body. It says that its body is JSON.
    pub(super) fn answer(&self, not_modified: bool, tag: &Tag, position: Position) -> Answer {
        let (status, headers) = match not_modified {
            true => (StatusCode::NOT_MODIFIED, &self.not_modified),
            false => (StatusCode::OK, &self.data),
        };
        let mut answer = bare(status, AnswerBody::EMPTY);
        *answer.headers_mut() = headers.clone();
        let mut values = answer.headers_mut().values_mut();
        if let (Some(etag), Some(seq)) = (values.next(), values.next()) {
            (*etag, *seq) = (header(tag.quoted()), position.0);
        }
        answer
    }
}

/// Names the id of the request in an answer that a template made.
pub(super) fn name_request(answer: &mut Answer, id: HeaderValue) {
    if let Some(place) = answer.headers_mut().values_mut().nth(2) {
        *place = id;
    }
}

/// Says how the body is encoded.
pub(super) fn coded(headers: &mut HeaderMap, coding: Option<Coding>) {
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encode::name(coding)));
    }
}

/// What a list says of its neighbours: the next page, and its place among all records.
pub(super) fn paging(headers: &mut HeaderMap, next: Option<&str>, place: Option<Place>) {
    if let Some(next) = next {
        headers.insert(LINK, header(&format!("<{next}>; rel=\"next\"")));
    }
    if let Some(Place { start, length, total }) = place {
        let range = match length {
            0 => format!("items */{total}"),
            length => format!("items {start}-{}/{total}", start + length - 1),
        };
        headers.insert(CONTENT_RANGE, header(&range));
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static("count=exact"));
    }
}

/// The answer to a write: its record, or nothing if the client wants none.
pub(super) struct Written<'a> {
    pub(super) status: StatusCode,
    /// `None` if the client wants none.
    pub(super) content: Option<Content>,
    pub(super) tag: Option<&'a Tag>,
    pub(super) location: Option<String>,
    pub(super) position: Position,
}

impl Written<'_> {
    pub(super) fn answer(self) -> Answer {
        let minimal = self.content.is_none();
        let mut response = match (self.content, self.status) {
            (None, StatusCode::CREATED) => bare(StatusCode::CREATED, AnswerBody::EMPTY),
            (None, _) => bare(StatusCode::NO_CONTENT, AnswerBody::EMPTY),
            (Some(content), status) => content.answer(status),
        };
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        if minimal {
            headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static("return=minimal"));
        }
        if let Some(tag) = self.tag {
            headers.insert(ETAG, header(tag.quoted()));
        }
        if let Some(location) = self.location {
            headers.insert(LOCATION, header(&location));
        }
        headers.insert(STOA_SEQ, self.position.0);
        response
    }
}

/// The results of a commit.
pub(super) fn committed(content: Content, position: Position, minimal: bool, repeated: bool) -> Answer {
    let mut response = content.answer(StatusCode::OK);
    let headers = response.headers_mut();
    if minimal {
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static("return=minimal"));
    }
    if repeated {
        replayed(headers);
    }
    headers.insert(STOA_SEQ, position.0);
    response
}

/// Says that an earlier request did what this one asks.
pub(super) fn replayed(headers: &mut HeaderMap) {
    headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
}

/// Says that what was there was merged with what was posted.
pub(super) fn merged(headers: &mut HeaderMap) {
    let applied = match headers.contains_key(PREFERENCE_APPLIED) {
        true => HeaderValue::from_static("return=minimal, resolution=merge-duplicates"),
        false => HeaderValue::from_static("resolution=merge-duplicates"),
    };
    headers.insert(PREFERENCE_APPLIED, applied);
}

/// What became of an import.
pub(super) fn report(body: &serde_json::Value, position: Position) -> Answer {
    let mut response = json(body);
    response.headers_mut().insert(STOA_SEQ, position.0);
    response
}

/// Nothing to show.
pub(super) fn no_content(position: Option<Position>) -> Answer {
    let mut response = bare(StatusCode::NO_CONTENT, AnswerBody::EMPTY);
    if let Some(position) = position {
        response.headers_mut().insert(STOA_SEQ, position.0);
    }
    response
}

/// JSON that is no data.
pub(super) fn json(body: &serde_json::Value) -> Answer {
    let mut response = bare(StatusCode::OK, body.to_string().into_bytes().into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Everything but letters, digits and `-_~` is encoded, so that an id's own dots and slashes cannot be taken for syntax.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// The path of a record.
pub(super) fn location(export: &str, key: &[String]) -> String {
    let encoded = |text| utf8_percent_encode(text, IN_PATH).to_string();
    let segments: Vec<String> = key.iter().map(|segment| encoded(segment)).collect();
    format!("/{}/{}", encoded(export), segments.join("/"))
}

/// What `OPTIONS` says of a path.
pub(super) fn options(allow: &'static str, patch: bool) -> Answer {
    let mut response = bare(StatusCode::NO_CONTENT, AnswerBody::EMPTY);
    let headers = response.headers_mut();
    headers.insert(http::header::ALLOW, HeaderValue::from_static(allow));
    if patch {
        let types = HeaderValue::from_static("application/json, application/merge-patch+json");
        headers.insert(super::headers::ACCEPT_PATCH, types);
    }
    response
}

const EXPOSED: &str = "ETag, Location, Link, Content-Range, Preference-Applied, Idempotent-Replayed, Retry-After, Stoa-Seq, \
                       X-Request-Id";

/// Lets a page of an allowed origin read the answer; `preflight` also tells it what it may send.
pub(super) fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue, preflight: Option<&HeaderMap>) {
    use http::header;
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    let Some(asked) = preflight else { return };
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(HeaderName::from_static("access-control-max-age"), HeaderValue::from_static("600"));
}
