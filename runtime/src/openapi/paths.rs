//! Paths: what each method on them takes and answers.

use super::parameters::{self, DELETES, IMPORTS, LISTS, READS, RECORD_WRITES, WRITES};
use super::problems::{self, Problem};
use super::responses;
use super::schemas::{self, Form};
use super::{SERVER, formats, reference};
use serde_json::{Map, Value as Json, json};
use stoa_schema::model::{Schema, Table};

/// Problems that any request may meet.
const ALWAYS: &[u16] = &[400, 403, 414];
/// Problems of a read.
const READING: &[u16] = &[400, 403, 406, 414, 422, 503];
/// Problems of a write with a body.
const WRITING: &[u16] = &[400, 403, 406, 408, 409, 413, 414, 415, 422, 503];
/// Problems of a delete.
const DELETING: &[u16] = &[400, 403, 409, 414, 422, 503];

/// The problems of a write to a table, with these: some tables ask for a condition.
fn writing(table: &Table, problems: &[u16], more: &[u16]) -> Vec<u16> {
    let required: &[u16] = if table.require_match { &[428] } else { &[] };
    [problems, more, required].concat()
}

/// An operation of one method on one path.
struct Operation<'a> {
    /// Verb and table. No verb begins with another, so that no two operations can have one id.
    verb: &'a str,
    table: &'a Table,
    summary: String,
    description: &'a str,
    parameters: Vec<Json>,
    body: Option<Json>,
    responses: Vec<(u16, Json)>,
    problems: Vec<u16>,
}

impl Operation<'_> {
    fn json(self) -> Json {
        let mut operation = json!({
            "operationId": format!("{}{}", self.verb, self.table.name),
            "tags": [self.table.name],
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": answers(self.responses, &self.problems),
        });
        if !self.description.is_empty() {
            operation["description"] = self.description.into();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        operation
    }
}

fn answers(responses: Vec<(u16, Json)>, problems: &[u16]) -> Json {
    let told = responses.into_iter().map(|(status, response)| (status.to_string(), response));
    let refused =
        problems.iter().map(|status| (status.to_string(), reference("responses", &problems::component(*status))));
    Json::Object(told.chain(refused).collect())
}

/// All paths.
pub(super) fn all(schema: &Schema, problems: &[Problem]) -> Map<String, Json> {
    let mut paths = Map::new();
    for table in &schema.tables {
        let Some(export) = &table.export else { continue };
        paths.insert(format!("/{export}/"), collection(table, &Verbs::COLLECTION));
        paths.insert(format!("/{export}/{{id}}"), record(table));
        paths.insert(format!("/{export}"), bare(table));
    }
    paths.extend(server(problems));
    paths
}

/// The verbs of the writes to a collection, which two paths take.
struct Verbs {
    create: &'static str,
    store: &'static str,
    update: &'static str,
    remove: &'static str,
    options: &'static str,
}

impl Verbs {
    const COLLECTION: Verbs =
        Verbs { create: "create", store: "store", update: "update", remove: "remove", options: "takes" };
    const BARE: Verbs = Verbs { create: "add", store: "save", update: "amend", remove: "clear", options: "offers" };
}

/// `/T/`
fn collection(table: &Table, verbs: &Verbs) -> Json {
    let mut path = collection_writes(table, verbs);
    let list = |verb, schema: Option<&Json>| Operation {
        verb,
        table,
        summary: format!("{} records that meet conditions", table.name),
        description: "All conditions must hold. A list that fits no buffer is streamed and has no ETag.",
        parameters: [parameters::filters(table), parameters::controls(table), parameters::headers(LISTS)].concat(),
        body: None,
        responses: vec![
            (200, responses::list("The records.", "ETag.list", schema)),
            (304, responses::list("Nothing has changed.", "ETag", None)),
        ],
        problems: READING.to_vec(),
    };
    path["get"] = list("list", Some(&schemas::list(&schemas::shown(table)))).json();
    path["head"] = list("probe", None).json();
    path
}

