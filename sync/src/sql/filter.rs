//! A [`Filter`] → a condition.

use super::inside;
use super::steer::Steer;
use super::text::Text;
use crate::ddl::has_elements;
use crate::expiry;
use crate::ident::{index_of, quoted};
use crate::row::Row;
use stoa_schema::model::{Attribute, Relation, Schema, Table, TableId};
use stoa_schema::query::{Condition, Filter, Test};
use stoa_schema::value::Value;

/// Writes the condition that the row `alias` of `table` meets the filter.
pub(super) fn push(text: &mut Text, schema: &Schema, table: TableId, alias: &str, filter: &Filter, steer: Steer) {
    match filter {
        Filter::All(parts) => joined(text, schema, table, alias, parts, (" AND ", "1"), steer),
        Filter::Any(parts) => joined(text, schema, table, alias, parts, (" OR ", "0"), steer),
        Filter::Key(key) => {
            text.push(&format!("{alias}.{}=", quoted(&schema.table(table).key().name)));
            text.param(key.clone());
        }
        Filter::Is(condition) => condition_on(text, schema, table, alias, condition, steer),
        Filter::Inside(condition) => inside::push(text, schema.table(table), alias, condition),
        Filter::Related { relation, filter } => {
            let relation = schema.table(table).relation(*relation);
            if steer.relations() || !found_by_key(schema, relation) {
                related(text, schema, table, alias, relation, filter);
            } else {
                related_to_row(text, schema, table, alias, relation, filter);
            }
        }
    }
}

/// Writes a source and a condition whose rows are the records of `table` that meet the filter: the table, or where a list
/// has one its element table, with a row for each element.
pub(super) fn push_source(text: &mut Text, schema: &Schema, table: TableId, alias: &str, filter: &Filter) {
    let declared = schema.table(table);
    if let Filter::Is(condition) = filter {
        let list = declared.attribute(condition.attribute);
        if has_elements(schema, table, list) && condition.test != Test::Null && !condition.negated {
            text.push(&format!("{} AS e WHERE ", index_of(&declared.name, &list.name)));
            return test(text, "e.\"value\"", &without_null(condition.test.clone()), false);
        }
    }
    text.push(&format!("{} AS {alias} WHERE ", quoted(&declared.name)));
    push(text, schema, table, alias, filter, Steer::Free);
}

fn joined(
    text: &mut Text,
    schema: &Schema,
    table: TableId,
    alias: &str,
    parts: &[Filter],
    (between, empty): (&str, &str),
    steer: Steer,
) {
    if parts.is_empty() {
        return text.push(empty);
    }
    text.push("(");
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            text.push(between);
        }
        push(text, schema, table, alias, part, steer);
    }
    text.push(")");
}

fn condition_on(text: &mut Text, schema: &Schema, table: TableId, alias: &str, condition: &Condition, steer: Steer) {
    let declared = schema.table(table);
    let attribute = declared.attribute(condition.attribute);
    let column = format!("{alias}.{}", quoted(&attribute.name));
    if attribute.list && condition.test != Test::Null {
        return some_element(text, schema, table, alias, attribute, condition, steer);
    }
    let column = if steer.condition(schema, table, condition) { column } else { format!("+{column}") };
    test(text, &column, &condition.test, condition.negated);
}

/// A test of a scalar. `IS NOT TRUE` makes the exact complement: what is null does not pass a test, so it passes its negation.
pub(super) fn test(text: &mut Text, column: &str, test: &Test, negated: bool) {
    match (test, negated) {
        (Test::Null, false) => text.push(&format!("{column} IS NULL")),
        (Test::Null, true) => text.push(&format!("{column} IS NOT NULL")),
        (Test::Equal(value), true) => {
            text.push(&format!("{column} IS NOT "));
            text.param(value.clone());
        }
        (_, false) => positive(text, column, test),
        (_, true) => {
            text.push("(");
            positive(text, column, test);
            text.push(") IS NOT TRUE");
        }
    }
}

