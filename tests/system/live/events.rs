//! The same messages as server-sent events.

use super::{delete, post, put, shop};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use stoa_tests::live::{Events, Follower};

#[test]
fn events_are_framed_as_browsers_read_them() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"name":"two\nlines"}"#);
    let token = client.get("/Product/p1").header("stoa-seq").unwrap().to_owned();
    let log = token.strip_suffix("-1").unwrap();
    let mut events = Events::open(server.port(), "/Product/?select=name", &[]).unwrap();
    assert_eq!(events.answer.status, 200);
    assert_eq!(events.answer.header("cache-control"), Some("no-store"));
    assert_eq!(events.answer.header("stoa-seq"), Some(token.as_str()));
    assert_eq!(events.answer.header("content-encoding"), None);

    // Who loses the connection before the state is complete comes back with this.
    assert_eq!(events.next_event().unwrap().text, "id: anew\n");
    let put = events.next_event().unwrap();
    let (data, rest) = put.text.split_once(",\"etag\":").unwrap();
    assert_eq!(data, r#"data: {"type":"put","table":"Product","id":"p1","value":{"name":"two\nlines"}"#);
    assert!(rest.ends_with("Z\"}\n") && put.id.is_none(), "{rest}");
    let ready = events.next_event().unwrap();
    assert_eq!(ready.text, format!("id: {token}\ndata: {{\"type\":\"ready\",\"seq\":1,\"since\":\"{token}\"}}\n"));

    delete(&client, "/Product/p1");
    let gone = events.next_event().unwrap();
    let (data, rest) = gone.text.split_once(",\"timestamp\":").unwrap();
    assert_eq!(data, format!("id: {log}-2\ndata: {{\"type\":\"delete\",\"table\":\"Product\",\"id\":\"p1\""));
    assert!(rest.ends_with("Z\",\"seq\":2}\n"), "{rest}");
}

/// A browser keeps the id of the last event: were it still that of the step before, what it has of this one would stay
/// with it although the server believes that it has none of it.
#[test]
fn in_the_middle_of_a_step_the_id_leads_nowhere() {
    let (server, client) = shop();
    let mut events = Events::open(server.port(), "/Product/?select(id)", &[]).unwrap();
    let ready = events.next_data().unwrap();
    let log = ready.id.as_deref().unwrap().strip_suffix("-0").unwrap();
    post(&client, "/Product/", &json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]));
    let ids: Vec<Option<String>> = (0..3).map(|_| events.next_data().unwrap().id).collect();
    assert_eq!(ids, [Some("anew".to_owned()), None, Some(format!("{log}-3"))]);
    put(&client, "/Product/d", "{}");
    assert_eq!(events.next_data().unwrap().id, Some(format!("{log}-4")));
}

#[test]
fn events_tell_what_sockets_tell() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"price":1}"#);
    for path in ["/Product/?select(price)&price=lt=9", "/Product/p1?select(price)", "/Product?select(price)&price=lt=9"]
    {
        let mut follower = Follower::events(&server, path);
        follower.hears(&["put p1 1", "ready"]);
        put(&client, "/Product/p1", r#"{"price":2}"#);
        follower.hears(&["put p1 2."]);
        delete(&client, "/Product/p1");
        follower.hears(&["delete p1."]);
        put(&client, "/Product/p1", r#"{"price":1}"#);
        follower.hears(&["put p1 1."]);
    }
}

#[test]
fn the_last_event_says_where_to_go_on() {
    let (server, client) = shop();
    put(&client, "/Product/a", r#"{"price":1}"#);
    put(&client, "/Product/b", r#"{"price":2}"#);
    let token = client.get("/Product/").header("stoa-seq").unwrap().to_owned();
    let (log, _) = token.rsplit_once('-').unwrap();
    let since = |path: &str, last: &str| Follower::try_events(server.port(), path, Some(last)).unwrap();
    since("/Product/?select(price)", &format!("{log}-1")).hears(&["put b 2", "ready"]);
    since("/Product/?select(price)", "1").hears(&["put b 2", "ready"]);
    // It is newer than what the address says, which a browser sends again as it was.
    since("/Product/?select(price)&since=0", &token).hears(&["ready"]);
    since("/Product/?select(price)&snapshot=false", &format!("{log}-1")).hears(&["put b 2", "ready"]);
    for nowhere in ["anew", "k7f2-1", "9999", "garbage"] {
        since("/Product/?select(price)", nowhere).hears(&["reset", "put a 1", "put b 2", "ready"]);
    }
}

#[test]
fn who_is_lost_before_ready_begins_anew() {
    let (server, client) = shop();
    put(&client, "/Product/a", r#"{"price":1}"#);
    let mut events = Events::open(server.port(), "/Product/?select(price)", &[]).unwrap();
    let id = events.next_event().unwrap().id.unwrap();
    assert!(events.next_data().unwrap().id.is_none());
    drop(events);
    let mut follower = Follower::try_events(server.port(), "/Product/?select(price)", Some(&id)).unwrap();
    follower.hears(&["reset", "put a 1", "ready"]);
}

#[test]
fn who_takes_anything_else_as_gladly_gets_an_answer() {
    let (_server, client) = shop();
    put(&client, "/Product/a", "{}");
    for accept in ["*/*", "application/json", "application/json, text/event-stream", "text/event-stream;q=0"] {
        let answer = client.send("GET", "/Product/a", &[("accept", accept)], b"");
        assert_ne!(answer.header("content-type"), Some("text/event-stream"), "{accept}");
    }
    let answer = client.send("HEAD", "/Product/a", &[("accept", "text/event-stream")], b"");
    assert_ne!(answer.header("content-type"), Some("text/event-stream"));
}

/// Without chunks: the answer ends with the connection.
#[test]
fn http_1_0_is_told_too() {
    let (server, client) = shop();
    put(&client, "/Product/a", r#"{"price":1}"#);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(stoa_tests::live::PATIENCE)).unwrap();
    stream.write_all(b"GET /Product/?select(price) HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    let mut read = String::new();
    while !read.contains("\"type\":\"ready\"") {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "{read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(read.starts_with("HTTP/1.0 200") && !read.contains("transfer-encoding"), "{read}");
}
