//! `kill -9` right after a booking was confirmed: it stands, and so does the rule.

use super::{changes, count};
use serde_json::json;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

const SCHEMA: &str = "
type Booking @table @export @noOverlap(start: begins, end: ends, by: [room], name: \"one_at_a_time\") {
  id: ID room: ID begins: Date ends: Date code: String @unique
}";

#[test]
fn a_booking_confirmed_before_kill_nine_is_kept() {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    let rounds = count(5, 100);
    for round in 0..rounds {
        let server = Server::start(app.path(), Start::default());
        let room = format!("r{round}");
        let booking = json!({"room": room, "begins": "2030-01-01T10:00:00Z", "ends": "2030-01-01T11:00:00Z"});
        let made = Client::new(&server.base).json("POST", "/Booking/", &booking).expect(201).body_json();
        server.kill();

        let server = Server::start(app.path(), Start::default());
        let problem = Client::new(&server.base).json("POST", "/Booking/", &booking).expect(409).body_json();
        assert_eq!(problem["constraint"], json!("one_at_a_time"));
        assert_eq!(problem["conflicts"][0]["id"], made["id"]);
        assert_eq!(changes(server.data(), "Booking").len(), round + 1);
        server.kill();
    }
}

#[test]
fn a_unique_value_confirmed_before_kill_nine_is_taken() {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    let server = Server::start(app.path(), Start::default());
    let made = Client::new(&server.base).json("POST", "/Booking/", &json!({"code": "c"})).expect(201).body_json();
    server.kill();

    let server = Server::start(app.path(), Start::default());
    let problem = Client::new(&server.base).json("POST", "/Booking/", &json!({"code": "c"})).expect(409).body_json();
    assert_eq!((&problem["fields"], &problem["id"]), (&json!(["code"]), &made["id"]));
}
