//! JSON text → its parts, unread: members of an object, elements of an array, each as its own raw text.
//!
//! Values stay text until the attribute's type is known, so that no digit of a number is lost on the way, and a body
//! nested a million levels deep costs no stack.

use super::{any, bytes};
use crate::limits;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A text that is not the JSON that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct JsonError {
    /// What is wrong.
    pub detail: String,
    /// The byte of the text where it was noticed, from 0.
    pub position: usize,
}

/// The members of a JSON object, in order; a name that stands twice is an error.
///
/// # Errors
/// The text is not one JSON object.
pub fn members(text: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members).map_err(|error| at(text, &error))?;
    deserializer.end().map_err(|error| at(text, &error))?;
    Ok(members)
}

/// The members of a JSON object, as [`members`] gives them; also in the objects inside it no name stands twice, as far
/// down as values may nest.
///
/// # Errors
/// The text is not one JSON object, or a name stands twice.
pub fn distinct_members(text: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, JsonError> {
    let members = members(text)?;
    for (_, raw) in &members {
        let inside = raw.get();
        if inside.starts_with(['{', '[']) && inside.contains('{') {
            distinct_names(inside).map_err(|error| {
                let start = inside.as_ptr() as usize - text.as_ptr() as usize;
                JsonError { position: start + error.position, ..error }
            })?;
        }
    }
    Ok(members)
}

/// Looks for names that stand twice in one object of valid JSON. What is nested too deep is refused by its reader.
fn distinct_names(text: &str) -> Result<(), JsonError> {
    let mut open: Vec<HashSet<Cow<'_, str>>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'{' | b'[' if open.len() > limits::NESTED_DEPTH + 1 => return Ok(()),
            b'{' | b'[' => open.push(HashSet::new()),
            b'}' | b']' => _ = open.pop(),
            b'"' => {
                let end = at + any::string_length(&text[at..]);
                let is_name = text[end..].trim_start().starts_with(':');
                let name = unescaped(&text[at..end]);
                if is_name && open.last_mut().is_some_and(|names| !names.insert(name)) {
                    let detail = format!("the name {} stands twice", &text[at..end]);
                    return Err(JsonError { detail, position: at });
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// What stands between the quotes, where escapes could hide that two names are one.
fn unescaped(quoted: &str) -> Cow<'_, str> {
    match quoted.contains('\\') {
        true => serde_json::from_str(quoted).map_or(Cow::Borrowed(quoted), Cow::Owned),
        false => Cow::Borrowed(quoted.trim_matches('"')),
    }
}

/// Refuses a text from outside that would be taken for what only formats beside JSON have. It is no text in any case.
pub(super) fn unmarked(text: &str) -> Result<(), JsonError> {
    match bytes::find_mark(text) {
        Some(position) => Err(JsonError { detail: "a text begins with half a surrogate pair".into(), position }),
        None => Ok(()),
    }
}

/// The elements of a JSON array, in order.
///
/// # Errors
/// The text is not one JSON array.
pub fn elements(text: &str) -> Result<Vec<&RawValue>, JsonError> {
    serde_json::from_str(text).map_err(|error| at(text, &error))
}

/// The text of a JSON string. `None` if it is another kind of value, or escapes half a surrogate pair.
pub fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        let mut names = HashSet::new();
        while let Some(Name(name)) = map.next_key()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("the name {name:?} stands twice")));
            }
            members.push((name, map.next_value()?));
        }
        Ok(members)
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// serde_json counts lines and columns; a program reading the error wants the byte.
fn at(text: &str, error: &serde_json::Error) -> JsonError {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    // The column is that of the last character read: the faulty one, or at the end the one before it.
    let back = usize::from(!error.is_eof());
    let position = (line_start + error.column().saturating_sub(back)).min(text.len());
    let full = error.to_string();
    let detail = match full.rfind(" at line ") {
        Some(end) => full[..end].to_owned(),
        None => full,
    };
    JsonError { detail, position }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{distinct_members, elements, members};

    #[test]
    fn keeps_the_text_of_every_value() {
        let parts = members(r#"{"a": 1e309, "b\n": [1, {"c": 12345678901234567890}] , "d":"x"}"#).unwrap();
        let shown: Vec<_> = parts.iter().map(|(name, raw)| (name.as_ref(), raw.get())).collect();
        assert_eq!(shown, [("a", "1e309"), ("b\n", r#"[1, {"c": 12345678901234567890}]"#), ("d", "\"x\"")]);
    }

    #[test]
    fn names_the_byte_where_it_broke() {
        let error = members("{\"a\": 1,\n  \"b\": }").unwrap_err();
        assert_eq!((error.detail.as_str(), error.position), ("expected value", 16));
        assert_eq!(members(r#"{"a":1,"a":2}"#).unwrap_err().detail, "the name \"a\" stands twice");
        assert!(members("[1]").is_err());
        assert!(members("{} x").is_err());
    }

    #[test]
    fn a_name_stands_once_in_every_object() {
        let error = distinct_members(r#"{"a": [{"b":1,"c":{"b":2}}, {"b":1, "x":"b", "b":2}]}"#).unwrap_err();
        assert_eq!((error.detail.as_str(), error.position), ("the name \"b\" stands twice", 45));
        assert!(distinct_members(r#"{"a": {"b":1,"\u0062":2}}"#).is_err());
        assert!(distinct_members(r#"{"a": [{"b":"b","c":"b:"}, {"b":["c","c"]}]}"#).is_ok());
    }

    #[test]
    fn a_depth_bomb_costs_no_stack() {
        let bomb = format!("{{\"a\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(members(&bomb).unwrap().len(), 1);
        assert!(elements(&"[".repeat(500_000)).is_err());
    }
}
