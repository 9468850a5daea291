//! Primary keys: what they may hold, and how they stand in a path.
//!
//! A key of several parts (`[ID]!`) is stored as the canonical JSON of its list; in a path its parts are separated by
//! raw slashes, each percent-encoded.

use super::violation::{Violation, ViolationCode, pointer};
use super::{Value, coerce, document};
use crate::limits;
use crate::model::{Attribute, Kind};
use serde_json::Value as Json;

impl Violation {
    /// A key that no record can have: it is empty, has an empty part, or is very long.
    pub fn of_id(key: &Attribute, id: &Value) -> Option<Self> {
        let message = || match key.list {
            true => format!("{} must have 1 to {} bytes as JSON, and no part may be empty", key.name, limits::ID_BYTES),
            false => format!("{} must have 1 to {} bytes", key.name, limits::ID_BYTES),
        };
        (!fits(id)).then(|| Self::new(&pointer(&key.name), ViolationCode::Length, message()))
    }
}

fn fits(value: &Value) -> bool {
    let short = |text: &str| !text.is_empty() && text.len() <= limits::ID_BYTES;
    match value {
        Value::Text(text) => short(text),
        Value::List(text) => {
            let parts = parts(text);
            short(text) && !parts.is_empty() && parts.iter().all(|part| *part != Json::Null && *part != "")
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Bytes(_) | Value::Json(_) => true,
    }
}

/// The key that the decoded segments of a path name; `None` if no record can have it. A key of one part takes its
/// segments back as the one text they were.
pub fn key_of_path(key: &Attribute, segments: &[String]) -> Option<Value> {
    if !key.list {
        return key_part(&key.kind, &segments.join("/"));
    }
    let mut text = String::from("[");
    for (at, segment) in segments.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        document::push(&key_part(&key.kind, segment)?, &mut text);
    }
    text.push(']');
    Some(Value::List(text))
}

/// An integer has one spelling in a path: `7`, not `07` or `7.0`.
fn key_part(kind: &Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Id => Some(Value::Text(text.to_owned())),
        Kind::String => coerce(kind, text).ok(),
        Kind::Int | Kind::Long => {
            coerce(kind, text).ok().filter(|value| matches!(value, Value::Int(number) if number.to_string() == text))
        }
        Kind::BigInt | Kind::Float | Kind::Boolean | Kind::Date | Kind::Bytes | Kind::Any | Kind::Nested(_) => None,
    }
}

/// The segments of the path of a record with this key, not yet encoded.
pub fn path_of_key(key: &Value) -> Vec<String> {
    match key {
        Value::Text(text) => vec![text.clone()],
        Value::Int(number) => vec![number.to_string()],
        Value::List(text) => parts(text)
            .into_iter()
            .map(|part| match part {
                Json::String(text) => text,
                other => other.to_string(),
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Bytes(_) | Value::Json(_) => Vec::new(),
    }
}

fn parts(list: &str) -> Vec<Json> {
    serde_json::from_str(list).unwrap_or_default()
}
