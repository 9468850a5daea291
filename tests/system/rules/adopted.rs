//! Rules that a schema takes on, changes and gives up while records are there.

use serde_json::{Value as Json, json};
use std::path::Path;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

/// An app whose schema changes from one start to the next.
struct App(tempfile::TempDir);

impl App {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn try_start(&self, schema: &str) -> Result<Server, String> {
        std::fs::write(self.path().join("schema.graphql"), schema).unwrap();
        Server::try_start(self.path(), Start::default())
    }

    /// Serves the schema while `work` is done.
    fn serve(&self, schema: &str, work: impl FnOnce(&Client)) {
        let server = self.try_start(schema).unwrap_or_else(|said| panic!("{schema} was refused: {said}"));
        work(&Client::new(&server.base));
        assert!(server.stop().success());
    }

    /// The schema is not served, for these reasons, a line each, and no others.
    fn refuses(&self, schema: &str, reasons: &[&str]) {
        let said = self.try_start(schema).err().unwrap_or_else(|| panic!("{schema} was taken"));
        assert!(said.contains("stored records break rules of the schema"), "{said}");
        let found: Vec<&str> = said.lines().filter(|line| line.contains(" times: ")).map(str::trim).collect();
        assert_eq!(found, reasons, "{said}");
    }
}

fn item(rules: &str, fields: &str) -> String {
    format!("type Item @table @export {rules} {{ id: ID count: Int code: String low: Int high: Int {fields} }}")
}

#[test]
fn a_check_is_taken_on_when_all_records_keep_it() {
    let app = App::new();
    let checked = r#"type Item @table @export @check(expr: "low <= high") {
        id: ID count: Int @check(min: 0, max: 10) code: String @check(pattern: "^[a-z]+$") low: Int high: Int }"#;
    app.serve(&item("", ""), |client| {
        let items = json!([
            {"id": "a", "count": -1, "code": "ok", "low": 1, "high": 2},
            {"id": "b", "count": 11, "code": "NO", "low": 3, "high": 2},
            {"id": "c", "count": 10, "code": "no1", "low": 2, "high": 2},
            {"id": "d", "count": -7}
        ]);
        client.json("POST", "/Item/", &items).expect(201);
    });
    app.refuses(
        checked,
        &[
            r#"Item.code @check(pattern: "^[a-z]+$"): 2 times: b (NO), c (no1)"#,
            "Item.count @check(min: 0): 2 times: a, d",
            "Item.count @check(max: 10): 1 times: b",
            r#"Item @check(expr: "low <= high"): 1 times: b"#,
        ],
    );
    app.serve(&item("", ""), |client| {
        client.json("PATCH", "/Item/?id!=none", &json!({"count": 5, "code": "ok", "low": 1, "high": 2})).expect(200);
    });
    app.serve(checked, |client| {
        client.json("PATCH", "/Item/a", &json!({"low": 3})).expect(422);
        client.json("POST", "/Item/", &json!({"count": 11})).expect(422);
        client.json("PATCH", "/Item/a", &json!({"code": "Ok"})).expect(422);
        let less = json!({"count": {"__op__": "add", "value": -6}});
        assert_eq!(client.json("PATCH", "/Item/a", &less).expect(409).body_json()["available"], 5);
    });
    app.refuses(&checked.replace("min: 0, max: 10", "min: 6"), &["Item.count @check(min: 6): 4 times: a, b, c, d"]);
    app.serve(&checked.replace("max: 10", "max: 20"), |client| {
        client.json("PATCH", "/Item/a", &json!({"count": 11})).expect(200);
    });
    app.serve(&item("", ""), |client| {
        client.json("PATCH", "/Item/a", &json!({"count": -1, "code": "NO", "low": 9})).expect(200);
    });
}