fn collection_writes(table: &Table, verbs: &Verbs) -> Json {
    json!({
        "post": create(table, verbs.create).json(),
        "put": store(table, verbs.store).json(),
        "patch": update(table, verbs.update).json(),
        "delete": remove(table, verbs.remove).json(),
        "options": options(table, verbs.options).json(),
    })
}

fn create<'a>(table: &'a Table, verb: &'a str) -> Operation<'a> {
    let (sent, stored) = (schemas::record(table, Form::Sent), schemas::record(table, Form::Stored));
    let merged = schemas::record(table, Form::Merged);
    let mut created = responses::written(
        "The stored record, or all of them.",
        &["Location", "ETag.current"],
        Some(&json!({"oneOf": [&stored, schemas::list(&stored)]})),
    );
    let others = json!({"anyOf": [&stored, schemas::list(&stored), report()]});
    let others = responses::written("What was merged, or what became of an import.", &["ETag.current"], Some(&others));
    let id = json!({"id": format!("$response.body#/{}", table.key().name)});
    created["links"] = json!({
        "read": {"operationId": format!("get{}", table.name), "parameters": id},
        "replace": {"operationId": format!("put{}", table.name), "parameters": id},
        "change": {"operationId": format!("patch{}", table.name), "parameters": id},
        "delete": {"operationId": format!("delete{}", table.name), "parameters": id},
    });
    Operation {
        verb,
        table,
        summary: format!("Create a {}, or several", table.name),
        description: "An id is made where none is given. An array is stored whole or not at all; NDJSON and CSV are \
                      imports, answered with a report. With `Prefer: resolution=merge-duplicates` each record is merged, \
                      as by PATCH, into the one that has its id or its unique values, if there is one.",
        parameters: parameters::headers(&[&["If-None-Match"], IMPORTS].concat()),
        body: Some(formats::body(&json!({"anyOf": [&sent, schemas::list(&sent), &merged, schemas::list(&merged)]}))),
        responses: vec![
            (200, others),
            (201, created),
            (204, responses::written("Merged; no body was wanted.", &["ETag.current"], None)),
        ],
        problems: writing(table, WRITING, &[]),
    }
}

fn report() -> Json {
    reference("schemas", "Stoa.Report")
}

fn store<'a>(table: &'a Table, verb: &'a str) -> Operation<'a> {
    let (sent, stored) = (schemas::identified(table), schemas::record(table, Form::Stored));
    let shown = json!({"anyOf": [&stored, schemas::list(&stored), report()]});
    Operation {
        verb,
        table,
        summary: format!("Store {} records under their ids", table.name),
        description: "Each is created or replaced; attributes that are not in the body become null. An array is stored \
                      whole or not at all; NDJSON and CSV are imports, answered with a report in JSON.",
        parameters: parameters::headers(IMPORTS),
        body: Some(formats::body(&json!({"oneOf": [&sent, schemas::list(&sent)]}))),
        responses: vec![
            (200, responses::written("The stored records.", &["ETag.current"], Some(&shown))),
            (201, responses::written("A single record was created.", &["ETag.current", "Location"], Some(&stored))),
            (204, responses::written("Stored; no body was wanted.", &["ETag.current"], None)),
        ],
        problems: writing(table, WRITING, &[]),
    }
}

fn update<'a>(table: &'a Table, verb: &'a str) -> Operation<'a> {
    let zone = parameters::zone(table).into_iter().collect();
    Operation {
        verb,
        table,
        summary: format!("Change the {} records that meet conditions", table.name),
        description: "At least one condition is needed.",
        parameters: [parameters::filters(table), zone, parameters::headers(WRITES)].concat(),
        body: Some(formats::changes(&schemas::record(table, Form::ChangeOfMany))),
        responses: vec![
            (200, responses::counted("How many were changed.", &schemas::counted("updated"))),
            (204, responses::written("Changed; no body was wanted.", &[], None)),
        ],
        problems: writing(table, WRITING, &[]),
    }
}