fn positive(text: &mut Text, column: &str, test: &Test) {
    match test {
        Test::Null => text.push(&format!("{column} IS NULL")),
        Test::Equal(value) => compare(text, column, "=", value),
        Test::Less(value) => compare(text, column, "<", value),
        Test::LessOrEqual(value) => compare(text, column, "<=", value),
        Test::Greater(value) => compare(text, column, ">", value),
        Test::GreaterOrEqual(value) => compare(text, column, ">=", value),
        Test::In { values, null } => one_of(text, column, values, *null),
        Test::Between(low, high) => {
            text.push("(");
            compare(text, column, ">=", low);
            text.push(" AND ");
            compare(text, column, "<=", high);
            text.push(")");
        }
        Test::StartsWith(prefix) => starts_with(text, column, prefix),
        Test::EndsWith(suffix) if suffix.is_empty() => text.push(&format!("{column} IS NOT NULL")),
        // As bytes: SQLite counts characters of a text only up to its first NUL.
        Test::EndsWith(suffix) => {
            text.push(&format!("substr(CAST({column} AS BLOB),-{})=CAST(", suffix.len()));
            text.param(Value::Text(suffix.clone()));
            text.push(" AS BLOB)");
        }
        Test::Contains(part) => {
            text.push(&format!("instr({column},"));
            text.param(Value::Text(part.clone()));
            text.push(")>0");
        }
    }
}

fn compare(text: &mut Text, column: &str, operator: &str, value: &Value) {
    text.push(column);
    text.push(operator);
    text.param(value.clone());
}

fn one_of(text: &mut Text, column: &str, values: &[Value], null: bool) {
    if null {
        text.push(&format!("({column} IS NULL OR "));
    }
    text.push(&format!("{column} IN ("));
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            text.push(",");
        }
        text.param(value.clone());
    }
    text.push(if null { "))" } else { ")" });
}

/// A range of an index: UTF-8 sorts like the code points it encodes.
fn starts_with(text: &mut Text, column: &str, prefix: &str) {
    if prefix.is_empty() {
        return text.push(&format!("{column} IS NOT NULL"));
    }
    text.push("(");
    compare(text, column, ">=", &Value::Text(prefix.to_owned()));
    if let Some(end) = successor(prefix) {
        text.push(" AND ");
        compare(text, column, "<", &Value::Text(end));
    }
    text.push(")");
}

/// The least text above every text with this prefix; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Some element of a list passes; negated: none does, which an absent list meets.
fn some_element(
    text: &mut Text,
    schema: &Schema,
    table: TableId,
    alias: &str,
    list: &Attribute,
    condition: &Condition,
    steer: Steer,
) {
    let declared = schema.table(table);
    let plain = without_null(condition.test.clone());
    if condition.negated {
        text.push("NOT ");
    }
    if matches!(condition.test, Test::In { null: true, .. }) {
        text.push(&format!("({alias}.{} IS NULL OR ", quoted(&list.name)));
    }
    if has_elements(schema, table, list) {
        let (key, elements) = (quoted(&declared.key().name), index_of(&declared.name, &list.name));
        if steer.condition(schema, table, condition) {
            text.push(&format!("{alias}.{key} IN (SELECT e.\"id\" FROM {elements} AS e WHERE "));
        } else {
            text.push(&format!("EXISTS(SELECT 1 FROM {elements} AS e WHERE e.\"id\"={alias}.{key} AND "));
        }
        test(text, "e.\"value\"", &plain, false);
    } else {
        text.push(&format!("EXISTS(SELECT 1 FROM json_each({alias}.{}) AS e WHERE ", quoted(&list.name)));
        test(text, "e.value", &plain, false);
    }
    text.push(")");
    if matches!(condition.test, Test::In { null: true, .. }) {
        text.push(")");
    }
}

fn without_null(mut test: Test) -> Test {
    if let Test::In { null, .. } = &mut test {
        *null = false;
    }
    test
}

