//! Values between the schema's types and libSQL's.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use stoa_schema::model::{Attribute, Kind};
use stoa_schema::value::Value;

/// A value as a parameter.
pub(super) struct Param<'a>(pub(super) &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(flag) => ValueRef::Integer(i64::from(*flag)),
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Float(number) => ValueRef::Real(*number),
            Value::Text(text) | Value::List(text) | Value::Json(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A stored value of an attribute.
pub(super) fn owned(attribute: &Attribute, stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) if attribute.kind == Kind::Boolean => Value::Bool(number != 0),
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Float(number),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            match attribute.list {
                true => Value::List(text),
                false if attribute.stored_as_json() => Value::Json(text),
                false => Value::Text(text),
            }
        }
    }
}

/// A value as a parameter of a statement for the primary.
pub(super) fn wire(value: &Value) -> libsql_hrana::proto::Value {
    use libsql_hrana::proto::Value as Wire;
    match value {
        Value::Null => Wire::Null,
        Value::Bool(flag) => Wire::Integer { value: i64::from(*flag) },
        Value::Int(number) => Wire::Integer { value: *number },
        Value::Float(number) => Wire::Float { value: *number },
        Value::Text(text) | Value::List(text) | Value::Json(text) => Wire::Text { value: text.as_str().into() },
        Value::Bytes(bytes) => Wire::Blob { value: bytes.clone().into() },
    }
}
