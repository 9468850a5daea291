//! What rules say can be carried out: their expressions can be read, their values fit the attributes, their deletes end.

use super::diagnostic::Report;
use super::types::TableDraft;
use crate::expression::{Expression, ExpressionError, Reach, Type};
use crate::model::{
    Attribute, AttributeId, FieldCheck, Kind, Literal, NoOverlap, OnDelete, Position, Table, TableId, UniqueSet,
};
use crate::time::Instant;

/// Checks the rules of all tables, whose relations and rules are resolved.
pub(super) fn check(drafts: &[TableDraft], report: &mut Report) {
    let tables: Vec<&Table> = drafts.iter().map(|draft| &draft.table).collect();
    for (at, table) in tables.iter().enumerate() {
        let rules = Rules { tables: &tables, id: TableId(at), table };
        rules.attributes(report);
        rules.checks(report);
        for unique in &table.uniques {
            rules.unique(unique, report);
        }
        for rule in &table.no_overlaps {
            rules.no_overlap(rule, report);
        }
        rules.deletes(report);
    }
}

struct Rules<'a> {
    tables: &'a [&'a Table],
    id: TableId,
    table: &'a Table,
}

impl Rules<'_> {
    fn attributes(&self, report: &mut Report) {
        for (id, attribute) in self.table.attributes.iter().enumerate() {
            if let Some(check) = &attribute.check {
                field_check(attribute, check, report);
            }
            if attribute.unique {
                comparable("@unique", attribute, &attribute.position, report);
            }
            if attribute.expires_at.is_some() {
                self.expires_at(AttributeId(id), attribute, report);
            }
        }
        if let Some(second) = self.table.attributes.iter().filter(|it| it.expires_at.is_some()).nth(1) {
            report.error(
                &second.position,
                format!("type {} has two attributes with @expiresAt", self.table.name),
                None,
            );
        }
    }

    fn expires_at(&self, id: AttributeId, attribute: &Attribute, report: &mut Report) {
        if attribute.list || !matches!(attribute.kind, Kind::String | Kind::Date) {
            let message = format!("`{}`: @expiresAt needs a time (String or Date)", attribute.name);
            report.error(&attribute.position, message, None);
        }
        if id == self.table.key || attribute.server_set() {
            let message = format!("`{}`: @expiresAt excludes @primaryKey, @computed and time stamps", attribute.name);
            report.error(&attribute.position, message, None);
        }
    }

    fn checks(&self, report: &mut Report) {
        for check in &self.table.checks {
            self.condition("@check(expr:", &check.expr, Reach::Related, &check.position, report);
        }
    }

    fn unique(&self, unique: &UniqueSet, report: &mut Report) {
        for field in &unique.fields {
            comparable("@unique", self.table.attribute(*field), &unique.position, report);
        }
        if let Some(unless) = &unique.unless {
            self.condition("@unique(unless:", unless, Reach::Row, &unique.position, report);
        }
    }

    fn no_overlap(&self, rule: &NoOverlap, report: &mut Report) {
        for field in &rule.by {
            let attribute = self.table.attribute(*field);
            if matches!(attribute.kind, Kind::Any | Kind::Nested(_) | Kind::Bytes | Kind::Float) {
                let message = format!("@noOverlap: `{}` cannot be a key", attribute.name);
                report.error(&rule.position, message, Some("use ID, String, Int, Long or a list of them".into()));
            }
        }
        if let Some(unless) = &rule.unless {
            self.condition("@noOverlap(unless:", unless, Reach::Row, &rule.position, report);
        }
        match &rule.capacity {
            None => {}
            Some(Literal::Int(capacity)) if *capacity > 0 => {}
            Some(Literal::Text(text)) => match Expression::parse(self.tables, self.id, text, Reach::Related) {
                Ok(read) if matches!(read.kind, Type::Integer | Type::Float) => {}
                Ok(_) => report.error(&rule.position, format!("@noOverlap(capacity: {text:?}) is not a number"), None),
                Err(error) => unreadable("@noOverlap(capacity:", text, error, &rule.position, report),
            },
            Some(Literal::Int(_) | Literal::Float(_) | Literal::Bool(_)) => {
                let hint = Some("write a whole number above 0, or the name of an attribute".into());
                report.error(&rule.position, "@noOverlap(capacity:) cannot be this", hint);
            }
        }
    }

    fn condition(&self, what: &str, text: &str, reach: Reach, position: &Position, report: &mut Report) {
        if let Err(error) = Expression::condition(self.tables, self.id, text, reach) {
            unreadable(what, text, error, position, report);
        }
    }

    fn deletes(&self, report: &mut Report) {
        for relation in self.table.relations.iter().filter(|relation| relation.on_delete != OnDelete::Nothing) {
            let local = self.table.attribute(relation.local);
            if !relation.from {
                let message =
                    format!("`{}`: onDelete stands on the side that holds the reference (from:)", relation.name);
                report.error(&relation.position, message, None);
            }
            if relation.on_delete == OnDelete::SetNull
                && (local.required || relation.local == self.table.key)
                && !local.list
            {
                let message = format!("`{}`: onDelete: setNull, but `{}` is never null", relation.name, local.name);
                report.error(&relation.position, message, Some("drop its `!`, or use restrict or cascade".into()));
            }
            if relation.on_delete == OnDelete::Cascade && self.leads_back(relation.target) {
                let message = format!("`{}`: onDelete: cascade leads back to {}", relation.name, self.table.name);
                report.error(
                    &relation.position,
                    message,
                    Some("use restrict or setNull somewhere in the circle".into()),
                );
            }
        }
    }

    /// Whether deleting records of this table would, by cascades, delete records of `target`.
    fn leads_back(&self, target: TableId) -> bool {
        let mut reached = vec![self.id];
        let mut at = 0;
        while at < reached.len() {
            for (table, declared) in self.tables.iter().enumerate() {
                let falls = |relation: &crate::model::Relation| {
                    relation.on_delete == OnDelete::Cascade && relation.target == reached[at]
                };
                if !reached.contains(&TableId(table)) && declared.relations.iter().any(falls) {
                    reached.push(TableId(table));
                }
            }
            at += 1;
        }
        reached.contains(&target)
    }
}

