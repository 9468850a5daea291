//! Media types: one line for each format that records are read or written in.

use serde_json::{Map, Value as Json, json};

/// How a format is described.
#[derive(Clone, Copy)]
enum Shape {
    /// Its values are those of JSON.
    Values,
    /// It is text, whose lines no schema describes.
    Lines,
}

/// What records are answered and sent in; each has other names too, which mean the same.
const RECORDS: &[(&str, Shape)] = &[
    ("application/json", Shape::Values),
    ("application/x-ndjson", Shape::Lines),
    ("text/csv", Shape::Lines),
    ("application/cbor", Shape::Values),
    ("application/msgpack", Shape::Values),
];

/// What changes are sent in.
const CHANGES: &[&str] = &["application/json", "application/merge-patch+json"];

/// The content of an answer that shows records.
pub(super) fn records(schema: &Json) -> Json {
    let each = RECORDS.iter().map(|(media_type, shape)| {
        let described = match shape {
            Shape::Values => schema.clone(),
            Shape::Lines => json!({"type": "string"}),
        };
        ((*media_type).to_owned(), json!({"schema": described}))
    });
    Json::Object(each.collect::<Map<String, Json>>())
}

/// The content of an answer that is JSON only.
pub(super) fn json(schema: &Json) -> Json {
    content(&["application/json"], schema)
}

/// The body of a write.
pub(super) fn body(schema: &Json) -> Json {
    sent(&records(schema))
}

/// The body of a PATCH.
pub(super) fn changes(schema: &Json) -> Json {
    sent(&content(CHANGES, schema))
}

/// The body of a request.
pub(super) fn sent(content: &Json) -> Json {
    let description = "It may be encoded as `zstd`, `br` or `gzip`; the header Content-Encoding says so.";
    json!({"description": description, "required": true, "content": content})
}

/// Content that has no other format than these.
pub(super) fn content(types: &[&str], schema: &Json) -> Json {
    let each = types.iter().map(|media_type| ((*media_type).to_owned(), json!({"schema": schema})));
    Json::Object(each.collect::<Map<String, Json>>())
}
