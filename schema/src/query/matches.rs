//! Whether a record meets a [`Filter`], decided on its values alone: the meaning that a statement of SQL gives to the same
//! filter, for records that come from the change log and stand in no table any more.

use super::{Condition, Filter, InsideCondition, PathStep, Test};
use crate::model::{Attribute, Schema};
use crate::model::{Kind, RelationId, Table, TableId};
use crate::value::Value;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::convert::Infallible;
use std::sync::Arc;

/// The values of a record, in the order of the attributes.
pub type Values = [Value];

/// Where the records are found that a relation joins.
pub trait Joined {
    /// Why they cannot be found.
    type Error;

    /// The records that `relation`, one of `table`, joins with a record of that table: of a list in its order, otherwise
    /// by primary key.
    ///
    /// # Errors
    /// They cannot be found.
    fn joined(&self, table: TableId, relation: RelationId, record: &Values) -> Result<Vec<Arc<Values>>, Self::Error>;
}

/// For filters that follow no relation: none joins anything.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Joined for Alone {
    type Error = Infallible;

    fn joined(&self, _: TableId, _: RelationId, _: &Values) -> Result<Vec<Arc<Values>>, Infallible> {
        Ok(Vec::new())
    }
}

impl Filter {
    /// Whether a record of `table` meets the filter.
    ///
    /// # Errors
    /// Related records cannot be found.
    pub fn matches<J: Joined>(
        &self,
        schema: &Schema,
        table: TableId,
        record: &Values,
        joined: &J,
    ) -> Result<bool, J::Error> {
        match self {
            Filter::All(parts) => {
                for part in parts {
                    if !part.matches(schema, table, record, joined)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Any(parts) => {
                for part in parts {
                    if part.matches(schema, table, record, joined)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Key(key) => Ok(record[schema.table(table).key.0] == *key),
            Filter::Is(condition) => Ok(is(schema.table(table), condition, record)),
            Filter::Inside(condition) => Ok(inside(schema.table(table), condition, record)),
            Filter::Related { relation, filter } => {
                let target = schema.table(table).relation(*relation).target;
                for related in joined.joined(table, *relation, record)? {
                    if filter.matches(schema, target, &related, joined)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Whether it asks for related records.
    pub fn follows_relations(&self) -> bool {
        match self {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().any(Filter::follows_relations),
            Filter::Key(_) | Filter::Is(_) | Filter::Inside(_) => false,
            Filter::Related { .. } => true,
        }
    }
}

fn is(table: &Table, condition: &Condition, record: &Values) -> bool {
    let attribute = table.attribute(condition.attribute);
    let value = &record[condition.attribute.0];
    let passes = match value {
        Value::List(list) if attribute.list && condition.test != Test::Null => {
            // An element that is null passes nothing, whatever is said of the list.
            let mut elements = elements(list).into_iter().filter(|element| *element != Json::Null);
            elements.any(|element| passes(&condition.test, &inside_value(&element)))
        }
        value => passes(&condition.test, value),
    };
    passes != condition.negated
}

/// The elements of a stored list.
pub(super) fn elements(list: &str) -> Vec<Json> {
    serde_json::from_str(list).unwrap_or_default()
}

/// The values of an attribute that an equality can ask for: its elements, if it is a list.
pub fn terms(attribute: &Attribute, value: &Value) -> Vec<Value> {
    match value {
        Value::List(list) if attribute.list => elements(list).iter().map(inside_value).collect(),
        Value::Null => Vec::new(),
        value => vec![value.clone()],
    }
}

/// A value as SQL's JSON functions show it.
fn inside_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int(integer),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Json(json.to_string()),
    }
}

fn inside(table: &Table, condition: &InsideCondition, record: &Values) -> bool {
    let attribute = table.attribute(condition.attribute);
    let stored = match &record[condition.attribute.0] {
        Value::Json(text) | Value::List(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    let mut walk = Walk { reached: vec![stored], through_lists: false };
    if attribute.list {
        walk.each();
    }
    for (at, step) in condition.path.iter().enumerate() {
        walk.step(step);
        let asks_for_absence = condition.test == Test::Null && at + 1 == condition.path.len();
        if step.list && !asks_for_absence {
            walk.each();
        }
    }
    let found = |reached: &Option<Json>| passes(&condition.test, &reached.as_ref().map_or(Value::Null, inside_value));
    // Without a list on the way exactly one value is reached, absent or not.
    walk.reached.iter().any(found) != condition.negated
}

/// The values that a path has reached; `None` is one that is absent.
struct Walk {
    reached: Vec<Option<Json>>,
    through_lists: bool,
}

impl Walk {
    fn step(&mut self, step: &PathStep) {
        for reached in &mut self.reached {
            *reached = reached.take().and_then(|mut value| value.get_mut(&step.name).map(Json::take));
        }
    }

    fn each(&mut self) {
        self.through_lists = true;
        self.reached = std::mem::take(&mut self.reached)
            .into_iter()
            .flatten()
            .flat_map(|value| match value {
                Json::Array(elements) => elements,
                other => vec![other],
            })
            .map(Some)
            .collect();
    }
}

fn passes(test: &Test, value: &Value) -> bool {
    use Ordering::{Equal, Greater, Less};
    if *value == Value::Null {
        return matches!(test, Test::Null | Test::In { null: true, .. });
    }
    let ordered = |other: &Value, wanted: &[Ordering]| wanted.contains(&compare(value, other));
    match test {
        Test::Null => false,
        Test::Equal(other) => ordered(other, &[Equal]),
        Test::Less(other) => ordered(other, &[Less]),
        Test::LessOrEqual(other) => ordered(other, &[Less, Equal]),
        Test::Greater(other) => ordered(other, &[Greater]),
        Test::GreaterOrEqual(other) => ordered(other, &[Greater, Equal]),
        Test::In { values, .. } => values.iter().any(|other| ordered(other, &[Equal])),
        Test::Between(low, high) => ordered(low, &[Greater, Equal]) && ordered(high, &[Less, Equal]),
        Test::StartsWith(part) => text(value).is_some_and(|text| text.starts_with(part.as_bytes())),
        Test::EndsWith(part) => text(value).is_some_and(|text| text.ends_with(part.as_bytes())),
        Test::Contains(part) => {
            text(value).is_some_and(|text| part.is_empty() || text.windows(part.len()).any(|it| it == part.as_bytes()))
        }
    }
}

fn text(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) | Value::List(text) | Value::Json(text) => Some(text.as_bytes()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Bytes(_) => None,
    }
}

/// The order of SQLite: numbers by their value, texts by their bytes, and every number before every text.
pub fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
        (Value::Float(one), other) if integer(other).is_some() => {
            compare_mixed(integer(other).unwrap_or_default(), *one).reverse()
        }
        (one, Value::Float(other)) if integer(one).is_some() => compare_mixed(integer(one).unwrap_or_default(), *other),
        (Value::Bytes(one), Value::Bytes(other)) => one.cmp(other),
        _ => match (integer(one), integer(other), text(one), text(other)) {
            (Some(one), Some(other), ..) => one.cmp(&other),
            (_, _, Some(one), Some(other)) => one.cmp(other),
            _ => class(one).cmp(&class(other)),
        },
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// Exact, also where the integer has no double.
fn compare_mixed(integer: i64, double: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if double >= BEYOND {
        return Ordering::Less;
    }
    if double < -BEYOND {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the double lies within the integers of 64 bits")]
    let whole = double.trunc() as i64;
    integer.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal))
}

fn class(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => 1,
        Value::Text(_) | Value::List(_) | Value::Json(_) => 2,
        Value::Bytes(_) => 3,
    }
}

/// Whether an equality on an attribute of this kind holds for exactly the values that are equal as they stand.
pub fn has_terms(attribute: &Attribute) -> bool {
    matches!(attribute.kind, Kind::Id | Kind::String | Kind::Date | Kind::Int | Kind::Long | Kind::Boolean)
}

#[cfg(test)]
mod tests {
    use super::{Ordering, compare};
    use crate::value::Value;

    #[test]
    fn numbers_are_compared_exactly() {
        let big = 9_007_199_254_740_993; // 2^53 + 1 has no double
        assert_eq!(compare(&Value::Int(big), &Value::Float(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(compare(&Value::Float(0.5), &Value::Int(0)), Ordering::Greater);
        assert_eq!(compare(&Value::Int(0), &Value::Float(-0.5)), Ordering::Greater);
        assert_eq!(compare(&Value::Int(i64::MAX), &Value::Float(9.3e18)), Ordering::Less);
        assert_eq!(compare(&Value::Bool(true), &Value::Int(1)), Ordering::Equal);
        assert_eq!(compare(&Value::Int(5), &Value::Text("4".into())), Ordering::Less);
    }
}
