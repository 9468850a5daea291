//! A JSON array from a body → its canonical text: no spaces, instants in stored form, shortest exact numbers.

use super::number::Misfit;
use super::record::{Violation, ViolationCode, scalar};
use super::{Value, json};
use crate::model::Attribute;
use serde_json::value::RawValue;

/// The canonical text of a list attribute.
pub(super) fn canonical(attribute: &Attribute, raw: &RawValue, pointer: &str) -> Result<Value, Vec<Violation>> {
    let Ok(elements) = json::elements(raw.get()) else {
        return Err(vec![Violation::wrong(pointer, attribute, Misfit::Type)]);
    };
    let mut text = String::with_capacity(raw.get().len());
    let mut violations = Vec::new();
    text.push('[');
    for (at, element) in elements.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match scalar(attribute, element) {
            Ok(value) => push(&value, &mut text),
            Err(code) => violations.push(Violation::element(&format!("{pointer}/{at}"), attribute, code)),
        }
    }
    text.push(']');
    if violations.is_empty() { Ok(Value::List(text)) } else { Err(violations) }
}

/// Appends a value as JSON, in the canonical form of list elements.
pub fn push(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) => {
            text.push_str(&serde_json::Number::from_f64(*number).map_or_else(|| "null".into(), |it| it.to_string()))
        }
        Value::Text(value) => text.push_str(&serde_json::Value::from(value.as_str()).to_string()),
        Value::List(list) => text.push_str(list),
    }
}

/// The elements of a list attribute, from its canonical text.
pub fn list_elements(attribute: &Attribute, stored: &str) -> Vec<Value> {
    let elements = json::elements(stored).unwrap_or_default();
    elements.into_iter().map(|raw| scalar(attribute, raw).unwrap_or(Value::Null)).collect()
}

impl From<Misfit> for ViolationCode {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Type => ViolationCode::Type,
            Misfit::Range => ViolationCode::Range,
        }
    }
}
