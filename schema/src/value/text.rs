//! Text from a URL → a value of an attribute's type.

use super::number::{self, Misfit};
use super::{Value, big_integer, bytes, is_date, stored_text};
use crate::model::Kind;

/// A text that is no value of the type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct CoerceError {
    text: String,
    wanted: &'static str,
}

/// The value that `text` denotes for this kind.
///
/// # Errors
/// It denotes none.
pub fn coerce(kind: &Kind, text: &str) -> Result<Value, CoerceError> {
    let refuse = |wanted| CoerceError { text: text.to_owned(), wanted };
    match kind {
        Kind::Id | Kind::String => Ok(Value::Text(stored_text(kind, text.to_owned()))),
        Kind::Date if is_date(text) => Ok(Value::Text(stored_text(kind, text.to_owned()))),
        Kind::Date => Err(refuse("a date or an RFC 3339 date-time")),
        Kind::Int => number::integer32(text).map(Value::Int).map_err(|misfit| refuse(integer_wanted(misfit, "32"))),
        Kind::Long => number::integer(text).map(Value::Int).map_err(|misfit| refuse(integer_wanted(misfit, "64"))),
        Kind::Float => number::double(text).map(Value::Float).map_err(|_| refuse("a finite number")),
        Kind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(refuse("true or false")),
        },
        Kind::BigInt => big_integer::stored(text).map(Value::Text).map_err(|misfit| match misfit {
            Misfit::Type => refuse("an integer"),
            Misfit::Range => refuse("an integer of at most 1,000 digits"),
        }),
        // A raw `+` of base64 arrives as a space; base64 has none.
        Kind::Bytes => bytes::from_base64(&text.replace(' ', "+"))
            .map(Value::Bytes)
            .ok_or_else(|| refuse("base64 (with its padding, after ==)")),
        Kind::Any | Kind::Nested(_) => Err(refuse("comparable: only = null and != null are")),
    }
}

fn integer_wanted(misfit: Misfit, bits: &str) -> &'static str {
    match (misfit, bits) {
        (Misfit::Type, _) => "an integer",
        (Misfit::Range, "32") => "an integer of 32 bits",
        (Misfit::Range, _) => "an integer of 64 bits",
    }
}
