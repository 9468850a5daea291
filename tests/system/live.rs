//! Live updates, as their subscribers see them: what is told, what is not, and that what was told is what is there,
//! whatever happens in between.

mod clients;
mod crash;
mod crowd;
mod ends;
mod events;
mod frames;
mod history;
mod keys;
mod many;
mod meanings;
mod refused;
mod related;
mod resumed;
mod told;

pub(crate) use ends::soon;
use serde_json::{Value as Json, json};
use stoa_tests::client::Client;
use stoa_tests::live::Follower;
use stoa_tests::server::Server;

/// A small shop.
const SHOP: &str = "
type Product @table @export {
  id: ID @primaryKey name: String @indexed price: Int stock: Int tags: [String] categoryId: ID @indexed
  category: Category @relationship(from: categoryId)
}
type Category @table @export { id: ID @primaryKey name: String @indexed products: [Product] @relationship(to: categoryId) }
type Moment @table @export { id: ID @primaryKey at: Date text: String }";

fn serve(schema: &str) -> (Server, Client) {
    let server = Server::with_schema(schema);
    let client = Client::new(&server.base);
    (server, client)
}

fn shop() -> (Server, Client) {
    serve(SHOP)
}

/// Follows a query and hears the state up to `ready`, which must be these messages.
fn following(server: &Server, path: &str, state: &[&str]) -> Follower {
    let mut follower = Follower::socket(server, path);
    follower.hears(state);
    follower.hears(&["ready"]);
    follower
}

// Whatever these write, all who follow have been told of it before they return: otherwise several commits may be told as
// one, of each record the last state.

/// Puts a record from JSON text.
fn put(client: &Client, path: &str, body: &str) {
    let answer = client.send("PUT", path, &[("content-type", "application/json")], body.as_bytes());
    assert!(matches!(answer.status, 200 | 201), "PUT {path} {body}: {}", answer.text());
    settle(client, path);
}

fn patch(client: &Client, path: &str, body: &str) {
    client.send("PATCH", path, &[("content-type", "application/json")], body.as_bytes()).expect(200);
    settle(client, path);
}

fn post(client: &Client, path: &str, body: &Json) {
    client.json("POST", path, body).expect(201);
    settle(client, path);
}

/// Deletes a record, or all that a query finds.
fn delete(client: &Client, path: &str) {
    client.delete(path).expect(if path.contains('?') { 200 } else { 204 });
    settle(client, path);
}

/// A commit of several operations: method, path, body.
fn commit(client: &Client, operations: &[(&str, &str, Json)]) {
    let operation = |(method, path, body): &(&str, &str, Json)| match body {
        Json::Null => json!({"method": method, "path": path}),
        body => json!({"method": method, "path": path, "body": body}),
    };
    let all: Vec<Json> = operations.iter().map(operation).collect();
    client.json("POST", "/_stoa/commit", &json!({"operations": all})).expect(200);
    operations.iter().take(1).for_each(|(_, path, _)| settle(client, path));
}

/// Who begins to follow stands where everybody stands.
fn settle(client: &Client, path: &str) {
    let table = path.split(['/', '?']).nth(1).unwrap();
    let follower = Follower::try_socket(client.port(), &format!("/{table}?snapshot=false"));
    follower.unwrap_or_else(|answer| panic!("{path}: {}", answer.text())).until_ready();
}
