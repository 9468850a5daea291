//! The body of `/_stoa/commit` → operations: their methods, paths and headers as those of requests; their bodies unread.

use super::headers::PREFER;
use super::problem::Problem;
use crate::data::input::{self, BodyError};
use crate::limits;
use http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use http::{Method, Uri};
use serde_json::value::RawValue;
use std::borrow::Cow;
use stoa_schema::value::json::{elements, members, string};
use stoa_schema::value::{Violation, ViolationCode, pointer};

/// A write that is part of a commit.
pub(super) struct Operation<'a> {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// The JSON of its body; nothing for a `DELETE`.
    pub(super) body: &'a str,
    /// The byte of the whole body where its own begins.
    pub(super) position: usize,
}

const METHODS: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const HEADERS: [HeaderName; 3] = [IF_MATCH, IF_NONE_MATCH, PREFER];

/// Reads `{"operations": […]}`, or everything that is wrong with it.
pub(super) fn read(body: &[u8]) -> Result<Vec<Operation<'_>>, Box<Problem>> {
    let text = input::text(body)?;
    let (listed, mut violations) = listed(text)?;
    let (mut operations, mut index) = (Vec::with_capacity(listed.len()), None);
    for (at, raw) in listed.into_iter().enumerate() {
        match operation(text, raw, &format!("/operations/{at}"))? {
            Ok(operation) => operations.push(operation),
            Err(found) => {
                index.get_or_insert(at);
                violations.extend(found);
            }
        }
    }
    if violations.is_empty() { Ok(operations) } else { Err(BodyError::Invalid { violations, index }.into()) }
}

/// The operations, unread, and what is wrong around them.
fn listed(text: &str) -> Result<(Vec<&RawValue>, Vec<Violation>), Box<Problem>> {
    let (mut violations, mut listed) = (Vec::new(), None);
    for (name, raw) in members(text).map_err(BodyError::from)? {
        match name.as_ref() {
            "operations" => listed = Some(elements(raw.get())),
            _ => violations.push(unknown(&pointer(&name), "a commit has operations and nothing else")),
        }
    }
    let (code, message) = match listed {
        Some(Ok(listed)) if listed.len() <= limits::OPERATIONS => return Ok((listed, violations)),
        Some(Ok(_)) => (ViolationCode::Length, format!("a commit may have {} operations", limits::OPERATIONS)),
        Some(Err(_)) => (ViolationCode::Type, "operations must be a list".to_owned()),
        None => (ViolationCode::Required, "operations is required".to_owned()),
    };
    violations.push(violation("/operations", code, &message));
    Ok((Vec::new(), violations))
}

/// The members of a part of the text.
fn read_members<'a>(text: &str, part: &'a RawValue) -> Result<Vec<(Cow<'a, str>, &'a RawValue)>, Box<Problem>> {
    members(part.get()).map_err(|error| BodyError::from(error).after(position(text, part.get())).into())
}

/// The byte of a text where a part of it begins.
fn position(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// The members of an operation as they are written.
#[derive(Default)]
struct Written<'a> {
    method: Option<&'a RawValue>,
    path: Option<&'a RawValue>,
    headers: Option<&'a RawValue>,
    body: Option<&'a RawValue>,
}

