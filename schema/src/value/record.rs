//! A JSON object → a record of its table, or everything that is wrong with it at once.

use super::json::{self, JsonError};
use super::number::{self, Misfit};
use super::{Value, is_date, list, stored_text, wanted};
use crate::limits;
use crate::model::{Attribute, AttributeId, Kind, Table};
use crate::nearest::nearest;
use serde_json::value::RawValue;

/// The values of a record by [`AttributeId`]; `None` where the body says nothing.
pub type Record = Vec<Option<Value>>;

/// One thing that is wrong in a body that is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The kind of fault, for programs.
    pub code: ViolationCode,
    /// What is wrong, for people.
    pub message: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationCode {
    /// The value has another type than the attribute.
    Type,
    /// The number is beyond the type's range.
    Range,
    /// The text has not the form that the type needs.
    Format,
    /// The attribute may not be null.
    Required,
    /// The type does not declare it.
    UnknownAttribute,
    /// A relation is not stored.
    Relation,
    /// `__op__` where there is nothing to apply it to, or an unknown one.
    Operator,
    /// The id is empty or too long.
    Length,
    /// The body's id is not the URL's.
    Mismatch,
    /// The line has more or fewer fields than the header.
    Fields,
}

impl ViolationCode {
    /// Its name in problem documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Range => "range",
            Self::Format => "format",
            Self::Required => "required",
            Self::UnknownAttribute => "unknown-attribute",
            Self::Relation => "relation",
            Self::Operator => "operator",
            Self::Length => "length",
            Self::Mismatch => "mismatch",
            Self::Fields => "fields",
        }
    }
}

impl Violation {
    pub(super) fn new(pointer: &str, code: ViolationCode, message: String) -> Self {
        Self { pointer: pointer.to_owned(), code, message }
    }

    pub(super) fn wrong(pointer: &str, attribute: &Attribute, code: impl Into<ViolationCode>) -> Self {
        Self::new(pointer, code.into(), format!("{} must be {}", attribute.name, wanted(attribute)))
    }

    pub(super) fn element(pointer: &str, attribute: &Attribute, code: ViolationCode) -> Self {
        Self::new(pointer, code, format!("{} must be {}", attribute.name, wanted(attribute)))
    }

    /// A required attribute without a value.
    pub fn required(attribute: &Attribute) -> Self {
        Self::new(&pointer(&attribute.name), ViolationCode::Required, format!("{} is required", attribute.name))
    }

    /// An id that no record can have: an empty text, or a very long one.
    pub fn of_id(key: &Attribute, id: &Value) -> Option<Self> {
        let Value::Text(text) = id else { return None };
        let message = || format!("{} must have 1 to {} bytes", key.name, limits::ID_BYTES);
        let fits = (1..=limits::ID_BYTES).contains(&text.len());
        (!fits).then(|| Self::new(&pointer(&key.name), ViolationCode::Length, message()))
    }

    /// A line whose fields are not those of the header.
    pub fn fields(found: usize, named: usize) -> Self {
        let message = format!("the line has {found} fields, the header names {named}");
        Self::new("", ViolationCode::Fields, message)
    }

    /// A body whose id is not the one in the URL.
    pub fn mismatch(key: &Attribute) -> Self {
        let message = format!("{} differs from the one in the URL", key.name);
        Self::new(&pointer(&key.name), ViolationCode::Mismatch, message)
    }
}

/// Reads a whole record. Values for attributes that the server sets are ignored; absent ones are `None`.
///
/// # Errors
/// [`JsonError`] if it is no JSON object; otherwise, inside `Ok`, all violations.
pub fn read_record(table: &Table, text: &str) -> Result<Result<Record, Vec<Violation>>, JsonError> {
    let mut record = vec![None; table.attributes.len()];
    let mut violations = Vec::new();
    for (name, raw) in json::members(text)? {
        match declared(table, &name) {
            Err(violation) => violations.push(violation),
            Ok(id) if table.attribute(id).server_set() => {}
            Ok(id) => match value(table, id, raw) {
                Ok(value) => record[id.0] = Some(value),
                Err(found) => violations.extend(found),
            },
        }
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

/// The attribute that a member names.
pub(super) fn declared(table: &Table, name: &str) -> Result<AttributeId, Violation> {
    if let Some(id) = table.attribute_named(name) {
        return Ok(id);
    }
    if table.relation_named(name).is_some() {
        let message = format!("{name} is a relation: it is stored in the attribute that refers, not in the body");
        return Err(Violation::new(&pointer(name), ViolationCode::Relation, message));
    }
    let hint = match nearest(name, table.field_names()) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    let message = format!("{} has no attribute {name:?}{hint}", table.name);
    Err(Violation::new(&pointer(name), ViolationCode::UnknownAttribute, message))
}

/// A value for an attribute of the table.
pub(super) fn value(table: &Table, id: AttributeId, raw: &RawValue) -> Result<Value, Vec<Violation>> {
    let attribute = table.attribute(id);
    let pointer = pointer(&attribute.name);
    if raw.get() == "null" {
        return Ok(Value::Null);
    }
    if attribute.list {
        return list::canonical(attribute, raw, &pointer);
    }
    sized(table, id, scalar(attribute, raw).map_err(|code| vec![Violation::wrong(&pointer, attribute, code)])?)
}

/// The value, unless it is an id that no record can have.
pub(super) fn sized(table: &Table, id: AttributeId, value: Value) -> Result<Value, Vec<Violation>> {
    match Violation::of_id(table.attribute(id), &value) {
        Some(violation) if id == table.key => Err(vec![violation]),
        _ => Ok(value),
    }
}

/// One value of the attribute's kind; `null` only where it stands inside a list.
pub(super) fn scalar(attribute: &Attribute, raw: &RawValue) -> Result<Value, ViolationCode> {
    let text = raw.get();
    if text.starts_with('{') && operator(raw) {
        return Err(ViolationCode::Operator);
    }
    match &attribute.kind {
        _ if text == "null" => Ok(Value::Null),
        Kind::Id | Kind::String => {
            json::string(raw).map(|it| Value::Text(stored_text(&attribute.kind, it))).ok_or(ViolationCode::Type)
        }
        Kind::Date => {
            let text = json::string(raw).ok_or(ViolationCode::Type)?;
            if is_date(&text) { Ok(Value::Text(stored_text(&Kind::Date, text))) } else { Err(ViolationCode::Format) }
        }
        Kind::Int => number::integer32(text).map(Value::Int).map_err(Misfit::into),
        Kind::Long => number::integer(text).map(Value::Int).map_err(Misfit::into),
        Kind::Float => number::double(text).map(Value::Float).map_err(Misfit::into),
        Kind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(ViolationCode::Type),
        },
        Kind::BigInt | Kind::Bytes | Kind::Any | Kind::Nested(_) => Err(ViolationCode::Type),
    }
}

fn operator(raw: &RawValue) -> bool {
    json::members(raw.get()).is_ok_and(|members| members.iter().any(|(name, _)| name == "__op__"))
}

/// The JSON Pointer of a member (RFC 6901 §3: `~` and `/` are escaped).
pub(super) fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
