//! Typed values: read from JSON bodies and from query text, in the form in which they are stored.
//!
//! A text that is an RFC 3339 date-time becomes an instant in its stored form ([`crate::time::Instant::stored`]) unless
//! its attribute is an `ID`; numbers keep every bit.

mod changes;
mod fields;
mod record;
mod undeclared;
mod key;
mod shown;
mod document;
mod scalar;
mod text;
mod big_integer;
mod bytes;
pub mod json;
mod any;
mod violation;
mod number;

pub use big_integer::shown_big_integer;
pub use bytes::{base64, from_hexadecimal, marked_bytes, marked_foreign};
pub use changes::{Change, Changes, Merge, read_changes, read_merge, read_rewritten_merge};
pub use document::push as push_json;
pub use fields::{read_columns, read_fields};
pub use key::{key_of_path, path_of_key};
pub use record::{Record, read_record, read_rewritten_record};
pub use shown::write_shown;
pub use text::{CoerceError, coerce};
pub use violation::{Violation, ViolationCode, pointer};

use crate::model::{Attribute, Kind};
use crate::time::Instant;

/// A value as it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Absent.
    #[default]
    Null,
    /// Truth.
    Bool(bool),
    /// `Int` and `Long`.
    Int(i64),
    /// Finite.
    Float(f64),
    /// `ID`, `String`, `Date`, and `BigInt` in its ordered form.
    Text(String),
    /// `Bytes`.
    Bytes(Vec<u8>),
    /// `[T]`: a JSON array in canonical form.
    List(String),
    /// `Any` and nested types: JSON in canonical form.
    Json(String),
}

impl Value {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) => 8,
            Self::Text(text) | Self::List(text) | Self::Json(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// The same value as it stands inside stored JSON, where SQL's JSON functions find it.
    pub fn inside_json(self) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Text(bytes::hexadecimal(&bytes)),
            same @ (Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Json(_)) => same,
        }
    }
}

/// A text in its stored form: the instant it denotes, if attributes of this kind keep instants; otherwise itself.
pub fn stored_text(kind: &Kind, text: String) -> String {
    if matches!(kind, Kind::String | Kind::Date)
        && let Some(instant) = Instant::parse(&text)
    {
        return instant.stored();
    }
    text
}

/// Whether a `Date` may hold this text: an RFC 3339 date-time or a bare date.
fn is_date(text: &str) -> bool {
    use crate::time::Written;
    matches!(Written::parse(text), Some(Written::Instant(_) | Written::Date(_)))
}

/// "a text", "a list of integers": what an attribute takes, in words.
fn wanted(attribute: &Attribute) -> String {
    let (one, many) = match &attribute.kind {
        Kind::Id | Kind::String => ("a text", "texts"),
        Kind::Int => ("an integer of 32 bits", "integers of 32 bits"),
        Kind::Long => ("an integer of 64 bits", "integers of 64 bits"),
        Kind::BigInt => ("an integer", "integers"),
        Kind::Float => ("a number", "numbers"),
        Kind::Boolean => ("true or false", "true or false"),
        Kind::Date => ("a date or an RFC 3339 date-time", "dates or RFC 3339 date-times"),
        Kind::Bytes => ("bytes as base64", "bytes as base64"),
        Kind::Any => ("any value", "any values"),
        Kind::Nested(_) => ("an object", "objects"),
    };
    if attribute.list { format!("a list of {many}") } else { one.to_owned() }
}
