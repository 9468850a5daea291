//! The command line: what it checks, what it refuses and in which words, how it reloads and how it ends.

use rusqlite::Connection;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start, binary, root};

const PRODUCT: &str = "type Product @table @export {\n  id: ID @primaryKey\n  name: String\n}\n";
const WITH_PRICE: &str =
    "type Product @table @export {\n  id: ID @primaryKey\n  name: String\n  price: Float @indexed\n}\n";

/// An app in a temporary folder.
struct App(tempfile::TempDir);

impl App {
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            app.write(name, text);
        }
        app
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data-folder")
    }

    fn start(&self) -> Server {
        Server::start(self.path(), Start { data: Some(self.data()), ..Start::default() })
    }

    fn start_dev(&self) -> Server {
        Server::start(self.path(), Start { dev: true, data: Some(self.data()), ..Start::default() })
    }

    fn serve_refused(&self, arguments: &[&str]) -> String {
        let mut all = vec!["serve", self.path().to_str().unwrap()];
        all.extend(arguments);
        let (code, output) = stoa(&all, &[]);
        assert_eq!(code, Some(1), "{output}");
        output
    }

    fn check(&self) -> (Option<i32>, String) {
        stoa(&["check", self.path().to_str().unwrap()], &[])
    }
}

/// Runs a command that ends by itself: its exit code and both its streams.
fn stoa(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child = Command::new(binary())
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            break;
        }
        std::thread::yield_now();
    }
    let output = child.wait_with_output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

fn assert_says(output: &str, parts: &[&str]) {
    for part in parts {
        assert!(output.contains(part), "{part:?} is missing in:\n{output}");
    }
}

#[test]
fn help_teaches() {
    let (code, output) = stoa(&["--help"], &[]);
    assert_eq!(code, Some(0));
    assert_says(&output, &["dev", "serve", "check", "examples/storefront"]);
    for command in ["dev", "serve", "check", "import", "export", "migrate", "watch", "version"] {
        let (code, output) = stoa(&[command, "--help"], &[]);
        assert_eq!(code, Some(0));
        assert_says(&output, &["Example"]);
    }
}

#[test]
fn an_unknown_command_or_flag_is_refused() {
    for arguments in [&["serv"][..], &["serve", "--prt", "1"], &["serve", "--listen", "nowhere"]] {
        let (code, output) = stoa(arguments, &[]);
        assert!(code.is_some_and(|code| code != 0), "{arguments:?}: {output}");
        assert_says(&output, &[arguments[arguments.len().min(2) - 1]]);
    }
}

#[test]
fn check_of_good_schemas() {
    for example in ["storefront", "calendar"] {
        let (code, output) = stoa(&["check", root().join("examples").join(example).to_str().unwrap()], &[]);
        assert_eq!(code, Some(0), "{output}");
        assert!(!output.contains("error"), "{output}");
    }
}

#[test]
fn check_of_a_folder_without_schema() {
    let (code, output) = App::new(&[]).check();
    assert_eq!(code, Some(1));
    assert_says(&output, &["schema.graphql"]);
}

#[test]
fn check_tells_everything_at_once_with_its_place_and_the_nearest_name() {
    let app = App::new(&[(
        "schema.graphql",
        "type Product @table @export {\n  id: ID @primaryKey\n  name: Strin\n  price: Float @indxed\n  categoryId: ID\n  \
         category: Category @relationship(from: categoryid)\n}\n\
         type Category @table @export(name: \"graphql\") {\n  id: ID @primaryKey\n  ID: String\n}\n\
         type Keyless @table @export {\n  name: String\n}\n",
    )]);
    let (code, output) = app.check();
    assert_eq!(code, Some(1));
    assert_says(
        &output,
        &[
            "schema.graphql:3:3: error",
            "String",
            "schema.graphql:4:16: warning",
            "did you mean `indexed`",
            "schema.graphql:6:",
            "categoryId",
            "schema.graphql:8:",
            "graphql",
            "schema.graphql:10:3: error",
            "schema.graphql:12:1: error",
            "primary key",
        ],
    );
    assert_eq!(output.matches("schema.graphql:3:").count(), 1, "a misspelt type is one error:\n{output}");
}

