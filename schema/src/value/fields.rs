//! Fields of text, as in a line of CSV → a record. Numbers and truth are written as in a query, lists as JSON.

use super::number::{self, Misfit};
use super::record::{Record, declared, missing, sized, value};
use super::violation::{Violation, ViolationCode, pointer};
use super::{Value, big_integer, bytes, is_date, json, stored_text};
use crate::model::{Attribute, AttributeId, Kind, Table};
use serde_json::value::RawValue;

/// The attributes that a header names.
///
/// # Errors
/// All names that are none.
pub fn read_columns(table: &Table, names: &[&str]) -> Result<Vec<AttributeId>, Vec<Violation>> {
    let mut violations = Vec::new();
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        match declared(table, name) {
            Ok(Some(id)) => columns.push(id),
            // A field has no type of its own, so undeclared attributes cannot be told from their text.
            Ok(None) => violations.push(Violation::undeclared(&pointer(name), &table.name, name, None)),
            Err(violation) => violations.push(violation),
        }
    }
    if violations.is_empty() { Ok(columns) } else { Err(violations) }
}

/// Reads a record from the texts of its columns; `None` is null. Values for attributes that the server sets are ignored.
///
/// # Errors
/// All violations.
pub fn read_fields(table: &Table, columns: &[AttributeId], fields: &[Option<&str>]) -> Result<Record, Vec<Violation>> {
    let mut record = vec![None; table.attributes.len()];
    let mut violations = Vec::new();
    for (id, text) in columns.iter().zip(fields) {
        if table.attribute(*id).server_set() {
            continue;
        }
        match text.map_or(Ok(Value::Null), |text| field(table, *id, text)) {
            Ok(value) => record[id.0] = Some(value),
            Err(found) => violations.extend(found),
        }
    }
    missing(table, &record, &mut violations);
    if violations.is_empty() { Ok(record) } else { Err(violations) }
}

fn field(table: &Table, id: AttributeId, text: &str) -> Result<Value, Vec<Violation>> {
    let attribute = table.attribute(id);
    let pointer = pointer(&attribute.name);
    let wrong = |code: ViolationCode| vec![Violation::wrong(&pointer, attribute, code)];
    match plain(attribute, text) {
        Some(read) => sized(table, id, read.map_err(wrong)?),
        None => {
            json::unmarked(text).map_err(|_| wrong(ViolationCode::Format))?;
            let raw = serde_json::from_str::<&RawValue>(text).map_err(|_| wrong(ViolationCode::Type))?;
            value(table, id, raw)
        }
    }
}

/// A value whose text is not JSON; `None` for lists and kinds that are written as JSON.
fn plain(attribute: &Attribute, text: &str) -> Option<Result<Value, ViolationCode>> {
    Some(match &attribute.kind {
        _ if attribute.list => return None,
        Kind::Id | Kind::String => Ok(Value::Text(stored_text(&attribute.kind, text.to_owned()))),
        Kind::Date if is_date(text) => Ok(Value::Text(stored_text(&Kind::Date, text.to_owned()))),
        Kind::Date => Err(ViolationCode::Format),
        Kind::Int => number::integer32(text).map(Value::Int).map_err(Misfit::into),
        Kind::Long => number::integer(text).map(Value::Int).map_err(Misfit::into),
        Kind::Float => number::double(text).map(Value::Float).map_err(Misfit::into),
        Kind::BigInt => big_integer::stored(text).map(Value::Text).map_err(Misfit::into),
        Kind::Bytes => bytes::from_base64(text).map(Value::Bytes).ok_or(ViolationCode::Format),
        Kind::Boolean | Kind::Any | Kind::Nested(_) => return None,
    })
}
