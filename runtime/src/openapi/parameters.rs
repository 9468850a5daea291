//! Parameters: the conditions and controls of queries, and the headers of requests.

use super::schemas;
use super::{object, reference};
use crate::limits::IDEMPOTENCY_KEY_CHARS;
use serde_json::{Map, Value as Json, json};
use stoa_schema::limits::ID_BYTES;
use stoa_schema::model::{Attribute, Kind, Schema, Table};

/// A parameter that does not depend on the table.
struct Fixed {
    name: &'static str,
    place: &'static str,
    description: &'static str,
    schema: fn() -> Json,
    example: Option<&'static str>,
}

const FIXED: &[Fixed] = &[
    Fixed {
        name: "limit",
        place: "query",
        description: "How many records at most. `limit=0` is an empty list.",
        schema: count,
        example: Some("20"),
    },
    Fixed {
        name: "offset",
        place: "query",
        description: "How many matching records are passed over first.",
        schema: count,
        example: Some("0"),
    },
    Fixed {
        name: "after",
        place: "query",
        description: "Where the page before ended: the token of its header Link. It works for every order, excludes \
                      `offset`, and belongs to one query.",
        schema: text,
        example: None,
    },
    Fixed {
        name: "timezone",
        place: "query",
        description: "The zone in which bounds without an offset are read and date-times are shown: a name of the IANA \
                      database or an offset.",
        schema: text,
        example: Some("Europe/Paris"),
    },
    Fixed {
        name: "atomic",
        place: "query",
        description: "Of an import (a body of NDJSON or CSV): whether nothing is stored unless everything can be.",
        schema: truth,
        example: Some("true"),
    },
    Fixed {
        name: "If-Match",
        place: "header",
        description: "Only if the record has one of these tags (`*`: if there is one); otherwise 412.",
        schema: text,
        example: Some("*"),
    },
    Fixed {
        name: "If-None-Match",
        place: "header",
        description: "A read answers 304 if what it shows has one of these tags. A write is done only if the record has \
                      none of them (`*`: if there is none); otherwise 412.",
        schema: text,
        example: Some("\"k3x\""),
    },
    Fixed {
        name: "Prefer",
        place: "header",
        description: "`return=minimal` leaves out the body of a write; `resolution=merge-duplicates` merges what is posted into \
                      the record that has its id or its unique values; `count=exact` tells with a list where it lies among \
                      all matching records (Content-Range). What is unknown is ignored.",
        schema: text,
        example: Some("return=representation"),
    },
    Fixed {
        name: "Accept-Encoding",
        place: "header",
        description: "How a long answer may be encoded: `zstd`, `br`, `gzip`, with weights.",
        schema: text,
        example: Some("gzip"),
    },
    Fixed {
        name: "Idempotency-Key",
        place: "header",
        description: "A word made for this write. Sent again with the same key, the same request is not carried out again, \
                      but answered as the first one; with another request the key is refused. Kept for 24 hours. An \
                      import takes it with `atomic=true`.",
        schema: key,
        example: None,
    },
    Fixed {
        name: "Stoa-Seq",
        place: "header",
        description: "The `Stoa-Seq` of an earlier answer: this one is not older. It waits up to two seconds, then \
                      answers 503.",
        schema: text,
        example: Some("0"),
    },
];

fn count() -> Json {
    json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX})
}

fn text() -> Json {
    json!({"type": "string"})
}

