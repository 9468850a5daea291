//! Tables → JSON Schemas (draft 2020-12) of their records: as stored, as selected, as sent, as changed.

use super::{described, object, reference};
use crate::limits::OPERATIONS;
use serde_json::{Map, Value as Json, json};
use stoa_schema::limits::ID_BYTES;
use stoa_schema::model::{Attribute, AttributeId, Kind, NestedType, Relation, Schema, Stamp, Table};

/// The forms in which a record of a table appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A whole record, as it is answered.
    Stored,
    /// What `select` leaves of it, with related records.
    Selected,
    /// The body of POST and PUT.
    Sent,
    /// The body of a POST that is merged into the record that is there.
    Merged,
    /// The body of PATCH on one record.
    Change,
    /// The body of PATCH on many records.
    ChangeOfMany,
}

impl Form {
    fn component(self, table: &Table) -> String {
        let suffix = match self {
            Self::Stored => "",
            Self::Selected => ".selected",
            Self::Sent => ".sent",
            Self::Merged => ".merged",
            Self::Change => ".change",
            Self::ChangeOfMany => ".changeOfMany",
        };
        format!("{}{suffix}", table.name)
    }
}

/// A reference to the schema of a table's records.
pub(super) fn record(table: &Table, form: Form) -> Json {
    reference("schemas", &form.component(table))
}

/// What a read shows of a record: all of it, or what was selected.
pub(super) fn shown(table: &Table) -> Json {
    json!({"anyOf": [record(table, Form::Stored), record(table, Form::Selected)]})
}

/// A list.
pub(super) fn list(items: &Json) -> Json {
    json!({"type": "array", "items": items})
}

/// The body of `PUT /T/`: records that say which they are.
pub(super) fn identified(table: &Table) -> Json {
    let key = table.key();
    let named = json!({"type": "object", "required": [key.name],
                       "properties": {(key.name.as_str()): value(key, true, false)}});
    json!({"allOf": [record(table, Form::Sent), named]})
}

/// `{"updated": n}`
pub(super) fn counted(member: &str) -> Json {
    json!({"type": "object", "required": [member], "additionalProperties": false,
           "properties": {(member): {"type": "integer", "minimum": 0}}})
}

/// The schemas of all tables. Those that are not exported can be seen through relations.
pub(super) fn all(schema: &Schema) -> Map<String, Json> {
    let mut all = Map::new();
    for table in &schema.tables {
        all.insert(Form::Stored.component(table), stored(table));
        all.insert(Form::Selected.component(table), selected(schema, table));
        if table.export.is_some() {
            all.insert(Form::Sent.component(table), sent(table));
            all.insert(Form::Merged.component(table), merged(table));
            all.insert(Form::Change.component(table), change(table, true));
            all.insert(Form::ChangeOfMany.component(table), change(table, false));
        }
    }
    all.extend(schema.types.iter().map(|nested| (nested_component(&nested.name), nested_value(nested))));
    all.insert("Stoa.Table".into(), description());
    all.insert("Stoa.Report".into(), report());
    all.insert("Stoa.Health".into(), health());
    all.insert("Stoa.Queued".into(), queued());
    all.insert("Stoa.Commit".into(), commit(schema));
    all.insert("Stoa.Results".into(), results());
    all
}

fn nested_component(name: &str) -> String {
    format!("{name}.nested")
}

/// A value of a nested type, the same when it is stored, shown and sent.
fn nested_value(nested: &NestedType) -> Json {
    let required: Vec<&str> = nested.attributes.iter().filter(|it| it.required).map(|it| it.name.as_str()).collect();
    let properties = object(nested.attributes.iter().map(|attribute| {
        let schema = value(attribute, false, !attribute.required);
        (attribute.name.clone(), explained(schema, attribute, false))
    }));
    let schema = json!({"type": "object", "required": required, "properties": properties,
                        "additionalProperties": nested.open});
    described(schema, nested.description.as_deref())
}

fn stored(table: &Table) -> Json {
    let shown: Vec<&Attribute> = table.attributes.iter().filter(|it| !it.hidden).collect();
    let required: Vec<&str> = shown.iter().map(|attribute| attribute.name.as_str()).collect();
    let properties = object(shown.iter().map(|it| (it.name.clone(), attribute_shown(table, it))));
    let schema = json!({"type": "object", "required": required, "properties": properties,
                        "additionalProperties": table.open.is_some()});
    described(schema, table.description.as_deref())
}

fn selected(schema: &Schema, table: &Table) -> Json {
    let shown = table.attributes.iter().filter(|it| !it.hidden);
    let mut properties = object(shown.map(|it| (it.name.clone(), attribute_shown(table, it))));
    properties.extend(table.relations.iter().map(|it| (it.name.clone(), related(schema, it))));
    json!({"description": format!("What `select` leaves of a {}.", table.name), "type": "object",
           "properties": properties, "additionalProperties": table.open.is_some()})
}

fn related(schema: &Schema, relation: &Relation) -> Json {
    let target = record(schema.table(relation.target), Form::Selected);
    match relation.many {
        true => list(&target),
        false => json!({"anyOf": [target, {"type": "null"}]}),
    }
}

