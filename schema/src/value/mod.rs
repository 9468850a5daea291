//! Typed values: read from JSON bodies and from query text, in the form in which they are stored.
//!
//! A text that is an RFC 3339 date-time becomes an instant in its stored form ([`crate::time::Instant::stored`]) unless
//! its attribute is an `ID`; numbers keep every bit.

mod changes;
mod fields;
mod record;
mod text;
mod list;
mod number;
pub mod json;

pub use changes::{Change, Changes, read_changes};
pub use fields::{read_columns, read_fields};
pub use list::{list_elements, push as push_json};
pub use record::{Record, Violation, ViolationCode, read_record};
pub use text::{CoerceError, coerce};

use crate::model::{Attribute, Kind};
use crate::time::Instant;

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Absent.
    Null,
    /// Truth.
    Bool(bool),
    /// `Int` and `Long`.
    Int(i64),
    /// Finite.
    Float(f64),
    /// `ID`, `String`, `Date`.
    Text(String),
    /// `[T]`: a JSON array in canonical form.
    List(String),
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
