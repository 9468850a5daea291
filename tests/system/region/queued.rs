//! Writes that wait in a region for its primary (`Prefer: respond-async`).

use super::{Region, SHOP};
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use stoa_tests::client::Answer;
use stoa_tests::live::{Opened, open};
use stoa_tests::primary::Primary;
use stoa_tests::proxy::Link;
use tungstenite::WebSocket;
use tungstenite::protocol::Role;

fn send(region: &Region, method: &str, path: &str, key: &str, body: &Json) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key), ("prefer", "respond-async")];
    region.client.send(method, path, &headers, body.to_string().as_bytes())
}

/// The first event of a stream, from now on or later.
fn event(port: u16, path: &str) -> Json {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n").unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let data = lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)).next().expect("an event");
    serde_json::from_str(&data).unwrap()
}

/// The first message on a WebSocket, from now on or later.
fn message(port: u16, path: &str) -> Json {
    let Opened { stream, read } = open(port, path, &[]).unwrap();
    let mut socket = WebSocket::from_partially_read(stream, read, Role::Client, None);
    serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap()
}

#[test]
fn what_waits_is_carried_out_in_order_when_the_primary_is_back() {
    let mut primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    // While the primary is there nothing waits.
    send(&region, "PUT", "/Product/p", "first", &json!({"stock": 5})).expect(201);
    primary.stop();
    let take = json!({"stock": {"__op__": "add", "value": -3}});
    let waits = send(&region, "PATCH", "/Product/p", "a", &take).expect(202);
    assert_eq!(waits.header("preference-applied"), Some("respond-async"));
    let place = waits.header("location").unwrap().to_owned();
    assert_eq!(region.client.get(&place).expect(200).body_json()["state"], "waiting");
    // The same again is the same; another request with its key is none.
    assert_eq!(send(&region, "PATCH", "/Product/p", "a", &take).expect(202).header("location"), Some(place.as_str()));
    send(&region, "PATCH", "/Product/p", "a", &json!({"stock": 1})).expect(422);
    let second = send(&region, "PATCH", "/Product/p", "b", &take).expect(202).header("location").unwrap().to_owned();
    let third = send(&region, "POST", "/Product/", "c", &json!({"id": "q", "stock": 1})).expect(202);
    let third = third.header("location").unwrap().to_owned();
    // Whoever does not want to wait is told at once.
    region.client.json("PUT", "/Product/r", &json!({"stock": 1})).expect(503);
    // What waits outlives the process.
    let region = region.killed();
    region.client.get(&second).expect(200);
    let (port, third_too) = (region.server.port(), third.clone());
    let followed = std::thread::spawn(move || event(port, &third));
    let on_a_socket = std::thread::spawn(move || message(port, &third_too));
    primary.start_again();
    let first = region.wait(&place, |answer| answer.body_json()["state"] == "done").body_json();
    assert_eq!((&first["status"], &first["body"]["stock"]), (&json!(200), &json!(2)));
    // There is not enough for the second, which comes after the first.
    let second = region.wait(&second, |answer| answer.body_json()["state"] == "done").body_json();
    assert_eq!((&second["status"], &second["body"]["available"]), (&json!(409), &json!(2)), "{second}");
    let third = followed.join().unwrap();
    assert_eq!((&third["status"], &third["headers"]["location"]), (&json!(201), &json!("/Product/q")), "{third}");
    assert_eq!(on_a_socket.join().unwrap(), third);
    assert_eq!(region.client.get("/Product/p").body_json()["stock"], 2);
    // Sent again, it is answered as what it did.
    let again = send(&region, "PATCH", "/Product/p", "a", &take).expect(200);
    assert_eq!((again.header("idempotent-replayed"), &again.body_json()["stock"]), (Some("true"), &json!(2)));
    region.client.get("/_stoa/queued/none").expect(404);
}

#[test]
fn without_a_key_nothing_waits() {
    let primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    region.link.set(Link::Cut);
    let headers = [("content-type", "application/json"), ("prefer", "respond-async")];
    region.client.send("PUT", "/Product/p", &headers, b"{}").expect(503);
}
