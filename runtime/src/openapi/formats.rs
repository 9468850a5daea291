//! Media types: one line for each format that records are read or written in.

use serde_json::{Map, Value as Json, json};

/// What records are answered in.
const ANSWERS: &[&str] = &["application/json"];

/// What records are sent in.
const BODIES: &[&str] = &["application/json"];

/// What changes are sent in.
const CHANGES: &[&str] = &["application/json", "application/merge-patch+json"];

/// The content of an answer that shows data.
pub(super) fn answer(schema: &Json) -> Json {
    content(ANSWERS, schema)
}

/// The body of a write.
pub(super) fn body(schema: &Json) -> Json {
    json!({"required": true, "content": content(BODIES, schema)})
}

/// The body of a PATCH.
pub(super) fn changes(schema: &Json) -> Json {
    json!({"required": true, "content": content(CHANGES, schema)})
}

/// Content that has no other format than these.
pub(super) fn content(types: &[&str], schema: &Json) -> Json {
    let each = types.iter().map(|media_type| ((*media_type).to_owned(), json!({"schema": schema})));
    Json::Object(each.collect::<Map<String, Json>>())
}
