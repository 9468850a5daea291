//! `stoa export`, and the way back by `stoa import`.

use super::folder::{Folder, assert_says};
use serde_json::{Value as Json, json};
use stoa_tests::client::Client;

const SCHEMA: &str = r#"
type Thing @table @export @open {
  id: ID @primaryKey text: String int: Int long: Long big: BigInt double: Float flag: Boolean date: Date bytes: Bytes any: Any
  texts: [String] ints: [Int] doubles: [Float] bigs: [BigInt] blobs: [Bytes] anys: [Any] home: Home homes: [Home]
  secret: String @hidden twice: Long @computed(from: "int * 2")
}
type Home { city: String geo: [Float] since: String }
type Pair @table { key: [ID]! @primaryKey note: String }
type Number @table @export { id: Long @primaryKey name: String }
"#;

/// Records with every type, and what formats could trip over.
fn things() -> Vec<Json> {
    let full = json!({"id": "a/b é", "text": "two\r\nlines, \"quoted\" \u{0} \u{1f980}", "int": i32::MIN, "long": i64::MAX, "double": 5e-324,
        "flag": true, "date": "2024-08-15T10:30:00.5+02:00", "bytes": "AP/+", "any": {"b": [1.5, null, "x"], "a": "2024-08-15T10:30:00-04:00"},
        "texts": ["", "null", "2024-08-15T10:30:00Z"], "ints": [], "doubles": [0.1, -1e300, null], "blobs": ["AA=="], "anys": [1, "1", null, {"a": 1}],
        "home": {"city": "Paris", "geo": [48.8, 2.3], "since": "2024-08-15T10:30:00Z"}, "homes": [{"city": "Rome"}, null], "secret": "s"});
    vec![
        full,
        json!({"id": "empty", "text": "", "flag": false, "double": -0.5, "secret": ""}),
        json!({"id": "nothing"}),
    ]
}

/// The app with records in every table.
fn filled(schema: &str) -> Folder {
    let app = Folder::new(schema);
    let big = r#"{"id":"big","big":123456789012345678901234567890,"bigs":[-99999999999999999999,0],"any":12345678901234567890.50}"#;
    let things: String = things().iter().map(|thing| format!("{thing}\n")).collect();
    app.write("things.ndjson", format!("{things}{big}\n"));
    app.run(&["import", "things.ndjson", "--table", "Thing"]).expect(0);
    app.write("pairs.ndjson", "{\"key\":[\"a\",\"b/c\"],\"note\":\"n\"}\n{\"key\":[\"a\"]}\n");
    app.run(&["import", "pairs.ndjson", "--table", "Pair"]).expect(0);
    app.write("numbers.csv", "id,name\n-5,a\n9223372036854775806,\"\"\n7,\n");
    app.run(&["import", "numbers.csv", "--table", "Number"]).expect(0);
    app
}

/// Every row of a table as the database holds it, revision aside.
fn rows(app: &Folder, table: &str) -> Vec<String> {
    let database = app.database();
    let names: Vec<String> = {
        let mut statement =
            database.prepare(&format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE name<>'$rev'")).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let columns: Vec<String> = names.iter().map(|name| format!("typeof(\"{name}\")||':'||quote(\"{name}\")")).collect();
    let mut statement =
        database.prepare(&format!("SELECT {} FROM \"{table}\" ORDER BY 1", columns.join("||'|'||"))).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_is_exported_and_imported_is_the_same() {
    let open = filled(SCHEMA);
    open.write("more.ndjson", "{\"id\":\"more\",\"color\":\"red\",\"size\":[1.50]}\n");
    open.run(&["import", "more.ndjson", "--table", "Thing"]).expect(0);
    round_trip(&open, SCHEMA, "ndjson");
    // What is undeclared has no column in CSV.
    let sealed = SCHEMA.replace(" @open", "");
    round_trip(&filled(&sealed), &sealed, "csv");
}

fn round_trip(app: &Folder, schema: &str, format: &str) {
    let said = app.run(&["export", "--hidden", "--format", format, "--out", "all"]).expect(0);
    assert_says(&said, &["Thing: ", "Pair: 2 records", "Number: 3 records"]);
    let other = Folder::new(schema);
    for table in ["Thing", "Pair", "Number"] {
        let file = app.path().join(format!("all/{table}.{format}"));
        assert_says(
            &other.run(&["import", file.to_str().unwrap(), "--table", table]).expect(0),
            &["0 updated, 0 unchanged, 0 failed"],
        );
        assert_eq!(rows(&other, table), rows(app, table), "{table} in {format}");
        assert_says(
            &app.run(&["import", file.to_str().unwrap(), "--table", table]).expect(0),
            &["0 inserted, 0 updated"],
        );
    }
}

#[test]
fn every_format_is_what_the_server_answers_while_it_runs() {
    let app = filled(SCHEMA);
    let server = app.serve();
    let client = Client::new(&server.base);
    client.json("PUT", "/Thing/late", &json!({"int": 5})).expect(201);
    let query = "text=null&sort=-id&timezone=Europe/Paris";
    for format in ["json", "ndjson", "csv", "cbor", "msgpack"] {
        let out = format!("out.{format}");
        app.run(&["export", "--table", "Thing", "--query", query, "--out", &out]).expect(0);
        let answer = client.get(&format!("/Thing/.{format}?{query}")).expect(200);
        assert_eq!(std::fs::read(app.path().join(&out)).unwrap(), answer.body, "{format}");
    }
    let piped = app.run(&["export", "--table", "Thing", "--query", "int=5&select(id)"]);
    assert_eq!(String::from_utf8_lossy(&piped.0.stdout), "\"late\"\n");
    assert!(server.stop().success());
    app.run(&["export", "--table", "Number", "--out", "n.csv.zst"]).expect(0);
    let packed = std::fs::read(app.path().join("n.csv.zst")).unwrap();
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), b"id,name\r\n-5,a\r\n7,\r\n9223372036854775806,\"\"\r\n");
}

