//! The OpenAPI document: valid, true for every answer, and readable in a browser.

use serde_json::Value as Json;
use std::path::PathBuf;
use std::process::Command;
use stoa_tests::client::Client;
use stoa_tests::server::{self, Server, root};

/// A schema with every feature that the document describes, and names that could clash.
const EVERYTHING: &str = include_str!("openapi/everything.graphql");

fn tool(name: &str) -> PathBuf {
    let path = root().join("target/tools/venv/bin").join(name);
    assert!(path.is_file(), "{} is missing: run tests/provide-python", path.display());
    path
}

/// Runs a tool to its end; what it printed, if it failed.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("a tool that starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{said}", output.status);
    said
}

fn is_valid(server: &Server) {
    let answer = Client::new(&server.base).get("/openapi.json").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), &answer.body).unwrap();
    run(Command::new(tool("openapi-spec-validator")).arg("--schema").arg("3.1").arg(file.path()));
}

#[test]
fn the_documents_of_the_examples_are_valid() {
    is_valid(&Server::with_example("storefront"));
    is_valid(&Server::with_example("calendar"));
}

#[test]
fn the_document_of_every_feature_is_valid() {
    is_valid(&Server::with_schema(EVERYTHING));
}

/// Sends requests that the document allows and some that it forbids; every answer must be one that it describes.
/// `positive_data_acceptance` is left out: whether a query is well-formed, and whether stored records allow a write, is
/// more than a document can say.
fn answers_as_documented(server: &Server, requests_per_operation: u32, at_least: u64) {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    run(Command::new(tool("schemathesis"))
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(root().join("tests/system/openapi/schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", server.base)])
        .args(["--max-examples", &requests_per_operation.to_string(), "--report-json-path"])
        .arg(&report));
    let report: Json = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let sent = report["test_cases"]["generated"].as_u64().unwrap();
    assert!(sent >= at_least, "{sent} requests are not enough");
    assert_eq!(report["operations"]["tested"], report["operations"]["total"]);
}

#[test]
fn every_answer_is_documented() {
    let long = server::long();
    let (requests_per_operation, at_least) = if long { (250, 20_000) } else { (2, 1_000) };
    answers_as_documented(&Server::with_schema(EVERYTHING), requests_per_operation, at_least);
}

/// `node tests/browser/docs.mjs`: a real browser opens the docs, sends requests from them, and asks nobody else for anything.
#[test]
fn the_docs_work_in_a_browser() {
    let script = root().join("tests/browser/docs.mjs");
    run(Command::new("node").arg(script).arg(&Server::with_example("storefront").base));
}
