//! The OpenAPI 3.1 document of an app, made from its schema.
//!
//! It describes what the server does with HTTP and must be changed together with it: `tests/system/openapi.rs` sends
//! requests that the document allows and forbids, and compares the answers with it. It knows no requests; which problems
//! there are is told by the caller. Names in `components` cannot clash: those of tables have letters, digits and `_`,
//! those made here have a dot.

mod formats;
mod parameters;
mod paths;
mod problems;
mod responses;
mod schemas;

pub use problems::Problem;

use serde_json::{Map, Value as Json, json};
use stoa_schema::model::Schema;

/// The document that describes this schema, served by a server that answers these problems.
pub fn document(schema: &Schema, problems: &[Problem]) -> Json {
    let mut schemas = schemas::all(schema);
    schemas.extend(problems::schemas(problems));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stoa",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
        },
        "servers": [{"url": "/"}],
        "tags": tags(schema),
        "paths": paths::all(schema, problems),
        "components": {
            "schemas": schemas,
            "parameters": parameters::all(schema),
            "headers": responses::headers(),
            "responses": problems::responses(problems),
        },
    })
}

const INTRODUCTION: &str = "\
The tables of this app over HTTP.

**Queries.** A parameter with an attribute's name is a condition; its value may begin with an operator: `price=lt=100`. \
Operators, commas and brackets count only where they are not percent-encoded. Conditions may be grouped, joined by `|` and \
follow relations (`category.name=Home`), which no list of parameters can describe.

**Formats.** `Accept` (or a suffix on the path of a GET: `.csv`) chooses the format of an answer, `Content-Type` tells that \
of a body, `Accept-Encoding` and `Content-Encoding` how they are compressed.

**Positions.** `Stoa-Seq` of an answer, sent back with a later request, makes sure that its answer is not older.

**Errors** are problem documents (RFC 9457); their `type` is the path of a page that explains them.

**Browsers.** Every answer to an allowed page of another origin carries `Access-Control-Allow-Origin`; a page that is \
not allowed gets 403.";

fn tags(schema: &Schema) -> Vec<Json> {
    let exported = schema.tables.iter().filter(|table| table.export.is_some());
    let tables = exported.map(|table| described(json!({"name": table.name}), table.description.as_deref()));
    tables.chain([json!({"name": SERVER, "description": "What the server says about itself."})]).collect()
}

/// The tag of what belongs to no table. A table cannot be called so.
const SERVER: &str = "Stoa server";

/// `object` with a description, if there is one.
fn described(mut object: Json, description: Option<&str>) -> Json {
    if let (Some(text), Json::Object(members)) = (description, &mut object) {
        members.insert("description".into(), text.into());
    }
    object
}

/// A reference to a component.
fn reference(section: &str, name: &str) -> Json {
    json!({"$ref": format!("#/components/{section}/{name}")})
}

/// An object of these members.
fn object(members: impl IntoIterator<Item = (String, Json)>) -> Map<String, Json> {
    members.into_iter().collect()
}
