//! Writes that are sent again, and merges that many send at once: each counts as often as it was meant.

use serde_json::{Value as Json, json};
use std::collections::HashSet;
use stoa_tests::at_once::at_once;
use stoa_tests::client::{Answer, Client};
use stoa_tests::server::{Server, Start};

const CLIENTS: usize = 20;

const SCHEMA: &str = "
type CartItem @table @export @unique(fields: [sessionId, productId]) {
  id: ID @primaryKey sessionId: String! productId: ID! quantity: Int @check(min: 1, max: 99) }
type Ticket @table @export { id: Int @primaryKey title: String }";

fn keyed(client: &Client, method: &str, path: &str, key: &str, body: &Json) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.send(method, path, &headers, body.to_string().as_bytes())
}

/// What of an answer must be the same: the status, where the record is, its tag, and the body.
fn shown(answer: &Answer) -> (u16, Option<String>, Option<String>, String) {
    let header = |name| answer.header(name).map(str::to_owned);
    (answer.status, header("location"), header("etag"), answer.text())
}

fn one_did_it(answers: &[Answer]) {
    let distinct: HashSet<_> = answers.iter().map(shown).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    let replayed = answers.iter().filter(|answer| answer.header("idempotent-replayed") == Some("true")).count();
    assert_eq!(replayed, CLIENTS - 1);
}

fn count(client: &Client, table: &str) -> usize {
    client.get(&format!("/{table}/")).expect(200).body_json().as_array().unwrap().len()
}

#[test]
fn of_many_requests_with_one_key_one_is_carried_out_and_all_get_its_answer() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let item = json!({"sessionId": "s", "productId": "p", "quantity": 1});
    let answers = at_once(CLIENTS, |_| keyed(&client, "POST", "/CartItem/", "made", &item));
    assert_eq!(answers[0].status, 201, "{}", answers[0].text());
    one_did_it(&answers);
    assert_eq!(count(&client, "CartItem"), 1);

    let operations = json!({"operations": [
        {"method": "POST", "path": "/Ticket/", "body": {"title": "A"}},
        {"method": "PATCH", "path": "/CartItem/?sessionId=s", "body": {"quantity": {"__op__": "add", "value": 1}}}]});
    let answers = at_once(CLIENTS, |_| keyed(&client, "POST", "/_stoa/commit", "both", &operations));
    assert_eq!(answers[0].status, 200, "{}", answers[0].text());
    one_did_it(&answers);
    assert_eq!(count(&client, "Ticket"), 1);
    assert_eq!(client.get("/CartItem/?select([quantity])").expect(200).body_json(), json!([[2]]));
}

#[test]
fn a_key_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.graphql"), SCHEMA).unwrap();
    let server = Server::start(folder.path(), Start::default());
    let ticket = json!({"title": "A"});
    let first = keyed(&Client::new(&server.base), "POST", "/Ticket/", "k", &ticket).expect(201);
    server.kill();

    let server = Server::start(folder.path(), Start::default());
    let client = Client::new(&server.base);
    let second = keyed(&client, "POST", "/Ticket/", "k", &ticket);
    assert_eq!(shown(&first), shown(&second));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(keyed(&client, "POST", "/Ticket/", "k", &json!({"title": "B"})).status, 422);
    assert_eq!(count(&client, "Ticket"), 1);
}

#[test]
fn a_kept_answer_is_that_of_its_time_after_the_schema_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.graphql");
    std::fs::write(&schema, "type Ticket @table @export { id: Int @primaryKey title: String }").unwrap();
    let server = Server::start(folder.path(), Start::default());
    let ticket = json!({"title": "A"});
    keyed(&Client::new(&server.base), "POST", "/Ticket/", "k", &ticket).expect(201);
    assert!(server.stop().success());

    std::fs::write(&schema, "type Ticket @table @export { id: Int @primaryKey place: String title: String }").unwrap();
    let server = Server::start(folder.path(), Start::default());
    let second = keyed(&Client::new(&server.base), "POST", "/Ticket/", "k", &ticket).expect(201);
    assert_eq!(second.body_json(), json!({"id": 1, "place": null, "title": "A"}));
}

#[test]
fn many_clicks_at_once_make_one_line() {
    let server = Server::with_schema(SCHEMA);
    let item = json!({"sessionId": "s", "productId": "p", "quantity": {"__op__": "add", "value": 1}});
    let headers = [("content-type", "application/json"), ("prefer", "resolution=merge-duplicates")];
    let body = item.to_string();
    let client = Client::new(&server.base);
    let answers = at_once(CLIENTS, |_| client.send("POST", "/CartItem/", &headers, body.as_bytes()));
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(201), with(200)), (1, CLIENTS - 1));
    let line = json!([["s", "p", CLIENTS]]);
    let found = client.get("/CartItem/?select([sessionId,productId,quantity])");
    assert_eq!(found.expect(200).body_json(), line);
}

#[test]
fn a_commit_has_a_bound() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let tickets = |count: usize| {
        let one = json!({"method": "POST", "path": "/Ticket/", "body": {"title": "A"}});
        json!({"operations": vec![one; count]})
    };
    client.json("POST", "/_stoa/commit", &tickets(1_000)).expect(200);
    let refused = client.json("POST", "/_stoa/commit", &tickets(1_001)).expect(422).body_json();
    assert_eq!(refused["errors"][0]["pointer"], "/operations");
    assert_eq!(count(&client, "Ticket"), 1_000);
}
