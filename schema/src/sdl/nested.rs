//! Object types without `@table` → nested types: what values inside a record look like.

use super::arguments::Arguments;
use super::diagnostic::{Report, did_you_mean};
use super::fields;
use super::syntax::{Object, SdlDirective};
use super::types::TypeNames;
use crate::limits;
use crate::model::{Attribute, NestedType};

const TYPE_DIRECTIVES: [&str; 3] = ["table", "sealed", "open"];

/// Reads a nested type.
pub(super) fn read(object: &Object, names: &TypeNames, report: &mut Report) -> NestedType {
    let definition = &object.definition;
    let position = object.at(definition.position);
    let fields = fields::read(object, names, report);
    for relation in &fields.relations {
        let hint = Some(format!("store the id in the table that holds a {}, and relate that", definition.name));
        report.error(&relation.position, format!("`{}`: a nested type has no relations", relation.name), hint);
    }
    let keys: Vec<&Attribute> = fields.keys.iter().map(|key| &fields.attributes[key.0]).collect();
    for attribute in &fields.attributes {
        refuse_directives(attribute, keys.iter().any(|key| key.name == attribute.name), report);
    }
    if fields.attributes.len() > limits::ATTRIBUTES {
        let message = format!("type {} has more than {} attributes", definition.name, limits::ATTRIBUTES);
        report.error(&position, message, None);
    }
    NestedType {
        name: definition.name.clone(),
        description: definition.description.clone(),
        attributes: fields.attributes,
        open: open(object, report),
        encoded: false,
        position,
    }
}

/// Rules, indexes and stamps look at columns; a nested value has none of its own.
fn refuse_directives(attribute: &Attribute, key: bool, report: &mut Report) {
    let uses = [
        ("@primaryKey", key),
        ("@indexed", attribute.indexed),
        ("@createdTime and @updatedTime", attribute.stamp.is_some()),
        ("@expiresAt", attribute.expires_at.is_some()),
        ("@computed", attribute.computed.is_some()),
        ("@unique", attribute.unique),
        ("@check", attribute.check.is_some()),
        ("@hidden", attribute.hidden),
    ];
    for (what, _) in uses.iter().filter(|(_, used)| *used) {
        let hint = Some("remove it, or make the attribute one of the table".into());
        let message = format!("`{}`: {what} cannot stand in a nested type", attribute.name);
        report.error(&attribute.position, message, hint);
    }
}

fn open(object: &Object, report: &mut Report) -> bool {
    let directives = &object.definition.directives;
    let has = |name: &str| directives.iter().any(|directive| directive.name == name);
    for directive in directives {
        check_directive(object, directive, report);
    }
    if has("open") && has("sealed") {
        report.error(&object.at(object.definition.position), "@sealed and @open exclude each other", None);
    }
    has("open")
}

fn check_directive(object: &Object, directive: &SdlDirective, report: &mut Report) {
    let position = object.at(directive.position);
    match directive.name.as_str() {
        "open" | "sealed" => Arguments::new(directive, position).finish(report),
        "export" => {
            let hint = Some(format!("write `type {} @table @export`", object.definition.name));
            report.error(&position, "@export needs @table beside it", hint);
        }
        rule @ ("check" | "unique" | "noOverlap") => {
            report.error(&position, format!("@{rule} needs @table beside it"), None);
        }
        unknown => {
            let hint = did_you_mean(unknown, TYPE_DIRECTIVES);
            report.warning(&position, format!("unknown directive @{unknown} is ignored"), hint);
        }
    }
}
