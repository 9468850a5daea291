//! `@check`, `@unique` and `@noOverlap`: read with the type they stand on, resolved once all its attributes are known.

use super::arguments::Arguments;
use super::diagnostic::{Report, did_you_mean};
use super::types::TableDraft;
use crate::model::{
    AttributeId, FieldCheck, Kind, Literal, NoOverlap, Pattern, Position, RecordCheck, Table, UniqueSet,
};

/// A rule of a type, with names still to be resolved.
pub(super) struct RuleDraft {
    position: Position,
    kind: RuleKind,
}

enum RuleKind {
    Check { expr: Option<String>, name: Option<String> },
    Unique { fields: Vec<String>, unless: Option<String> },
    NoOverlap(OverlapDraft),
}

struct OverlapDraft {
    start: Option<String>,
    end: Option<String>,
    by: Vec<String>,
    unless: Option<String>,
    capacity: Option<Literal>,
    name: Option<String>,
}

impl RuleDraft {
    /// Reads the directive `name`, which is one of the three.
    pub(super) fn read(name: &str, arguments: &mut Arguments<'_>, report: &mut Report) -> Self {
        let kind = match name {
            "check" => RuleKind::Check { expr: arguments.text("expr", report), name: arguments.text("name", report) },
            "unique" => RuleKind::Unique {
                fields: arguments.texts("fields", report).unwrap_or_default(),
                unless: arguments.text("unless", report),
            },
            _ => RuleKind::NoOverlap(OverlapDraft {
                start: arguments.text("start", report),
                end: arguments.text("end", report),
                by: arguments.texts("by", report).unwrap_or_default(),
                unless: arguments.text("unless", report),
                capacity: arguments.literal("capacity", report),
                name: arguments.text("name", report),
            }),
        };
        Self { position: arguments.position().clone(), kind }
    }
}

/// `@check(min:, max:, pattern:, in:)` on a field.
pub(super) fn read_field_check(arguments: &mut Arguments<'_>, report: &mut Report) -> FieldCheck {
    let pattern = arguments.text("pattern", report).map(|text| Pattern::new(&text));
    if let Some(Err(error)) = &pattern {
        report.error(arguments.position(), format!("@check(pattern:): {error}"), None);
    }
    let given = pattern.is_some();
    let check = FieldCheck {
        min: arguments.literal("min", report),
        max: arguments.literal("max", report),
        pattern: pattern.and_then(Result::ok),
        one_of: arguments.literals("in", report).unwrap_or_default(),
    };
    if check == FieldCheck::default() && !given {
        report.error(arguments.position(), "@check on a field needs `min:`, `max:`, `pattern:` or `in:`", None);
    }
    check
}

/// Resolves the rules of all tables.
pub(super) fn attach(mut drafts: Vec<TableDraft>, report: &mut Report) -> Vec<TableDraft> {
    for draft in &mut drafts {
        for rule in std::mem::take(&mut draft.rules) {
            attach_one(&mut draft.table, rule, report);
        }
    }
    drafts
}

fn attach_one(table: &mut Table, rule: RuleDraft, report: &mut Report) {
    let position = rule.position;
    match rule.kind {
        RuleKind::Check { expr: Some(expr), name } => {
            table.checks.push(RecordCheck { expr, name, position });
        }
        RuleKind::Check { expr: None, .. } => {
            report.error(&position, "@check on a type needs `expr: \"…\"`", None);
        }
        RuleKind::Unique { fields, unless } => {
            let fields = resolve(table, &fields, &position, report);
            if fields.is_empty() {
                report.error(&position, "@unique on a type needs `fields: […]`", None);
            } else {
                table.uniques.push(UniqueSet { fields, unless, position });
            }
        }
        RuleKind::NoOverlap(draft) => table.no_overlaps.extend(no_overlap(table, draft, &position, report)),
    }
}

fn no_overlap(table: &Table, draft: OverlapDraft, position: &Position, report: &mut Report) -> Option<NoOverlap> {
    let by = resolve(table, &draft.by, position, report);
    let ends = [draft.start, draft.end].map(|name| {
        let name = name?;
        resolve(table, &[name], position, report).first().copied()
    });
    let [Some(start), Some(end)] = ends else {
        let hint = Some("write for example @noOverlap(start: startTime, end: endTime, by: [roomId])".into());
        report.error(position, "@noOverlap needs `start:` and `end:`, two attributes of this type", hint);
        return None;
    };
    for id in [start, end] {
        let attribute = table.attribute(id);
        if attribute.list || !matches!(attribute.kind, Kind::String | Kind::Date) {
            report.error(
                position,
                format!("@noOverlap: `{}` cannot hold a time (String or Date)", attribute.name),
                None,
            );
        }
    }
    if by.is_empty() {
        let hint = Some("name what cannot be in two places at once, for example by: [roomId]".into());
        report.error(position, "@noOverlap needs `by: […]`", hint);
    }
    let number = table.no_overlaps.len() + 1;
    let name =
        draft.name.unwrap_or_else(|| if number == 1 { "no_overlap".into() } else { format!("no_overlap_{number}") });
    if table.no_overlaps.iter().any(|other| other.name == name) {
        report.error(position, format!("type {} has two rules named `{name}`", table.name), None);
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') || name.is_empty() {
        report.error(position, format!("`{name}` cannot name a rule"), Some("use letters, digits, `_` and `-`".into()));
    }
    let position = position.clone();
    Some(NoOverlap { start, end, by, unless: draft.unless, capacity: draft.capacity, name, position })
}

fn resolve(table: &Table, names: &[String], position: &Position, report: &mut Report) -> Vec<AttributeId> {
    let mut found = Vec::new();
    for name in names {
        match table.attribute_named(name) {
            Some(id) => found.push(id),
            None => {
                let known = table.attributes.iter().map(|attribute| attribute.name.as_str());
                report.error(
                    position,
                    format!("type {} has no attribute `{name}`", table.name),
                    did_you_mean(name, known),
                );
            }
        }
    }
    found
}
