//! Where a subscriber goes on from: `since`, `snapshot=false`, and tokens that lead nowhere.

use super::{SHOP, commit, delete, following, patch, post, put, shop};
use serde_json::json;
use std::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::live::{Follower, PATIENCE, brief};
use stoa_tests::server::{Server, Start};

const PATH: &str = "/Product/?price=lt=50&select(price)";

/// Positions 1 to 6: two products come, one is changed, one leaves, two come in one commit.
fn fill(client: &Client) {
    put(client, "/Product/a", r#"{"price":1}"#);
    put(client, "/Product/b", r#"{"price":2}"#);
    patch(client, "/Product/a", r#"{"price":3}"#);
    patch(client, "/Product/b", r#"{"price":60}"#);
    post(client, "/Product/", &json!([{"id": "c", "price": 4}, {"id": "d", "price": 5}]));
}

/// What a subscriber hears up to `ready`, that it leads to the end of the log, and that it goes on from there.
fn heard(server: &Server, client: &Client, path: &str) -> Vec<String> {
    let mut follower = Follower::socket(server, path);
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != "ready") {
        heard.push(brief(&follower.heard()));
    }
    let position = client.get("/Product/?id=none").header("stoa-seq").map(str::to_owned);
    assert_eq!(follower.fold().token(), position);
    put(client, "/Product/marker", r#"{"price":0}"#);
    follower.hears(&["put marker 0."]);
    delete(client, "/Product/marker");
    follower.hears(&["delete marker."]);
    follower.close();
    heard
}

fn log(client: &Client) -> String {
    let token = client.get("/Product/").header("stoa-seq").unwrap().to_owned();
    token.rsplit_once('-').unwrap().0.to_owned()
}

#[test]
fn every_position_leads_on() {
    let (server, client) = shop();
    fill(&client);
    let log = log(&client);
    let missed: [&[&str]; 7] = [
        &["put a 3", "put c 4", "put d 5"],
        &["put a 3", "put c 4", "put d 5"],
        &["put a 3", "leave b", "put c 4", "put d 5"],
        &["leave b", "put c 4", "put d 5"],
        &["put c 4", "put d 5"],
        &["put d 5"],
        &[],
    ];
    for (since, expected) in missed.iter().enumerate() {
        let expected: Vec<&str> = expected.iter().copied().chain(["ready"]).collect();
        for token in [format!("{log}-{since}"), since.to_string()] {
            // What the marker of others did is over, and tells nothing.
            assert_eq!(heard(&server, &client, &format!("{PATH}&since={token}")), expected, "since={token}");
            let both = format!("{PATH}&since={token}&snapshot=false");
            assert_eq!(heard(&server, &client, &both), expected, "{both}");
        }
    }
}

#[test]
fn tokens_that_lead_nowhere_begin_anew() {
    let (server, client) = shop();
    fill(&client);
    let log = log(&client);
    let nowhere = [
        format!("x{log}-3"),
        "k7f2-3".to_owned(),
        "1000".to_owned(),
        format!("{log}-1000"),
        format!("{log}-18446744073709551615"),
        format!("{log}-18446744073709551616"),
        "-3".to_owned(),
        format!("{log}-"),
        "garbage".to_owned(),
        "".to_owned(),
        "%F0%9F%A6%89".to_owned(),
        "3.5".to_owned(),
    ];
    for token in nowhere {
        let expected = ["reset", "put a 3", "put c 4", "put d 5", "ready"];
        assert_eq!(heard(&server, &client, &format!("{PATH}&since={token}")), expected, "since={token}");
        let both = format!("{PATH}&snapshot=false&since={token}");
        assert_eq!(heard(&server, &client, &both), expected, "{both}");
    }
}

#[test]
fn without_the_state_only_what_comes_is_told() {
    let (server, client) = shop();
    fill(&client);
    assert_eq!(heard(&server, &client, &format!("{PATH}&snapshot=false")), ["ready"]);
    assert_eq!(heard(&server, &client, &format!("{PATH}&snapshot=true")), ["put a 3", "put c 4", "put d 5", "ready"]);
    let answer = Follower::try_socket(server.port(), "/Product/?snapshot=maybe").err().unwrap();
    assert_eq!(answer.body_json()["position"], 9);
}

#[test]
fn missed_changes_of_related_records_are_told() {
    let (server, client) = shop();
    put(&client, "/Category/c1", r#"{"name":"Home"}"#);
    put(&client, "/Product/p1", r#"{"price":1,"categoryId":"c1"}"#);
    put(&client, "/Product/p2", r#"{"price":2}"#);
    let path = "/Product/?category.name=Home&select=price,category{name}";
    let state = r#"put p1 {"price":1,"category":{"name":"Home"}}"#;
    let mut follower = following(&server, path, &[state]);
    let mut fold = follower.fold().clone();
    let since = fold.token().unwrap();
    follower.close();
    let changes = [
        ("PATCH", "/Category/c1", json!({"name": "House"})),
        ("PUT", "/Category/c2", json!({"name": "Home"})),
        ("PATCH", "/Product/p2", json!({"categoryId": "c2"})),
    ];
    commit(&client, &changes);
    let mut follower = Follower::socket(&server, &format!("{path}&since={since}")).with(fold);
    follower.hears(&["leave p1", r#"put p2 {"price":2,"category":{"name":"Home"}}"#, "ready"]);
    fold = follower.fold().clone();
    assert_eq!(fold.records.keys().collect::<Vec<_>>(), ["\"p2\""]);
}

#[test]
fn a_record_by_its_key_is_resumed_too() {
    let (server, client) = shop();
    fill(&client);
    let mut follower = Follower::socket(&server, "/Product/b?select(price)&since=2");
    follower.hears(&["put b 60", "ready"]);
    let mut follower = Follower::socket(&server, "/Product/b?select(price)&snapshot=false");
    follower.hears(&["ready"]);
    delete(&client, "/Product/b");
    follower.hears(&["delete b."]);
    let mut follower = Follower::socket(&server, "/Product/b?select(price)&since=2");
    follower.hears(&["delete b", "ready"]);
}

#[test]
fn what_the_log_has_forgotten_begins_anew() {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SHOP).unwrap();
    let arguments = ["--log-megabytes", "1"].map(str::to_owned).to_vec();
    let server = Server::start(app.path(), Start { arguments, ..Start::default() });
    let client = Client::new(&server.base);
    for number in 0..40 {
        let product = json!({"price": number, "name": "x".repeat(100_000)});
        put(&client, "/Product/a", &product.to_string());
    }
    let began = Instant::now();
    loop {
        let mut follower = Follower::socket(&server, "/Product/?select(price)&since=1");
        let first = brief(&follower.heard());
        if first == "reset" {
            follower.hears(&["put a 39", "ready"]);
            break;
        }
        assert_eq!(first, "put a 39");
        assert!(began.elapsed() < PATIENCE, "40 changes of 100 KB are kept in 1 MB");
    }
    // The last are kept.
    Follower::socket(&server, "/Product/?select(price)&since=39").hears(&["put a 39", "ready"]);
}

#[test]
fn nobody_goes_on_from_a_time_when_the_schema_was_another() {
    let (app, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let serve = |schema: &str| {
        std::fs::write(app.path().join("schema.graphql"), schema).unwrap();
        let server = Server::start(app.path(), Start { data: Some(data.path().to_owned()), ..Start::default() });
        let client = Client::new(&server.base);
        (server, client)
    };
    let (server, client) = serve("type Thing @table @export { id: ID name: String }");
    put(&client, "/Thing/a", r#"{"name":"x"}"#);
    let before = client.get("/Thing/").header("stoa-seq").unwrap().to_owned();
    assert!(server.stop().success());

    let (server, client) = serve("type Thing @table @export { id: ID name: String size: Int }");
    let mut follower = Follower::socket(&server, &format!("/Thing/?since={before}&select(size)"));
    follower.hears(&["reset", "put a null", "ready"]);
    follower.close();
    // From here on the schema is the same.
    put(&client, "/Thing/b", r#"{"size":1}"#);
    let since = client.get("/Thing/").header("stoa-seq").unwrap().to_owned();
    put(&client, "/Thing/c", r#"{"size":2}"#);
    let mut follower = Follower::socket(&server, &format!("/Thing/?since={since}&select(size)"));
    follower.hears(&["put c 2", "ready"]);
    follower.close();
}