fn operation<'a>(
    text: &str,
    raw: &'a RawValue,
    place: &str,
) -> Result<Result<Operation<'a>, Vec<Violation>>, Box<Problem>> {
    if !raw.get().starts_with('{') {
        return Ok(Err(vec![violation(place, ViolationCode::Type, "an operation must be an object")]));
    }
    let (mut written, mut violations) = (Written::default(), Vec::new());
    for (name, value) in read_members(text, raw)? {
        match name.as_ref() {
            "method" => written.method = Some(value),
            "path" => written.path = Some(value),
            "headers" => written.headers = Some(value).filter(|value| value.get() != "null"),
            "body" => written.body = Some(value).filter(|value| value.get() != "null"),
            _ => {
                let message = "an operation has method, path, headers and body, and nothing else";
                violations.push(unknown(&format!("{place}{}", pointer(&name)), message));
            }
        }
    }
    let (method, uri) = (method(written.method, place), uri(written.path, place));
    let headers = headers(text, written.headers, &format!("{place}/headers"))?;
    let body = body(method.as_ref().ok(), written.body, place);
    Ok(match (method, uri, headers, body) {
        (Ok(method), Ok(uri), Ok(headers), Ok(body)) if violations.is_empty() => {
            let position = if body.is_empty() { 0 } else { position(text, body) };
            Ok(Operation { method, uri, headers, body, position })
        }
        (method, uri, headers, body) => {
            violations.extend(method.err().into_iter().chain(uri.err()).chain(body.err()));
            violations.extend(headers.err().into_iter().flatten());
            Err(violations)
        }
    })
}

fn method(raw: Option<&RawValue>, place: &str) -> Result<Method, Violation> {
    let name = raw.and_then(string);
    let known = METHODS.into_iter().find(|method| name.as_deref() == Some(method.as_str()));
    known.ok_or_else(|| {
        let code = if raw.is_none() { ViolationCode::Required } else { ViolationCode::Type };
        violation(&format!("{place}/method"), code, "method must be POST, PUT, PATCH or DELETE")
    })
}

fn uri(raw: Option<&RawValue>, place: &str) -> Result<Uri, Violation> {
    let path = raw.and_then(string).filter(|path| path.starts_with('/') && !path.contains('#'));
    path.and_then(|path| Uri::try_from(path).ok()).ok_or_else(|| {
        let code = if raw.is_none() { ViolationCode::Required } else { ViolationCode::Format };
        violation(&format!("{place}/path"), code, "path must be the path of a table or a record, such as /Product/")
    })
}

fn headers(text: &str, raw: Option<&RawValue>, place: &str) -> Result<Result<HeaderMap, Vec<Violation>>, Box<Problem>> {
    let (mut headers, mut violations) = (HeaderMap::new(), Vec::new());
    let Some(raw) = raw else { return Ok(Ok(headers)) };
    if !raw.get().starts_with('{') {
        return Ok(Err(vec![violation(place, ViolationCode::Type, "headers must be an object")]));
    }
    for (name, value) in read_members(text, raw)? {
        let place = format!("{place}{}", pointer(&name));
        let Some(known) = HEADERS.into_iter().find(|known| name.eq_ignore_ascii_case(known.as_str())) else {
            violations.push(unknown(&place, "an operation takes the headers If-Match, If-None-Match and Prefer"));
            continue;
        };
        match string(value).and_then(|value| HeaderValue::try_from(value).ok()) {
            Some(value) if !headers.contains_key(&known) => _ = headers.insert(known, value),
            Some(_) => violations.push(violation(&place, ViolationCode::UnknownMember, "this header stands twice")),
            None => violations.push(violation(&place, ViolationCode::Type, "a header must be a text on one line")),
        }
    }
    Ok(if violations.is_empty() { Ok(headers) } else { Err(violations) })
}

/// `method`: `None` if it is none, so that nothing can be said of the body.
fn body<'a>(method: Option<&Method>, raw: Option<&'a RawValue>, place: &str) -> Result<&'a str, Violation> {
    let place = format!("{place}/body");
    match (method, raw) {
        (Some(&Method::DELETE), Some(_)) => Err(unknown(&place, "DELETE has no body")),
        (Some(&Method::DELETE) | None, None) => Ok(""),
        (Some(_), None) => Err(violation(&place, ViolationCode::Required, "body is required")),
        (_, Some(body)) => Ok(body.get()),
    }
}

fn unknown(pointer: &str, message: &str) -> Violation {
    violation(pointer, ViolationCode::UnknownMember, message)
}

fn violation(pointer: &str, code: ViolationCode, message: &str) -> Violation {
    Violation { pointer: pointer.to_owned(), code, message: message.to_owned() }
}
