//! `@computed(from:)`: its expression can be read, fits the attribute, and leads into no circle.

use super::diagnostic::Report;
use super::types::TableDraft;
use crate::expression::Expression;
use crate::model::{Attribute, AttributeId, Computed, Table, TableId};

/// Checks the computed attributes of all tables, whose relations are resolved.
pub(super) fn check(drafts: &[TableDraft], report: &mut Report) {
    let tables: Vec<&Table> = drafts.iter().map(|draft| &draft.table).collect();
    for (at, table) in tables.iter().enumerate() {
        let mut reads = vec![Vec::new(); table.attributes.len()];
        for (id, attribute) in table.attributes.iter().enumerate() {
            if let Some(computed) = &attribute.computed {
                reads[id] = attributes_read(&tables, TableId(at), AttributeId(id), attribute, computed, report);
            }
        }
        report_circles(table, &reads, report);
    }
}

/// The attributes that the expression reads; what is wrong with it is reported.
fn attributes_read(
    tables: &[&Table],
    table: TableId,
    id: AttributeId,
    attribute: &Attribute,
    computed: &Computed,
    report: &mut Report,
) -> Vec<AttributeId> {
    if attribute.stamp.is_some() || attribute.expires_at.is_some() {
        let message = format!("`{}`: @computed and a time set by the server exclude each other", attribute.name);
        report.error(&computed.position, message, None);
    }
    match Expression::computed(tables, table, id, &computed.from) {
        Ok(expression) => expression.attributes,
        Err(error) => {
            let (from, column) = (&computed.from, error.column(&computed.from));
            let message = format!("@computed(from: {from:?}), character {column}: {error}");
            report.error(&computed.position, message, error.hint);
            Vec::new()
        }
    }
}

/// Each attribute that its own value would be needed for.
fn report_circles(table: &Table, reads: &[Vec<AttributeId>], report: &mut Report) {
    for (id, attribute) in table.attributes.iter().enumerate() {
        let mut reached = reads[id].clone();
        let mut at = 0;
        while at < reached.len() {
            for next in &reads[reached[at].0] {
                if !reached.contains(next) {
                    reached.push(*next);
                }
            }
            at += 1;
        }
        if let (true, Some(computed)) = (reached.contains(&AttributeId(id)), &attribute.computed) {
            let message = format!("`{}` is computed from itself, by way of other attributes", attribute.name);
            report.error(&computed.position, message, None);
        }
    }
}