/// Some record joined by `relation` meets the filter. Written as `IN`, so that an index on this side can be used.
fn related(text: &mut Text, schema: &Schema, table: TableId, alias: &str, relation: &Relation, filter: &Filter) {
    let ends = Ends::of(schema, table, relation);
    let there = text.alias();
    let local = format!("{alias}.{}", quoted(&ends.local.name));
    let remote = format!("{there}.{}", quoted(&ends.remote.name));
    let target = quoted(&ends.target.name);
    let mut closing = ")";
    if ends.local.list && has_elements(schema, table, ends.local) {
        let (key, elements) = (quoted(&ends.table.key().name), index_of(&ends.table.name, &ends.local.name));
        text.push(&format!("{alias}.{key} IN (SELECT e.\"id\" FROM {elements} AS e WHERE e.\"value\" IN (SELECT {remote} FROM {target} AS {there} WHERE "));
        closing = "))";
    } else if ends.local.list {
        text.push(&format!("EXISTS(SELECT 1 FROM json_each({local}) AS e WHERE e.value IN (SELECT {remote} FROM {target} AS {there} WHERE "));
        closing = "))";
    } else if ends.remote.list {
        // The list of a join always has an element table.
        let (key, elements) = (quoted(&ends.target.key().name), index_of(&ends.target.name, &ends.remote.name));
        text.push(&format!("{local} IN (SELECT e.\"value\" FROM {elements} AS e WHERE e.\"id\" IN (SELECT {there}.{key} FROM {target} AS {there} WHERE "));
        closing = "))";
    } else {
        text.push(&format!("{local} IN (SELECT {remote} FROM {target} AS {there} WHERE "));
    }
    push(text, schema, relation.target, &there, filter, Steer::Free);
    push_visible(text, ends.target, &there);
    text.push(closing);
}

/// Whether an index leads from this side of a relation to the other.
fn found_by_key(schema: &Schema, relation: &Relation) -> bool {
    let target = schema.table(relation.target);
    relation.remote == target.key || target.attribute(relation.remote).indexed
}

/// As [`related`], looked up from the row itself, when something else leads the search.
fn related_to_row(text: &mut Text, schema: &Schema, table: TableId, alias: &str, relation: &Relation, filter: &Filter) {
    let ends = Ends::of(schema, table, relation);
    let there = text.alias();
    let local = format!("{alias}.{}", quoted(&ends.local.name));
    let (target, key) = (quoted(&ends.target.name), quoted(&ends.target.key().name));
    let remote = format!("{there}.{}", quoted(&ends.remote.name));
    if ends.local.list {
        text.push(&format!(
            "EXISTS(SELECT 1 FROM json_each({local}) AS e CROSS JOIN {target} AS {there} WHERE {remote}=e.value AND "
        ));
    } else if ends.remote.list {
        let elements = index_of(&ends.target.name, &ends.remote.name);
        text.push(&format!("EXISTS(SELECT 1 FROM {elements} AS e CROSS JOIN {target} AS {there} WHERE e.\"value\"={local} AND {there}.{key}=e.\"id\" AND "));
    } else {
        text.push(&format!("EXISTS(SELECT 1 FROM {target} AS {there} WHERE {remote}={local} AND "));
    }
    push(text, schema, relation.target, &there, filter, Steer::Barred);
    push_visible(text, ends.target, &there);
    text.push(")");
}

/// The two ends of a relation.
pub(super) struct Ends<'s> {
    pub(super) table: &'s Table,
    pub(super) local: &'s Attribute,
    pub(super) target: &'s Table,
    pub(super) remote: &'s Attribute,
}

impl<'s> Ends<'s> {
    pub(super) fn of(schema: &'s Schema, table: TableId, relation: &Relation) -> Self {
        let (table, target) = (schema.table(table), schema.table(relation.target));
        Self { table, local: table.attribute(relation.local), target, remote: target.attribute(relation.remote) }
    }
}

/// Leaves out what has expired.
pub(super) fn push_visible(text: &mut Text, table: &Table, alias: &str) {
    if let Some(visible) = expiry::visible(table, Row::Alias(alias)) {
        text.push(&format!(" AND {visible}"));
    }
}

#[cfg(test)]
mod tests {
    use super::successor;

    #[test]
    fn successor_is_the_next_text_without_the_prefix() {
        assert_eq!(successor("ab").as_deref(), Some("ac"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor("\u{10ffff}"), None);
    }
}
