//! A PATCH body → changes of attributes: new values, and operators that are applied to what is stored. The body of a merge
//! is read in the same way, and also as the record that it makes where none is stored.

use super::Value;
use super::document;
use super::json::{self, JsonError};
use super::number;
use super::record::{Record, declared, missing, value};
use super::undeclared::{self, Undeclared};
use super::violation::{Violation, ViolationCode, pointer};
use crate::model::{Attribute, AttributeId, Kind, Table};
use serde_json::value::RawValue;

/// What becomes of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It gets this value.
    Set(Value),
    /// This number is added to it; null counts as 0.
    Add(Value),
    /// The list gets this element, unless it holds it.
    Include(Value),
    /// The list loses every such element.
    Exclude(Value),
    /// The undeclared attributes of an open table get these values, as canonical JSON; `None`: it is gone. The names need
    /// no escapes, in JSON or in an SQLite path.
    Merge(Vec<(String, Option<String>)>),
}

/// What becomes of the attributes that a body names.
pub type Changes = Vec<(AttributeId, Change)>;

/// Reads the changes of a PATCH body. Values for attributes that the server sets are ignored.
///
/// # Errors
/// [`JsonError`] if it is no JSON object; otherwise, inside `Ok`, all violations.
pub fn read_changes(table: &Table, text: &str) -> Result<Result<Changes, Vec<Violation>>, JsonError> {
    json::unmarked(text)?;
    let (changes, violations) = read(table, text, OpenKey::Refused)?;
    Ok(if violations.is_empty() { Ok(changes) } else { Err(violations) })
}

/// A body that is a new record or, if that record is there, changes of it.
#[derive(Clone, Debug)]
pub struct Merge {
    /// What is stored if nothing is there: operators are applied to null.
    pub record: Record,
    /// What becomes of the record that is there.
    pub changes: Changes,
}

/// Reads a body that is merged into the record that is there, if one is. Values for attributes that the server sets are
/// ignored; a key of null is none.
///
/// # Errors
/// [`JsonError`] if it is no JSON object; otherwise, inside `Ok`, all violations: those of changes, and required attributes
/// that it does not give a value.
pub fn read_merge(table: &Table, text: &str) -> Result<Result<Merge, Vec<Violation>>, JsonError> {
    json::unmarked(text)?;
    read_rewritten_merge(table, text)
}

/// As [`read_merge`], of JSON that a body in another format was rewritten to, as [`super::read_rewritten_record`] takes it.
///
/// # Errors
/// Those of [`read_merge`].
pub fn read_rewritten_merge(table: &Table, text: &str) -> Result<Result<Merge, Vec<Violation>>, JsonError> {
    let (changes, mut violations) = read(table, text, OpenKey::Taken)?;
    let mut record = vec![None; table.attributes.len()];
    for (id, change) in &changes {
        record[id.0] = Some(change.of_nothing(table.attribute(*id)));
    }
    missing(table, &record, &mut violations);
    Ok(if violations.is_empty() { Ok(Merge { record, changes }) } else { Err(violations) })
}

/// What a key of null means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenKey {
    /// It is a violation.
    Refused,
    /// It is as if it were not there.
    Taken,
}

fn read(table: &Table, text: &str, open_key: OpenKey) -> Result<(Changes, Vec<Violation>), JsonError> {
    let mut changes = Vec::new();
    let mut violations = Vec::new();
    let mut undeclared = Undeclared::default();
    for (name, raw) in json::distinct_members(text)? {
        match declared(table, &name) {
            Ok(None) => violations.extend(undeclared.take(&name, raw).err()),
            Err(violation) => violations.push(violation),
            Ok(Some(id)) if table.attribute(id).server_set() => {}
            Ok(Some(id)) if id == table.key && open_key == OpenKey::Taken && raw.get() == "null" => {}
            Ok(Some(id)) => match change(table, id, raw) {
                Ok(change) => changes.push((id, change)),
                Err(found) => violations.extend(found),
            },
        }
    }
    changes.extend(table.open.zip(undeclared.change()));
    Ok((changes, violations))
}