fn attribute_shown(table: &Table, attribute: &Attribute) -> Json {
    let is_key = std::ptr::eq(table.key(), attribute);
    let mut schema = value(attribute, is_key, !attribute.required && !is_key);
    if attribute.server_set() {
        schema["readOnly"] = true.into();
    }
    if attribute.stamp.is_some() && matches!(attribute.kind, Kind::String) {
        schema["format"] = "date-time".into();
    }
    explained(schema, attribute, is_key)
}

fn sent(table: &Table) -> Json {
    let required = needed(table);
    let properties = object(declared(table).map(|attribute| {
        let is_key = std::ptr::eq(table.key(), attribute);
        let schema = match attribute.server_set() {
            true => ignored(),
            false => value(attribute, is_key, !attribute.required || is_key),
        };
        (attribute.name.clone(), explained(schema, attribute, is_key))
    }));
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": table.open.is_some()})
}

/// The attributes that a new record must give.
fn needed(table: &Table) -> Vec<&str> {
    let needed = |it: &&Attribute| it.required && !it.server_set() && !std::ptr::eq(table.key(), *it);
    table.attributes.iter().filter(needed).map(|it| it.name.as_str()).collect()
}

fn merged(table: &Table) -> Json {
    let mut schema = change(table, true);
    schema["required"] = needed(table).into();
    schema["description"] =
        "A new record, or the changes of the one that is there; operators count from null in a new one.".into();
    schema
}

fn change(table: &Table, with_key: bool) -> Json {
    let attributes = declared(table).filter(|it| with_key || !std::ptr::eq(table.key(), *it));
    let properties = object(attributes.map(|attribute| {
        let is_key = std::ptr::eq(table.key(), attribute);
        let schema = match attribute.server_set() {
            true => ignored(),
            false => changed(attribute, is_key),
        };
        (attribute.name.clone(), explained(schema, attribute, is_key))
    }));
    json!({"type": "object", "properties": properties, "additionalProperties": table.open.is_some()})
}

/// The attributes that a body may name as declared.
fn declared(table: &Table) -> impl Iterator<Item = &Attribute> {
    table.attributes.iter().enumerate().filter(|(at, _)| table.open != Some(AttributeId(*at))).map(|(_, it)| it)
}

/// A new value, or an operator that is applied to what is stored.
fn changed(attribute: &Attribute, is_key: bool) -> Json {
    let plain = value(attribute, is_key, !attribute.required && !is_key);
    let operator = |names: &[&str], what: &str, operand: Json| {
        json!({"oneOf": [&plain, {
            "type": "object", "required": ["__op__", "value"], "additionalProperties": false, "description": what,
            "properties": {"__op__": {"enum": names}, "value": operand},
        }]})
    };
    if attribute.list && !is_key {
        return operator(&["include", "exclude"], "Puts an element in, or takes it out.", element(attribute));
    }
    match attribute.kind {
        Kind::Int | Kind::Long | Kind::Float if !is_key => {
            operator(&["add"], "Adds to what is stored; null counts as 0.", kind(&attribute.kind))
        }
        _ => plain,
    }
}

fn ignored() -> Json {
    json!({"description": "Set by the server: a value sent here is ignored."})
}

/// What an attribute holds.
fn value(attribute: &Attribute, is_key: bool, nullable: bool) -> Json {
    let mut schema = match attribute.list {
        true if is_key => json!({"type": "array", "minItems": 1, "items": kind(&attribute.kind)}),
        true => list(&element(attribute)),
        false => kind(&attribute.kind),
    };
    if is_key && attribute.list {
        if matches!(attribute.kind, Kind::Id | Kind::String) {
            schema["items"]["minLength"] = 1.into();
        }
    } else if is_key && matches!(attribute.kind, Kind::Id | Kind::String) {
        schema["minLength"] = 1.into();
        schema["maxLength"] = ID_BYTES.into();
    }
    if nullable { nulled(schema) } else { schema }
}

/// An element of a list.
fn element(attribute: &Attribute) -> Json {
    nulled(kind(&attribute.kind))
}