#[test]
fn a_unique_set_is_taken_on_when_no_two_records_are_equal() {
    let app = App::new();
    let unique = item("@unique(fields: [low, high])", "").replace("code: String", "code: String @unique");
    app.serve(&item("", ""), |client| {
        let items = json!([
            {"id": "a", "code": "x", "low": 1, "high": 1},
            {"id": "b", "code": "x", "low": 1, "high": 2},
            {"id": "c", "code": "y", "low": 1, "high": 1},
            {"id": "d", "low": 1},
            {"id": "e", "low": 1}
        ]);
        client.json("POST", "/Item/", &items).expect(201);
    });
    app.refuses(
        &unique,
        &["Item @unique(fields: [code]): 1 times: a (b)", "Item @unique(fields: [low, high]): 1 times: a (c)"],
    );
    let unless = item("@unique(fields: [low, high], unless: \"count < 0\")", "");
    app.refuses(&unless, &["Item @unique(fields: [low, high]): 1 times: a (c)"]);
    app.serve(&item("", ""), |client| {
        client.json("PATCH", "/Item/c", &json!({"count": -1})).expect(200);
    });
    app.serve(&unless, |client| {
        let problem = client.json("POST", "/Item/", &json!({"low": 1, "high": 1})).expect(409).body_json();
        assert_eq!((&problem["fields"], &problem["id"]), (&json!(["low", "high"]), &json!("a")));
        client.json("POST", "/Item/", &json!({"id": "f", "low": 1, "high": 1, "count": -2})).expect(201);
        client.json("PATCH", "/Item/c", &json!({"count": 1})).expect(409);
    });
    app.refuses(
        &item("@unique(fields: [low, high], unless: \"count < -1\")", ""),
        &["Item @unique(fields: [low, high]): 1 times: a (c)"],
    );
    app.serve(&item("", ""), |client| {
        client.json("POST", "/Item/", &json!({"id": "g", "low": 1, "high": 1})).expect(201);
        client.json("PATCH", "/Item/c", &json!({"count": 1})).expect(200);
    });
}

/// A schema with a rule on the intervals of a meeting.
fn meetings(rule: &str) -> String {
    format!(
        "type Meeting @table @export {rule} {{ id: ID begins: Date ends: Date room: ID people: [ID] status: String }}"
    )
}

fn no_overlap(more: &str) -> String {
    meetings(&format!("@noOverlap(start: begins, end: ends, {more})"))
}

fn meeting(id: &str, hours: (u32, u32), room: &str, people: &[&str]) -> Json {
    let at = |hour| format!("2030-01-01T{hour:02}:00:00Z");
    json!({"id": id, "begins": at(hours.0), "ends": at(hours.1), "room": room, "people": people})
}

fn status_of(client: &Client, meeting: &Json) -> u16 {
    client.json("POST", "/Meeting/", meeting).status
}

#[test]
fn intervals_are_kept_apart_once_they_are_apart() {
    let app = App::new();
    let by_room = no_overlap("by: [room], name: \"rooms\"");
    app.serve(&meetings(""), |client| {
        let all = [
            meeting("a", (8, 10), "r", &["ann"]),
            meeting("b", (9, 11), "r", &["bob"]),
            meeting("c", (9, 11), "q", &["ann"]),
            meeting("d", (11, 12), "q", &["bob"]),
        ];
        client.json("POST", "/Meeting/", &Json::from(all.to_vec())).expect(201);
        client.json("POST", "/Meeting/", &json!({"id": "open", "room": "r"})).expect(201);
    });
    app.refuses(&by_room, &["Meeting @noOverlap(name: \"rooms\"): 1 times: a (b)"]);
    app.refuses(&no_overlap("by: [people]"), &["Meeting @noOverlap(name: \"no_overlap\"): 1 times: a (c)"]);
    app.refuses(
        &no_overlap("by: [room], capacity: 1, name: \"rooms\""),
        &["Meeting @noOverlap(name: \"rooms\"): 1 times: b"],
    );
    app.serve(&meetings(""), |client| {
        client.json("PATCH", "/Meeting/b", &json!({"status": "cancelled"})).expect(200);
    });
    app.refuses(&by_room, &["Meeting @noOverlap(name: \"rooms\"): 1 times: a (b)"]);

    let unless = no_overlap("by: [room], unless: \"status = 'cancelled'\", name: \"rooms\"");
    app.serve(&unless, |client| {
        let problem = client.json("POST", "/Meeting/", &meeting("x", (9, 10), "r", &[])).expect(409).body_json();
        let old = json!({"id": "a", "start": "2030-01-01T08:00:00Z", "end": "2030-01-01T10:00:00Z"});
        assert_eq!((&problem["key"], &problem["conflicts"]), (&json!("r"), &json!([old])));
        client.json("PATCH", "/Meeting/b", &json!({"status": null})).expect(409);
        client.json("PATCH", "/Meeting/d", &json!({"room": "r"})).expect(200);
        assert_eq!(status_of(client, &meeting("e", (10, 11), "r", &["cleo"])), 201);
    });
}

