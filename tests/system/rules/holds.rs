//! Records with an end to their life: from its instant on they are gone, whether or not they have been swept.

use super::{changes, changes_of, open, poll};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::time::{Duration, Instant as Timer, SystemTime, UNIX_EPOCH};
use stoa_schema::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

/// Longer than a test needs between making a hold and using it, shorter than its patience.
const HELD: Duration = Duration::from_millis(1_200);

const SCHEMA: &str = "
type Room @table @export { id: ID name: String holds: [Hold] @relationship(to: roomId) }
type Hold @table @export @noOverlap(start: begins, end: ends, by: [roomId, personIds], name: \"held\") {
  id: ID slot: String @unique roomId: ID @indexed room: Room @relationship(from: roomId) personIds: [ID]
  begins: Date ends: Date until: Date @expiresAt note: String createdAt: Date @createdTime
}
type Guest @table @export {
  id: ID holdId: ID hold: Hold @relationship(from: holdId, onDelete: restrict) until: Date @expiresAt
}
type Seat @table @export @noOverlap(start: begins, end: ends, by: [row], capacity: 2) {
  id: ID row: Int begins: Date ends: Date until: Date @expiresAt
}
type Short @table @export { id: ID until: Date @expiresAt(max: 1) }
type Session @table(expiration: 2) @export {
  id: ID visits: Int user: String @unique roomId: ID room: Room @relationship(from: roomId, onDelete: setNull)
}";

struct App {
    server: Server,
    client: Client,
    folder: tempfile::TempDir,
}

/// Whether what has expired is taken away.
#[derive(Clone, Copy)]
enum Sweeper {
    Off,
    On,
}

fn serve(app: &Path, sweeper: Sweeper) -> (Server, Client) {
    let arguments = match sweeper {
        Sweeper::Off => vec!["--no-sweep".to_owned()],
        Sweeper::On => Vec::new(),
    };
    let server = Server::start(app, Start { arguments, ..Start::default() });
    let client = Client::new(&server.base);
    (server, client)
}

fn start(sweeper: Sweeper) -> App {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.graphql"), SCHEMA).unwrap();
    let (server, client) = serve(folder.path(), sweeper);
    App { server, client, folder }
}

/// A hold that ends soon.
fn soon() -> String {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + HELD;
    Instant::from_millis(i64::try_from(ms.as_millis()).unwrap()).unwrap().shown()
}

fn at(hour: u32) -> String {
    format!("2030-01-01T{hour:02}:00:00Z")
}

fn hold(id: &str, room: &str, hours: (u32, u32), until: Option<&str>) -> Json {
    json!({"id": id, "slot": format!("slot {id}"), "roomId": room, "begins": at(hours.0), "ends": at(hours.1), "until": until})
}

impl App {
    fn post(&self, hold: &Json) {
        self.client.json("POST", "/Hold/", hold).expect(201);
    }

    fn wait_until_gone(&self, path: &str) {
        poll(&self.client, path, |answer| answer.status == 404);
    }

    fn log_of(&self, id: &str) -> Vec<i64> {
        changes_of(self.server.data(), "Hold", id)
    }

    fn json(&self, path: &str) -> Json {
        self.client.get(path).expect(200).body_json()
    }
}

#[test]
fn nobody_sees_an_expired_hold() {
    let app = start(Sweeper::Off);
    app.client.json("POST", "/Room/", &json!({"id": "r", "name": "Rome"})).expect(201);
    app.post(&hold("live", "r", (8, 9), None));
    app.post(&hold("h", "r", (10, 11), Some(&soon())));
    app.wait_until_gone("/Hold/h");

    app.client.get("/Hold/h.slot").expect(404);
    app.client.send("HEAD", "/Hold/h", &[], b"").expect(404);
    assert_eq!(app.json("/Hold/?select(id)"), json!(["live"]));
    assert_eq!(app.json("/Hold/?id=h"), json!([]));
    assert_eq!(app.json("/Hold/?slot=slot%20h"), json!([]));
    assert_eq!(app.json("/Hold/?room.name=Rome&select(id)"), json!(["live"]));
    assert_eq!(app.json("/Hold/?sort=-begins&limit=1&select(id)"), json!(["live"]));
    assert_eq!(app.json("/Room/?holds.slot=slot%20h"), json!([]));
    assert_eq!(app.json("/Room/?select(id,holds{id})"), json!([{"id": "r", "holds": [{"id": "live"}]}]));
    let counted = app.client.send("GET", "/Hold/?limit=1", &[("prefer", "count=exact")], b"").expect(200);
    assert_eq!(counted.header("content-range"), Some("items 0-0/1"));
    assert_eq!(app.log_of("h"), [1], "nobody has taken it away");
}