fn remove<'a>(table: &'a Table, verb: &'a str) -> Operation<'a> {
    Operation {
        verb,
        table,
        summary: format!("Delete the {} records that meet conditions", table.name),
        description: "At least one condition is needed.",
        parameters: [parameters::filters(table), parameters::headers(WRITES)].concat(),
        body: None,
        responses: vec![
            (200, responses::counted("How many were deleted.", &schemas::counted("deleted"))),
            (204, responses::written("Deleted; no body was wanted.", &[], None)),
        ],
        problems: writing(table, DELETING, &[406]),
    }
}

fn options<'a>(table: &'a Table, verb: &'a str) -> Operation<'a> {
    Operation {
        verb,
        table,
        summary: "What this path takes".into(),
        description: "",
        parameters: Vec::new(),
        body: None,
        responses: vec![(204, responses::options(true))],
        problems: ALWAYS.to_vec(),
    }
}

/// `/T/{id}`
fn record(table: &Table) -> Json {
    let shown = schemas::shown(table);
    let takes = Operation { parameters: vec![parameters::any("id")], ..options(table, "options") };
    json!({
        "parameters": [parameters::id(table)],
        "get": read(table, "get", Some(&shown)).json(),
        "head": read(table, "head", None).json(),
        "put": put(table, &shown).json(),
        "patch": patch(table, &shown).json(),
        "delete": delete(table).json(),
        "options": takes.json(),
    })
}

fn read<'a>(table: &'a Table, verb: &'a str, schema: Option<&Json>) -> Operation<'a> {
    Operation {
        verb,
        table,
        summary: format!("One {}", table.name),
        description: "",
        parameters: [parameters::of_record(table), parameters::headers(READS)].concat(),
        body: None,
        responses: vec![
            (200, responses::read("The record.", "ETag", schema)),
            (304, responses::read("Nothing has changed.", "ETag", None)),
        ],
        problems: [READING, &[404]].concat(),
    }
}

fn put<'a>(table: &'a Table, shown: &Json) -> Operation<'a> {
    Operation {
        verb: "put",
        table,
        summary: format!("Store a {} under its id", table.name),
        description: "Attributes that are not in the body become null.",
        parameters: [parameters::of_record(table), parameters::headers(RECORD_WRITES)].concat(),
        body: Some(formats::body(&schemas::record(table, Form::Sent))),
        responses: vec![
            (200, responses::written("The record was replaced.", &["ETag.current"], Some(shown))),
            (201, responses::written("The record was created.", &["ETag.current", "Location"], Some(shown))),
            (204, responses::written("Stored; no body was wanted.", &["ETag.current"], None)),
        ],
        problems: writing(table, WRITING, &[404, 412]),
    }
}

fn patch<'a>(table: &'a Table, shown: &Json) -> Operation<'a> {
    Operation {
        verb: "patch",
        table,
        summary: format!("Change a {}", table.name),
        description: "Only what the body names changes. Operators are applied to what is stored at that moment.",
        parameters: [parameters::of_record(table), parameters::headers(RECORD_WRITES)].concat(),
        body: Some(formats::changes(&schemas::record(table, Form::Change))),
        responses: vec![
            (200, responses::written("The record as it is now.", &["ETag.current"], Some(shown))),
            (204, responses::written("Changed; no body was wanted.", &["ETag.current"], None)),
        ],
        problems: writing(table, WRITING, &[404, 412]),
    }
}

fn delete(table: &Table) -> Operation<'_> {
    Operation {
        verb: "delete",
        table,
        summary: format!("Delete a {}", table.name),
        description: "",
        parameters: [parameters::of_record(table), parameters::headers(DELETES)].concat(),
        body: None,
        responses: vec![(204, responses::written("Deleted.", &[], None))],
        problems: writing(table, DELETING, &[404, 412]),
    }
}

/// `/T`: the description; everything else is the collection's.
fn bare(table: &Table) -> Json {
    let describe = |verb, schema: Option<&Json>| Operation {
        verb,
        table,
        summary: format!("What a {} is", table.name),
        description: "With a query, this path means the collection, as it does for writes.",
        parameters: parameters::headers(&["Stoa-Seq", "Accept-Encoding"]),
        body: None,
        responses: vec![(200, responses::untagged("Attributes, relations and the number of records.", schema))],
        problems: READING.to_vec(),
    };
    let mut path = collection_writes(table, &Verbs::BARE);
    path["get"] = describe("describe", Some(&reference("schemas", "Stoa.Table"))).json();
    path["head"] = describe("peek", None).json();
    path
}