/// The same, or null.
fn nulled(mut schema: Json) -> Json {
    if schema.get("$ref").is_some() {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    if let Some(name) = schema.get("type").cloned() {
        schema["type"] = json!([name, "null"]);
    }
    schema
}

/// What a type holds, except null.
pub(super) fn kind(kind: &Kind) -> Json {
    match kind {
        Kind::Id | Kind::String => json!({"type": "string"}),
        Kind::Int => json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX}),
        Kind::Long => json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX}),
        Kind::BigInt => {
            json!({"type": "integer", "description": "Of any size. A text of its digits is taken as well."})
        }
        Kind::Float => json!({"type": "number", "format": "double"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Date => json!({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::Any => json!({}),
        Kind::Nested(name) => reference("schemas", &nested_component(name)),
    }
}

/// Adds what the schema says about the attribute, and what its schema cannot say.
fn explained(mut schema: Json, attribute: &Attribute, is_key: bool) -> Json {
    let stamp = attribute.stamp.map(|stamp| match stamp {
        Stamp::Created => "When the record was first stored.",
        Stamp::Updated => "When the record was last changed.",
    });
    let key = is_key.then(|| match attribute.kind {
        Kind::Id | Kind::String => format!("Identifies the record: 1 to {ID_BYTES} bytes of UTF-8."),
        _ => "Identifies the record.".to_owned(),
    });
    let own = schema.get("description").and_then(Json::as_str).map(str::to_owned);
    let parts = [attribute.description.clone(), key, stamp.map(str::to_owned), own];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        schema["description"] = parts.join(" ").into();
    }
    schema
}

fn description() -> Json {
    let text = || json!({"type": "string"});
    let optional = || json!({"type": ["string", "null"]});
    let flag = || json!({"type": "boolean"});
    let attribute = closed(&json!({"name": text(), "type": text(), "description": optional(), "required": flag(),
                                  "indexed": flag(), "setBy": optional(), "computed": optional()}));
    let inside = closed(&json!({"name": text(), "type": text(), "description": optional(), "required": flag()}));
    let nested = closed(&json!({"name": text(), "description": optional(), "open": flag(),
                               "attributes": list(&inside)}));
    let relation = closed(&json!({"name": text(), "type": text(), "from": text(), "to": text()}));
    let table = json!({"table": text(), "path": text(), "description": optional(), "primaryKey": text(),
                       "open": flag(), "attributes": list(&attribute), "types": list(&nested), "relations": list(&relation), "records": {"type": "integer"}});
    closed(&table)
}

/// What became of an import.
fn report() -> Json {
    let count = json!({"type": "integer", "minimum": 0});
    json!({
        "type": "object",
        "required": ["inserted", "updated", "failed"],
        "properties": {
            "inserted": count,
            "updated": count,
            "failed": failed_lines(),
            "failedBeyond": {"type": "integer", "minimum": 1, "description": "How many more lines failed than are listed."},
        },
        "additionalProperties": false,
    })
}

/// Lines of an import that could not be stored.
pub(super) fn failed_lines() -> Json {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["line", "errors"],
            "properties": {
                "line": {"type": "integer", "minimum": 1, "description": "Counted from 1."},
                "errors": super::problems::violations(),
            },
            "additionalProperties": false,
        },
    })
}

/// The body of a commit.
fn commit(schema: &Schema) -> Json {
    let collection = format!("/{}/", schema.exports().next().unwrap_or("Table"));
    let header = |what: &str| json!({"type": "string", "description": what});
    let operation = json!({
        "type": "object",
        "required": ["method", "path"],
        "properties": {
            "method": {"enum": ["POST", "PUT", "PATCH", "DELETE"]},
            "path": {
                "type": "string",
                "pattern": "^/",
                "description": "That of a table, with conditions for PATCH and DELETE, or that of a record.",
            },
            "headers": {
                "type": ["object", "null"],
                "description": "In any case.",
                "properties": {"If-Match": header("As on a request."), "If-None-Match": header("As on a request."),
                               "Prefer": header("`resolution=merge-duplicates`; anything else is ignored.")},
                "additionalProperties": false,
            },
            "body": {"type": ["object", "array", "null"],
                     "description": "As on a request of its own; a DELETE has none. `{\"$ref\": n}` in the place of a value is the id \
                                     of the record that operation n stores."},
        },
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "required": ["operations"],
        "properties": {"operations": {"type": "array", "maxItems": OPERATIONS, "items": operation,
                                      "description": "Each sees what those before it did."}},
        "additionalProperties": false,
        "examples": [{"operations": [{"method": "POST", "path": collection, "body": {}}]}],
    })
}

/// The answer to a commit.
fn results() -> Json {
    let result = closed(&json!({
        "status": {"type": "integer", "description": "What the operation alone would have been answered with."},
        "etag": {"type": ["string", "null"], "description": "Of the record that it stored."},
        "body": {"type": ["object", "array", "null"], "description": "The record, the records, or how many were met."},
    }));
    closed(&json!({"results": list(&result)}))
}

fn health() -> Json {
    let mut health = closed(&json!({
        "status": {"const": "ok"}, "role": {"enum": ["single", "region"]}, "version": {"type": "string"},
        "log": {"type": "string"}, "position": {"type": "integer", "format": "int64"}, "tzdata": {"type": "string"},
    }));
    health["properties"]["region"] = closed(&json!({
        "name": {"type": ["string", "null"]}, "primary": {"type": "string"}, "reachable": {"type": "boolean"},
        "ageMs": {"type": "integer"}, "behind": {"type": "integer"}, "frame": {"type": "integer"},
        "rebuilds": {"type": "integer"}, "schema": {"enum": ["current", "other"]},
    }));
    health
}

/// What became of a request that waited.
fn queued() -> Json {
    json!({
        "type": "object", "required": ["id", "state"], "additionalProperties": false,
        "properties": {
            "id": {"type": "string"}, "state": {"enum": ["waiting", "done"]}, "status": {"type": "integer"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}}, "body": {},
        },
    })
}

/// An object that has exactly these members.
fn closed(properties: &Json) -> Json {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}