#[test]
fn check_tells_the_errors_of_all_files_the_first_syntax_error_of_each() {
    let app = App::new(&[
        ("schema/a.graphql", "type A @table @export {\n  id: ID @primaryKey\n  x: [\n}\n"),
        ("schema/b.graphql", "type B @table @export {\n  id: ID @primaryKey\n  x: Flot\n}\n"),
        ("schema/c.graphql", "type C @table @export {\n  id ID\n}\n"),
    ]);
    let (code, output) = app.check();
    assert_eq!(code, Some(1));
    assert_says(&output, &["a.graphql:4:1: error", "b.graphql:3:3: error", "Float", "c.graphql:2:6: error"]);
}

#[test]
fn rules_that_cannot_work_are_errors_with_their_lines() {
    for (fields, rules, said) in [
        ("x: Int @check(min: \"a\")", "", "`x`: @check(min:) does not fit Int"),
        ("x: String @check(pattern: \"(\")", "", "@check(pattern:): regex parse error"),
        ("x: [Int] @unique", "", "@unique: `x` holds more than one value"),
        ("x: Int @expiresAt", "", "`x`: @expiresAt needs a time"),
        ("x: Int", "@check(expr: \"x > y\")", "character 5"),
        ("x: Int", "@check(expr: \"x + 1\")", "@check(expr: \"x + 1\"), character 1"),
        ("x: Int", "@unique(fields: [x], unless: \"other.x = 1\")", "@unique(unless:"),
        ("a: Date b: Date", "@noOverlap(start: a, end: b)", "@noOverlap needs `by: […]`"),
        ("a: Date b: Date c: ID", "@noOverlap(start: a, end: b, by: [c], capacity: 0)", "@noOverlap(capacity:)"),
        ("a: Int b: Date c: ID", "@noOverlap(start: a, end: b, by: [c])", "`a` cannot hold a time"),
        ("up: ID t: T @relationship(from: up, onDelete: cascade)", "", "onDelete: cascade leads back to T"),
        ("up: ID! t: T @relationship(from: up, onDelete: setNull)", "", "`up` is never null"),
    ] {
        let schema = format!("type T @table @export {rules} {{\n  id: ID @primaryKey\n  {fields}\n}}\n");
        let (code, output) = App::new(&[("schema.graphql", &schema)]).check();
        assert_eq!(code, Some(1), "{schema}{output}");
        let line = if rules.is_empty() { 3 } else { 1 };
        assert_says(&output, &[said, &format!("schema.graphql:{line}:")]);
    }
}

#[test]
fn a_schema_with_errors_is_not_served() {
    let app = App::new(&[("schema.graphql", "type T @table @export {\n  id: ID @primaryKey\n  x: Strin\n}\n")]);
    let output = app.serve_refused(&["--listen", "127.0.0.1:0"]);
    assert_says(&output, &["schema.graphql:3:3: error", "String"]);
    assert!(!app.path().join(".stoa").exists(), "nothing is made for a schema that is wrong");
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    assert_says(&app.serve_refused(&["--listen", &address]), &[&address, "taken"]);
}

#[test]
fn a_data_folder_that_another_stoa_uses() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let first = app.start();
    let data = app.data();
    let output = app.serve_refused(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert_says(&output, &["another stoa", data.to_str().unwrap()]);
    Client::new(&first.base).get("/Product/").expect(200);
    assert!(first.stop().success());
    app.start();
}

#[test]
fn a_data_folder_that_cannot_be_made() {
    let app = App::new(&[("schema.graphql", PRODUCT), ("file", "not a folder")]);
    let data = app.path().join("file/data");
    let output = app.serve_refused(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert_says(&output, &[data.to_str().unwrap()]);
    assert!(!output.contains("panicked"), "{output}");
}

#[test]
fn a_database_of_a_newer_version() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    assert!(app.start().stop().success());
    let database = Connection::open(app.data().join("stoa.db")).unwrap();
    assert_eq!(database.execute("UPDATE _meta SET value='999' WHERE key='format'", []).unwrap(), 1);
    drop(database);
    let output = app.serve_refused(&["--listen", "127.0.0.1:0", "--data", app.data().to_str().unwrap()]);
    assert_says(&output, &["newer", "999"]);
    assert_eq!(output.trim().lines().count(), 1, "one clear sentence:\n{output}");
}

