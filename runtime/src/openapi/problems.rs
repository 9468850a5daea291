//! Problem documents: a schema for each kind, an answer for each status.

use super::{formats, object, reference};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// A kind of problem that the server answers.
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    /// Its name, the end of `type`.
    pub name: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// What it says in short.
    pub title: &'static str,
    /// What its page says.
    pub explanation: &'static str,
}

impl Problem {
    /// One name may stand for several statuses: the component is named after both.
    fn component(&self) -> String {
        format!("Problem.{}.{}", self.status, self.name)
    }

    fn schema(&self) -> Json {
        let mut properties = json!({
            "type": {"const": format!("/_stoa/problems/{}", self.name), "description": "The page that explains it."},
            "title": {"const": self.title},
            "status": {"const": self.status},
            "detail": {"type": "string", "description": "What is wrong here, for people."},
        });
        let mut required = vec!["type", "title", "status", "detail"];
        for member in members(self.name) {
            properties[member.name] = member.schema;
            required.extend(member.always.then_some(member.name));
        }
        json!({"title": self.title, "description": self.explanation, "type": "object", "required": required,
               "properties": properties})
    }
}

/// A member that a kind of problem adds.
struct Member {
    name: &'static str,
    schema: Json,
    always: bool,
}

fn always(name: &'static str, schema: Json) -> Member {
    Member { name, schema, always: true }
}

fn sometimes(name: &'static str, schema: Json) -> Member {
    Member { name, schema, always: false }
}

fn members(problem: &str) -> Vec<Member> {
    let count = |what: &str| json!({"type": "integer", "minimum": 0, "description": what});
    let text = |what: &str| json!({"type": "string", "description": what});
    let texts = |what: &str| json!({"type": "array", "items": {"type": "string"}, "description": what});
    let index =
        || sometimes("index", count("Position of the record in the array, or of the operation in the commit, from 0."));
    match problem {
        "syntax" => vec![sometimes("position", count("Byte of the query string or of the body, from 0.")), index()],
        "unknown-attribute" => vec![
            always("position", count("Byte of the query string, from 0.")),
            always("attribute", text("The name that is not declared.")),
            index(),
        ],
        "validation" => {
            vec![always("errors", violations()), sometimes("failed", super::schemas::failed_lines()), index()]
        }
        "idempotency-mismatch" => vec![always("errors", violations())],
        "unique" => vec![
            always("fields", texts("The attributes whose values are taken.")),
            sometimes("id", json!({"description": "The key of the record that has them."})),
            index(),
        ],
        "insufficient" => vec![
            always("field", text("The attribute.")),
            sometimes("requested", json!({"type": "number", "description": "What was to be added."})),
            sometimes(
                "available",
                json!({"type": ["number", "null"], "description": "What can be added; null if the rule does not tell."}),
            ),
            index(),
        ],
        "precondition" => vec![sometimes("etag", text("The tag of the record as it is.")), index()],
        "overlap" => vec![
            always("constraint", text("The rule.")),
            always("key", json!({"description": "Whose times overlap."})),
            always("conflicts", conflicts()),
            index(),
        ],
        "referenced" => vec![
            sometimes("table", text("The table that refers.")),
            sometimes("relation", text("The relation by which it refers.")),
            sometimes("ids", json!({"type": "array", "description": "The keys of some of the records that refer."})),
            index(),
        ],
        _ => vec![index()],
    }
}

fn conflicts() -> Json {
    let text = |what: &str| json!({"type": "string", "description": what});
    json!({
        "type": "array",
        "description": "Some of the records that occupy the interval. Empty where those that the request changes are in each other's way.",
        "items": {
            "type": "object",
            "required": ["id", "start", "end"],
            "properties": {"id": {"description": "Its key."}, "start": text("Where it begins."), "end": text("Where it ends.")},
            "additionalProperties": false,
        },
    })
}

/// Everything that is wrong with a record.
pub(super) fn violations() -> Json {
    json!({
        "type": "array",
        "minItems": 1,
        "description": "Everything that is wrong.",
        "items": {
            "type": "object",
            "required": ["pointer", "code", "message"],
            "properties": {
                "pointer": {"type": "string", "description": "Where in the body: a JSON Pointer (RFC 6901)."},
                "code": {"type": "string", "description": "The kind of fault, for programs.",
                         "examples": ["type", "range", "format", "required", "unknown-attribute", "operator"]},
                "message": {"type": "string", "description": "What is wrong, for people."},
                "constraint": {"type": "string", "description": "The name of the rule that is broken."},
            },
            "additionalProperties": false,
        },
    })
}

/// The schemas of all problems.
pub(super) fn schemas(problems: &[Problem]) -> Map<String, Json> {
    object(problems.iter().map(|problem| (problem.component(), problem.schema())))
}

/// One answer for each status.
pub(super) fn responses(problems: &[Problem]) -> Map<String, Json> {
    let statuses: BTreeSet<u16> = problems.iter().map(|problem| problem.status).collect();
    object(statuses.into_iter().map(|status| (component(status), response(problems, status))))
}

/// The name of the answer with this status.
pub(super) fn component(status: u16) -> String {
    format!("Problem.{status}")
}

fn response(problems: &[Problem], status: u16) -> Json {
    let kinds: Vec<&Problem> = problems.iter().filter(|problem| problem.status == status).collect();
    let told: Vec<String> = kinds
        .iter()
        .map(|kind| format!("[{}](/_stoa/problems/{}): {}", kind.title, kind.name, kind.explanation))
        .collect();
    let mut schemas: Vec<Json> = kinds.iter().map(|kind| reference("schemas", &kind.component())).collect();
    let schema = if schemas.len() == 1 { schemas.remove(0) } else { json!({"oneOf": schemas}) };
    json!({
        "description": told.join("\n\n"),
        "headers": super::responses::of_problem(status),
        "content": formats::content(&["application/problem+json"], &schema),
    })
}
