//! Many clients at once: no addition and no member of a list is lost, and of those who want the same only one gets it.

use serde_json::json;
use stoa_tests::at_once::at_once;
use stoa_tests::client::Client;
use stoa_tests::server::Server;

const CLIENTS: usize = 8;
const ROUNDS: usize = 25;

fn start() -> (Server, Client) {
    let server = Server::with_schema(
        "type Item @table @export { id: ID @primaryKey count: Int total: Float people: [ID] @indexed }",
    );
    let client = Client::new(&server.base);
    (server, client)
}

#[test]
fn no_addition_is_lost() {
    let (_server, client) = start();
    client.json("PUT", "/Item/a", &json!({})).expect(201);
    let add = json!({"count": {"__op__": "add", "value": 1}, "total": {"__op__": "add", "value": 0.25}});
    let rounds = |_| (0..ROUNDS).map(|_| client.json("PATCH", "/Item/a", &add).status).collect::<Vec<u16>>();
    let statuses = at_once(CLIENTS, rounds).concat();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let record = client.get("/Item/a").expect(200).body_json();
    assert_eq!(record, json!({"id": "a", "count": 200, "total": 50, "people": null}));
}

#[test]
fn all_who_join_are_in() {
    let (_server, client) = start();
    client.json("PUT", "/Item/a", &json!({})).expect(201);
    let join = |person: String| {
        client.json("PATCH", "/Item/a", &json!({"people": {"__op__": "include", "value": person}})).status
    };
    let rounds = |number| (0..ROUNDS).map(|round| join(format!("p{number}-{round}"))).collect::<Vec<u16>>();
    let statuses = at_once(CLIENTS, rounds).concat();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let people = client.get("/Item/a.people").expect(200).body_json();
    assert_eq!(people.as_array().unwrap().len(), CLIENTS * ROUNDS);
    assert_eq!(client.get("/Item/?people=p7-24&people=p0-0&select(id)").expect(200).body_json(), json!(["a"]));
}

#[test]
fn one_of_many_creates_and_one_of_many_with_the_same_tag_changes() {
    let (_server, client) = start();
    let create = |number| client.json("POST", "/Item/", &json!({"id": "a", "count": number})).status;
    let statuses = at_once(CLIENTS, create);
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), CLIENTS - 1, "{statuses:?}");

    let tag = client.get("/Item/a").expect(200).header("etag").unwrap().to_owned();
    let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
    let statuses = at_once(CLIENTS, |_| client.send("PATCH", "/Item/a", &headers, b"{\"count\":100}").status);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), CLIENTS - 1, "{statuses:?}");
}
