//! `@check`, and what other rules ask of a row alone.

use super::condition;
use crate::expiry;
use crate::ident::literal;
use crate::row::Row;
use stoa_schema::expression::Reach;
use stoa_schema::model::{Attribute, AttributeId, Literal, NoOverlap, Schema, Table, TableId};
use stoa_schema::value::stored_text;

/// What a row must not be.
#[derive(Clone, Debug)]
pub struct Check {
    /// Which rule it is.
    pub kind: CheckKind,
    /// Whether the row is so, as SQL; null counts as no.
    pub broken: String,
}

/// Which rule a check stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind {
    /// `@check(min:)`.
    Min(AttributeId, Literal),
    /// `@check(max:)`.
    Max(AttributeId, Literal),
    /// `@check(in:)`.
    OneOf(AttributeId),
    /// `@check(pattern:)`; never among [`checks`], since SQL has no patterns.
    Pattern(AttributeId),
    /// `@check(expr:)`, by its position among the type's.
    Record(usize),
    /// An interval has both ends or none.
    HalfOpen {
        /// Where it begins.
        start: AttributeId,
        /// Where it ends.
        end: AttributeId,
    },
    /// An end of an interval is an instant.
    Instant(AttributeId),
    /// An interval ends after it begins.
    Order {
        /// Where it begins.
        start: AttributeId,
        /// Where it ends.
        end: AttributeId,
    },
    /// A record does not begin its life after its end.
    Expired(AttributeId),
}

/// The checks of a table on one row.
pub fn checks(schema: &Schema, id: TableId, row: Row<'_>) -> Vec<Check> {
    let table = schema.table(id);
    let mut checks = Vec::new();
    for (at, attribute) in table.attributes.iter().enumerate() {
        of_attribute(AttributeId(at), attribute, row, &mut checks);
    }
    for (at, check) in table.checks.iter().enumerate() {
        let holds = condition(schema, id, &check.expr, Reach::Related, row);
        checks.push(Check { kind: CheckKind::Record(at), broken: format!("NOT {holds}") });
    }
    let mut known: Vec<(AttributeId, AttributeId)> = Vec::new();
    for rule in &table.no_overlaps {
        if !known.contains(&(rule.start, rule.end)) {
            known.push((rule.start, rule.end));
            of_interval(table, rule, row, &mut checks);
        }
    }
    if let Some(attribute) = expiry::attribute(table) {
        let column = row.column(&table.attribute(attribute).name);
        checks.push(Check { kind: CheckKind::Expired(attribute), broken: format!("{column}<={}", expiry::NOW) });
    }
    checks
}

fn of_attribute(id: AttributeId, attribute: &Attribute, row: Row<'_>, checks: &mut Vec<Check>) {
    let Some(check) = &attribute.check else { return };
    let column = row.column(&attribute.name);
    let broken = |test: &dyn Fn(&str) -> String| match attribute.list {
        true => format!("EXISTS(SELECT 1 FROM json_each({column}) AS e WHERE {})", test("e.value")),
        false => test(&column),
    };
    let sql = |value: &Literal| literal_of(attribute, value);
    if let Some(min) = &check.min {
        let broken = broken(&|value| format!("{value}<{}", sql(min)));
        checks.push(Check { kind: CheckKind::Min(id, min.clone()), broken });
    }
    if let Some(max) = &check.max {
        let broken = broken(&|value| format!("{value}>{}", sql(max)));
        checks.push(Check { kind: CheckKind::Max(id, max.clone()), broken });
    }
    if !check.one_of.is_empty() {
        let values: Vec<String> = check.one_of.iter().map(sql).collect();
        let broken = broken(&|value| format!("{value} NOT IN ({})", values.join(",")));
        checks.push(Check { kind: CheckKind::OneOf(id), broken });
    }
}

fn literal_of(attribute: &Attribute, value: &Literal) -> String {
    match value {
        Literal::Int(number) => number.to_string(),
        // The shortest text that reads as the same double; always with a point or an exponent.
        Literal::Float(number) => format!("{number:?}"),
        Literal::Text(text) => literal(&stored_text(&attribute.kind, text.clone())),
        Literal::Bool(flag) => u8::from(*flag).to_string(),
    }
}

/// The form of a stored instant.
const INSTANT: &str = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'";

fn of_interval(table: &Table, rule: &NoOverlap, row: Row<'_>, checks: &mut Vec<Check>) {
    let (start, end) = (rule.start, rule.end);
    let column = |id: AttributeId| row.column(&table.attribute(id).name);
    let (begins, ends) = (column(start), column(end));
    checks.push(Check {
        kind: CheckKind::HalfOpen { start, end },
        broken: format!("({begins} IS NULL)<>({ends} IS NULL)"),
    });
    for id in [start, end] {
        let broken = format!("{} NOT GLOB {INSTANT}", column(id));
        checks.push(Check { kind: CheckKind::Instant(id), broken });
    }
    checks.push(Check { kind: CheckKind::Order { start, end }, broken: format!("{ends}<={begins}") });
}
