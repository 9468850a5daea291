//! What the schema language has and this version does not carry out yet: an error with its line, never silence.

use super::diagnostic::Report;
use super::types::TableDraft;
use crate::model::{Attribute, OnDelete, Position, Table};

/// Reports every use of a feature that has no effect yet.
pub(super) fn refuse(drafts: &[TableDraft], report: &mut Report) {
    for TableDraft { table, .. } in drafts {
        refuse_on_table(table, report);
        for attribute in &table.attributes {
            refuse_on_attribute(attribute, report);
        }
        for relation in table.relations.iter().filter(|relation| relation.on_delete != OnDelete::Nothing) {
            not_yet("@relationship(onDelete:)", &relation.position, report);
        }
    }
}

fn not_yet(what: &str, position: &Position, report: &mut Report) {
    let hint = Some("remove it for now".into());
    report.error(position, format!("{what} is not supported yet"), hint);
}

fn refuse_on_table(table: &Table, report: &mut Report) {
    let uses = [
        ("@table(expiration:)", table.expiration_seconds.is_some()),
        ("@table(requireMatch:)", table.require_match),
        ("@check on a type", !table.checks.is_empty()),
        ("@unique on a type", !table.uniques.is_empty()),
        ("@noOverlap", !table.no_overlaps.is_empty()),
    ];
    for (what, _) in uses.iter().filter(|(_, used)| *used) {
        not_yet(what, &table.position, report);
    }
}

fn refuse_on_attribute(attribute: &Attribute, report: &mut Report) {
    let uses = [
        ("@expiresAt", attribute.expires_at.is_some()),
        ("@unique", attribute.unique),
        ("@check", attribute.check.is_some()),
    ];
    for (what, _) in uses.iter().filter(|(_, used)| *used) {
        not_yet(what, &attribute.position, report);
    }
}