#[test]
fn an_expired_hold_cannot_be_written_to() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (10, 11), Some(&soon())));
    app.wait_until_gone("/Hold/h");
    app.client.json("PATCH", "/Hold/h", &json!({"until": null})).expect(404);
    app.client.delete("/Hold/h").expect(404);
    assert_eq!(
        app.client.json("PATCH", "/Hold/?roomId=r", &json!({"until": null})).expect(200).body_json()["updated"],
        0
    );
    assert_eq!(app.client.delete("/Hold/?roomId=r").expect(200).body_json()["deleted"], 0);
    app.client.get("/Hold/h").expect(404);
}

#[test]
fn an_expired_hold_frees_its_id() {
    let app = start(Sweeper::Off);
    let until = soon();
    ["posted", "put", "with-if-none-match"].iter().for_each(|id| app.post(&hold(id, id, (10, 11), Some(&until))));
    let created = app.json("/Hold/put.createdAt");
    ["posted", "put", "with-if-none-match"].iter().for_each(|id| app.wait_until_gone(&format!("/Hold/{id}")));

    app.post(&json!({"id": "posted"}));
    let put = app.client.json("PUT", "/Hold/put", &json!({})).expect(201).body_json();
    assert_ne!(put["createdAt"], created, "another life");
    let headers = [("content-type", "application/json"), ("if-none-match", "*")];
    app.client.send("PUT", "/Hold/with-if-none-match", &headers, b"{}").expect(201);
    for id in ["posted", "put", "with-if-none-match"] {
        assert_eq!(app.log_of(id), [1, 4, 1], "{id}");
    }
}

#[test]
fn an_expired_hold_frees_its_unique_value() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (10, 11), Some(&soon())));
    app.post(&hold("other", "q", (10, 11), None));
    app.wait_until_gone("/Hold/h");
    app.post(&json!({"id": "new", "slot": "slot h"}));
    app.client.json("POST", "/Hold/", &json!({"slot": "slot h"})).expect(409);
    assert_eq!(changes(app.server.data(), "Hold")[2..], [(4, "h".to_owned()), (1, "new".to_owned())]);
}

#[test]
fn an_expired_hold_frees_its_unique_value_for_a_change() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (10, 11), Some(&soon())));
    app.post(&hold("other", "q", (10, 11), None));
    app.wait_until_gone("/Hold/h");
    app.client.json("PATCH", "/Hold/other", &json!({"slot": "slot h"})).expect(200);
    assert_eq!(changes(app.server.data(), "Hold")[2..], [(4, "h".to_owned()), (2, "other".to_owned())]);
}

#[test]
fn an_expired_hold_frees_its_place() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (10, 12), Some(&soon())));
    app.client.json("POST", "/Hold/", &hold("early", "r", (11, 13), None)).expect(409);
    app.wait_until_gone("/Hold/h");
    app.post(&hold("new", "r", (11, 13), None));
    assert_eq!(changes(app.server.data(), "Hold"), [(1, "h".to_owned()), (4, "h".to_owned()), (1, "new".to_owned())]);
    let problem = app.client.json("POST", "/Hold/", &hold("again", "r", (10, 12), None)).expect(409).body_json();
    assert_eq!(problem["conflicts"], json!([{"id": "new", "start": at(11), "end": at(13)}]));
}

