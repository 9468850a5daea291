//! What is told of the records themselves.

use super::{commit, delete, following, patch, post, put, shop};
use serde_json::{Value as Json, json};
use stoa_tests::live::Follower;

const LAMP: &str = r#"{"id":"p1","name":"Lamp","price":60,"stock":3,"tags":null,"categoryId":null}"#;

#[test]
fn a_message_has_what_get_answers() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"name":"Lamp","price":60}"#);
    let mut follower = Follower::socket(&server, "/Product/p1");
    let record = client.get("/Product/p1").expect(200);
    let told = follower.heard();
    let value = json!({"id": "p1", "name": "Lamp", "price": 60, "stock": null, "tags": null, "categoryId": null});
    assert_eq!(
        told,
        json!({"type": "put", "table": "Product", "id": "p1", "value": value, "etag": record.header("etag"),
               "timestamp": told["timestamp"]})
    );
    let ready = follower.heard();
    assert_eq!(ready, json!({"type": "ready", "seq": 1, "since": record.header("stoa-seq")}));

    let patched = client.json("PATCH", "/Product/p1", &json!({"stock": 3})).expect(200);
    let told = follower.heard();
    assert_eq!(
        told,
        json!({"type": "put", "table": "Product", "id": "p1", "value": patched.body_json(),
               "etag": patched.header("etag"), "seq": 2, "timestamp": told["timestamp"]})
    );
    delete(&client, "/Product/p1");
    let told = follower.heard();
    let deleted = json!({"type": "delete", "table": "Product", "id": "p1", "seq": 3, "timestamp": told["timestamp"]});
    assert_eq!(told, deleted);
}

#[test]
fn a_record_is_followed_before_after_and_between_its_lives() {
    let (server, client) = shop();
    let mut follower = following(&server, "/Product/p1", &[]);
    put(&client, "/Product/p2", "{}");
    put(&client, "/Product/p1", r#"{"name":"Lamp","price":60,"stock":3}"#);
    delete(&client, "/Product/p1");
    put(&client, "/Product/p1", r#"{"name":"Lamp","price":60,"stock":3}"#);
    follower.hears(&[&format!("put p1 {LAMP}."), "delete p1.", &format!("put p1 {LAMP}.")]);
}

#[test]
fn a_collection_is_followed_with_and_without_its_slash() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"name":"Lamp","price":60,"stock":3}"#);
    let state = format!("put p1 {LAMP}");
    for path in ["/Product/", "/Product"] {
        let mut follower = following(&server, path, &[&state]);
        put(&client, "/Category/c", "{}");
        post(&client, "/Product/", &json!({"id": path}));
        let id = format!(
            r#"put {path} {{"id":"{path}","name":null,"price":null,"stock":null,"tags":null,"categoryId":null}}."#
        );
        follower.hears(&[&id]);
        delete(&client, "/Product/?id!=p1");
        follower.hears(&[&format!("delete {path}.")]);
    }
}

