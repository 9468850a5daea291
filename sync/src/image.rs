//! The JSON of a record in the change log → its values, exactly as they were stored. What [`crate::ddl`] makes triggers
//! write is read here, and nowhere else.

use serde_json::value::RawValue;
use stoa_schema::model::{Attribute, Kind, Table};
use stoa_schema::value::{Value, from_hexadecimal, json};

/// 2^62.
const STEP: f64 = 4_611_686_018_427_387_904.0;

/// The values of an image in the order of the table's attributes; `None` for those that it does not hold. Members that
/// the table does not declare (any more) are passed over.
pub fn read(table: &Table, image: &str) -> Vec<Option<Value>> {
    let mut values = vec![None; table.attributes.len()];
    let mut next = 0;
    for (name, raw) in json::members(image).unwrap_or_default() {
        let Some(at) = position(table, &name, next) else { continue };
        values[at] = Some(value(&table.attributes[at], raw));
        next = at + 1;
    }
    values
}

/// Whether some of these attributes has a value in an image for which `is_one` holds.
pub fn some(table: &Table, image: &str, attributes: &[usize], is_one: &dyn Fn(usize, &Value) -> bool) -> bool {
    let members = json::members(image).unwrap_or_default();
    let mut next = 0;
    members.iter().any(|(name, raw)| {
        let Some(at) = position(table, name, next) else { return false };
        next = at + 1;
        attributes.contains(&at) && is_one(at, &value(&table.attributes[at], raw))
    })
}

/// Members stand in the order of the attributes, unless the schema has changed since.
fn position(table: &Table, name: &str, expected: usize) -> Option<usize> {
    match table.attributes.get(expected) {
        Some(attribute) if attribute.name == name => Some(expected),
        _ => table.attributes.iter().position(|attribute| attribute.name == name),
    }
}

fn value(attribute: &Attribute, raw: &RawValue) -> Value {
    let text = raw.get();
    if text == "null" {
        return Value::Null;
    }
    if attribute.list {
        return Value::List(text.to_owned());
    }
    match attribute.kind {
        Kind::Any | Kind::Nested(_) => Value::Json(text.to_owned()),
        Kind::Int | Kind::Long => text.parse().map_or(Value::Null, Value::Int),
        Kind::Boolean => Value::Bool(matches!(text, "1" | "true")),
        Kind::Float => double(text).map_or(Value::Null, Value::Float),
        Kind::Bytes => unquoted(text).and_then(|hex| from_hexadecimal(&hex)).map_or(Value::Null, Value::Bytes),
        Kind::Id | Kind::String | Kind::Date | Kind::BigInt => unquoted(text).map_or(Value::Null, Value::Text),
    }
}

fn unquoted(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// A number, or the text `"±n:digits"` of one that was brought between 1e-70 and 1e70 by `n` steps of 2^62.
fn double(text: &str) -> Option<f64> {
    let Some(scaled) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return text.parse().ok() };
    let (steps, digits) = scaled.split_once(':')?;
    let steps: i32 = steps.parse().ok()?;
    let mut number: f64 = digits.parse().ok()?;
    for _ in 0..steps.unsigned_abs() {
        number = if steps < 0 { number / STEP } else { number * STEP };
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn scaled_doubles_come_back() {
        assert_eq!(double("0.1"), Some(0.1));
        assert_eq!(double("\"-1:4611686018427387904\""), Some(1.0));
        assert_eq!(double("\"1:1\""), Some(4_611_686_018_427_387_904.0));
        assert_eq!(double("\"1\""), None);
    }
}
