//! Object types → tables with their attributes. Relations and rules, which look at other attributes and types, are left
//! as drafts for the passes after this one.

use super::arguments::Arguments;
use super::diagnostic::{Report, did_you_mean};
use super::fields::{self, RelationDraft};
use super::nested;
use super::rules::RuleDraft;
use super::syntax::Object;
use crate::limits;
use crate::model::{Attribute, AttributeId, Kind, NestedTypes, Position, Table};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A table whose relations and rules are still to be resolved.
pub(super) struct TableDraft {
    pub(super) table: Table,
    /// The type's name in SDL, by which relations refer to it.
    pub(super) type_name: String,
    pub(super) relations: Vec<RelationDraft>,
    pub(super) rules: Vec<RuleDraft>,
}

const TYPE_DIRECTIVES: [&str; 7] = ["table", "export", "sealed", "open", "check", "unique", "noOverlap"];

/// What a field's type may be.
pub(super) struct TypeNames {
    /// Types with `@table`.
    pub(super) tables: HashSet<String>,
    /// Types without.
    pub(super) nested: HashSet<String>,
    /// The same, read; none while they are being read.
    pub(super) types: Arc<NestedTypes>,
}

impl TypeNames {
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let built_in = Kind::BUILT_IN.iter().map(|(name, _)| *name);
        built_in.chain(self.tables.iter().chain(&self.nested).map(String::as_str))
    }
}

/// The tables and nested types of these types.
pub(super) fn drafts(objects: &[Object], report: &mut Report) -> (Vec<TableDraft>, Arc<NestedTypes>) {
    let mut names = TypeNames {
        tables: objects.iter().filter(|it| is_table(it)).map(|it| it.definition.name.clone()).collect(),
        nested: objects.iter().filter(|it| !is_table(it)).map(|it| it.definition.name.clone()).collect(),
        types: Arc::default(),
    };
    report_duplicate_types(objects, report);
    let (tables, nested): (Vec<&Object>, Vec<&Object>) = objects.iter().partition(|object| is_table(object));
    let nested = nested.into_iter().map(|object| nested::read(object, &names, report)).collect();
    names.types = Arc::new(NestedTypes::new(nested));
    let drafts: Vec<TableDraft> = tables.into_iter().filter_map(|object| draft(object, &names, report)).collect();
    report_clashes(&drafts, report);
    (drafts, names.types)
}

fn is_table(object: &Object) -> bool {
    object.definition.directives.iter().any(|directive| directive.name == "table")
}

fn draft(object: &Object, names: &TypeNames, report: &mut Report) -> Option<TableDraft> {
    let definition = &object.definition;
    let position = object.at(definition.position);
    let read = fields::read(object, names, report);
    let key = primary_key(&definition.name, &position, &read.attributes, &read.keys, report);
    let mut draft = TableDraft {
        table: Table {
            name: definition.name.clone(),
            export: None,
            description: definition.description.clone(),
            attributes: read.attributes,
            relations: Vec::new(),
            key: AttributeId(0),
            expiration_seconds: None,
            cache_control: None,
            require_match: false,
            open: None,
            checks: Vec::new(),
            uniques: Vec::new(),
            no_overlaps: Vec::new(),
            position,
        },
        type_name: definition.name.clone(),
        relations: read.relations,
        rules: Vec::new(),
    };
    if read_directives(object, &mut draft, report) {
        draft.table.open = Some(AttributeId(draft.table.attributes.len()));
        draft.table.attributes.push(Attribute::undeclared(draft.table.position.clone()));
    }
    check_name(&draft.table, report);
    draft.table.key = key.unwrap_or(draft.table.key);
    // Without any attribute nothing else can be said of it.
    (!draft.table.attributes.is_empty()).then_some(draft)
}

/// Applies the directives of a type to its table; whether `@open` is among them.
fn read_directives(object: &Object, draft: &mut TableDraft, report: &mut Report) -> bool {
    let mut seen = HashSet::new();
    for directive in &object.definition.directives {
        let position = object.at(directive.position);
        let name = directive.name.as_str();
        let repeatable = matches!(name, "check" | "unique" | "noOverlap");
        if !seen.insert(name) && !repeatable {
            report.error(&position, format!("@{name} stands twice"), None);
        }
        let mut arguments = Arguments::new(directive, position);
        match name {
            "table" => read_table(&mut arguments, &mut draft.table, report),
            "export" => {
                let path = arguments.text("name", report).unwrap_or_else(|| draft.type_name.clone());
                check_export(&path, arguments.position(), report);
                draft.table.export = Some(path);
            }
            "sealed" | "open" => {}
            "check" | "unique" | "noOverlap" => draft.rules.push(RuleDraft::read(name, &mut arguments, report)),
            unknown => {
                let hint = did_you_mean(unknown, TYPE_DIRECTIVES);
                report.warning(arguments.position(), format!("unknown directive @{unknown} is ignored"), hint);
                continue;
            }
        }
        arguments.finish(report);
    }
    if seen.contains("open") && seen.contains("sealed") {
        report.error(&draft.table.position, "@sealed and @open exclude each other", None);
    }
    seen.contains("open")
}