#[test]
fn the_state_comes_in_the_order_of_sort() {
    let (server, client) = shop();
    for (id, price) in [("a", 2), ("b", 3), ("c", 1)] {
        put(&client, &format!("/Product/{id}"), &json!({"price": price}).to_string());
    }
    let state = [r#"put b {"price":3}"#, r#"put a {"price":2}"#, r#"put c {"price":1}"#];
    following(&server, "/Product/?sort=-price&select=price", &state);
}

#[test]
fn what_does_not_match_any_more_leaves() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"price":60}"#);
    put(&client, "/Product/p2", r#"{"price":10}"#);
    let mut follower =
        following(&server, "/Product/?price=lt=50&select=id,price", &[r#"put p2 {"id":"p2","price":10}"#]);
    patch(&client, "/Product/p1", r#"{"price":49}"#);
    patch(&client, "/Product/p2", r#"{"price":50}"#);
    patch(&client, "/Product/p2", r#"{"price":51}"#);
    delete(&client, "/Product/p2");
    delete(&client, "/Product/p1");
    put(&client, "/Product/p3", r#"{"price":1}"#);
    follower.hears(&[
        r#"put p1 {"id":"p1","price":49}."#,
        "leave p2.",
        "delete p1.",
        r#"put p3 {"id":"p3","price":1}."#,
    ]);
}

#[test]
fn lists_and_absent_values_are_followed_as_queries_mean_them() {
    let (server, client) = shop();
    let mut red = following(&server, "/Product/?tags=red&select(id)", &[]);
    let mut nameless = following(&server, "/Product/?name=null&select(id)", &[]);
    let mut other = following(&server, "/Product/?name!=Lamp&select(id)", &[]);
    put(&client, "/Product/a", r#"{"tags":["blue","red"]}"#);
    put(&client, "/Product/b", r#"{"name":"Lamp","tags":["blue"]}"#);
    patch(&client, "/Product/b", r#"{"tags":{"__op__":"include","value":"red"}}"#);
    patch(&client, "/Product/a", r#"{"tags":{"__op__":"exclude","value":"red"}}"#);
    patch(&client, "/Product/a", r#"{"name":"Lamp"}"#);
    patch(&client, "/Product/b", r#"{"name":null}"#);
    red.hears(&[r#"put a "a"."#, r#"put b "b"."#, "leave a."]);
    nameless.hears(&[r#"put a "a"."#, "leave a.", r#"put b "b"."#]);
    other.hears(&[r#"put a "a"."#, "leave a.", r#"put b "b"."#]);
}

#[test]
fn values_have_the_shape_that_is_selected() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"name":"Lamp","price":1}"#);
    let shapes = [
        ("select(name)", r#""Lamp""#, r#""Bulb""#),
        ("select(name,)", r#"{"name":"Lamp"}"#, r#"{"name":"Bulb"}"#),
        ("select=name", r#"{"name":"Lamp"}"#, r#"{"name":"Bulb"}"#),
        ("select([price,name])", r#"[1,"Lamp"]"#, r#"[1,"Bulb"]"#),
    ];
    let mut followers = shapes
        .map(|(select, first, _)| following(&server, &format!("/Product/p1?{select}"), &[&format!("put p1 {first}")]));
    patch(&client, "/Product/p1", r#"{"name":"Bulb"}"#);
    for (follower, (_, _, second)) in followers.iter_mut().zip(shapes) {
        follower.hears(&[&format!("put p1 {second}.")]);
    }
}

#[test]
fn times_are_told_in_the_zone_that_is_asked_for() {
    let (server, client) = shop();
    put(&client, "/Moment/m", r#"{"at":"2024-08-15T14:00:00Z","text":"2024-01-01T00:00:00Z"}"#);
    let path = "/Moment/?at=ge=2024-08-15T16:00:00&timezone=Europe/Paris";
    let state = r#"put m {"id":"m","at":"2024-08-15T16:00:00+02:00","text":"2024-01-01T01:00:00+01:00"}"#;
    let mut follower = following(&server, path, &[state]);
    patch(&client, "/Moment/m", r#"{"at":"2024-12-15T14:00:00Z"}"#);
    patch(&client, "/Moment/m", r#"{"at":"2024-08-15T13:59:59Z"}"#);
    follower.hears(&[
        r#"put m {"id":"m","at":"2024-12-15T15:00:00+01:00","text":"2024-01-01T01:00:00+01:00"}."#,
        "leave m.",
    ]);
}

/// What comes next is the change after it.
#[test]
fn a_change_that_shows_nothing_new_is_not_told() {
    let (server, client) = shop();
    put(&client, "/Product/p1", r#"{"name":"Lamp","price":60}"#);
    let mut follower = following(&server, "/Product/?price=ge=50&select=name", &[r#"put p1 {"name":"Lamp"}"#]);
    patch(&client, "/Product/p1", r#"{"price":70}"#);
    patch(&client, "/Product/p1", r#"{"stock":1,"tags":["x"]}"#);
    patch(&client, "/Product/p1", r#"{"name":"Lamp"}"#);
    put(&client, "/Product/p0", r#"{"price":1}"#);
    delete(&client, "/Product/p0");
    patch(&client, "/Product/p1", r#"{"name":"marker"}"#);
    follower.hears(&[r#"put p1 {"name":"marker"}."#]);
}

#[test]
fn a_commit_tells_of_each_record_once_and_ends_with_its_position() {
    let (server, client) = shop();
    put(&client, "/Product/old", "{}");
    put(&client, "/Product/gone", "{}");
    let mut follower =
        following(&server, "/Product/?select=price", &[r#"put gone {"price":null}"#, r#"put old {"price":null}"#]);
    commit(
        &client,
        &[
            ("PUT", "/Product/new", json!({"price": 1})),
            ("PATCH", "/Product/old", json!({"price": 2})),
            ("PUT", "/Product/fleeting", json!({"price": 3})),
            ("PATCH", "/Product/new", json!({"price": 4})),
            ("DELETE", "/Product/fleeting", Json::Null),
            ("DELETE", "/Product/gone", Json::Null),
            ("PUT", "/Category/c", json!({})),
        ],
    );
    // In the order of their last changes.
    follower.hears(&[r#"put old {"price":2}"#, r#"put new {"price":4}"#, "delete gone."]);

    let three = json!([{"id": "x", "price": 1}, {"id": "y", "price": 1}, {"id": "z", "price": 1}]);
    post(&client, "/Product/", &three);
    follower.hears(&[r#"put x {"price":1}"#, r#"put y {"price":1}"#, r#"put z {"price":1}."#]);
    let updated = client.json("PATCH", "/Product/?price=1", &json!({"price": 5})).expect(200).body_json();
    assert_eq!(updated["updated"], 3);
    follower.hears(&[r#"put x {"price":5}"#, r#"put y {"price":5}"#, r#"put z {"price":5}."#]);
    delete(&client, "/Product/?price=5");
    follower.hears(&["delete x", "delete y", "delete z."]);
}

#[test]
fn what_a_commit_makes_and_takes_away_is_not_told() {
    let (server, client) = shop();
    put(&client, "/Product/back", r#"{"price":1}"#);
    let mut follower = following(&server, "/Product/?price=1&select(id)", &[r#"put back "back""#]);
    commit(
        &client,
        &[
            ("PUT", "/Product/fleeting", json!({"price": 1})),
            ("DELETE", "/Product/fleeting", Json::Null),
            ("PATCH", "/Product/back", json!({"price": 2})),
            ("PATCH", "/Product/back", json!({"price": 1})),
        ],
    );
    put(&client, "/Product/marker", r#"{"price":1}"#);
    follower.hears(&[r#"put marker "marker"."#]);
    // Who looked in between would not know it: it is another one.
    commit(&client, &[("DELETE", "/Product/back", Json::Null), ("PUT", "/Product/back", json!({"price": 1}))]);
    follower.hears(&[r#"put back "back"."#]);
}

#[test]
fn what_was_refused_is_not_told() {
    let (server, client) = shop();
    put(&client, "/Product/p1", "{}");
    let mut follower = following(&server, "/Product/?select(id)", &[r#"put p1 "p1""#]);
    client.json("POST", "/Product/", &json!([{"id": "new"}, {"id": "p1"}])).expect(409);
    let operations = [
        json!({"method": "PUT", "path": "/Product/new", "body": {}}),
        json!({"method": "PATCH", "path": "/Product/none", "body": {"price": 1}}),
    ];
    client.json("POST", "/_stoa/commit", &json!({"operations": operations})).expect(404);
    put(&client, "/Product/marker", "{}");
    follower.hears(&[r#"put marker "marker"."#]);
}
