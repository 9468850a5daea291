//! A JSON object → a record of its table, or everything that is wrong with it at once.

use super::json::{self, JsonError};
use super::scalar::scalar;
use super::undeclared::Undeclared;
use super::violation::{Violation, ViolationCode, pointer};
use super::{Value, document};
use crate::model::{AttributeId, Kind, Table};
use crate::nearest::nearest;
use serde_json::value::RawValue;

/// The values of a record by [`AttributeId`]; `None` where the body says nothing.
pub type Record = Vec<Option<Value>>;

/// Reads a whole record. Values for attributes that the server sets are ignored; absent ones are `None`.
///
/// # Errors
/// [`JsonError`] if it is no JSON object; otherwise, inside `Ok`, all violations.
pub fn read_record(table: &Table, text: &str) -> Result<Result<Record, Vec<Violation>>, JsonError> {
    json::unmarked(text)?;
    read_rewritten_record(table, text)
}

/// As [`read_record`], of JSON that a body in another format was rewritten to: what JSON has not stands in it as
/// [`super::marked_bytes`] and [`super::marked_foreign`] write it.
///
/// # Errors
/// Those of [`read_record`].
pub fn read_rewritten_record(table: &Table, text: &str) -> Result<Result<Record, Vec<Violation>>, JsonError> {
    let mut record = vec![None; table.attributes.len()];
    let mut violations = Vec::new();
    let mut undeclared = Undeclared::default();
    for (name, raw) in json::distinct_members(text)? {
        match declared(table, &name) {
            Ok(None) => violations.extend(undeclared.take(&name, raw).err()),
            Err(violation) => violations.push(violation),
            Ok(Some(id)) if table.attribute(id).server_set() => {}
            Ok(Some(id)) => match value(table, id, raw) {
                Ok(value) => record[id.0] = Some(value),
                Err(found) => violations.extend(found),
            },
        }
    }
    if let Some(open) = table.open {
        record[open.0] = Some(undeclared.value());
    }
    missing(table, &record, &mut violations);
    Ok(if violations.is_empty() { Ok(record) } else { Err(violations) })
}

/// Adds a violation for each required attribute that has no value, unless it has one already.
pub(super) fn missing(table: &Table, record: &Record, violations: &mut Vec<Violation>) {
    for (at, attribute) in table.attributes.iter().enumerate() {
        let absent = matches!(record[at], None | Some(Value::Null));
        let faulty = violations.iter().any(|violation| violation.pointer.starts_with(&pointer(&attribute.name)));
        if attribute.required && absent && !faulty && !attribute.server_set() && AttributeId(at) != table.key {
            violations.push(Violation::required(attribute));
        }
    }
}

/// The attribute that a member names; `None` if the table is open and does not declare it.
pub(super) fn declared(table: &Table, name: &str) -> Result<Option<AttributeId>, Violation> {
    if let Some(id) = table.attribute_named(name) {
        return Ok(Some(id));
    }
    if table.relation_named(name).is_some() {
        let message = format!("{name} is a relation: it is stored in the attribute that refers, not in the body");
        return Err(Violation::new(&pointer(name), ViolationCode::Relation, message));
    }
    match table.open {
        Some(_) => Ok(None),
        None => Err(Violation::undeclared(&pointer(name), &table.name, name, nearest(name, table.field_names()))),
    }
}

/// A value for an attribute of the table.
pub(super) fn value(table: &Table, id: AttributeId, raw: &RawValue) -> Result<Value, Vec<Violation>> {
    let attribute = table.attribute(id);
    let pointer = pointer(&attribute.name);
    if raw.get() == "null" {
        return Ok(Value::Null);
    }
    let value = match attribute.list || matches!(attribute.kind, Kind::Nested(_)) {
        true => document::canonical(attribute, raw, &pointer)?,
        false => scalar(attribute, raw).map_err(|code| vec![Violation::of_value(&pointer, attribute, code)])?,
    };
    sized(table, id, value)
}

/// The value, unless it is an id that no record can have.
pub(super) fn sized(table: &Table, id: AttributeId, value: Value) -> Result<Value, Vec<Violation>> {
    match Violation::of_id(table.attribute(id), &value) {
        Some(violation) if id == table.key => Err(vec![violation]),
        _ => Ok(value),
    }
}
