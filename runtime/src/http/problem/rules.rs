//! The problems of writes that what is stored forbids.

use super::{Problem, ProblemKind};
use serde_json::{Value as Json, json};
use stoa_schema::model::{Attribute, AttributeId, Kind, Literal, Table, TableId};
use stoa_schema::time::Instant;
use stoa_schema::value::{Change, Value, path_of_key, pointer, shown_big_integer};
use stoa_sync::Catalog;
use stoa_sync::commit::{Conflict, Reason, Write, WriteKind};
use stoa_sync::rules::CheckKind;

/// The problem of a write that the database forbids.
pub(in crate::http) fn of_reason(
    reason: &Reason,
    catalog: &Catalog,
    table: TableId,
    write: Option<&Write>,
) -> Box<Problem> {
    let declared = catalog.table(table);
    let key = declared.key();
    match reason {
        Reason::Exists => {
            let detail = format!("a {} with this {} exists", declared.name, key.name);
            Problem::new(ProblemKind::UNIQUE, detail).with("fields", json!([key.name]))
        }
        Reason::Missing => Problem::not_found(format!("there is no {} with this {}", declared.name, key.name)),
        Reason::Precondition { current } => Problem::precondition(*current),
        Reason::TooLarge => Problem::new(ProblemKind::TOO_LARGE, "the record would become larger than 1 MiB"),
        Reason::Range { attribute, current } => {
            let requested = write.and_then(|write| added(write, *attribute));
            beyond_range(declared.attribute(*attribute), requested, current.as_ref())
        }
        Reason::Broken(checks) => broken(declared, checks),
        Reason::Insufficient { attribute, requested, available } => {
            insufficient(declared.attribute(*attribute), requested, available.as_ref())
        }
        Reason::Unique { fields, id } => {
            let names: Vec<&str> = fields.iter().map(|field| declared.attribute(*field).name.as_str()).collect();
            let detail = format!("a {} with the same {} exists", declared.name, names.join(" and "));
            Problem::new(ProblemKind::UNIQUE, detail).with("fields", json!(names)).with("id", shown(key, id))
        }
        Reason::Overlap { rule, key, conflicts } => overlap(declared, *rule, key, conflicts),
        Reason::Referenced { table, relation, ids } => {
            let referring = catalog.table(*table);
            let ids: Vec<Json> = ids.iter().map(|id| shown(referring.key(), id)).collect();
            let detail = format!("records of {} refer to it ({relation})", referring.name);
            Problem::new(ProblemKind::REFERENCED, detail)
                .with("table", referring.name.clone())
                .with("relation", relation.clone())
                .with("ids", ids)
        }
    }
}

/// A value of a record in a problem document.
fn shown(attribute: &Attribute, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Text(text) if attribute.kind == Kind::BigInt => shown_big_integer(text).into(),
        Value::Text(text) => json!(shown_time(text)),
        Value::List(text) | Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Value::Bytes(_) => json!(path_of_key(value)),
    }
}

/// A stored instant as it is shown; any other text as it is.
fn shown_time(text: &str) -> String {
    Instant::parse_stored(text).map_or_else(|| text.to_owned(), Instant::shown)
}

fn overlap(table: &Table, rule: usize, key: &Value, conflicts: &[Conflict]) -> Box<Problem> {
    let constraint = table.no_overlaps.get(rule).map(|rule| rule.name.clone()).unwrap_or_default();
    let listed: Vec<Json> = conflicts
        .iter()
        .map(|it| json!({"id": shown(table.key(), &it.id), "start": shown_time(&it.start), "end": shown_time(&it.end)}))
        .collect();
    let key = match key {
        Value::Text(text) => json!(text),
        Value::Int(number) => json!(number),
        other => shown(table.key(), other),
    };
    let detail = match conflicts {
        [] => format!("the records that this request changes would share {key} at the same time"),
        [one] => format!("{key} is taken from {} to {}", shown_time(&one.start), shown_time(&one.end)),
        many => format!("{key} is taken {} times in this interval", many.len()),
    };
    Problem::new(ProblemKind::OVERLAP, detail).with("constraint", constraint).with("key", key).with("conflicts", listed)
}

/// Everything that is wrong with the record that would be stored.
fn broken(table: &Table, checks: &[CheckKind]) -> Box<Problem> {
    if checks.is_empty() {
        return Problem::new(ProblemKind::REFERENCED, "another record that refers to it would break a rule without it");
    }
    let errors: Vec<Json> = checks.iter().map(|check| error(table, check)).collect();
    let detail = match errors.as_slice() {
        [one] => one["message"].as_str().unwrap_or_default().to_owned(),
        many => format!("{} things are wrong", many.len()),
    };
    Problem::new(ProblemKind::VALIDATION, detail).with("errors", errors)
}