impl Change {
    /// What it makes of an attribute without a value.
    fn of_nothing(&self, attribute: &Attribute) -> Value {
        match self {
            Self::Set(value) | Self::Add(value) => value.clone(),
            Self::Include(element) => {
                let mut list = String::from("[");
                document::push(element, &mut list);
                list.push(']');
                Value::List(list)
            }
            Self::Exclude(_) if attribute.required => Value::List("[]".into()),
            Self::Exclude(_) => Value::Null,
            Self::Merge(members) => undeclared::object(members),
        }
    }
}

fn change(table: &Table, id: AttributeId, raw: &RawValue) -> Result<Change, Vec<Violation>> {
    let attribute = table.attribute(id);
    if raw.get().starts_with('{')
        && let Some(operator) = Operator::read(raw)
    {
        return operator.change(table, id);
    }
    let value = value(table, id, raw)?;
    if value == Value::Null && (attribute.required || id == table.key) {
        return Err(vec![Violation::required(attribute)]);
    }
    Ok(Change::Set(value))
}

/// `{"__op__": name, "value": operand}`.
struct Operator<'a> {
    name: Option<String>,
    operand: Option<&'a RawValue>,
    foreign: bool,
}

impl<'a> Operator<'a> {
    fn read(raw: &'a RawValue) -> Option<Self> {
        let members = json::members(raw.get()).ok()?;
        let name = members.iter().find(|(name, _)| name == "__op__").map(|(_, raw)| json::string(raw))?;
        let operand = members.iter().find(|(name, _)| name == "value").map(|(_, raw)| *raw);
        Some(Self { name, operand, foreign: members.len() > 2 })
    }

    fn change(self, table: &Table, id: AttributeId) -> Result<Change, Vec<Violation>> {
        let attribute = table.attribute(id);
        let pointer = pointer(&attribute.name);
        let refuse = |message: String| vec![Violation::new(&pointer, ViolationCode::Operator, message)];
        let place = format!("{pointer}/value");
        let operand = match self.operand {
            Some(operand) if !self.foreign => operand,
            _ => return Err(refuse("write {\"__op__\": …, \"value\": …}".into())),
        };
        match (self.name.as_deref(), attribute.list) {
            (Some(name), _) if id == table.key => Err(refuse(format!("{name}: the primary key stays as it is"))),
            (Some("add"), false) => add(attribute, operand, &pointer).map_err(|violation| vec![violation]),
            (Some("add"), _) => Err(refuse(format!("add works on Int, Long and Float, not on {}", attribute.name))),
            (Some("include"), true) => Ok(Change::Include(document::element(attribute, operand, &place)?)),
            (Some("exclude"), true) => Ok(Change::Exclude(document::element(attribute, operand, &place)?)),
            (Some(name @ ("include" | "exclude")), false) => {
                Err(refuse(format!("{name} works on lists, not on {}", attribute.name)))
            }
            _ => Err(refuse("__op__ is one of add, include, exclude".into())),
        }
    }
}

fn add(attribute: &Attribute, operand: &RawValue, pointer: &str) -> Result<Change, Violation> {
    let value = match attribute.kind {
        Kind::Int => number::integer32(operand.get()).map(Value::Int),
        Kind::Long => number::integer(operand.get()).map(Value::Int),
        Kind::Float => number::double(operand.get()).map(Value::Float),
        _ => {
            let message = format!("add works on Int, Long and Float; {} is {}", attribute.name, attribute.kind.name());
            return Err(Violation::new(pointer, ViolationCode::Operator, message));
        }
    };
    value.map(Change::Add).map_err(|misfit| Violation::wrong(&format!("{pointer}/value"), attribute, misfit))
}