#[test]
fn an_expired_hold_frees_its_place_for_a_move() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (10, 12), Some(&soon())));
    app.post(&hold("moved", "r", (13, 14), None));
    app.wait_until_gone("/Hold/h");
    app.client.json("PATCH", "/Hold/moved", &json!({"begins": at(9), "ends": at(11)})).expect(200);
    assert_eq!(changes(app.server.data(), "Hold")[2..], [(4, "h".to_owned()), (2, "moved".to_owned())]);
}

/// The neighbour that begins last before the new end is the expired hold; the booking that is in the way is behind it.
#[test]
fn an_expired_hold_that_begins_later_hides_no_live_booking() {
    let app = start(Sweeper::Off);
    app.post(&hold("live", "r", (8, 12), None));
    app.post(&hold("h", "r", (12, 14), Some(&soon())));
    app.wait_until_gone("/Hold/h");
    let problem = app.client.json("POST", "/Hold/", &hold("new", "r", (11, 15), None)).expect(409).body_json();
    assert_eq!(problem["conflicts"], json!([{"id": "live", "start": at(8), "end": at(12)}]));
    app.client.json("PATCH", "/Hold/live", &json!({"ends": at(11)})).expect(200);
    app.post(&hold("new", "r", (11, 15), None));
}

#[test]
fn an_expired_hold_that_begins_earlier_hides_no_live_booking() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (8, 10), Some(&soon())));
    app.post(&hold("live", "r", (10, 12), None));
    app.wait_until_gone("/Hold/h");
    let problem = app.client.json("POST", "/Hold/", &hold("new", "r", (9, 11), None)).expect(409).body_json();
    assert_eq!(problem["conflicts"], json!([{"id": "live", "start": at(10), "end": at(12)}]));
    app.post(&hold("new", "r", (8, 10), None));
}

/// The keys of a record are one name space: the hold blocks a person, the booking a room and the person.
#[test]
fn an_expired_hold_of_a_person_frees_the_person() {
    let app = start(Sweeper::Off);
    let mut held = hold("h", "q", (10, 12), Some(&soon()));
    held["personIds"] = json!(["ann", "bob"]);
    app.post(&held);
    let mut booking = hold("new", "r", (11, 13), None);
    booking["personIds"] = json!(["cleo", "bob"]);
    assert_eq!(app.client.json("POST", "/Hold/", &booking).expect(409).body_json()["key"], "bob");
    app.wait_until_gone("/Hold/h");
    app.post(&booking);
    assert_eq!(app.log_of("h"), [1, 4]);
    app.post(&hold("room", "q", (10, 12), None));
}

#[test]
fn an_expired_hold_frees_one_of_several_places() {
    let app = start(Sweeper::Off);
    let seat = |id: &str, hours: (u32, u32), until: Option<&str>| json!({"id": id, "row": 7, "begins": at(hours.0), "ends": at(hours.1), "until": until});
    let post = |seat: &Json| app.client.json("POST", "/Seat/", seat);
    post(&seat("live", (8, 12), None)).expect(201);
    post(&seat("h", (9, 12), Some(&soon()))).expect(201);
    let problem = post(&seat("new", (10, 11), None)).expect(409).body_json();
    assert_eq!((&problem["key"], &problem["conflicts"].as_array().unwrap().len()), (&json!(7), &2));
    app.wait_until_gone("/Seat/h");
    post(&seat("new", (10, 11), None)).expect(201);
    assert_eq!(changes_of(app.server.data(), "Seat", "h"), [1, 4]);
    let problem = post(&seat("third", (10, 13), None)).expect(409).body_json();
    let ids: Vec<&Json> = problem["conflicts"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["live", "new"]);
    post(&seat("later", (11, 13), None)).expect(201);
}

