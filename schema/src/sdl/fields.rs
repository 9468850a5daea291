//! The fields of a type: attributes, which are stored, and drafts of relations, which join.

use super::arguments::Arguments;
use super::diagnostic::{Report, did_you_mean};
use super::rules::read_field_check;
use super::syntax::{Object, SdlField};
use super::types::TypeNames;
use crate::model::{Attribute, AttributeId, Computed, ExpiresAt, Kind, OnDelete, Position, Stamp};
use graphql_parser::schema::Type;
use std::collections::HashMap;
use std::sync::Arc;

/// A relation whose names are still to be resolved.
pub(super) struct RelationDraft {
    pub(super) name: String,
    pub(super) target: String,
    pub(super) many: bool,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) on_delete: OnDelete,
    pub(super) position: Position,
}

/// What the fields of a type declare.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) attributes: Vec<Attribute>,
    pub(super) relations: Vec<RelationDraft>,
    /// The attributes with `@primaryKey`.
    pub(super) keys: Vec<AttributeId>,
}

const FIELD_DIRECTIVES: [&str; 10] = [
    "primaryKey",
    "indexed",
    "relationship",
    "createdTime",
    "updatedTime",
    "expiresAt",
    "computed",
    "unique",
    "check",
    "hidden",
];

/// Reads the fields of a type.
pub(super) fn read(object: &Object, names: &TypeNames, report: &mut Report) -> Fields {
    let mut fields = Fields::default();
    let mut seen: HashMap<String, String> = HashMap::new();
    for field in &object.definition.fields {
        let position = object.at(field.position);
        check_name(field, &position, &mut seen, report);
        let shape = Shape::of(&field.field_type);
        if names.tables.contains(shape.name) || field.directives.iter().any(|it| it.name == "relationship") {
            fields.relations.extend(read_relation(object, field, &shape, position, names, report));
        } else {
            read_attribute(object, field, &shape, position, names, &mut fields, report);
        }
    }
    fields
}

/// SQL ignores case in column names.
fn check_name(field: &SdlField, position: &Position, seen: &mut HashMap<String, String>, report: &mut Report) {
    if let Some(other) = seen.insert(field.name.to_ascii_lowercase(), field.name.clone()) {
        let message =
            format!("field `{}` clashes with `{other}` (names that differ only in case are the same)", field.name);
        report.error(position, message, None);
    }
    if field.name.starts_with("__") {
        report.error(position, format!("`{}`: names with two underscores belong to the server", field.name), None);
    }
    if !field.arguments.is_empty() {
        report.warning(position, format!("the arguments of `{}` are ignored", field.name), None);
    }
}

/// The shape of a field's type: `[Name!]!` taken apart.
struct Shape<'a> {
    name: &'a str,
    list: bool,
    required: bool,
    nested_list: bool,
}

impl<'a> Shape<'a> {
    fn of(written: &'a Type<'static, String>) -> Self {
        let (mut list, mut nested_list, mut required) = (false, false, false);
        let mut inner = written;
        loop {
            match inner {
                Type::NamedType(name) => return Self { name, list, required, nested_list },
                Type::NonNullType(it) => {
                    required |= !list;
                    inner = it;
                }
                Type::ListType(it) => {
                    nested_list |= list;
                    list = true;
                    inner = it;
                }
            }
        }
    }
}

fn read_relation(
    object: &Object,
    field: &SdlField,
    shape: &Shape<'_>,
    position: Position,
    names: &TypeNames,
    report: &mut Report,
) -> Option<RelationDraft> {
    if !names.tables.contains(shape.name) {
        let hint = did_you_mean(shape.name, names.tables.iter().map(String::as_str));
        report.error(&position, format!("@relationship on `{}`: `{}` is not a table", field.name, shape.name), hint);
        return None;
    }
    let Some(directive) = field.directives.iter().find(|it| it.name == "relationship") else {
        let hint = Some(format!("add `@relationship(from: {}Id)`, or `(to: …)` for the other direction", field.name));
        report.error(&position, format!("`{}` refers to a table without @relationship", field.name), hint);
        return None;
    };
    let mut arguments = Arguments::new(directive, object.at(directive.position));
    let (from, to) = (arguments.text("from", report), arguments.text("to", report));
    let on_delete = read_on_delete(&mut arguments, report);
    if from.is_none() && to.is_none() {
        let hint = Some("`from:` names an attribute of this type, `to:` one of the other".into());
        report.error(arguments.position(), "@relationship needs `from:` or `to:`", hint);
    }
    arguments.finish(report);
    for other in field.directives.iter().filter(|it| it.name != "relationship") {
        let message = format!("@{} has no meaning on a relation; it is ignored", other.name);
        report.warning(&object.at(other.position), message, None);
    }
    let many = shape.list;
    Some(RelationDraft { name: field.name.clone(), target: shape.name.to_owned(), many, from, to, on_delete, position })
}