#[test]
fn a_file_that_is_no_database() {
    let app =
        App::new(&[("schema.graphql", PRODUCT), ("data-folder/stoa.db", &"this is no database at all\n".repeat(200))]);
    let output = app.serve_refused(&["--listen", "127.0.0.1:0", "--data", app.data().to_str().unwrap()]);
    assert_says(&output, &["stoa.db"]);
}

#[test]
fn an_address_open_to_others_needs_to_be_meant() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    assert_says(&app.serve_refused(&["--listen", "0.0.0.0:0"]), &["--unauthenticated"]);
    assert_says(&app.serve_refused(&["--listen", "[::]:0"]), &["--unauthenticated"]);
    let (code, output) = stoa(&["serve", app.path().to_str().unwrap()], &[("STOA_LISTEN", "0.0.0.0:0")]);
    assert_eq!(code, Some(1));
    assert_says(&output, &["--unauthenticated"]);
    app.write("stoa.toml", "listen = \"0.0.0.0:0\"\n");
    assert_says(&app.serve_refused(&[]), &["--unauthenticated"]);
}

#[test]
fn settings_of_stoa_toml() {
    let app =
        App::new(&[("schema.graphql", PRODUCT), ("stoa.toml", "listen = \"127.0.0.1:0\"\ndata = \"data-folder\"\n")]);
    let first = app.start();
    assert_says(&app.serve_refused(&[]), &["another stoa", "data-folder"]);
    drop(first);

    app.write("stoa.toml", "listen = \"0.0.0.0:0\"\ncors = [\"https://shop.example\"]\n");
    let server = app.start();
    let client = Client::new(&server.base);
    let allowed = client.send("GET", "/Product/", &[("origin", "https://shop.example")], b"").expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://shop.example"));
    for foreign in ["https://evil.example", "http://shop.example", "https://shop.example.evil.example", "null"] {
        client.send("GET", "/Product/", &[("origin", foreign)], b"").expect(403);
    }
}

#[test]
fn settings_that_nobody_understands() {
    for (toml, named) in [
        ("lissten = \"127.0.0.1:0\"\n", "lissten"),
        ("cors = [\"shop.example\"]\n", "shop.example"),
        ("listen = 80\n", "listen"),
        ("= \n", "stoa.toml"),
    ] {
        let app = App::new(&[("schema.graphql", PRODUCT), ("stoa.toml", toml)]);
        assert_says(&app.serve_refused(&["--listen", "127.0.0.1:0"]), &["stoa.toml", named]);
    }
}

#[test]
fn on_start_it_says_what_it_serves() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let server = app.start();
    assert_says(&server.output(), &["Product", &format!("{}/Product/", server.base), app.data().to_str().unwrap()]);
}

#[test]
fn dev_allows_pages_of_loopback_only() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let server = app.start_dev();
    let client = Client::new(&server.base);
    let allowed = client.send("GET", "/Product/", &[("origin", "http://localhost:3000")], b"").expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_says(
        allowed.header("access-control-expose-headers").unwrap(),
        &["ETag", "Location", "Idempotent-Replayed", "Stoa-Seq"],
    );
    let asked = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "content-type,if-match"),
    ];
    let preflight = client.send("OPTIONS", "/Product/a", &asked, b"");
    assert!((200..300).contains(&preflight.status));
    assert_says(preflight.header("access-control-allow-methods").unwrap(), &["PATCH", "DELETE", "PUT"]);
    assert_says(preflight.header("access-control-allow-headers").unwrap(), &["content-type", "if-match"]);
    client.send("GET", "/Product/", &[("origin", "https://evil.example")], b"").expect(403);
}

