//! What ends: the life of records, the schema, the server.

use super::{delete, following, patch, put, serve, shop};
use crate::rules::poll;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stoa_schema::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::live::{End, Follower, brief};
use stoa_tests::server::{Server, Start};

/// When a record ends that is to be seen first.
pub(crate) fn soon(ms: u64) -> String {
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(ms);
    Instant::from_millis(i64::try_from(until.as_millis()).unwrap()).unwrap().shown()
}

#[test]
fn what_expires_is_told_when_it_is_swept() {
    let (server, client) = serve(
        "type Cart @table @export { id: ID @primaryKey holds: [Hold] @relationship(to: cartId) }
         type Hold @table @export { id: ID @primaryKey cartId: ID @indexed until: Date @expiresAt
           cart: Cart @relationship(from: cartId) }",
    );
    put(&client, "/Cart/c", "{}");
    let mut holds = following(&server, "/Hold/?select(id)", &[]);
    let mut one = following(&server, "/Hold/c?select(id)", &[]);
    let mut carts = following(&server, "/Cart/?select=holds{id}", &[r#"put c {"holds":[]}"#]);
    put(&client, "/Hold/h", &json!({"cartId": "c", "until": soon(1_500)}).to_string());
    holds.hears(&[r#"put h "h"."#, "delete h."]);
    one.hears(&[r#"put h "h"."#, "delete h."]);
    carts.hears(&[r#"put c {"holds":[{"id":"h"}]}."#, r#"put c {"holds":[]}."#]);
    client.get("/Hold/h").expect(404);
}

const HOLDS: &str = "
type Product @table @export { id: ID @primaryKey name: String holds: [Hold] @relationship(to: productId) }
type Hold @table @export { id: ID @primaryKey productId: ID @indexed person: String until: Date @expiresAt
  product: Product @relationship(from: productId) }";

/// Nothing is swept: what has expired stays where it is, for as long as a test looks.
fn unswept() -> (tempfile::TempDir, Server, Client) {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), HOLDS).unwrap();
    let server = Server::start(app.path(), Start { arguments: vec!["--no-sweep".to_owned()], ..Start::default() });
    let client = Client::new(&server.base);
    put(&client, "/Product/p", r#"{"name":"Lamp"}"#);
    (app, server, client)
}

fn hold(client: &Client, ms: u64) {
    put(client, "/Hold/h", &json!({"productId": "p", "person": "A", "until": soon(ms)}).to_string());
}

fn until_marker(follower: &mut Follower) -> Vec<String> {
    let mut heard: Vec<String> = Vec::new();
    while heard.last().is_none_or(|last| !last.contains("marker")) {
        heard.push(brief(&follower.heard()));
    }
    heard
}

/// The state that a subscriber has was read before it expired. What takes it out of the query must be told, for when it is
/// swept it is no part of the query any more.
#[test]
fn what_has_expired_leaves_before_it_is_swept() {
    let (_app, server, client) = unswept();
    hold(&client, 1_000);
    let mut holds = following(&server, "/Hold/?product.name=Lamp&select(id)", &[r#"put h "h""#]);
    let mut products = following(&server, "/Product/?holds.person=A&name=Lamp&select(id)", &[r#"put p "p""#]);
    poll(&client, "/Hold/h", |answer| answer.status == 404);
    patch(&client, "/Product/p", r#"{"name":"Bulb"}"#);
    put(&client, "/Product/marker", r#"{"name":"Lamp"}"#);
    put(&client, "/Hold/marker", r#"{"productId":"marker","person":"A"}"#);
    assert_eq!(until_marker(&mut products), ["leave p.", r#"put marker "marker"."#]);
    assert_eq!(until_marker(&mut holds), ["leave h.", r#"put marker "marker"."#]);
}

/// The state that a subscriber has was read after it expired, and shows nothing of it.
#[test]
fn what_comes_in_place_of_what_has_expired_is_told() {
    let (_app, server, client) = unswept();
    hold(&client, 500);
    poll(&client, "/Hold/h", |answer| answer.status == 404);
    let path = "/Product/?holds.person=A&select(id)";
    let mut other = following(&server, path, &[]);
    put(&client, "/Hold/other", r#"{"productId":"p","person":"A"}"#);
    put(&client, "/Product/marker", "{}");
    put(&client, "/Hold/marker", r#"{"productId":"marker","person":"A"}"#);
    assert_eq!(until_marker(&mut other), [r#"put p "p"."#, r#"put marker "marker"."#]);
    ["/Hold/other", "/Hold/marker"].iter().for_each(|path| delete(&client, path));
    let mut same = following(&server, path, &[]);
    put(&client, "/Hold/h", r#"{"productId":"p","person":"A"}"#);
    put(&client, "/Hold/marker", r#"{"productId":"marker","person":"A"}"#);
    assert_eq!(until_marker(&mut same), [r#"put p "p"."#, r#"put marker "marker"."#]);
}

#[test]
fn a_new_schema_ends_what_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.graphql");
    std::fs::write(&schema, "type Item @table @export { id: ID @primaryKey name: String }").unwrap();
    let server = Server::start(folder.path(), Start { dev: true, ..Start::default() });
    let client = Client::new(&server.base);
    let mut socket = Follower::socket(&server, "/Item/");
    let mut many = Follower::socket(&server, "/_stoa/live");
    let mut events = Follower::events(&server, "/Item/");
    many.subscribe("/Item/", "items");
    many.hears(&["items: ready"]);
    let mut idle = Follower::socket(&server, "/_stoa/live");
    socket.until_ready();
    events.until_ready();
    let since = socket.fold().token().unwrap();

    std::fs::write(&schema, "type Item @table @export { id: ID @primaryKey name: String size: Int }").unwrap();
    assert!(matches!(socket.until_end(), End::Closed(1012, _)));
    assert!(matches!(many.until_end(), End::Closed(1012, _)));
    assert_eq!(events.until_end(), End::Gone);
    server.wait_for_output("schema reloaded");
    put(&client, "/Item/a", r#"{"size":7}"#);
    let mut again = Follower::socket(&server, &format!("/Item/?since={since}")).with(socket.fold().clone());
    // What it knows has another form.
    again.hears(&["reset", r#"put a {"id":"a","name":null,"size":7}"#, "ready"]);
    // One that follows nothing has nothing to lose.
    idle.subscribe("/Item/?select=size", "items");
    idle.hears(&[r#"items: put a {"size":7}"#, "items: ready"]);
}

#[test]
fn a_server_that_stops_says_so() {
    let (mut server, client) = shop();
    put(&client, "/Product/p1", "{}");
    let mut socket = Follower::socket(&server, "/Product/");
    let mut many = Follower::socket(&server, "/_stoa/live");
    let mut events = Follower::events(&server, "/Product/");
    socket.until_ready();
    events.until_ready();
    server.terminate();
    assert_eq!(socket.until_end(), End::Closed(1001, "the server stops".to_owned()));
    assert!(matches!(many.until_end(), End::Closed(1001, _)));
    assert_eq!(events.until_end(), End::Gone);
    assert!(server.stop().success());
}
