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

use serde_json::Value as Json;
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

/// Puts a record from JSON text.
fn put(client: &Client, path: &str, body: &str) {
    let answer = client.send("PUT", path, &[("content-type", "application/json")], body.as_bytes());
    assert!(matches!(answer.status, 200 | 201), "PUT {path} {body}: {}", answer.text());
}

fn patch(client: &Client, path: &str, body: &str) {
    client.send("PATCH", path, &[("content-type", "application/json")], body.as_bytes()).expect(200);
}

/// A commit of several operations: method, path, body.
fn commit(client: &Client, operations: &[(&str, &str, Json)]) {
    let operation = |(method, path, body): &(&str, &str, Json)| match body {
        Json::Null => serde_json::json!({"method": method, "path": path}),
        body => serde_json::json!({"method": method, "path": path, "body": body}),
    };
    let operations: Vec<Json> = operations.iter().map(operation).collect();
    client.json("POST", "/_stoa/commit", &serde_json::json!({"operations": operations})).expect(200);
}
