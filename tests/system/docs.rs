//! The examples in the docs answer as the pages say.

use stoa_tests::{fixture, server};

#[test]
fn queries() {
    fixture::run_page(&server::root().join("docs/queries.md"));
}

#[test]
fn http() {
    fixture::run_page(&server::root().join("docs/http.md"));
}

#[test]
fn formats() {
    fixture::run_page(&server::root().join("docs/formats.md"));
}

#[test]
fn openapi() {
    fixture::run_page(&server::root().join("docs/openapi.md"));
}

#[test]
fn times() {
    fixture::run_page(&server::root().join("docs/times.md"));
}
