//! `/_stoa/metrics`, read by a parser of others: what it counts is what happened.

use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};
use stoa_tests::client::Client;
use stoa_tests::server::{self, Server};

/// The samples, by name and labels.
fn samples(client: &Client) -> HashMap<String, f64> {
    let answer = client.get("/_stoa/metrics").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let mut python = Command::new(server::root().join("target/tools/venv/bin/python"));
    python.arg(server::root().join("tests/system/metrics/read.py"));
    let mut reading = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("tests/provide-python");
    reading.stdin.take().unwrap().write_all(answer.text().as_bytes()).unwrap();
    let output = reading.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", answer.text());
    let lines = String::from_utf8(output.stdout).unwrap();
    let sample = |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    lines.lines().filter_map(sample).collect()
}

#[test]
fn what_happened_is_counted() {
    let server = Server::with_schema("type Thing @table @export { id: ID @primaryKey name: String @indexed }");
    let client = Client::new(&server.base);
    client.json("PUT", "/Thing/a", &json!({"name": "x"})).expect(201);
    client.get("/Thing/a").expect(200);
    client.get("/Thing/a").expect(200);
    client.get("/Thing/?name=x").expect(200);
    client.json("PATCH", "/Thing/a", &json!({"name": "y"})).expect(200);
    client.get("/Thing/a").expect(200);
    client.get("/Thing/b").expect(404);
    let samples = samples(&client);
    let expected = [
        ("stoa_requests_total{method=GET,status=2xx}", 4.0),
        ("stoa_requests_total{method=GET,status=4xx}", 1.0),
        ("stoa_requests_total{method=PUT,status=2xx}", 1.0),
        ("stoa_requests_total{method=PATCH,status=2xx}", 1.0),
        ("stoa_request_duration_seconds_count{kind=read}", 5.0),
        ("stoa_request_duration_seconds_count{kind=write}", 2.0),
        // The second of the same, and the one after the change, which gave the record its new value where it was.
        ("stoa_cache_hits_total{}", 2.0),
        ("stoa_cache_renewals_total{}", 1.0),
        // The record, the list, and what is not there.
        ("stoa_cache_misses_total{}", 3.0),
        ("stoa_cache_invalidations_total{}", 1.0),
        ("stoa_cache_waits_total{}", 0.0),
        ("stoa_cache_evictions_total{}", 0.0),
        ("stoa_cache_capacity_bytes{}", 32_000_000.0),
        ("stoa_commit_group_size_count{}", 2.0),
        ("stoa_commit_group_size_sum{}", 2.0),
        ("stoa_writer_queue{}", 0.0),
        ("stoa_reader_queue{}", 0.0),
        ("stoa_subscribers{}", 0.0),
        ("stoa_position{}", 2.0),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(name), Some(&value), "{name} of {samples:#?}");
    }
    for name in ["stoa_commit_sync_seconds_sum{}", "stoa_readers{}", "stoa_readers_busy{}", "stoa_change_log_bytes{}"] {
        assert!(samples.contains_key(name), "{name} of {samples:#?}");
    }
}
