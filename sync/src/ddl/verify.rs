//! The rules that a schema adds, as questions to the rows that are there.

use crate::ident::quoted;
use crate::row::Row;
use crate::rules::{self, CheckKind};
use stoa_schema::model::{AttributeId, FieldCheck, Literal, Pattern, Schema, Table, TableId};

/// A rule and the stored rows that break it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The rule as it is declared.
    pub rule: String,
    /// The key of each row that breaks it; of a pair that does, both keys.
    pub sql: String,
    /// If it is a pattern: [`Verification::sql`] has the key and the text of each row, and this is what the text must match.
    pub pattern: Option<Pattern>,
}

impl Verification {
    /// The rule with all that it depends on.
    pub(super) fn identity(&self) -> String {
        format!("{} {}", self.rule, self.sql)
    }
}

/// The rules of a table.
pub(super) fn verifications(schema: &Schema, id: TableId) -> Vec<Verification> {
    let table = schema.table(id);
    let (name, key) = (quoted(&table.name), quoted(&table.key().name));
    let mut found: Vec<Verification> =
        table.attributes.iter().filter_map(|it| pattern(table, &it.name, it.check.as_ref()?)).collect();
    for check in rules::checks(schema, id, Row::Alias("t")) {
        if let Some(rule) = declared(table, &check.kind) {
            let sql = format!("SELECT t.{key} FROM {name} AS t WHERE {}", check.broken);
            found.push(Verification { rule, sql, pattern: None });
        }
    }
    for unique in rules::uniques(schema, id) {
        let fields: Vec<&str> = unique.fields.iter().map(|field| table.attribute(*field).name.as_str()).collect();
        let rule = format!("{} @unique(fields: [{}])", table.name, fields.join(", "));
        found.push(Verification { rule, sql: unique.violations(), pattern: None });
    }
    for overlap in rules::overlaps(schema, id) {
        let rule = format!("{} @noOverlap(name: {:?})", table.name, overlap.rule.name);
        found.push(Verification { rule, sql: overlap.violations(), pattern: None });
    }
    found
}

fn pattern(table: &Table, name: &str, check: &FieldCheck) -> Option<Verification> {
    let pattern = check.pattern.clone()?;
    let list = table.attribute_named(name).is_some_and(|id| table.attribute(id).list);
    let (owner, key, column) = (quoted(&table.name), quoted(&table.key().name), quoted(name));
    let sql = match list {
        true => {
            format!("SELECT t.{key},e.value FROM {owner} AS t,json_each(t.{column}) AS e WHERE e.value IS NOT NULL")
        }
        false => format!("SELECT t.{key},t.{column} FROM {owner} AS t WHERE t.{column} IS NOT NULL"),
    };
    let rule = format!("{}.{name} @check(pattern: {:?})", table.name, pattern.as_str());
    Some(Verification { rule, sql, pattern: Some(pattern) })
}

/// A check as it is declared; `None` for one that only new values meet.
fn declared(table: &Table, kind: &CheckKind) -> Option<String> {
    let name = |id: &AttributeId| format!("{}.{}", table.name, table.attribute(*id).name);
    let written = |literal: &Literal| match literal {
        Literal::Int(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Text(text) => format!("{text:?}"),
        Literal::Bool(flag) => flag.to_string(),
    };
    Some(match kind {
        CheckKind::Min(id, bound) => format!("{} @check(min: {})", name(id), written(bound)),
        CheckKind::Max(id, bound) => format!("{} @check(max: {})", name(id), written(bound)),
        CheckKind::OneOf(id) => {
            let allowed = table.attribute(*id).check.iter().flat_map(|check| &check.one_of).map(written);
            format!("{} @check(in: [{}])", name(id), allowed.collect::<Vec<_>>().join(", "))
        }
        CheckKind::Record(at) => format!("{} @check(expr: {:?})", table.name, table.checks[*at].expr),
        CheckKind::HalfOpen { start, end } => {
            format!("@noOverlap of {}: {} and {} stand together", table.name, name(start), name(end))
        }
        CheckKind::Instant(id) => format!("@noOverlap of {}: {} is a date-time", table.name, name(id)),
        CheckKind::Order { start, end } => {
            format!("@noOverlap of {}: {} is after {}", table.name, name(end), name(start))
        }
        CheckKind::Pattern(_) | CheckKind::Expired(_) => return None,
    })
}
