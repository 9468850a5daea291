//! What is answered is what is there, whether the server made the answer now or had it from before.
//!
//! All of this holds with a cache of any size and without one: a test that knows of the cache asks [`is_hit`], which says
//! nothing where the server says nothing.

mod ends;
mod forms;
mod history;
mod lists;
mod pages;
mod records;
mod related;
mod shapes;

use serde_json::{Value as Json, json};
use stoa_tests::client::{Answer, Client};
use stoa_tests::server::Server;

/// A small shop with its calendar.
const SHOP: &str = "
type Product @table @export {
  id: ID @primaryKey name: String @indexed price: Int @indexed stock: Int
  inStock: Boolean @computed(from: \"stock > 0\") @indexed
  categoryId: ID @indexed since: Date
  category: Category @relationship(from: categoryId, onDelete: setNull)
  reviews: [Review] @relationship(to: productId)
}
type Category @table @export { id: ID @primaryKey name: String @indexed products: [Product] @relationship(to: categoryId) }
type Review @table @export {
  id: ID @primaryKey productId: ID @indexed stars: Int text: String
  product: Product @relationship(from: productId, onDelete: cascade)
}
type User @table @export { id: ID @primaryKey name: String events: [Event] @relationship(to: attendeeIds) }
type Event @table @export {
  id: ID @primaryKey title: String attendeeIds: [ID] @indexed attendees: [User] @relationship(from: attendeeIds)
}";

/// Whether an answer was had from before, if the server says.
fn is_hit(answer: &Answer) -> Option<bool> {
    let timings = answer.headers.iter().filter(|(name, _)| name == "server-timing");
    let mut timings = timings.flat_map(|(_, value)| value.split(',')).map(str::trim);
    timings.find_map(|timing| timing.strip_prefix("cache;desc=")).map(|said| said.starts_with("hit"))
}

fn shop() -> (Server, Client) {
    let server = Server::with_schema(SHOP);
    let client = Client::new(&server.base);
    for (path, body) in [
        ("/Category/home", json!({"name": "Home"})),
        ("/Category/garden", json!({"name": "Garden"})),
        ("/Product/lamp", json!({"name": "Lamp", "price": 30, "stock": 2, "categoryId": "home"})),
        ("/Product/rake", json!({"name": "Rake", "price": 20, "stock": 1, "categoryId": "garden"})),
        ("/Product/rug", json!({"name": "Rug", "price": 80, "stock": 0, "categoryId": "home"})),
    ] {
        client.json("PUT", path, &body).expect(201);
    }
    (server, client)
}

/// Reads until the answer is one from before, if there are such; it is this one every time.
fn says(client: &Client, path: &str, text: &str) {
    for _ in 0..3 {
        assert_eq!(client.get(path).expect(200).text(), text, "GET {path}");
    }
    assert_ne!(is_hit(&client.get(path)), Some(false), "GET {path} is made anew each time");
}

fn put(client: &Client, path: &str, body: &Json) {
    let answer = client.json("PUT", path, body);
    assert!(matches!(answer.status, 200 | 201), "PUT {path} {body}: {}", answer.text());
}

fn patch(client: &Client, path: &str, body: &Json) {
    client.json("PATCH", path, body).expect(200);
}

/// Deletes a record.
fn delete(client: &Client, path: &str) {
    client.delete(path).expect(204);
}

/// All or nothing: method, path, body.
fn commit(client: &Client, operations: &[(&str, &str, Json)]) -> Answer {
    let operation = |(method, path, body): &(&str, &str, Json)| match body {
        Json::Null => json!({"method": method, "path": path}),
        body => json!({"method": method, "path": path, "body": body}),
    };
    let all: Vec<Json> = operations.iter().map(operation).collect();
    client.json("POST", "/_stoa/commit", &json!({"operations": all}))
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").expect("a tag").to_owned()
}