fn unreadable(what: &str, text: &str, error: ExpressionError, position: &Position, report: &mut Report) {
    let column = error.column(text);
    report.error(position, format!("{what} {text:?}), character {column}: {error}"), error.hint);
}

fn comparable(what: &str, attribute: &Attribute, position: &Position, report: &mut Report) {
    if attribute.list || matches!(attribute.kind, Kind::Any | Kind::Nested(_)) {
        let message = format!("{what}: `{}` holds more than one value", attribute.name);
        report.error(position, message, Some("make what is unique an attribute of its own".into()));
    }
}

/// Each bound must be a value that the attribute can hold.
fn field_check(attribute: &Attribute, check: &FieldCheck, report: &mut Report) {
    let mut refuse = |what: &str, hint: &str| {
        let message = format!("`{}`: @check({what}:) does not fit {}", attribute.name, attribute.kind.name());
        report.error(&attribute.position, message, Some(hint.into()));
    };
    for (what, bound) in [("min", &check.min), ("max", &check.max)] {
        let Some(bound) = bound else { continue };
        match (&attribute.kind, bound) {
            (Kind::Int | Kind::Long, Literal::Int(_)) | (Kind::Float, Literal::Int(_) | Literal::Float(_)) => {}
            (Kind::String | Kind::Date, Literal::Text(text)) if Instant::parse(text).is_some() => {}
            (Kind::Int | Kind::Long, _) => refuse(what, "write a whole number"),
            (Kind::Float, _) => refuse(what, "write a number"),
            (Kind::String | Kind::Date, _) => refuse(what, "write a time such as \"2024-08-15T14:00:00Z\""),
            _ => refuse(what, "only numbers and times have bounds"),
        }
    }
    if check.pattern.is_some() && !matches!(attribute.kind, Kind::String | Kind::Id) {
        refuse("pattern", "only texts have patterns");
    }
    for value in &check.one_of {
        match (&attribute.kind, value) {
            (Kind::Int | Kind::Long, Literal::Int(_)) | (Kind::Float, Literal::Int(_) | Literal::Float(_)) => {}
            (Kind::String | Kind::Id | Kind::Date, Literal::Text(_)) => {}
            _ => refuse("in", "list values of the attribute's type"),
        }
    }
    if attribute.computed.is_some() && check.pattern.is_some() {
        refuse("pattern", "a computed text has no pattern; use @check(expr:) on the type");
    }
}
