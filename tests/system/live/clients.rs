//! Clients that others wrote: Python's `websockets`, `ws` of Node, a browser, curl.

use super::serve;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use stoa_tests::client::Client;
use stoa_tests::server::{Server, root};

const SCHEMA: &str = "type Item @table @export { id: ID @primaryKey n: Int }";

fn run(tool: PathBuf, script: &str) {
    let (server, _client) = serve(SCHEMA);
    let mut command = Command::new(tool);
    let output = command.arg(root().join(script)).arg(&server.base).output().expect("a tool that starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{said}", output.status);
}

#[test]
fn websockets_of_python_follows() {
    let python = root().join("target/tools/venv/bin/python");
    assert!(python.is_file(), "{} is missing: run tests/provide-python", python.display());
    run(python, "tests/system/live/clients/follow.py");
}

#[test]
fn ws_of_node_follows() {
    run("node".into(), "tests/system/live/clients/follow.mjs");
}

#[test]
fn a_browser_follows() {
    run("node".into(), "tests/browser/live.mjs");
}

/// Ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn curl_follows() {
    let (server, client): (Server, Client) = serve(SCHEMA);
    client.json("PUT", "/Item/a", &json!({"n": 1})).expect(201);
    let mut curl = Command::new("curl");
    curl.args(["-sSN", "--max-time", "60", "-H", "Accept: text/event-stream", "-g"]);
    let mut curl =
        Running(curl.arg(format!("{}/Item/?select(n)", server.base)).stdout(Stdio::piped()).spawn().expect("curl"));
    let mut lines = BufReader::new(curl.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut hears = |expected: &str| {
        let line = lines.find(|line| line.starts_with("data: ")).expect("curl goes on");
        assert!(line.starts_with(expected), "{line}");
    };
    hears(r#"data: {"type":"put","table":"Item","id":"a","value":1,"etag":"#);
    hears(r#"data: {"type":"ready","seq":1,"#);
    client.json("PATCH", "/Item/a", &json!({"n": 2})).expect(200);
    hears(r#"data: {"type":"put","table":"Item","id":"a","value":2,"etag":"#);
    client.delete("/Item/a").expect(204);
    hears(r#"data: {"type":"delete","table":"Item","id":"a","#);
}