#[test]
fn a_rule_on_intervals_changes_what_it_looks_at() {
    let app = App::new();
    let rule = |more: &str| no_overlap(&format!("{more}, name: \"apart\""));
    app.serve(&rule("by: [room]"), |client| {
        assert_eq!(status_of(client, &meeting("a", (8, 10), "r", &["ann"])), 201);
        assert_eq!(status_of(client, &meeting("b", (8, 10), "q", &["bob", "ann"])), 201);
        assert_eq!(status_of(client, &meeting("x", (8, 10), "r", &[])), 409);
    });
    app.refuses(&rule("by: [people]"), &["Meeting @noOverlap(name: \"apart\"): 1 times: a (b)"]);
    app.serve(&rule("by: [room]"), |client| {
        client.json("PATCH", "/Meeting/b", &json!({"people": {"__op__": "exclude", "value": "ann"}})).expect(200);
    });
    app.serve(&rule("by: [people]"), |client| {
        assert_eq!(status_of(client, &meeting("c", (8, 10), "r", &["cleo"])), 201);
        assert_eq!(status_of(client, &meeting("x", (9, 10), "s", &["bob"])), 409);
    });
    app.refuses(&rule("by: [room]"), &["Meeting @noOverlap(name: \"apart\"): 1 times: a (c)"]);
    app.serve(&rule("by: [room], capacity: 2"), |client| {
        assert_eq!(status_of(client, &meeting("x", (9, 10), "r", &[])), 409);
        assert_eq!(status_of(client, &meeting("d", (9, 10), "q", &["ann"])), 201);
    });
    app.refuses(
        &rule("by: [people], unless: \"status = 'gone'\""),
        &["Meeting @noOverlap(name: \"apart\"): 1 times: a (d)"],
    );
    app.serve(&meetings(""), |client| {
        assert_eq!(status_of(client, &meeting("e", (8, 10), "r", &["ann"])), 201);
        client.json("PATCH", "/Meeting/?people=ann&id!=a", &json!({"status": "gone"})).expect(200);
    });
    app.serve(&rule("by: [people], unless: \"status = 'gone'\""), |client| {
        client.json("PATCH", "/Meeting/d", &json!({"status": null})).expect(409);
        assert_eq!(status_of(client, &meeting("x", (8, 9), "s", &["cleo"])), 409);
        assert_eq!(status_of(client, &meeting("f", (8, 9), "s", &["dan"])), 201);
    });
}

/// A row that the rule does not look at is no offender, though the instant that it begins at is taken too often.
#[test]
fn only_rows_that_count_are_named_where_a_capacity_is_exceeded() {
    let app = App::new();
    app.serve(&meetings(""), |client| {
        let mut all = vec![
            meeting("a", (8, 12), "r", &[]),
            meeting("b", (9, 12), "r", &[]),
            meeting("c", (10, 12), "r", &[]),
            meeting("gone", (11, 12), "r", &[]),
        ];
        all[3]["status"] = json!("gone");
        client.json("POST", "/Meeting/", &Json::from(all)).expect(201);
    });
    let rule = no_overlap("by: [room], capacity: 2, unless: \"status = 'gone'\"");
    app.refuses(&rule, &["Meeting @noOverlap(name: \"no_overlap\"): 1 times: c"]);
}
