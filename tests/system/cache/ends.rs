//! What ends by itself: no write says so, and from its instant on no answer shows it.

use super::{is_hit, put};
use crate::rules::poll;
use crate::world::now_ms;
use serde_json::json;
use std::time::Duration;
use stoa_schema::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

const HOLDS: &str = "
type Product @table @export { id: ID @primaryKey name: String holds: [Hold] @relationship(to: productId) }
type Hold @table @export {
  id: ID @primaryKey productId: ID @indexed person: String until: Date @expiresAt
  product: Product @relationship(from: productId)
}
type Session @table(expiration: 1) @export { id: ID @primaryKey cart: String }";

/// What shows a hold while it lasts, and what it says afterwards.
const READS: [(&str, &str, &str); 5] = [
    ("/Hold/?select(id)", r#"["h"]"#, "[]"),
    ("/Hold/?person=Ann&sort=-id&select(id)", r#"["h"]"#, "[]"),
    ("/Hold/?product.name=Lamp&select(id)", r#"["h"]"#, "[]"),
    ("/Product/lamp?select=holds{person}", r#"{"holds":[{"person":"Ann"}]}"#, r#"{"holds":[]}"#),
    ("/Product/?holds.person=Ann&select(id)", r#"["lamp"]"#, "[]"),
];

fn held_until(client: &Client, until_ms: i64) {
    let until = Instant::from_millis(until_ms).unwrap().shown();
    put(client, "/Hold/h", &json!({"productId": "lamp", "person": "Ann", "until": until}));
}

/// Asks for everything until it has ended, and judges each answer by when it was asked for and when it came.
fn until_it_ends(client: &Client, until_ms: i64) {
    let mut ended = false;
    while !ended {
        ended = now_ms() >= until_ms;
        for (path, during, after) in READS {
            let began = now_ms();
            let text = client.get(path).expect(200).text();
            let mut allowed = Vec::new();
            allowed.extend((began < until_ms).then_some(during));
            allowed.extend((now_ms() >= until_ms).then_some(after));
            assert!(allowed.contains(&text.as_str()), "GET {path}: {text}, {} ms before its end", until_ms - began);
        }
        let began = now_ms();
        let status = client.get("/Hold/h").status;
        assert!(status == 200 || now_ms() >= until_ms, "404 before its end");
        assert!(status == 404 || began < until_ms, "{status} after its end");
    }
}

#[test]
fn a_hold_is_shown_up_to_its_instant_and_no_longer() {
    for arguments in [Vec::new(), vec!["--no-sweep".to_owned()]] {
        let app = tempfile::tempdir().unwrap();
        std::fs::write(app.path().join("schema.graphql"), HOLDS).unwrap();
        let server = Server::start(app.path(), Start { arguments, ..Start::default() });
        let client = Client::new(&server.base);
        put(&client, "/Product/lamp", &json!({"name": "Lamp"}));
        for _ in 0..2 {
            let until_ms = now_ms() + 700;
            held_until(&client, until_ms);
            until_it_ends(&client, until_ms);
        }
    }
}

#[test]
fn what_lasted_and_is_given_an_end_ends() {
    let server = Server::with_schema(HOLDS);
    let client = Client::new(&server.base);
    put(&client, "/Hold/h", &json!({"productId": "lamp", "person": "Ann"}));
    for _ in 0..2 {
        client.get("/Hold/h").expect(200);
    }
    let until_ms = now_ms() + 300;
    let until = Instant::from_millis(until_ms).unwrap().shown();
    client.json("PATCH", "/Hold/h", &json!({"until": until})).expect(200);
    while now_ms() < until_ms {
        let answer = client.get("/Hold/h");
        assert!(answer.status == 200 || now_ms() >= until_ms, "404 before its end");
    }
    client.get("/Hold/h").expect(404);
}

#[test]
fn a_longer_life_is_seen_at_once() {
    let server = Server::with_schema(HOLDS);
    let client = Client::new(&server.base);
    put(&client, "/Product/lamp", &json!({"name": "Lamp"}));
    let until_ms = now_ms() + 500;
    held_until(&client, until_ms);
    READS.iter().for_each(|(path, during, _)| assert_eq!(client.get(path).expect(200).text(), *during));
    held_until(&client, until_ms + 600_000);
    while now_ms() < until_ms + 100 {
        for (path, during, _) in READS {
            assert_eq!(client.get(path).expect(200).text(), during, "GET {path}");
        }
    }
    // A life that ends earlier than an answer had reason to believe.
    let until_ms = now_ms() + 300;
    held_until(&client, until_ms);
    until_it_ends(&client, until_ms);
}

#[test]
fn a_session_ends_a_second_after_it_was_written() {
    let server = Server::with_schema(HOLDS);
    let client = Client::new(&server.base);
    put(&client, "/Session/s", &json!({"cart": "full"}));
    let written = std::time::Instant::now();
    client.get("/Session/s").expect(200);
    client.get("/Session/?select(id)").expect(200);
    poll(&client, "/Session/s", |answer| answer.status == 404);
    assert!(written.elapsed() > Duration::from_millis(900), "{:?}", written.elapsed());
    assert_eq!(client.get("/Session/?select(id)").expect(200).text(), "[]");
    put(&client, "/Session/s", &json!({"cart": "empty"}));
    let again = client.get("/Session/s.cart").expect(200);
    assert_eq!(again.text(), "\"empty\"");
    assert_ne!(is_hit(&again), Some(true), "nobody has asked since");
}