#[test]
fn dev_takes_a_new_attribute_at_once() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let server = app.start_dev();
    let client = Client::new(&server.base);
    client.json("PUT", "/Product/a", &json!({"name": "A"})).expect(201);
    app.write("schema.graphql", WITH_PRICE);
    server.wait_for_output("reloaded");
    assert_eq!(client.get("/Product/a").expect(200).body_json(), json!({"id": "a", "name": "A", "price": null}));
    client.json("PATCH", "/Product/a", &json!({"price": 5})).expect(200);
    assert_eq!(client.get("/Product/?price=gt=1&select(id)").expect(200).body_json(), json!(["a"]));
}

#[test]
fn dev_keeps_the_old_schema_when_the_new_one_is_broken() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let server = app.start_dev();
    let client = Client::new(&server.base);
    client.json("PUT", "/Product/a", &json!({"name": "A"})).expect(201);
    app.write("schema.graphql", "type Product @table @export {\n  id: ID @primaryKey\n  name: Strin\n}\n");
    server.wait_for_output("schema.graphql:3:3: error");
    assert_eq!(client.get("/Product/a").expect(200).body_json(), json!({"id": "a", "name": "A"}));
    app.write("schema.graphql", "type Product @table @export {\n  id: ID @primaryKey\n");
    server.wait_for_output("syntax");
    client.json("PUT", "/Product/b", &json!({"name": "B"})).expect(201);
    app.write("schema.graphql", WITH_PRICE);
    server.wait_for_output("reloaded");
    assert_eq!(client.get("/Product/b").expect(200).body_json(), json!({"id": "b", "name": "B", "price": null}));
}

#[test]
fn dev_refuses_a_change_that_would_lose_data() {
    let app = App::new(&[("schema.graphql", WITH_PRICE)]);
    let server = app.start_dev();
    let client = Client::new(&server.base);
    client.json("PUT", "/Product/a", &json!({"name": "A", "price": 5})).expect(201);
    app.write("schema.graphql", PRODUCT);
    server.wait_for_output("Product.price");
    assert_eq!(client.get("/Product/a").expect(200).body_json(), json!({"id": "a", "name": "A", "price": 5}));
}

#[test]
fn a_start_that_would_lose_data_is_refused_and_loses_nothing() {
    let app = App::new(&[("schema.graphql", WITH_PRICE)]);
    let server = app.start();
    let client = Client::new(&server.base);
    client.json("PUT", "/Product/a", &json!({"name": "A", "price": 5})).expect(201);
    assert!(server.stop().success());
    let flags =
        ["--listen", "127.0.0.1:0", "--data", app.path().join("data-folder").to_str().unwrap()].map(str::to_owned);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    app.write("schema.graphql", PRODUCT);
    assert_says(&app.serve_refused(&flags), &["Product.price", "lost"]);
    app.write("schema.graphql", &WITH_PRICE.replace("Float", "String"));
    assert_says(&app.serve_refused(&flags), &["Product.price", "Float", "String"]);
    app.write("schema.graphql", "type Other @table @export { id: ID @primaryKey }\n");
    assert_says(&app.serve_refused(&flags), &["Product", "lost"]);
    app.write("schema.graphql", &WITH_PRICE.replace("price: Float", "price: Float\n  owner: String!"));
    assert_says(&app.serve_refused(&flags), &["Product.owner"]);
    app.write("schema.graphql", WITH_PRICE);
    let server = app.start();
    let kept = Client::new(&server.base).get("/Product/a").expect(200).body_json();
    assert_eq!(kept, json!({"id": "a", "name": "A", "price": 5}));
}

