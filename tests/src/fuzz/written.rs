//! A query → a query string that means the same.

use std::fmt::Write as _;
use stoa_schema::model::{Attribute, Kind, RelationId, Schema, Table, TableId};
use stoa_schema::query::{Filter, PathStep, Query, SortKey, Test};
use stoa_schema::value::{Value, base64, shown_big_integer};

/// The conditions and the order, every value percent-encoded.
pub(super) fn query(schema: &Schema, query: &Query) -> String {
    let filter = simple(&query.filter);
    let conditions = conditions(schema, query.table, &filter, "", '&');
    let keys: Vec<String> = query.sort.iter().map(|key| sort_key(schema, query.table, key)).collect();
    let order = if keys.is_empty() { String::new() } else { format!("sort({})", keys.join(",")) };
    if conditions.is_empty() || order.is_empty() { conditions + &order } else { format!("({conditions})&{order}") }
}

/// The same filter, in which no part is joined as the whole is and none is alone.
pub(super) fn simple(filter: &Filter) -> Filter {
    match filter {
        Filter::All(parts) => joined(parts, Filter::All, |part| match part {
            Filter::All(inner) => Ok(inner),
            other => Err(other),
        }),
        Filter::Any(parts) => joined(parts, Filter::Any, |part| match part {
            Filter::Any(inner) => Ok(inner),
            other => Err(other),
        }),
        Filter::Related { relation, filter } => {
            Filter::Related { relation: *relation, filter: Box::new(simple(filter)) }
        }
        Filter::Key(_) | Filter::Is(_) | Filter::Inside(_) => filter.clone(),
    }
}

fn joined(
    parts: &[Filter],
    whole: fn(Vec<Filter>) -> Filter,
    opened: fn(Filter) -> Result<Vec<Filter>, Filter>,
) -> Filter {
    let mut simple: Vec<Filter> =
        parts.iter().flat_map(|part| opened(self::simple(part)).unwrap_or_else(|other| vec![other])).collect();
    if simple.len() == 1 { simple.swap_remove(0) } else { whole(simple) }
}

/// A filter whose names begin with `prefix`, to stand beside others that `around` joins.
fn conditions(schema: &Schema, table: TableId, filter: &Filter, prefix: &str, around: char) -> String {
    let several = |parts: &[Filter], separator: char| {
        let parts = parts.iter().map(|part| conditions(schema, table, part, prefix, separator));
        let joined = parts.collect::<Vec<_>>().join(&separator.to_string());
        if separator == around { joined } else { format!("({joined})") }
    };
    let declared = schema.table(table);
    match filter {
        Filter::All(parts) => several(parts, '&'),
        Filter::Any(parts) => several(parts, '|'),
        Filter::Related { relation, filter } => {
            let relation = declared.relation(*relation);
            conditions(schema, relation.target, filter, &format!("{prefix}{}.", relation.name), around)
        }
        Filter::Key(_) => unreachable!("only the path of what is followed names a key"),
        Filter::Is(condition) => {
            let attribute = declared.attribute(condition.attribute);
            test(&format!("{prefix}{}", attribute.name), attribute, attribute.list, &condition.test, condition.negated)
        }
        Filter::Inside(condition) => {
            let root = declared.attribute(condition.attribute);
            let steps: String = condition.path.iter().map(|step| format!(".{}", step.name)).collect();
            let name = format!("{prefix}{}{steps}", root.name);
            test(&name, leaf(root, &condition.path), true, &condition.test, condition.negated)
        }
    }
}

fn leaf<'s>(root: &'s Attribute, path: &[PathStep]) -> &'s Attribute {
    path.iter().fold(root, |at, step| {
        let nested = match &at.kind {
            Kind::Nested(name) => root.types.named(name),
            _ => None,
        };
        nested.and_then(|nested| nested.attribute_named(&step.name)).expect("a path that leads somewhere")
    })
}

fn test(name: &str, attribute: &Attribute, in_json: bool, test: &Test, negated: bool) -> String {
    let value = |value: &Value| value_text(attribute, value, in_json);
    let named =
        |operator: &str, operand: String| format!("{name}={}{operator}={operand}", if negated { "not_" } else { "" });
    match test {
        Test::Null => format!("{name}{}null", if negated { "!=" } else { "=" }),
        Test::Equal(operand) => format!("{name}{}{}", if negated { "!==" } else { "===" }, value(operand)),
        Test::Less(operand) => named("lt", value(operand)),
        Test::LessOrEqual(operand) => named("le", value(operand)),
        Test::Greater(operand) => named("gt", value(operand)),
        Test::GreaterOrEqual(operand) => named("ge", value(operand)),
        Test::Between(low, high) => named("between", format!("({},{})", typed(&value(low)), typed(&value(high)))),
        Test::In { values, null } => {
            let values = values.iter().map(|it| typed(&value(it))).chain(null.then(|| "null".to_owned()));
            named("in", format!("({})", values.collect::<Vec<_>>().join(",")))
        }
        Test::StartsWith(text) => named("sw", encoded(text)),
        Test::EndsWith(text) => named("ew", encoded(text)),
        Test::Contains(text) => named("ct", encoded(text)),
    }
}

/// An empty text in a list says that it is one.
fn typed(value: &str) -> String {
    if value.is_empty() { "string:".to_owned() } else { value.to_owned() }
}

fn value_text(attribute: &Attribute, value: &Value, in_json: bool) -> String {
    encoded(&match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(digits) if attribute.kind == Kind::BigInt => shown_big_integer(digits),
        Value::Text(digits) if attribute.kind == Kind::Bytes && in_json => base64(&bytes(digits)),
        Value::Text(text) | Value::List(text) | Value::Json(text) => text.clone(),
        Value::Bytes(bytes) => base64(bytes),
    })
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two digits")).collect()
}

/// Every byte percent-encoded, so that none is syntax.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").expect("a String takes all");
        encoded
    })
}

fn sort_key(schema: &Schema, table: TableId, key: &SortKey) -> String {
    let mut at: &Table = schema.table(table);
    let mut written = if key.descending { "-".to_owned() } else { String::new() };
    for RelationId(relation) in &key.through {
        let relation = &at.relations[*relation];
        written.push_str(&relation.name);
        written.push('.');
        at = schema.table(relation.target);
    }
    written + &at.attribute(key.attribute).name
}