fn read_on_delete(arguments: &mut Arguments<'_>, report: &mut Report) -> OnDelete {
    match arguments.text("onDelete", report).as_deref() {
        None => OnDelete::Nothing,
        Some("restrict") => OnDelete::Restrict,
        Some("cascade") => OnDelete::Cascade,
        Some("setNull") => OnDelete::SetNull,
        Some(other) => {
            let hint = did_you_mean(other, ["restrict", "cascade", "setNull"]);
            report.error(
                arguments.position(),
                format!("onDelete: {other}: expected restrict, cascade or setNull"),
                hint,
            );
            OnDelete::Nothing
        }
    }
}

fn read_attribute(
    object: &Object,
    field: &SdlField,
    shape: &Shape<'_>,
    position: Position,
    names: &TypeNames,
    fields: &mut Fields,
    report: &mut Report,
) {
    let kind = kind_of(shape.name, &position, names, report);
    if shape.nested_list {
        report.error(&position, format!("`{}`: lists of lists cannot be stored", field.name), None);
    }
    let mut attribute = Attribute {
        description: field.description.clone(),
        list: shape.list,
        required: shape.required,
        types: Arc::clone(&names.types),
        ..Attribute::new(field.name.clone(), kind, position)
    };
    let primary = read_directives(object, field, &mut attribute, report);
    check_stamp(&attribute, report);
    check_index(&attribute, report);
    if primary {
        fields.keys.push(AttributeId(fields.attributes.len()));
        if attribute.hidden || attribute.server_set() {
            report.error(&attribute.position, "a primary key cannot be hidden, computed or a time stamp", None);
        }
    }
    fields.attributes.push(attribute);
}

fn kind_of(name: &str, position: &Position, names: &TypeNames, report: &mut Report) -> Kind {
    if let Some(kind) = Kind::named(name) {
        return kind;
    }
    if !names.nested.contains(name) {
        report.error(position, format!("unknown type `{name}`"), did_you_mean(name, names.all()));
        return Kind::String;
    }
    Kind::Nested(name.to_owned())
}

/// Applies the directives of a field to its attribute; whether `@primaryKey` is among them.
fn read_directives(object: &Object, field: &SdlField, attribute: &mut Attribute, report: &mut Report) -> bool {
    let mut primary = false;
    let mut seen = Vec::new();
    for directive in &field.directives {
        let mut arguments = Arguments::new(directive, object.at(directive.position));
        let name = directive.name.as_str();
        if seen.contains(&name) {
            report.error(arguments.position(), format!("@{name} stands twice on `{}`", field.name), None);
        }
        seen.push(name);
        match name {
            "primaryKey" => primary = true,
            "indexed" => attribute.indexed = true,
            "createdTime" => attribute.stamp = Some(Stamp::Created),
            "updatedTime" => attribute.stamp = Some(Stamp::Updated),
            "expiresAt" => attribute.expires_at = Some(ExpiresAt { max_seconds: arguments.seconds("max", report) }),
            "computed" => {
                let position = arguments.position().clone();
                attribute.computed = arguments.text("from", report).map(|from| Computed { from, position });
                if attribute.computed.is_none() {
                    report.error(arguments.position(), "@computed needs `from: \"expression\"`", None);
                }
            }
            "unique" => attribute.unique = true,
            "check" => attribute.check = Some(read_field_check(&mut arguments, report)),
            "hidden" => attribute.hidden = true,
            unknown => {
                let hint = did_you_mean(unknown, FIELD_DIRECTIVES);
                report.warning(arguments.position(), format!("unknown directive @{unknown} is ignored"), hint);
                continue;
            }
        }
        arguments.finish(report);
    }
    primary
}

fn check_stamp(attribute: &Attribute, report: &mut Report) {
    let stampable = matches!(attribute.kind, Kind::String | Kind::Date | Kind::Long | Kind::Float) && !attribute.list;
    if attribute.stamp.is_some() && !stampable {
        let hint = Some("use String or Date (a time), or Long or Float (milliseconds since 1970)".into());
        report.error(
            &attribute.position,
            format!("`{}`: {} cannot hold a time stamp", attribute.name, attribute.kind.name()),
            hint,
        );
    }
}

/// An index needs values that have an order.
fn check_index(attribute: &Attribute, report: &mut Report) {
    if attribute.indexed && !attribute.kind.has_order() {
        let message = format!("`{}`: {} has no order and cannot be indexed", attribute.name, attribute.kind.name());
        let hint = Some("make what you search by an attribute of its own, and index that".into());
        report.error(&attribute.position, message, hint);
    }
}