#[test]
fn what_is_added_over_a_restart_is_there() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let server = app.start();
    let records = json!([{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]);
    Client::new(&server.base).json("POST", "/Product/", &records).expect(201);
    assert!(server.stop().success());
    app.write(
        "schema.graphql",
        "type Product @table @export {\n  id: ID @primaryKey\n  name: String @indexed\n  tags: [String] @indexed\n  shelfId: ID @indexed\n  \
         shelf: Shelf @relationship(from: shelfId)\n}\n\
         type Shelf @table @export {\n  id: ID @primaryKey\n  products: [Product] @relationship(to: shelfId)\n}\n",
    );
    let server = app.start();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Product/?name=B&select(id)").expect(200).body_json(), json!(["b"]));
    assert_eq!(
        client.get("/Product/a").expect(200).body_json(),
        json!({"id": "a", "name": "A", "tags": null, "shelfId": null})
    );
    client.json("PUT", "/Shelf/s", &json!({})).expect(201);
    client.json("PATCH", "/Product/a", &json!({"tags": ["x"], "shelfId": "s"})).expect(200);
    assert_eq!(client.get("/Product/?tags=x&select(id)").expect(200).body_json(), json!(["a"]));
    assert_eq!(client.get("/Shelf/s?select=products{id}").expect(200).body_json(), json!({"products": [{"id": "a"}]}));
}

#[test]
fn an_index_on_a_list_that_was_there_before_finds_what_was_there_before() {
    let plain = "type Product @table @export {\n  id: ID @primaryKey\n  tags: [String]\n}\n";
    let app = App::new(&[("schema.graphql", plain)]);
    let server = app.start();
    Client::new(&server.base).json("PUT", "/Product/a", &json!({"tags": ["x", "y", "x"]})).expect(201);
    assert!(server.stop().success());
    app.write("schema.graphql", &plain.replace("[String]", "[String] @indexed"));
    let server = app.start();
    let client = Client::new(&server.base);
    assert_eq!(client.get("/Product/?tags=y&select(id)").expect(200).body_json(), json!(["a"]));
    client.json("PATCH", "/Product/a", &json!({"tags": ["z"]})).expect(200);
    assert_eq!(client.get("/Product/?tags=y&select(id)").expect(200).body_json(), json!([]));
}

#[test]
fn seeds_are_loaded_once() {
    let seeds = "{\"table\": \"Product\", \"records\": [{\"id\": \"a\", \"name\": \"A\"}]}";
    let app = App::new(&[("schema.graphql", PRODUCT), ("data/1.json", seeds)]);
    let server = app.start();
    Client::new(&server.base).delete("/Product/a").expect(204);
    assert!(server.stop().success());
    let server = app.start();
    Client::new(&server.base).get("/Product/a").expect(404);
}

#[test]
fn a_wrong_seed_is_told_with_its_file_and_record() {
    let seeds = "{\"table\": \"Product\", \"records\": [{\"id\": \"a\"}, {\"id\": \"b\", \"colour\": 1}]}";
    let app = App::new(&[("schema.graphql", PRODUCT), ("data/1-products.json", seeds)]);
    assert_says(&app.serve_refused(&["--listen", "127.0.0.1:0"]), &["1-products.json", "colour"]);
}

#[test]
fn sigterm_lets_an_open_request_finish() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let mut server = app.start();
    let body = "{\"id\":\"slow\",\"name\":\"Slow\"}";
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /Product/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0_u8; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "the server waits for the body");
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    server.terminate();
    server.wait_for_output("stopping");
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(server.stop().success());
    let server = app.start();
    let kept = Client::new(&server.base).get("/Product/slow").expect(200).body_json();
    assert_eq!(kept, json!({"id": "slow", "name": "Slow"}));
}

#[test]
fn sigint_ends_it_too() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    let server = app.start();
    Client::new(&server.base).json("PUT", "/Product/a", &json!({"name": "A"})).expect(201);
    assert!(Command::new("kill").args(["-INT", &server.pid().to_string()]).status().unwrap().success());
    server.wait_for_output("stopping");
    assert!(server.stop().success());
    let server = app.start();
    Client::new(&server.base).get("/Product/a").expect(200);
}

#[test]
fn a_stop_right_after_the_start_is_an_orderly_one() {
    let app = App::new(&[("schema.graphql", PRODUCT)]);
    for start in 0..30 {
        let ended = app.start().stop();
        assert!(ended.success(), "start {start}: {ended}");
    }
}