fn read_table(arguments: &mut Arguments<'_>, table: &mut Table, report: &mut Report) {
    if let Some(name) = arguments.text("name", report) {
        table.name = name;
    }
    table.expiration_seconds = arguments.seconds("expiration", report);
    table.cache_control = arguments.text("cacheControl", report);
    table.require_match = arguments.flag("requireMatch", report).unwrap_or(false);
    if table.cache_control.as_deref().is_some_and(|text| !text.bytes().all(|byte| matches!(byte, b' '..=b'~'))) {
        report.error(arguments.position(), "cacheControl: only printable ASCII can stand in a header", None);
    }
}

/// The paths that the server itself uses.
const RESERVED_PATHS: [&str; 2] = ["graphql", "openapi.json"];

fn check_export(path: &str, position: &Position, report: &mut Report) {
    if RESERVED_PATHS.contains(&path) || path.starts_with('_') {
        let hint = Some("choose another with @export(name: \"…\")".into());
        report.error(position, format!("the path `/{path}` belongs to the server"), hint);
    } else if path.is_empty() || !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte)) {
        let hint = Some("use letters, digits, `-`, `_` and `~`".into());
        report.error(position, format!("`{path}` cannot be a path segment"), hint);
    }
}

fn check_name(table: &Table, report: &mut Report) {
    let name = &table.name;
    let hint = Some("name the table with @table(name: \"…\")".into());
    if name.starts_with('_')
        || name.to_ascii_lowercase().starts_with("sqlite_")
        || name.to_ascii_lowercase().starts_with("libsql_")
    {
        report.error(&table.position, format!("table names like `{name}` belong to the database"), hint);
    } else if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        report.error(&table.position, format!("`{name}` cannot name a table: use letters, digits and `_`"), hint);
    }
    if table.attributes.len() > limits::ATTRIBUTES {
        let message =
            format!("type {name} has {} attributes; {} is the limit", table.attributes.len(), limits::ATTRIBUTES);
        report.error(&table.position, message, None);
    }
}

fn primary_key(
    type_name: &str,
    position: &Position,
    attributes: &[Attribute],
    declared: &[AttributeId],
    report: &mut Report,
) -> Option<AttributeId> {
    let key = match declared {
        [] => attributes.iter().position(|attribute| attribute.name == "id").map(AttributeId),
        [key, ..] => Some(*key),
    };
    let Some(key) = key else {
        let hint = Some("add for example `id: ID @primaryKey`".into());
        report.error(position, format!("type {type_name} has no primary key"), hint);
        return None;
    };
    if let [_, second, ..] = declared {
        let message = format!("type {type_name} has more than one @primaryKey");
        report.error(&attributes[second.0].position, message, None);
    }
    let attribute = &attributes[key.0];
    if !matches!(attribute.kind, Kind::Id | Kind::String | Kind::Int | Kind::Long) {
        let message = format!("{} cannot be a primary key", attribute.kind.name());
        report.error(&attribute.position, message, Some("use ID, String, Int or Long".into()));
    }
    Some(key)
}

fn report_duplicate_types(objects: &[Object], report: &mut Report) {
    let mut seen: HashMap<&str, Position> = HashMap::new();
    for object in objects {
        let position = object.at(object.definition.position);
        if let Some(first) = seen.get(object.definition.name.as_str()) {
            let message = format!("type {} is declared twice", object.definition.name);
            report.error(&position, message, Some(format!("the first stands at {}:{}", first.file, first.line)));
        } else {
            seen.insert(&object.definition.name, position);
        }
    }
}

/// SQL ignores case in names: `product` and `Product` would be one table.
fn report_clashes(drafts: &[TableDraft], report: &mut Report) {
    let mut names: HashMap<String, &Position> = HashMap::new();
    let mut paths: HashMap<&str, &Position> = HashMap::new();
    for TableDraft { table, .. } in drafts {
        if let Some(first) = names.insert(table.name.to_ascii_lowercase(), &table.position) {
            let hint = Some(format!("the other stands at {}:{}", first.file, first.line));
            report.error(&table.position, format!("two tables are called `{}` (case is ignored)", table.name), hint);
        }
        if let Some(path) = &table.export
            && let Some(first) = paths.insert(path, &table.position)
        {
            let hint = Some(format!("the other stands at {}:{}", first.file, first.line));
            report.error(&table.position, format!("two types are exported as `/{path}`"), hint);
        }
    }
    if let Some(first_beyond) = drafts.get(limits::TABLES) {
        let message = format!("more than {} tables", limits::TABLES);
        report.error(&first_beyond.table.position, message, None);
    }
}