fn error(table: &Table, check: &CheckKind) -> Json {
    let name = |id: AttributeId| table.attribute(id).name.as_str();
    let told = |id: AttributeId, code: &str, message: String| json!({"pointer": pointer(name(id)), "code": code, "message": message});
    match check {
        CheckKind::Min(id, bound) => told(*id, "min", format!("{} must be at least {}", name(*id), written(bound))),
        CheckKind::Max(id, bound) => told(*id, "max", format!("{} must be at most {}", name(*id), written(bound))),
        CheckKind::OneOf(id) => {
            let allowed = table.attribute(*id).check.iter().flat_map(|check| &check.one_of).map(written);
            let allowed = allowed.collect::<Vec<_>>().join(", ");
            told(*id, "in", format!("{} must be one of {allowed}", name(*id)))
        }
        CheckKind::Pattern(id) => {
            let pattern = table.attribute(*id).check.as_ref().and_then(|check| check.pattern.as_ref());
            let pattern = pattern.map(|pattern| pattern.as_str()).unwrap_or_default();
            told(*id, "pattern", format!("{} must match {pattern}", name(*id)))
        }
        CheckKind::Record(at) => {
            let check = &table.checks[*at];
            let message = format!("this does not hold: {}", check.expr);
            match &check.name {
                Some(name) => json!({"pointer": "", "code": "check", "message": message, "constraint": name}),
                None => json!({"pointer": "", "code": "check", "message": message}),
            }
        }
        CheckKind::HalfOpen { start, end } => {
            let message = format!("{} and {} stand together or not at all", name(*start), name(*end));
            told(*end, "interval", message)
        }
        CheckKind::Instant(id) => {
            told(*id, "interval", format!("{} must be a date-time such as 2024-08-15T14:00:00Z", name(*id)))
        }
        CheckKind::Order { start, end } => {
            told(*end, "interval", format!("{} must be after {}", name(*end), name(*start)))
        }
        CheckKind::Expired(id) => told(*id, "expired", format!("{} is in the past", name(*id))),
    }
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Int(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Text(text) => text.clone(),
        Literal::Bool(flag) => flag.to_string(),
    }
}

fn insufficient(attribute: &Attribute, requested: &Value, available: Option<&Value>) -> Box<Problem> {
    let number = |value: &Value| shown(attribute, value);
    let detail = match available {
        Some(available) => {
            format!("{} of {} asked, {} available", number(requested), attribute.name, number(available))
        }
        None => format!("{} cannot change by {}", attribute.name, number(requested)),
    };
    Problem::new(ProblemKind::INSUFFICIENT, detail)
        .with("field", attribute.name.clone())
        .with("requested", number(requested))
        .with("available", available.map_or(Json::Null, number))
}

fn added(write: &Write, attribute: AttributeId) -> Option<&Value> {
    match &write.kind {
        WriteKind::Patch { changes, .. }
        | WriteKind::PatchMatching { changes, .. }
        | WriteKind::Merge { changes, .. } => changes.iter().find_map(|(id, change)| match change {
            Change::Add(value) if *id == attribute => Some(value),
            _ => None,
        }),
        _ => None,
    }
}

fn beyond_range(attribute: &Attribute, requested: Option<&Value>, current: Option<&Value>) -> Box<Problem> {
    let detail = format!("{} would leave the range of {}", attribute.name, attribute.kind.name());
    let mut problem = Problem::new(ProblemKind::INSUFFICIENT, detail).with("field", attribute.name.clone());
    match requested {
        Some(Value::Int(requested)) => {
            problem = problem.with("requested", requested.saturating_abs());
            let (least, most) = match attribute.kind {
                Kind::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
                _ => (i64::MIN, i64::MAX),
            };
            let held = match current {
                Some(Value::Int(held)) => *held,
                _ => 0,
            };
            let limit = if *requested > 0 { most } else { least };
            problem.with("available", limit.saturating_sub(held).saturating_abs())
        }
        Some(Value::Float(requested)) => {
            let held = match current {
                Some(Value::Float(held)) => *held,
                _ => 0.0,
            };
            let limit = f64::MAX.copysign(*requested);
            problem.with("requested", requested.abs()).with("available", (limit - held).abs())
        }
        _ => problem,
    }
}
