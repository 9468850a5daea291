//! What cannot be followed is refused before anything is opened, as `GET` would refuse it.

use super::{put, shop};
use serde_json::{Value as Json, json};
use stoa_tests::client::Answer;
use stoa_tests::live::{Events, open};

fn kind(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.body_json();
    (answer.status, problem["type"].as_str().unwrap().trim_start_matches("/_stoa/problems/").to_owned())
}

/// All but what names the request itself.
fn shown(answer: &Answer) -> (u16, Json) {
    (answer.status, answer.body_json())
}

#[test]
fn bad_queries_are_refused_as_get_refuses_them() {
    let (server, client) = shop();
    for path in [
        "/Nothing/",
        "/Nothing/a",
        "/Product/?nothing=1",
        "/Product/?price=abc",
        "/Product/?price=lt=1&name=a|stock=3",
        "/Product/?(price=1",
        "/Product/?select=nothing",
        "/Product/?category.nothing=1",
        "/Product/?sort=nothing",
        "/Product/?price=1&timezone=Mars/Olympus",
    ] {
        let expected = client.get(path);
        assert!((400..500).contains(&expected.status), "{path}: {}", expected.status);
        let socket = open(server.port(), path, &[]).unwrap_err();
        assert_eq!(shown(&socket), shown(&expected), "{path}");
        let events = Events::open(server.port(), path, &[]).unwrap_err();
        assert_eq!(events.status, expected.status, "{path}");
    }
    let unknown = open(server.port(), "/Product/?price=1&nothing=1", &[]).unwrap_err();
    assert_eq!((kind(&unknown), &unknown.body_json()["position"]), ((400, "unknown-attribute".to_owned()), &json!(8)));
    // What a key takes is more than GET takes there.
    let more = open(server.port(), "/Product/a?select=name&price=1", &[]).unwrap_err();
    assert_eq!((kind(&more), &more.body_json()["position"]), ((400, "syntax".to_owned()), &json!(12)));
    let zone = open(server.port(), "/Product/?timezone=Mars/Olympus", &[]).unwrap_err();
    assert_eq!(zone.status, 422);
}

#[test]
fn pages_cannot_be_followed() {
    let (server, _client) = shop();
    for (query, position) in
        [("limit=1", 0), ("price=1&offset=2", 8), ("limit(1,2)", 0), ("sort=price&after=x", 11), ("limit=0", 0)]
    {
        let answer = open(server.port(), &format!("/Product/?{query}"), &[]).unwrap_err();
        assert_eq!(kind(&answer), (400, "syntax".to_owned()), "{query}");
        assert_eq!(answer.body_json()["position"], position, "{query}");
        assert_eq!(Events::open(server.port(), &format!("/Product/?{query}"), &[]).unwrap_err().status, 400);
    }
}

#[test]
fn parts_and_other_formats_cannot_be_followed() {
    let (server, client) = shop();
    put(&client, "/Product/a", "{}");
    for path in ["/Product/a.name", "/Product/.csv", "/Product/a.json", "/Product/.csv?price=1"] {
        assert_eq!(kind(&open(server.port(), path, &[]).unwrap_err()), (400, "syntax".to_owned()), "{path}");
    }
}

#[test]
fn only_live_updates_know_since_and_snapshot() {
    let (_server, client) = shop();
    for query in ["since=1", "snapshot=false"] {
        assert_eq!(kind(&client.get(&format!("/Product/?{query}"))), (400, "syntax".to_owned()));
        assert_eq!(kind(&client.get(&format!("/Product/a?{query}"))), (400, "syntax".to_owned()));
    }
}

#[test]
fn foreign_pages_and_hosts_are_refused() {
    let (server, _client) = shop();
    let own = format!("http://127.0.0.1:{}", server.port());
    open(server.port(), "/Product/", &[("Origin", &own)]).unwrap();
    for origin in ["http://evil.example", "null", "https://127.0.0.1.evil.example", "http://127.0.0.1:1"] {
        for path in ["/Product/", "/_stoa/live", "/Nothing/"] {
            let answer = open(server.port(), path, &[("Origin", origin)]).unwrap_err();
            assert_eq!(kind(&answer), (403, "forbidden".to_owned()), "{origin} {path}");
        }
        let answer = Events::open(server.port(), "/Product/", &[("Origin", origin)]).unwrap_err();
        assert_eq!(answer.status, 403);
    }
}

#[test]
fn bad_handshakes_are_refused() {
    let (server, _client) = shop();
    for version in ["", "8", "12", "14", "thirteen"] {
        let answer = open(server.port(), "/Product/", &[("Sec-WebSocket-Version", version)]).unwrap_err();
        assert_eq!(answer.status, 426, "{version:?}");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    }
    for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ==x", "dGhlIHNhbXBsZSBub25jZTEyMzQ1NQ=="] {
        let answer = open(server.port(), "/Product/", &[("Sec-WebSocket-Key", key)]).unwrap_err();
        assert_eq!(kind(&answer), (400, "syntax".to_owned()), "{key:?}");
    }
    // Without asking for the upgrade it is a request like any other.
    assert_eq!(open(server.port(), "/Product/", &[("Connection", "keep-alive")]).unwrap_err().status, 200);
    assert_eq!(open(server.port(), "/Product/", &[("Upgrade", "h2c")]).unwrap_err().status, 200);
    assert_eq!(open(server.port(), "/_stoa/live", &[("Upgrade", "")]).unwrap_err().status, 426);
    for (connection, upgrade) in
        [("keep-alive, Upgrade", "websocket"), ("upgrade", "WebSocket"), ("UPGRADE", "h2c, websocket")]
    {
        open(server.port(), "/Product/", &[("Connection", connection), ("Upgrade", upgrade)]).unwrap();
    }
}

#[test]
fn what_never_changes_cannot_be_followed() {
    let (server, _client) = shop();
    for path in ["/_stoa/docs", "/openapi.json", "/", "/_stoa/health"] {
        let answer = open(server.port(), path, &[]).unwrap_err();
        assert!(matches!(answer.status, 200 | 404 | 426 | 400), "{path}: {}", answer.status);
    }
}
