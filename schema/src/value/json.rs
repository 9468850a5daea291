//! JSON text → its parts, unread: members of an object, elements of an array, each as its own raw text.
//!
//! Values stay text until the attribute's type is known, so that no digit of a number is lost on the way, and a body
//! nested a million levels deep costs no stack.

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
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
        let mut names = std::collections::HashSet::new();
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
    use super::{elements, members};

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
    fn a_depth_bomb_costs_no_stack() {
        let bomb = format!("{{\"a\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(members(&bomb).unwrap().len(), 1);
        assert!(elements(&"[".repeat(500_000)).is_err());
    }
}