fn key() -> Json {
    json!({"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS, "pattern": "^[!-~]+$"})
}

impl Fixed {
    fn parameter(&self) -> Json {
        let schema = (self.schema)();
        let mut parameter = json!({"name": self.name, "in": self.place, "description": self.description});
        if let Some(example) = self.example {
            let number = example.parse::<i64>().ok().filter(|_| schema["type"] == "integer");
            parameter["example"] = number.map_or_else(|| example.into(), Json::from);
        }
        parameter["schema"] = schema;
        parameter
    }
}

fn truth() -> Json {
    json!({"type": "string", "enum": ["true", "false"]})
}

/// Headers of a read.
pub(super) const READS: &[&str] = &["Stoa-Seq", "If-None-Match", "Accept-Encoding"];
/// Headers of a read of several records.
pub(super) const LISTS: &[&str] = &["Stoa-Seq", "If-None-Match", "Prefer", "Accept-Encoding"];
/// Headers of a write to one record.
pub(super) const RECORD_WRITES: &[&str] = &["If-Match", "If-None-Match", "Prefer", "Idempotency-Key", "Stoa-Seq"];
/// Headers of a write to several records.
pub(super) const WRITES: &[&str] = &["Prefer", "Idempotency-Key", "Stoa-Seq"];
/// Headers of a delete of one record.
pub(super) const DELETES: &[&str] = &["If-Match", "If-None-Match", "Idempotency-Key", "Stoa-Seq"];
/// Parameters of a write that may be an import.
pub(super) const IMPORTS: &[&str] = &["atomic", "Prefer", "Idempotency-Key", "Stoa-Seq"];

/// The components of all parameters.
pub(super) fn all(schema: &Schema) -> Map<String, Json> {
    let fixed = FIXED.iter().map(|fixed| (fixed.name.to_owned(), fixed.parameter()));
    let exported = schema.tables.iter().filter(|table| table.export.is_some());
    object(fixed.chain(exported.flat_map(of_table)))
}

fn of_table(table: &Table) -> impl Iterator<Item = (String, Json)> {
    let filters = filterable(table).map(|attribute| (component(table, &attribute.name), filter(attribute)));
    filters.chain([(component(table, ".sort"), sort(table)), (component(table, ".select"), select(table))])
}

fn component(table: &Table, name: &str) -> String {
    format!("{}.{name}", table.name)
}

/// References to the named parameters.
pub(super) fn headers(names: &[&str]) -> Vec<Json> {
    names.iter().map(|name| reference("parameters", name)).collect()
}

/// The conditions on a table's records. An attribute with the name of a control is a condition.
pub(super) fn filters(table: &Table) -> Vec<Json> {
    filterable(table).map(|attribute| reference("parameters", &component(table, &attribute.name))).collect()
}

/// What a read of the collection takes beside conditions.
pub(super) fn controls(table: &Table) -> Vec<Json> {
    let controls = [
        ("sort", component(table, ".sort")),
        ("limit", "limit".to_owned()),
        ("offset", "offset".to_owned()),
        ("after", "after".to_owned()),
        ("select", component(table, ".select")),
        ("timezone", "timezone".to_owned()),
    ];
    let usable = controls.into_iter().filter(|(name, _)| table.attribute_named(name).is_none());
    usable.map(|(_, component)| reference("parameters", &component)).collect()
}

/// What a write by query takes beside conditions.
pub(super) fn zone(table: &Table) -> Option<Json> {
    table.attribute_named("timezone").is_none().then(|| reference("parameters", "timezone"))
}

/// What one record takes: here the names are always controls.
pub(super) fn of_record(table: &Table) -> Vec<Json> {
    vec![reference("parameters", &component(table, ".select")), reference("parameters", "timezone")]
}

/// The id in the path.
pub(super) fn id(table: &Table) -> Json {
    let key = table.key();
    let mut schema = if key.list { json!({"type": "string"}) } else { schemas::kind(&key.kind) };
    if matches!(key.kind, Kind::Id | Kind::String) {
        schema["minLength"] = 1.into();
        schema["maxLength"] = ID_BYTES.into();
    }
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": format!(
            "The `{}` of the record, percent-encoded: everything but letters, digits and `-_~`. GET and HEAD also take \
             one attribute's name after it, as in `/{}/ID.{}`, and answer its bare value.",
            key.name,
            table.export.as_deref().unwrap_or_default(),
            filterable(table).last().map_or(key.name.as_str(), |attribute| attribute.name.as_str()),
        ),
        "schema": schema,
    })
}

/// A part of the path where it does not matter what stands there.
pub(super) fn any(name: &str) -> Json {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn filterable(table: &Table) -> impl Iterator<Item = &Attribute> {
    table.attributes.iter().filter(|attribute| !attribute.hidden)
}

fn filter(attribute: &Attribute) -> Json {
    let list = if attribute.list { " It holds if some element meets it." } else { "" };
    let own = attribute.description.as_deref().map(|text| format!("{text} ")).unwrap_or_default();
    let examples = examples(attribute).into_iter().map(|(name, value)| (name.to_owned(), json!({"value": value})));
    json!({
        "name": attribute.name,
        "in": "query",
        "description": format!(
            "{own}Condition: a value, or an operator and a value: `ne=` `lt=` `le=` `gt=` `ge=` `sw=` `ew=` `ct=` \
             `in=(…)` `between=(…)` `not_in=(…)` …; `null` is absent.{list}"
        ),
        "allowReserved": true,
        "schema": {"type": "string"},
        "examples": object(examples),
    })
}

fn examples(attribute: &Attribute) -> Vec<(&'static str, &'static str)> {
    match attribute.kind {
        Kind::Int | Kind::Long | Kind::BigInt | Kind::Float => {
            vec![("equal", "10"), ("below", "lt=10"), ("in a range", "between=(1,10)"), ("absent", "null")]
        }
        Kind::Boolean => vec![("true", "true"), ("false", "false"), ("absent", "null")],
        Kind::Date => vec![("from a day on", "ge=2024-08-15"), ("absent", "null")],
        Kind::Id | Kind::String => {
            vec![("equal", "red"), ("starts with", "sw=re"), ("one of", "in=(red,blue)"), ("absent", "null")]
        }
        Kind::Bytes | Kind::Any | Kind::Nested(_) => vec![("absent", "null"), ("present", "ne=null")],
    }
}

fn sort(table: &Table) -> Json {
    let key = &table.key().name;
    json!({
        "name": "sort",
        "in": "query",
        "description": "Attributes, the first one first; `-` turns one around. Also an attribute of a related record: \
                        `category.name`. Ties are broken by the primary key.",
        "allowReserved": true,
        "schema": {"type": "string"},
        "example": format!("-{key}"),
    })
}

fn select(table: &Table) -> Json {
    json!({
        "name": "select",
        "in": "query",
        "description": "Which attributes are shown, and which related records: `name,category{name}`. Without it all \
                        attributes and no relation.",
        "allowReserved": true,
        "schema": {"type": "string"},
        "example": table.key().name,
    })
}