/// What belongs to no table.
fn server(problems: &[Problem]) -> Vec<(String, Json)> {
    let mut names: Vec<&str> = problems.iter().map(|problem| problem.name).collect();
    names.dedup();
    let json = |schema: Json| formats::json(&schema);
    let text = json!({"type": "string"});
    let html = formats::content(&["text/html"], &text);
    let explained = formats::content(&["text/plain", "text/html"], &text);
    let kept = ["ETag", "Cache-Control"];
    let guarded = ["ETag", "Cache-Control", "Content-Security-Policy"];
    let varying = ["ETag", "Cache-Control", "Content-Security-Policy", "Vary"];
    let mut problem = tagged(page("Problem", "What a kind of problem means", &varying, &explained, &[404]));
    problem["options"]["parameters"] = json!([parameters::any("name")]);
    problem["parameters"] = json!([{"name": "name", "in": "path", "required": true, "description": "The kind of problem.",
                                    "schema": {"type": "string", "enum": names}}]);
    let document = json(json!({"type": "object", "required": ["openapi", "paths"]}));
    let health = json(reference("schemas", "Stoa.Health"));
    let became = json(reference("schemas", "Stoa.Queued"));
    let mut queued =
        page("Queued", "What became of a write that waited for the primary", &["Cache-Control"], &became, &[404]);
    queued["parameters"] = json!([parameters::any("id")]);
    vec![
        ("/_stoa/commit".into(), commit()),
        ("/openapi.json".into(), tagged(page("OpenApi", "This document", &kept, &document, &[]))),
        ("/_stoa/docs".into(), tagged(page("Docs", "A page to read this and try it", &guarded, &html, &[]))),
        ("/_stoa/health".into(), page("Health", "Whether the server is there", &["Cache-Control"], &health, &[])),
        ("/_stoa/queued/{id}".into(), queued),
        ("/_stoa/problems/{name}".into(), problem),
    ]
}

/// `/_stoa/commit`
fn commit() -> Json {
    let results = responses::counted("What each operation did.", &reference("schemas", "Stoa.Results"));
    let problems = [WRITING, &[404, 405, 412, 428]].concat();
    json!({
        "post": {
            "operationId": "commit.Commit", "tags": [SERVER], "summary": "Several writes, all or nothing",
            "description": "Each operation means what it would mean as a request of its own, after those before it. If one \
                            is refused, its problem is the answer, `index` is its position, and nothing is written.",
            "parameters": parameters::headers(WRITES),
            "requestBody": formats::sent(&formats::json(&reference("schemas", "Stoa.Commit"))),
            "responses": answers(vec![(200, results)], &problems),
        },
        "options": {
            "operationId": "options.Commit", "tags": [SERVER], "summary": "What this path takes",
            "responses": answers(vec![(204, responses::options(false))], ALWAYS),
        },
    })
}

/// A page that has a tag.
fn tagged(mut page: Json) -> Json {
    for method in ["get", "head"] {
        page[method]["parameters"] = json!([reference("parameters", "If-None-Match")]);
        page[method]["responses"]["304"] = responses::page("Nothing has changed.", &["ETag", "Cache-Control"], None);
    }
    page
}

fn page(name: &str, summary: &str, headers: &[&str], content: &Json, problems: &[u16]) -> Json {
    let problems = [ALWAYS, problems].concat();
    let operation = |verb: &str, response: (u16, Json)| {
        json!({"operationId": format!("{verb}.{name}"), "tags": [SERVER], "summary": summary,
               "responses": answers(vec![response], &problems)})
    };
    json!({
        "get": operation("get", (200, responses::page(summary, headers, Some(content.clone())))),
        "head": operation("head", (200, responses::page(summary, headers, None))),
        "options": operation("options", (204, responses::options(false))),
    })
}