#[test]
fn long_tables_are_whole_in_every_format() {
    let app = Folder::new("type Item @table @export { id: ID @primaryKey n: Int }");
    app.write("items.ndjson", (0..70_000).map(|at| format!("{{\"id\":\"{at:06}\",\"n\":{at}}}\n")).collect::<String>());
    app.run(&["import", "items.ndjson", "--table", "Item"]).expect(0);
    let server = app.serve();
    for format in ["json", "ndjson", "csv", "cbor", "msgpack"] {
        app.run(&["export", "--format", format, "--out", "all"]).expect(0);
        let answer = Client::new(&server.base).get(&format!("/Item/.{format}")).expect(200);
        assert!(std::fs::read(app.path().join(format!("all/Item.{format}"))).unwrap() == answer.body, "{format}");
    }
}

#[test]
fn a_cut_export_does_not_look_complete() {
    let app = Folder::new("type Item @table @export { id: ID @primaryKey text: String }");
    let long = "x".repeat(1_000);
    app.write(
        "items.ndjson",
        (0..30_000).map(|at| format!("{{\"id\":\"{at}\",\"text\":\"{long}\"}}\n")).collect::<String>(),
    );
    app.run(&["import", "items.ndjson", "--table", "Item"]).expect(0);
    app.write("out.ndjson", "before\n");
    let mut child = app.spawn(&["export", "--table", "Item", "--out", "out.ndjson"]);
    let part = app.path().join("out.ndjson.part");
    while std::fs::metadata(&part).map_or(0, |part| part.len()) == 0 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    if !child.wait().unwrap().success() {
        assert_eq!(std::fs::read_to_string(app.path().join("out.ndjson")).unwrap(), "before\n");
    }
    app.run(&["export", "--table", "Item", "--out", "out.ndjson"]).expect(0);
    assert_eq!(std::fs::read_to_string(app.path().join("out.ndjson")).unwrap().lines().count(), 30_000);
    assert!(!part.exists());
}

#[test]
fn what_it_refuses_it_explains() {
    let app = filled(SCHEMA);
    let refused = |arguments: &[&str], parts: &[&str]| assert_says(&app.run(arguments).expect(1), parts);
    refused(&["export", "--query", "int=5"], &["--table"]);
    refused(&["export", "--table", "Thing", "--query", "nmae=5"], &["--query", "nmae"]);
    refused(&["export", "--table", "Thing", "--format", "xml"], &["ndjson"]);
    refused(&["export", "--table", "Thing", "--out", "none/file.csv"], &["none/file.csv"]);
    refused(&["export", "--table", "Thing", "--data", "elsewhere"], &["no database in elsewhere"]);
    assert!(!app.path().join("elsewhere").exists());
    app.write("schema.graphql", SCHEMA.replace("note: String", "note: String more: Int @indexed"));
    refused(&["export"], &["`stoa migrate .`"]);
    app.write("schema.graphql", SCHEMA.replace("note: String", ""));
    refused(&["export"], &["Pair.note is no longer in the schema"]);
}
