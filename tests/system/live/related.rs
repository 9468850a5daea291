//! What is told because of other records: those that a query asks for or shows.

use super::{commit, delete, following, patch, put, serve, shop};
use serde_json::{Value as Json, json};
use stoa_tests::client::Client;

/// Two categories, a product in each and one in none.
fn fill(client: &Client) {
    put(client, "/Category/c1", r#"{"name":"Home"}"#);
    put(client, "/Category/c2", r#"{"name":"Garden"}"#);
    put(client, "/Product/p1", r#"{"price":1,"categoryId":"c1"}"#);
    put(client, "/Product/p2", r#"{"price":2,"categoryId":"c2"}"#);
    put(client, "/Product/p3", r#"{"price":3}"#);
}

#[test]
fn products_come_and_go_with_their_category() {
    let (server, client) = shop();
    fill(&client);
    let path = "/Product/?category.name=Home&select(price)";
    let mut follower = following(&server, path, &["put p1 1"]);
    patch(&client, "/Product/p2", r#"{"categoryId":"c1"}"#);
    patch(&client, "/Product/p1", r#"{"categoryId":"c2"}"#);
    follower.hears(&["put p2 2.", "leave p1."]);
    patch(&client, "/Category/c1", r#"{"name":"House"}"#);
    follower.hears(&["leave p2."]);
    patch(&client, "/Category/c2", r#"{"name":"Home"}"#);
    follower.hears(&["put p1 1."]);
    put(&client, "/Product/p4", r#"{"price":4,"categoryId":"c2"}"#);
    follower.hears(&["put p4 4."]);
    delete(&client, "/Category/c2");
    let (one, two) = (follower.heard(), follower.heard());
    let mut left = [one, two].map(|told| stoa_tests::live::brief(&told));
    left[1] = left[1].trim_end_matches('.').to_owned();
    left.sort();
    assert_eq!(left, ["leave p1", "leave p4"]);
    put(&client, "/Category/c2", r#"{"name":"Home"}"#);
    patch(&client, "/Product/p1", r#"{"price":9}"#);
    follower.until_told("p1");
    follower.hears(&["put p1 9."]);
}

#[test]
fn a_move_and_a_renaming_in_one_commit_are_one_change() {
    let (server, client) = shop();
    fill(&client);
    let mut follower = following(&server, "/Product/?category.name=Home&select(price)", &["put p1 1"]);
    // p1 stays, as what it is in goes by that name before and after; p2 goes along with it.
    let swap = [
        ("PATCH", "/Category/c1", json!({"name": "Garden"})),
        ("PATCH", "/Category/c2", json!({"name": "Home"})),
        ("PATCH", "/Product/p1", json!({"categoryId": "c2"})),
    ];
    commit(&client, &swap);
    follower.hears(&["put p2 2."]);
    let dropped = [
        ("PATCH", "/Product/p2", json!({"categoryId": "c1"})),
        ("PATCH", "/Category/c1", json!({"name": "Home"})),
        ("DELETE", "/Category/c2", Json::Null),
        ("DELETE", "/Product/p1", Json::Null),
        ("PATCH", "/Product/p3", json!({"categoryId": "c1"})),
    ];
    commit(&client, &dropped);
    follower.hears(&["delete p1", "put p3 3."]);
}

#[test]
fn what_is_shown_of_a_related_record_is_told_anew() {
    let (server, client) = shop();
    fill(&client);
    let path = "/Product/?select=price,category{name}&price=le=2";
    let state =
        [r#"put p1 {"price":1,"category":{"name":"Home"}}"#, r#"put p2 {"price":2,"category":{"name":"Garden"}}"#];
    let mut follower = following(&server, path, &state);
    patch(&client, "/Category/c1", r#"{"name":"House"}"#);
    delete(&client, "/Category/c2");
    follower.hears(&[r#"put p1 {"price":1,"category":{"name":"House"}}."#, r#"put p2 {"price":2,"category":null}."#]);
    // Nothing that is shown changes.
    put(&client, "/Category/c3", r#"{"name":"House"}"#);
    patch(&client, "/Product/p1", r#"{"categoryId":"c3"}"#);
    patch(&client, "/Product/p1", r#"{"stock":5}"#);
    patch(&client, "/Product/p3", r#"{"categoryId":"c3"}"#);
    patch(&client, "/Product/p1", r#"{"categoryId":null}"#);
    follower.hears(&[r#"put p1 {"price":1,"category":null}."#]);
}

#[test]
fn lists_of_related_records_are_told_anew() {
    let (server, client) = shop();
    fill(&client);
    let mut all = following(
        &server,
        "/Category/?select=name,products{price}",
        &[r#"put c1 {"name":"Home","products":[{"price":1}]}"#, r#"put c2 {"name":"Garden","products":[{"price":2}]}"#],
    );
    // A condition on what is joined chooses what is shown of it.
    let mut cheap = following(
        &server,
        "/Category/?products.price=lt=2&select=name,products{price}",
        &[r#"put c1 {"name":"Home","products":[{"price":1}]}"#],
    );
    patch(&client, "/Product/p3", r#"{"categoryId":"c1"}"#);
    patch(&client, "/Product/p3", r#"{"price":0}"#);
    patch(&client, "/Product/p1", r#"{"categoryId":"c2"}"#);
    all.hears(&[
        r#"put c1 {"name":"Home","products":[{"price":1},{"price":3}]}."#,
        r#"put c1 {"name":"Home","products":[{"price":1},{"price":0}]}."#,
        r#"put c1 {"name":"Home","products":[{"price":0}]}"#,
        r#"put c2 {"name":"Garden","products":[{"price":1},{"price":2}]}."#,
    ]);
    cheap.hears(&[
        r#"put c1 {"name":"Home","products":[{"price":1},{"price":0}]}."#,
        r#"put c1 {"name":"Home","products":[{"price":0}]}"#,
        r#"put c2 {"name":"Garden","products":[{"price":1}]}."#,
    ]);
    delete(&client, "/Product/p3");
    cheap.hears(&["leave c1."]);
}

#[test]
fn a_way_over_two_relations_is_followed() {
    let (server, client) = serve(
        "type Order @table @export { id: ID @primaryKey lines: [Line] @relationship(to: orderId) }
         type Line @table @export { id: ID @primaryKey orderId: ID @indexed productId: ID @indexed
           order: Order @relationship(from: orderId, onDelete: cascade) product: Product @relationship(from: productId) }
         type Product @table @export { id: ID @primaryKey name: String }",
    );
    put(&client, "/Product/p", r#"{"name":"Lamp"}"#);
    put(&client, "/Order/o", "{}");
    put(&client, "/Line/l", r#"{"orderId":"o","productId":"p"}"#);
    let shown = "/Order/?select=lines{product{name}}";
    let mut shown = following(&server, shown, &[r#"put o {"lines":[{"product":{"name":"Lamp"}}]}"#]);
    let mut named = following(&server, "/Order/?lines.product.name=Lamp&select(id)", &[r#"put o "o""#]);
    let mut lines = following(&server, "/Line/?select(id)", &[r#"put l "l""#]);
    patch(&client, "/Product/p", r#"{"name":"Bulb"}"#);
    shown.hears(&[r#"put o {"lines":[{"product":{"name":"Bulb"}}]}."#]);
    named.hears(&["leave o."]);
    patch(&client, "/Product/p", r#"{"name":"Lamp"}"#);
    shown.hears(&[r#"put o {"lines":[{"product":{"name":"Lamp"}}]}."#]);
    named.hears(&[r#"put o "o"."#]);
    // What a cascade takes along is told as well.
    delete(&client, "/Order/o");
    shown.hears(&["delete o."]);
    named.hears(&["delete o."]);
    lines.hears(&["delete l."]);
}
