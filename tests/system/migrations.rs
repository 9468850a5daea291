//! What may become of a schema over the records that are there.

use serde_json::json;
use std::path::Path;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

/// Starts the app with another schema on the data it has; what it says if it does not start.
fn start(app: &Path, schema: &str) -> Result<Server, String> {
    std::fs::write(app.join("schema.graphql"), schema).unwrap();
    Server::try_start(app, Start::default())
}

fn refused(app: &Path, schema: &str, words: &str) {
    let said = start(app, schema).err().unwrap_or_else(|| panic!("{schema} was taken"));
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_table_is_opened_and_sealed_again() {
    let app = tempfile::tempdir().unwrap();
    let sealed = "type Note @table @export { id: ID @primaryKey title: String }";
    let open = "type Note @table @export @open { id: ID @primaryKey title: String }";
    let declared = "type Note @table @export @open { id: ID @primaryKey title: String color: String @indexed }";
    let server = start(app.path(), sealed).unwrap();
    Client::new(&server.base).json("POST", "/Note/", &json!({"id": "a", "title": "A"})).expect(201);
    assert!(server.stop().success());

    let server = start(app.path(), open).unwrap();
    let client = Client::new(&server.base);
    client.json("PATCH", "/Note/a", &json!({"color": "red", "size": 1})).expect(200);
    assert!(server.stop().success());

    refused(app.path(), sealed, "Note is no longer @open, but 1 stored records have undeclared attributes");
    refused(app.path(), declared, "Note.color is declared now, but 1 stored records have it");

    let server = start(app.path(), open).unwrap();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Note/a").expect(200).text(), r#"{"id":"a","title":"A","color":"red","size":1}"#);
    client.json("PATCH", "/Note/?id!=none", &json!({"color": null})).expect(200);
    assert!(server.stop().success());

    let server = start(app.path(), declared).unwrap();
    let client = Client::new(&server.base);
    client.json("PATCH", "/Note/?color=null", &json!({"color": "blue", "size": null})).expect(200);
    assert_eq!(client.get("/Note/?color=blue").expect(200).text(), r#"[{"id":"a","title":"A","color":"blue"}]"#);
    assert!(server.stop().success());

    let sealed = "type Note @table @export { id: ID @primaryKey title: String color: String }";
    let server = start(app.path(), sealed).unwrap();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Note/a").expect(200).text(), r#"{"id":"a","title":"A","color":"blue"}"#);
    client.json("PATCH", "/Note/a", &json!({"size": 1})).expect(422);
    assert!(server.stop().success());
}

#[test]
fn a_nested_type_grows() {
    let app = tempfile::tempdir().unwrap();
    let schema = |address: &str| {
        format!("type Person @table @export {{ id: ID @primaryKey home: Address }}\ntype Address {address}")
    };
    let server = start(app.path(), &schema("{ city: String zip: Int }")).unwrap();
    let client = Client::new(&server.base);
    client.json("POST", "/Person/", &json!({"id": "a", "home": {"city": "Rome", "zip": 1}})).expect(201);
    assert!(server.stop().success());

    refused(app.path(), &schema("{ city: String }"), "Address.zip is no longer in the schema");
    refused(app.path(), &schema("{ city: String zip: String }"), "Address.zip changed from Int to String");
    refused(app.path(), &schema("{ city: String! zip: Int }"), "Address.city is now required");
    refused(app.path(), &schema("{ city: String zip: Int lines: [String]! }"), "Address.lines is now required");

    let server = start(app.path(), &schema("@open { city: String zip: Long street: Address }")).unwrap();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Person/?home.zip=1&home.street=null&select(id)").expect(200).text(), r#"["a"]"#);
    assert!(server.stop().success());
    refused(app.path(), &schema("{ city: String zip: Long street: Address }"), "Address is no longer @open");
}

#[test]
fn an_expression_changes_and_the_data_stays() {
    let app = tempfile::tempdir().unwrap();
    let schema =
        |more: &str| format!("type Item @table @export {{ id: ID @primaryKey price: Float count: Int {more} }}");
    let shows = |server: &Server, path: &str, expected: &str| {
        assert_eq!(Client::new(&server.base).get(path).expect(200).text(), expected);
    };
    let server = start(app.path(), &schema("")).unwrap();
    Client::new(&server.base).json("POST", "/Item/", &json!({"id": "a", "price": 1.5, "count": 4})).expect(201);
    assert!(server.stop().success());

    let first = r#"dear: Boolean @computed(from: "total > 10") @indexed total: Float @computed(from: "price * count") @indexed"#;
    let server = start(app.path(), &schema(first)).unwrap();
    shows(&server, "/Item/?dear=false", r#"[{"id":"a","price":1.5,"count":4,"dear":false,"total":6}]"#);
    assert!(server.stop().success());

    let second = r#"dear: Boolean @computed(from: "total > 10") @indexed total: Float @computed(from: "2 * price * count") @indexed big: Int @computed(from: "count + 1")"#;
    let server = start(app.path(), &schema(second)).unwrap();
    shows(&server, "/Item/?dear=true&total=12", r#"[{"id":"a","price":1.5,"count":4,"dear":true,"total":12,"big":5}]"#);
    let client = Client::new(&server.base);
    client.json("PATCH", "/Item/a", &json!({"count": 1})).expect(200);
    shows(&server, "/Item/a", r#"{"id":"a","price":1.5,"count":1,"dear":false,"total":3,"big":2}"#);
    assert!(server.stop().success());
    let server = start(app.path(), &schema(second)).unwrap();
    assert!(server.stop().success());

    refused(app.path(), &schema("total: Float"), "Item.total is no longer computed");
    refused(
        app.path(),
        &schema("").replace("count: Int", r#"count: Int @computed(from: "1")"#),
        "Item.count is computed now",
    );

    let server = start(app.path(), &schema(r#"total: String @computed(from: "'' || count")"#)).unwrap();
    shows(&server, "/Item/", r#"[{"id":"a","price":1.5,"count":1,"total":"1"}]"#);
    assert!(server.stop().success());
    let server = start(app.path(), &schema("")).unwrap();
    shows(&server, "/Item/", r#"[{"id":"a","price":1.5,"count":1}]"#);
    assert!(server.stop().success());
}

#[test]
fn a_computed_number_that_stored_records_cannot_have_is_refused() {
    let app = tempfile::tempdir().unwrap();
    let schema =
        |more: &str| format!("type Item @table @export {{ id: ID @primaryKey price: Float count: Int {more} }}");
    let server = start(app.path(), &schema("")).unwrap();
    let client = Client::new(&server.base);
    client
        .json("POST", "/Item/", &json!([{"id": "a", "price": 1e300, "count": 2_000_000_000}, {"id": "b"}]))
        .expect(201);
    assert!(server.stop().success());

    let told = |name: &str| format!("Item.{name} would leave the range of its type in 1 stored records");
    refused(app.path(), &schema(r#"twice: Int @computed(from: "count * 2")"#), &told("twice"));
    refused(app.path(), &schema(r#"twice: Int @computed(from: "count * 2") @indexed"#), &told("twice"));
    refused(app.path(), &schema(r#"square: Float @computed(from: "price * price")"#), &told("square"));

    let server = start(app.path(), &schema(r#"twice: Long @computed(from: "count * 2")"#)).unwrap();
    assert_eq!(Client::new(&server.base).get("/Item/a.twice").expect(200).text(), "4000000000");
    assert!(server.stop().success());
    refused(app.path(), &schema(r#"twice: Int @computed(from: "count * 2")"#), &told("twice"));
}