#[test]
fn an_expired_hold_meets_no_precondition() {
    let app = start(Sweeper::Off);
    let made = app.client.json("POST", "/Hold/", &hold("h", "r", (10, 11), Some(&soon()))).expect(201);
    let tag = made.header("etag").unwrap().to_owned();
    app.wait_until_gone("/Hold/h");
    let seen = [("content-type", "application/json"), ("if-match", tag.as_str())];
    let any = [("content-type", "application/json"), ("if-match", "*")];
    for headers in [seen, any] {
        let answer = app.client.send("PUT", "/Hold/h", &headers, b"{}").expect(412);
        assert_eq!(answer.header("etag"), None, "there is no such record");
        app.client.send("PATCH", "/Hold/h", &headers, b"{\"note\":\"n\"}").expect(404);
        app.client.send("DELETE", "/Hold/h", &headers[1..], b"").expect(404);
    }
    app.client.send("GET", "/Hold/h", &[("if-none-match", tag.as_str())], b"").expect(404);
}

#[test]
fn an_expired_hold_goes_whoever_refers_to_it() {
    let app = start(Sweeper::On);
    app.post(&hold("h", "r", (10, 11), Some(&soon())));
    app.client.json("POST", "/Guest/", &json!({"id": "g", "holdId": "h"})).expect(201);
    app.client.delete("/Hold/h").expect(409);
    poll(&app.client, "/Guest/g", |_| app.log_of("h") == [1, 4]);
    app.client.get("/Guest/g").expect(200);
}

/// Whoever writes a hold again before its time has passed keeps it.
#[test]
fn a_hold_lives_on_when_its_end_is_moved() {
    let app = start(Sweeper::On);
    let until = soon();
    app.post(&hold("h", "r", (10, 11), Some(&until)));
    app.post(&hold("witness", "r", (11, 12), Some(&until)));
    app.client.json("PATCH", "/Hold/h", &json!({"until": "2999-01-01T00:00:00Z"})).expect(200);
    app.client.json("PATCH", "/Hold/h", &json!({"until": "2001-01-01T00:00:00Z"})).expect(422);
    poll(&app.client, "/Hold/h", |_| app.log_of("witness") == [1, 4]);
    app.client.get("/Hold/h").expect(200);
    assert_eq!(app.log_of("h"), [1, 2]);
}

#[test]
fn the_sweeper_takes_away_what_has_expired_once_and_nothing_else() {
    let app = start(Sweeper::On);
    app.post(&hold("live", "r", (8, 9), None));
    app.post(&hold("a", "r", (10, 11), Some(&soon())));
    app.post(&hold("b", "r", (11, 12), Some(&soon())));
    let began = Timer::now();
    while app.log_of("b") != [1, 4] {
        assert!(began.elapsed() < HELD + Duration::from_secs(10), "{:?}", changes(app.server.data(), "Hold"));
    }
    for (at_ms, until_ms) in deletions(app.server.data()) {
        assert!(at_ms >= until_ms, "gone since {until_ms}, taken away {at_ms}");
    }
    // Another one passes through all that the sweeper does.
    app.post(&hold("c", "r", (12, 13), Some(&soon())));
    while app.log_of("c") != [1, 4] {
        assert!(began.elapsed() < 2 * HELD + Duration::from_secs(20), "{:?}", changes(app.server.data(), "Hold"));
    }
    assert_eq!((app.log_of("a"), app.log_of("b"), app.log_of("live")), (vec![1, 4], vec![1, 4], vec![1]));
    assert_eq!(app.json("/Hold/?select(id)"), json!(["live"]));
}

/// Of each delete with the reason expired: when it happened, and when the record's life ended, in milliseconds.
fn deletions(data: &Path) -> Vec<(i64, i64)> {
    let file = open(data);
    let sql = "SELECT at,before->>'until' FROM _changes WHERE op=4";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
    rows.map(Result::unwrap).map(|(at, until)| (at, Instant::parse(&until).unwrap().millis())).collect()
}

#[test]
fn a_life_ends_after_the_longest_allowed() {
    let app = start(Sweeper::Off);
    app.client.json("POST", "/Short/", &json!([{"id": "a"}, {"id": "b", "until": "2999-01-01T00:00:00Z"}])).expect(201);
    app.wait_until_gone("/Short/a");
    app.wait_until_gone("/Short/b");
    assert_eq!(app.json("/Short/"), json!([]));
}

