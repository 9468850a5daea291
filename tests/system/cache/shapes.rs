//! Another schema, another run: answers have the shape of the schema that is served now.

use super::{is_hit, patch, put, says};
use serde_json::json;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

const OLD: &str = "type Product @table @export {\n  id: ID @primaryKey\n  name: String\n}\n";
const NEW: &str = "type Product @table(cacheControl: \"max-age=5\") @export {\n  id: ID @primaryKey\n  name: String\n  price: Int @indexed\n}\n";

fn write(app: &tempfile::TempDir, schema: &str) {
    std::fs::write(app.path().join("schema.graphql"), schema).unwrap();
}

fn shows_the_old_shape(client: &Client, name: &str) {
    says(client, "/Product/a", &format!(r#"{{"id":"a","name":"{name}"}}"#));
    says(client, "/Product/", &format!(r#"[{{"id":"a","name":"{name}"}}]"#));
    says(client, "/Product/.csv", &format!("id,name\r\na,{name}\r\n"));
    client.get("/Product/?price=gt=1").expect(400);
}

fn shows_the_new_shape(client: &Client, name: &str) {
    says(client, "/Product/a", &format!(r#"{{"id":"a","name":"{name}","price":null}}"#));
    says(client, "/Product/", &format!(r#"[{{"id":"a","name":"{name}","price":null}}]"#));
    says(client, "/Product/.csv", &format!("id,name,price\r\na,{name},\r\n"));
    says(client, "/Product/?price=gt=1", "[]");
    for path in ["/Product/a", "/Product/"] {
        assert_eq!(client.get(path).header("cache-control"), Some("max-age=5"), "{path}");
    }
}

#[test]
fn a_reloaded_schema_shows_its_own_shape() {
    let app = tempfile::tempdir().unwrap();
    write(&app, OLD);
    let server = Server::start(app.path(), Start { dev: true, ..Start::default() });
    let client = Client::new(&server.base);
    put(&client, "/Product/a", &json!({"name": "A"}));
    shows_the_old_shape(&client, "A");
    write(&app, NEW);
    server.wait_for_output("reloaded");
    shows_the_new_shape(&client, "A");
    patch(&client, "/Product/a", &json!({"name": "B"}));
    shows_the_new_shape(&client, "B");
}

#[test]
fn a_restarted_server_shows_what_was_written_meanwhile() {
    let app = tempfile::tempdir().unwrap();
    write(&app, OLD);
    let server = Server::start(app.path(), Start::default());
    let client = Client::new(&server.base);
    put(&client, "/Product/a", &json!({"name": "A"}));
    shows_the_old_shape(&client, "A");
    assert!(server.stop().success());
    write(&app, NEW);
    let server = Server::start(app.path(), Start::default());
    shows_the_new_shape(&Client::new(&server.base), "A");
}

/// Its answers are stored nowhere, so not by the server either.
#[test]
fn what_is_not_to_be_stored_is_not() {
    let server = Server::with_schema(
        "type Secret @table(cacheControl: \"no-store\") @export { id: ID @primaryKey word: String }
         type Box @table @export { id: ID @primaryKey secretId: ID @indexed secret: Secret @relationship(from: secretId) }",
    );
    let client = Client::new(&server.base);
    put(&client, "/Secret/s", &json!({"word": "a"}));
    put(&client, "/Box/b", &json!({"secretId": "s"}));
    for word in ["a", "b"] {
        patch(&client, "/Secret/s", &json!({"word": word}));
        for _ in 0..3 {
            for (path, text) in [
                ("/Secret/s.word", format!("\"{word}\"")),
                ("/Secret/?select(word)", format!("[\"{word}\"]")),
                ("/Box/b?select=secret{word}", format!(r#"{{"secret":{{"word":"{word}"}}}}"#)),
            ] {
                let answer = client.get(path).expect(200);
                assert_eq!(answer.text(), text, "{path}");
                if path.starts_with("/Secret") {
                    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
                    assert_ne!(is_hit(&answer), Some(true), "{path}");
                }
            }
        }
    }
}
