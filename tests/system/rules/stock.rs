//! Numbers with a bound: no sale is lost, none is made twice, and nothing is sold that is not there.

use super::{Seed, count, seeds, with_status};
use serde_json::{Value as Json, json};
use stoa_tests::at_once::at_once;
use stoa_tests::client::{Answer, Client};
use stoa_tests::server::Server;

const SCHEMA: &str = "
type Product @table @export { id: ID stock: Int @check(min: 0) }
type Counter @table @export { id: ID int: Int long: Long float: Float name: String }
type Meeting @table @export { id: ID title: String attendeeIds: [ID] @indexed }";

fn start() -> (Server, Client) {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    (server, client)
}

fn add(client: &Client, value: i64) -> Answer {
    client.json("PATCH", "/Product/a", &json!({"stock": {"__op__": "add", "value": value}}))
}

fn stock(answer: &Answer) -> i64 {
    answer.body_json()["stock"].as_i64().unwrap()
}

fn refused(answer: &Answer) -> (i64, i64) {
    let problem = answer.body_json();
    assert_eq!((&problem["type"], &problem["field"]), (&json!("/_stoa/problems/insufficient"), &json!("stock")));
    (problem["requested"].as_i64().unwrap(), problem["available"].as_i64().unwrap())
}

#[test]
fn the_last_ten_go_to_ten_of_fifty_buyers() {
    let (_server, client) = start();
    for _ in 0..count(3, 100) {
        client.send("DELETE", "/Product/a", &[], b"");
        client.json("PUT", "/Product/a", &json!({"stock": 10})).expect(201);
        let answers = at_once(50, |_| add(&client, -1));
        let (sold, missed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        let mut left: Vec<i64> = sold.into_iter().map(stock).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(missed.len(), 40);
        for answer in missed {
            assert_eq!((answer.status, refused(answer)), (409, (1, 0)));
        }
        assert_eq!(stock(&client.get("/Product/a").expect(200)), 0);
    }
}

#[test]
fn what_two_hundred_buyers_got_and_what_is_left_is_what_there_was() {
    let (_server, client) = start();
    for seed in seeds(2, 50).map(Seed) {
        client.send("DELETE", "/Product/a", &[], b"");
        client.json("PUT", "/Product/a", &json!({"stock": 100})).expect(201);
        let wanted: Vec<i64> = (0..200).map(|buyer| 1 + i64::try_from(seed.dice(buyer).below(5)).unwrap()).collect();
        let answers = at_once(200, |buyer| add(&client, -wanted[buyer]));
        let mut sold = 0;
        for (wanted, answer) in wanted.iter().zip(&answers) {
            match answer.status {
                200 => {
                    assert!(stock(answer) >= 0);
                    sold += wanted;
                }
                409 => {
                    let (requested, available) = refused(answer);
                    assert_eq!(requested, *wanted);
                    assert!((0..requested).contains(&available), "{available} of {requested}");
                }
                _ => panic!("{}", answer.text()),
            }
        }
        assert_eq!(sold + stock(&client.get("/Product/a").expect(200)), 100);
        assert!(sold > 95, "{sold} sold while the smallest wish is 1");
    }
}

#[test]
fn nothing_is_lost_while_a_restock_lands() {
    let (_server, client) = start();
    for _ in 0..count(3, 100) {
        client.send("DELETE", "/Product/a", &[], b"");
        client.json("PUT", "/Product/a", &json!({"stock": 5})).expect(201);
        let answers = at_once(31, |number| if number == 15 { add(&client, 20) } else { add(&client, -1) });
        assert_eq!(answers[15].status, 200, "{}", answers[15].text());
        let sold = with_status(&answers, 200) - 1;
        assert_eq!(with_status(&answers, 409), 30 - sold);
        assert_eq!(stock(&client.get("/Product/a").expect(200)), 25 - i64::try_from(sold).unwrap());
        assert!((5..=25).contains(&sold), "{sold} sold");
    }
}

/// Half of the orders take the two products in one order, half in the other.
#[test]
fn orders_that_cross_get_what_there_is() {
    let (_server, client) = start();
    let take = |id: &str| json!({"method": "PATCH", "path": format!("/Product/{id}"), "body": {"stock": {"__op__": "add", "value": -1}}});
    for _ in 0..count(3, 100) {
        client.json("PUT", "/Product/", &json!([{"id": "a", "stock": 10}, {"id": "b", "stock": 12}])).expect(200);
        let order = |number| if number % 2 == 0 { [take("a"), take("b")] } else { [take("b"), take("a")] };
        let answers = at_once(40, |number| client.json("POST", "/_stoa/commit", &json!({"operations": order(number)})));
        assert_eq!((with_status(&answers, 200), with_status(&answers, 409)), (10, 30));
        for (number, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.status == 409) {
            assert_eq!((refused(answer), &answer.body_json()["index"]), ((1, 0), &json!(number % 2)));
        }
        assert_eq!(client.get("/Product/?select(stock)").expect(200).body_json(), json!([0, 2]));
    }
}

#[test]
fn of_two_tabs_that_save_what_both_have_read_one_is_told() {
    let (_server, client) = start();
    client.json("PUT", "/Meeting/a", &json!({"title": "read by both"})).expect(201);
    for round in 0..count(20, 1_000) {
        let tag = client.get("/Meeting/a").expect(200).header("etag").unwrap().to_owned();
        let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
        let body = |tab| json!({"title": format!("{round} {tab}")}).to_string();
        let answers = at_once(2, |tab| client.send("PUT", "/Meeting/a", &headers, body(tab).as_bytes()));
        assert_eq!((with_status(&answers, 200), with_status(&answers, 412)), (1, 1));
        let (saved, told) = if answers[0].status == 200 { (0, 1) } else { (1, 0) };
        assert_eq!(answers[told].header("etag"), answers[saved].header("etag"));
        let held = client.get("/Meeting/a").expect(200).body_json();
        assert_eq!(held, json!({"id": "a", "title": format!("{round} {saved}"), "attendeeIds": null}));
    }
}

#[test]
fn two_who_join_at_once_are_both_in() {
    let (_server, client) = start();
    let join = |person: &str| json!({"attendeeIds": {"__op__": "include", "value": person}});
    for round in 0..count(20, 1_000) {
        let path = format!("/Meeting/m{round}");
        client.json("PUT", &path, &json!({})).expect(201);
        let answers = at_once(2, |one| client.json("PATCH", &path, &join(["ann", "bob"][one])));
        assert_eq!(with_status(&answers, 200), 2);
        let mut people: Vec<String> =
            serde_json::from_value(client.get(&format!("{path}.attendeeIds")).expect(200).body_json()).unwrap();
        people.sort();
        assert_eq!(people, ["ann", "bob"]);
    }
}

#[test]
fn a_delta_that_is_no_number_of_the_type_changes_nothing() {
    let (_server, client) = start();
    let made = client.json("PUT", "/Counter/a", &json!({"int": 1, "long": 2, "float": 0.5, "name": "n"})).expect(201);
    let wrong = [
        ("int", "\"1\""),
        ("int", "1e309"),
        ("int", "9223372036854775808"),
        ("int", "2147483648"),
        ("int", "0.5"),
        ("int", "true"),
        ("int", "null"),
        ("long", "\"1\""),
        ("long", "1e309"),
        ("long", "9223372036854775808"),
        ("long", "true"),
        ("float", "\"1\""),
        ("float", "1e309"),
        ("float", "true"),
        ("name", "1"),
        ("name", "\"1\""),
        ("id", "1"),
    ];
    for (name, value) in wrong {
        let body = format!("{{\"{name}\":{{\"__op__\":\"add\",\"value\":{value}}}}}");
        let answer = client.send("PATCH", "/Counter/a", &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        assert_eq!(answer.body_json()["type"], json!("/_stoa/problems/validation"), "{body}");
        let held = client.get("/Counter/a").expect(200);
        assert_eq!((held.header("etag"), held.text()), (made.header("etag"), made.text()), "{body}");
    }
}

#[test]
fn a_delta_of_nothing_is_allowed_where_nothing_is_left() {
    let (_server, client) = start();
    client.json("PUT", "/Product/a", &json!({"stock": 0})).expect(201);
    assert_eq!(stock(&add(&client, 0).expect(200)), 0);
    assert_eq!(refused(&add(&client, -1).expect(409)), (1, 0));
    client.json("PUT", "/Product/b", &json!({})).expect(201);
    let nothing: Json = json!({"stock": {"__op__": "add", "value": 0}});
    assert_eq!(stock(&client.json("PATCH", "/Product/b", &nothing).expect(200)), 0);
}