#[test]
fn a_session_lives_as_long_as_it_is_used() {
    let app = start(Sweeper::On);
    app.client.json("POST", "/Session/", &json!({"id": "s", "user": "ann"})).expect(201);
    let visit = json!({"visits": {"__op__": "add", "value": 1}});
    let began = Timer::now();
    let mut last_visit = began;
    while began.elapsed() < Duration::from_secs(3) {
        last_visit = Timer::now();
        app.client.json("PATCH", "/Session/s", &visit).expect(200);
    }
    app.wait_until_gone("/Session/s");
    assert!(last_visit.elapsed() > Duration::from_millis(1_900), "two seconds after the last visit");
    app.client.json("PATCH", "/Session/s", &visit).expect(404);
    app.client.json("POST", "/Session/", &json!({"id": "t", "user": "ann"})).expect(201);
    poll(&app.client, "/Session/t", |_| changes_of(app.server.data(), "Session", "t") == [1, 4]);
}

#[test]
fn an_expired_session_does_not_come_back_when_its_room_is_deleted() {
    let app = start(Sweeper::Off);
    app.client.json("POST", "/Room/", &json!({"id": "r"})).expect(201);
    app.client.json("POST", "/Session/", &json!({"id": "s", "roomId": "r"})).expect(201);
    app.wait_until_gone("/Session/s");
    app.client.json("POST", "/Session/", &json!({"id": "live", "roomId": "r"})).expect(201);
    app.client.delete("/Room/r").expect(204);
    app.client.get("/Session/s").expect(404);
    assert_eq!(app.json("/Session/live.roomId"), Json::Null);
}

#[test]
fn only_live_records_are_named_where_they_keep_another() {
    let app = start(Sweeper::Off);
    app.post(&hold("h", "r", (10, 11), None));
    let guests = json!([{"id": "gone", "holdId": "h", "until": soon()}, {"id": "here", "holdId": "h"}]);
    app.client.json("POST", "/Guest/", &guests).expect(201);
    app.wait_until_gone("/Guest/gone");
    assert_eq!(app.client.delete("/Hold/h").expect(409).body_json()["ids"], json!(["here"]));
    app.client.delete("/Guest/here").expect(204);
    app.client.delete("/Hold/h").expect(204);
}

#[test]
fn an_expired_session_frees_its_unique_value_though_nobody_sweeps() {
    let app = start(Sweeper::Off);
    app.client.json("POST", "/Session/", &json!({"id": "s", "user": "ann"})).expect(201);
    app.client.json("POST", "/Session/", &json!({"id": "t", "user": "ann"})).expect(409);
    app.wait_until_gone("/Session/s");
    app.client.json("PATCH", "/Session/s", &json!({"visits": 1})).expect(404);
    app.client.json("POST", "/Session/", &json!({"id": "t", "user": "ann"})).expect(201);
    assert_eq!(changes(app.server.data(), "Session"), [(1, "s".to_owned()), (4, "s".to_owned()), (1, "t".to_owned())]);
}

#[test]
fn a_life_goes_on_and_ends_while_nobody_serves() {
    let App { server, client, folder } = start(Sweeper::Off);
    let until = soon();
    client.json("POST", "/Hold/", &hold("h", "r", (10, 11), Some(&until))).expect(201);
    client.json("POST", "/Hold/", &hold("live", "r", (11, 12), None)).expect(201);
    server.kill();

    let (server, client) = serve(folder.path(), Sweeper::Off);
    poll(&client, "/Hold/h", |answer| answer.status == 404);
    assert_eq!(changes_of(server.data(), "Hold", "h"), [1]);
    server.kill();

    let (server, client) = serve(folder.path(), Sweeper::Off);
    client.get("/Hold/h").expect(404);
    client.get("/Hold/live").expect(200);
    assert_eq!(changes_of(server.data(), "Hold", "h"), [1]);
    assert!(server.stop().success());

    let (server, client) = serve(folder.path(), Sweeper::On);
    poll(&client, "/Hold/live", |_| changes_of(server.data(), "Hold", "h") == [1, 4]);
    client.json("POST", "/Hold/", &hold("new", "r", (10, 11), None)).expect(201);
    client.get("/Hold/live").expect(200);
}
