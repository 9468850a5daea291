//! `stoa migrate`.

use super::folder::{Folder, assert_says};
use serde_json::json;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

const BEFORE: &str = "type Product @table @export { id: ID @primaryKey name: String @indexed count: Int @indexed price: Float sku: String old: String tags: [String] @indexed twice: Int @computed(from: \"count * 2\") @indexed }\n\
    type Gone @table @export { id: ID @primaryKey }";
const AFTER: &str = "type Product @table @export { id: ID @primaryKey name: String @indexed count: String @indexed price: Long sku: Int @indexed tags: [String] @indexed twice: String @computed(from: \"count || count\") @indexed added: Boolean }";

/// An app with a few records of this schema, and its server stopped.
fn filled() -> Folder {
    let app = Folder::new(BEFORE);
    let server = app.serve();
    let client = Client::new(&server.base);
    let records = json!([
        {"id": "a", "name": "A", "count": 3, "price": 2.0, "sku": "12", "old": "x", "tags": ["r", "g"]},
        {"id": "b", "count": -4, "sku": "7"},
        {"id": "c", "old": "y", "tags": ["g"]},
    ]);
    client.json("POST", "/Product/", &records).expect(201);
    client.json("POST", "/Gone/", &json!({"id": "z"})).expect(201);
    assert!(server.stop().success());
    app
}

fn shape(app: &Folder) -> String {
    let database = app.database();
    let mut statement =
        database.prepare("SELECT group_concat(sql,';') FROM (SELECT sql FROM sqlite_master ORDER BY name)").unwrap();
    statement.query_row([], |row| row.get(0)).unwrap()
}

