//! `/_stoa/live`: one socket with many subscriptions.

use super::{delete, put, shop};
use serde_json::{Value as Json, json};
use stoa_tests::live::{End, Follower, open};
use stoa_tests::server::Server;
use tungstenite::Message;

fn live(server: &Server) -> Follower {
    Follower::socket(server, "/_stoa/live")
}

#[test]
fn subscriptions_are_told_each_under_its_name() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"price":1}"#);
    let mut socket = live(&server);
    socket.subscribe("/Product/?select(price)", "list");
    socket.hears(&["list: put p1 1", "list: ready"]);
    socket.subscribe("/Category/?select(name)", "shelves");
    socket.hears(&["shelves: ready"]);
    socket.say(r#"{"subscribe":"/Product/p1?select(price)"}"#);
    socket.hears(&["/Product/p1?select(price): put p1 1", "/Product/p1?select(price): ready"]);
    put(&client, "/Category/c", r#"{"name":"Home"}"#);
    socket.hears(&[r#"shelves: put c "Home"."#]);
    put(&client, "/Product/p2", r#"{"price":2}"#);
    socket.hears(&["list: put p2 2."]);
    delete(&client, "/Product/p2");
    socket.hears(&["list: delete p2."]);
}

#[test]
fn a_message_differs_by_its_name_alone() {
    let (server, client) = shop();
    put(&client, "/Product/p1", "{}");
    let mut alone = Follower::socket(&server, "/Product/p1");
    let mut socket = live(&server);
    let name = "a \"name\" \\ 🦉\n";
    socket.subscribe("/Product/p1", name);
    let named = |alone: &Json| {
        let mut named = alone.clone();
        named["as"] = name.into();
        named
    };
    for _ in 0..2 {
        assert_eq!(socket.heard(), named(&alone.heard()));
    }
    put(&client, "/Product/p1", r#"{"price":2}"#);
    assert_eq!(socket.heard(), named(&alone.heard()));
}

#[test]
fn a_subscription_goes_on_from_a_token() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"price":1}"#);
    let token = client.get("/Product/").header("stoa-seq").unwrap().to_owned();
    put(&client, "/Product/p2", r#"{"price":2}"#);
    let mut socket = live(&server);
    let subscribe =
        |name: &str, path: &str, since: &str| json!({"subscribe": path, "as": name, "since": since}).to_string();
    socket.say(&subscribe("known", "/Product/?select(price)", &token));
    socket.hears(&["known: put p2 2", "known: ready"]);
    socket.say(&subscribe("nowhere", "/Product/?select(price)", "k7f2-1"));
    socket.hears(&["nowhere: reset", "nowhere: put p1 1", "nowhere: put p2 2", "nowhere: ready"]);
    // What the message says goes before what the path says.
    socket.say(&subscribe("path", "/Product/?select(price)&since=0", &token));
    socket.hears(&["path: put p2 2", "path: ready"]);
    socket.subscribe("/Product/?select(price)&since=1", "in-path");
    socket.hears(&["in-path: put p2 2", "in-path: ready"]);
}

#[test]
fn who_unsubscribes_hears_no_more() {
    let (server, client) = shop();
    let mut socket = live(&server);
    socket.subscribe("/Product/?select(price)", "one");
    socket.hears(&["one: ready"]);
    socket.subscribe("/Product/?select=price", "two");
    socket.hears(&["two: ready"]);
    socket.say(r#"{"unsubscribe":"one"}"#);
    // A name that nobody has ends nothing.
    socket.say(r#"{"unsubscribe":"nobody"}"#);
    // By the next answer it has been read.
    socket.subscribe("/Category/", "three");
    socket.hears(&["three: ready"]);
    put(&client, "/Product/p1", r#"{"price":1}"#);
    socket.hears(&[r#"two: put p1 {"price":1}."#]);
    socket.forget("one");
    socket.subscribe("/Product/?select(price)", "one");
    socket.hears(&["one: put p1 1", "one: ready"]);
}

#[test]
fn a_refused_subscription_is_told_why() {
    let (server, _client) = shop();
    let mut socket = live(&server);
    for path in ["/Product/?nothing=1", "/Product/?limit=1", "/Product/?timezone=Mars/Olympus"] {
        socket.subscribe(path, "list");
        let expected = open(server.port(), path, &[]).unwrap_err().body_json();
        assert_eq!(socket.heard(), json!({"type": "error", "as": "list", "problem": expected}), "{path}");
    }
    socket.subscribe("/Nothing/", "list");
    socket.hears(&["list: error 404"]);
    for path in
        ["", "Product/", "//Product/", "http://127.0.0.1/Product/", "/Pro duct/", "/openapi.json", "/_stoa/live", "*"]
    {
        socket.subscribe(path, "bad");
        let refused = socket.heard();
        assert_eq!((&refused["type"], &refused["as"]), (&json!("error"), &json!("bad")), "{path}: {refused}");
        let status = refused["problem"]["status"].as_u64().unwrap();
        assert!(matches!(status, 400 | 404), "{path}: {refused}");
    }
    socket.subscribe("/Product/", "list");
    socket.hears(&["list: ready"]);
}

#[test]
fn a_name_is_given_once() {
    let (server, client) = shop();
    let mut socket = live(&server);
    socket.subscribe("/Product/?select(price)", "list");
    socket.hears(&["list: ready"]);
    socket.subscribe("/Category/", "list");
    socket.hears(&["list: error 400"]);
    // The one before goes on.
    put(&client, "/Product/p1", r#"{"price":1}"#);
    socket.hears(&["list: put p1 1."]);
}

#[test]
fn a_token_may_be_a_bare_number() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"price":1}"#);
    put(&client, "/Product/p2", r#"{"price":2}"#);
    let mut socket = live(&server);
    socket.say(r#"{"subscribe":"/Product/?select(price)","as":"x","since":1}"#);
    socket.hears(&["x: put p2 2", "x: ready"]);
}

#[test]
fn a_name_has_256_bytes() {
    let (server, _client) = shop();
    let mut socket = live(&server);
    let (longest, too_long) = ("n".repeat(256), "n".repeat(257));
    socket.subscribe("/Product/", &too_long);
    socket.hears(&[&format!("{too_long}: error 400")]);
    socket.subscribe("/Product/", &longest);
    socket.hears(&[&format!("{longest}: ready")]);
}

#[test]
fn a_socket_takes_256_subscriptions() {
    let (server, client) = shop();
    let mut socket = live(&server);
    for number in 0..256 {
        socket.subscribe(&format!("/Product/p{number}?select(price)"), &number.to_string());
        socket.hears(&[&format!("{number}: ready")]);
    }
    socket.subscribe("/Product/", "one more");
    let refused = socket.heard();
    assert_eq!((&refused["as"], &refused["problem"]["status"]), (&json!("one more"), &json!(400)), "{refused}");
    socket.say(r#"{"unsubscribe":"7"}"#);
    socket.subscribe("/Product/p7?select=price", "one more");
    socket.hears(&["one more: ready"]);
    put(&client, "/Product/p7", r#"{"price":7}"#);
    put(&client, "/Product/p255", r#"{"price":255}"#);
    socket.hears(&[r#"one more: put p7 {"price":7}."#, "255: put p255 255."]);
}

#[test]
fn what_is_no_message_is_told_so_and_nothing_ends() {
    let (server, _client) = shop();
    let mut socket = live(&server);
    socket.subscribe("/Product/", "list");
    socket.hears(&["list: ready"]);
    for text in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"subscribe\"",
        "{}",
        r#"{"subscribe":7}"#,
        r#"{"subscribe":"/Product/","unsubscribe":"list"}"#,
        r#"{"subscribe":"/Product/","more":1}"#,
        r#"{"unsubscribe":"list","as":"x"}"#,
        r#"{"subscribe":"/Product/","as":"x"}{"#,
    ] {
        socket.say(text);
        let refused = socket.heard();
        assert_eq!((&refused["type"], refused.get("as")), (&json!("error"), None), "{text}: {refused}");
        assert_eq!(
            (&refused["problem"]["status"], &refused["problem"]["type"]),
            (&json!(400), &json!("/_stoa/problems/syntax"))
        );
    }
    socket.say(r#"{"unsubscribe":"list"}"#);
    socket.forget("list");
    socket.subscribe("/Product/", "list");
    socket.hears(&["list: ready"]);
}

#[test]
fn binary_messages_end_a_socket_for_many() {
    let (server, _client) = shop();
    let mut socket = live(&server);
    socket.send(Message::binary(b"{}".to_vec()));
    assert!(matches!(socket.until_end(), End::Closed(1003, _)));
}

/// On a socket of one there is nothing to say.
#[test]
fn on_its_own_url_a_subscriber_is_not_listened_to() {
    let (server, client) = shop();
    let mut follower = Follower::socket(&server, "/Product/?select(price)");
    follower.hears(&["ready"]);
    follower.say(r#"{"subscribe":"/Category/"}"#);
    follower.send(Message::binary(b"x".to_vec()));
    put(&client, "/Category/c", "{}");
    put(&client, "/Product/p1", r#"{"price":1}"#);
    follower.hears(&["put p1 1."]);
}