#[test]
fn additive_steps_are_planned_and_done() {
    let app = filled();
    let before = shape(&app);
    app.write("schema.graphql", BEFORE.replace("old: String", "old: String @indexed more: [Int] @indexed"));
    let plan = app.run(&["migrate", "--plan"]).expect(0);
    assert_says(
        &plan,
        &[
            "ALTER TABLE \"Product\" ADD COLUMN \"more\" TEXT",
            "CREATE INDEX \"Product:old\"",
            "rows",
            "undone",
            "`stoa migrate .`",
        ],
    );
    assert_eq!(shape(&app), before);
    assert_says(&app.run(&["migrate"]).expect(0), &["ADD COLUMN \"more\"", "steps done"]);
    assert_says(&app.run(&["migrate"]).expect(0), &["has the shape of the schema"]);
    let server = app.serve();
    assert_eq!(Client::new(&server.base).get("/Product/?old=y&select(id)").expect(200).text(), r#"["c"]"#);
}

#[test]
fn what_loses_values_is_refused_planned_and_done_when_it_is_meant() {
    let app = filled();
    let before = shape(&app);
    app.write("schema.graphql", AFTER);
    let refused = [
        "Product.old is no longer in the schema",
        "Product.count changed from Int to String",
        "DROP TABLE \"Gone\"",
        "--plan",
        "--allow-destructive",
    ];
    assert_says(&app.run(&["migrate"]).expect(1), &refused);
    assert_says(&app.run(&["serve"]).expect(1), &refused);
    let losses = [
        "lost: 2 values of Product.old",
        "lost: 1 records of Gone, the whole table",
        "converted: 2 values of Product.count from Int to String",
        "converted: 1 values of Product.price from Float to Long",
        "converted: 2 values of Product.sku from String to Int",
    ];
    let plan = app.run(&["migrate", "--plan"]).expect(0);
    assert_says(&plan, &losses);
    assert_says(&plan, &["3 rows", "all undone", "`stoa migrate . --allow-destructive`"]);
    assert_eq!(shape(&app), before);
    assert_says(&app.run(&["migrate", "--allow-destructive"]).expect(0), &losses);
    assert_says(&app.run(&["migrate", "--plan"]).expect(0), &["has the shape of the schema"]);

    let server = app.serve();
    let client = Client::new(&server.base);
    client.get("/Gone/").expect(404);
    assert_eq!(
        client.get("/Product/").expect(200).body_json(),
        json!([
            {"id": "a", "name": "A", "count": "3", "price": 2, "sku": 12, "tags": ["r", "g"], "twice": "33", "added": null},
            {"id": "b", "name": null, "count": "-4", "price": null, "sku": 7, "tags": null, "twice": "-4-4", "added": null},
            {"id": "c", "name": null, "count": null, "price": null, "sku": null, "tags": ["g"], "twice": null, "added": null},
        ])
    );
    for (query, ids) in
        [("tags=g", r#"["a","c"]"#), ("count=3", r#"["a"]"#), ("twice=-4-4", r#"["b"]"#), ("sku=gt=7", r#"["a"]"#)]
    {
        assert_eq!(client.get(&format!("/Product/?{query}&select(id)")).expect(200).text(), ids, "{query}");
    }
    let changes = app.number("SELECT count(*) FROM _changes");
    client.json("PATCH", "/Product/c", &json!({"count": "5", "tags": ["n"]})).expect(200);
    client.delete("/Product/a").expect(204);
    assert_eq!(client.get("/Product/?tags=n&select(id)").expect(200).text(), r#"["c"]"#);
    assert_eq!(app.number("SELECT count(*) FROM _changes"), changes + 2);
}

#[test]
fn records_that_were_changed_have_new_tags_and_positions_are_foreign() {
    let app = filled();
    let server = app.serve();
    let answer = Client::new(&server.base).get("/Product/a").expect(200);
    let (tag, log) = (answer.header("etag").unwrap().to_owned(), answer.header("stoa-seq").unwrap().to_owned());
    assert!(server.stop().success());
    app.write("schema.graphql", AFTER);
    app.run(&["migrate", "--allow-destructive"]).expect(0);
    let server = app.serve();
    let answer = Client::new(&server.base).send("GET", "/Product/a", &[("if-none-match", &tag)], b"").expect(200);
    let name = |token: &str| token.split('-').next().unwrap().to_owned();
    assert_ne!(name(answer.header("stoa-seq").unwrap()), name(&log));
}

#[test]
fn values_that_do_not_convert_are_named_and_nothing_is_done() {
    let app = Folder::new("type Item @table @export { id: ID @primaryKey size: String }");
    let items: String = (0..30)
        .map(|at| format!("{{\"id\":\"i{at:02}\",\"size\":\"{}\"}}\n", if at % 2 == 0 { "7" } else { "big" }))
        .collect();
    app.write("items.ndjson", items);
    app.run(&["import", "items.ndjson", "--table", "Item"]).expect(0);
    app.write("schema.graphql", "type Item @table @export { id: ID @primaryKey size: Int }");
    let before = shape(&app);
    let output = app.run(&["migrate", "--allow-destructive"]).expect(1);
    assert_says(&output, &["Item.size", "15 stored records", "i01 (big)", "i19 (big)"]);
    assert!(!output.contains("i21") && !output.contains("i02"), "{output}");
    assert_eq!(shape(&app), before);
    app.write("schema.graphql", "type Item @table @export { id: ID @primaryKey size: Int! }");
    assert_says(&app.run(&["migrate", "--plan"]).expect(1), &["15 stored records"]);
}

#[test]
fn every_conversion() {
    let cases = [
        ("Int", "7", "Long", "7"),
        ("Int", "7", "Float", "7"),
        ("Long", "9007199254740991", "Float", "9007199254740991"),
        ("Long", "-7", "Int", "-7"),
        ("Float", "7.0", "Int", "7"),
        ("Float", "-7.0", "Long", "-7"),
        ("Int", "7", "String", r#""7""#),
        ("Long", "9223372036854775807", "ID", r#""9223372036854775807""#),
        ("Float", "0.1", "String", r#""0.1""#),
        ("Boolean", "true", "String", r#""true""#),
        ("Boolean", "true", "Int", "1"),
        ("String", r#""false""#, "Boolean", "false"),
        ("ID", r#""-12""#, "Int", "-12"),
        ("String", r#""9223372036854775807""#, "Long", "9223372036854775807"),
        ("String", r#""1.5e3""#, "Float", "1500"),
        ("String", r#""2024-08-15T10:00:00+02:00""#, "ID", r#""2024-08-15T08:00:00Z""#),
        ("String", r#""2024-08-15""#, "Date", r#""2024-08-15""#),
        ("Date", r#""2024-08-15T10:00:00.5Z""#, "String", r#""2024-08-15T10:00:00.500Z""#),
        ("ID", r#""text""#, "String", r#""text""#),
    ];
    converts(&cases);
}

fn converts(cases: &[(&str, &str, &str, &str)]) {
    let schema = |kind: &dyn Fn(usize) -> String| {
        let fields: String = (0..cases.len()).map(|at| format!(" a{at}: {}", kind(at))).collect();
        format!("type Item @table @export {{ id: ID @primaryKey{fields} }}")
    };
    let values = |value: &dyn Fn(usize) -> String| {
        let members: String = (0..cases.len()).map(|at| format!(",\"a{at}\":{}", value(at))).collect();
        format!("{{\"id\":\"x\"{members}}}")
    };
    let app = Folder::new(&schema(&|at| cases[at].0.into()));
    app.write("item.ndjson", format!("{}\n{{\"id\":\"y\"}}\n", values(&|at| cases[at].1.into())));
    app.run(&["import", "item.ndjson", "--table", "Item"]).expect(0);
    app.write("schema.graphql", schema(&|at| cases[at].2.into()));
    app.run(&["migrate", "--allow-destructive"]).expect(0);
    let server = app.serve();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Item/x").expect(200).text(), values(&|at| cases[at].3.into()));
    assert_eq!(client.get("/Item/y").expect(200).text(), format!("{{\"id\":\"y\"{}", &values(&|_| "null".into())[9..]));
}

#[test]
fn what_does_not_fit_is_never_bent() {
    let cases = [
        ("Long", "2147483648", "Int"),
        ("Long", "9007199254740993", "Float"),
        ("Float", "7.5", "Int"),
        ("Float", "1e300", "Long"),
        ("String", "\"7.0\"", "Int"),
        ("String", "\"007\"", "Long"),
        ("String", "\"2147483648\"", "Int"),
        ("String", "\"NaN\"", "Float"),
        ("String", "\"1e999\"", "Float"),
        ("String", "\"yes\"", "Boolean"),
        ("String", "\"2024-02-30\"", "Date"),
        ("ID", "\"2024-08-15T10:00:00+02:00\"", "String"),
    ];
    for (from, value, to) in cases {
        let app = Folder::new(&format!("type Item @table @export {{ id: ID @primaryKey a: {from} }}"));
        app.write("item.ndjson", format!("{{\"id\":\"x\",\"a\":{value}}}"));
        app.run(&["import", "item.ndjson", "--table", "Item"]).expect(0);
        app.write("schema.graphql", format!("type Item @table @export {{ id: ID @primaryKey a: {to} }}"));
        let output = app.run(&["migrate", "--allow-destructive"]).expect(1);
        assert_says(&output, &["1 stored records", "x ("]);
    }
}

#[test]
fn keys_and_nested_types_are_not_lost() {
    let app = Folder::new("type Item @table @export { id: Int @primaryKey code: String }");
    app.write("item.ndjson", "{\"id\":5,\"code\":\"c\"}\n{\"id\":6,\"code\":\"d\"}\n");
    app.run(&["import", "item.ndjson", "--table", "Item"]).expect(0);
    app.write("schema.graphql", "type Item @table @export { id: Int name: String @primaryKey }");
    assert_says(
        &app.run(&["migrate", "--allow-destructive"]).expect(1),
        &["no value that could be their primary key name"],
    );
    app.write("schema.graphql", "type Item @table @export { id: String @primaryKey code: String }");
    app.run(&["migrate", "--allow-destructive"]).expect(0);
    app.write("schema.graphql", "type Item @table @export { id: String code: ID @primaryKey }");
    app.run(&["migrate", "--allow-destructive"]).expect(0);
    let server = app.serve();
    assert_eq!(Client::new(&server.base).get("/Item/d").expect(200).text(), r#"{"id":"6","code":"d"}"#);
}

#[test]
fn dev_names_the_command() {
    let app = filled();
    let start = Start { dev: true, ..Start::default() };
    let server = Server::start(app.path(), start);
    Client::new(&server.base).get("/Product/a").expect(200);
    app.write("schema.graphql", AFTER);
    server.wait_for_output("--allow-destructive` carries it out");
    assert_says(&server.output(), &["DROP TABLE \"Gone\"", "the schema before it goes on serving"]);
    assert_says(&app.run(&["migrate", "--plan"]).expect(1), &["another stoa is running"]);
}

#[test]
fn killed_in_the_middle_it_leaves_one_shape() {
    let app = Folder::new(
        "type Item @table @export { id: ID @primaryKey n: Int @indexed tags: [String] @indexed old: String }",
    );
    let items: String = (0..40_000)
        .map(|at| format!("{{\"id\":\"{at:06}\",\"n\":{at},\"tags\":[\"a\",\"b{at}\"],\"old\":\"x\"}}\n"))
        .collect();
    app.write("items.ndjson", items);
    app.run(&["import", "items.ndjson", "--table", "Item"]).expect(0);
    let before = shape(&app);
    app.write(
        "schema.graphql",
        "type Item @table @export { id: ID @primaryKey n: String @indexed tags: [String] @indexed }",
    );
    let wal = app.path().join(".stoa/stoa.db-wal");
    let mut child = app.spawn(&["migrate", "--allow-destructive"]);
    while std::fs::metadata(&wal).map_or(0, |wal| wal.len()) < 1 << 20 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let after = shape(&app);
    if after == before {
        assert_eq!(app.number("SELECT count(*) FROM Item WHERE typeof(n)='integer' AND old='x'"), 40_000);
        app.run(&["migrate", "--allow-destructive"]).expect(0);
    }
    assert_eq!(app.number("SELECT count(*) FROM Item WHERE typeof(n)='text'"), 40_000);
    assert_eq!(app.number("SELECT count(*) FROM \"Item:tags\""), 80_000);
    let server = app.serve();
    assert_eq!(Client::new(&server.base).get("/Item/?tags=b39999&select(n)").expect(200).text(), r#"["39999"]"#);
}
