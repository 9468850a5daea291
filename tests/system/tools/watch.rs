//! `stoa watch`: what it prints, how it goes on when a connection breaks, and how it ends.

use super::folder::{Folder, assert_says, stoa};
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command};
use std::sync::{Arc, Mutex};
use stoa_tests::client::Client;
use stoa_tests::server::Server;

const SCHEMA: &str = "type Product @table @export { id: ID @primaryKey name: String stock: Int since: String }";

/// A server with one product, `lamp`.
fn shop() -> (Folder, Server, Client) {
    let folder = Folder::new(SCHEMA);
    let server = folder.serve();
    let client = Client::new(&server.base);
    put(&client, "lamp", 1);
    (folder, server, client)
}

fn put(client: &Client, id: &str, stock: i64) {
    let answer = client.json("PUT", &format!("/Product/{id}"), &json!({"name": "A name", "stock": stock}));
    assert!([200, 201].contains(&answer.status), "{}", answer.text());
}

/// The command while it runs.
struct Watching {
    child: Child,
    /// `None`: nobody reads it.
    lines: Option<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = folder.spawn(&[&["watch"], arguments].concat());
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "it ended: {line:?} {}", self.complaints());
        line.truncate(line.len() - 1);
        line
    }

    /// The next message in short: its kind, the id, the stock.
    fn message(&mut self) -> (String, Json, Json) {
        let message: Json = serde_json::from_str(&self.line()).unwrap();
        let kind = message["type"].as_str().unwrap().to_owned();
        (kind, message["id"].clone(), message["value"]["stock"].clone())
    }

    fn expect(&mut self, kind: &str, id: impl Into<Json>, stock: impl Into<Json>) {
        assert_eq!(self.message(), (kind.to_owned(), id.into(), stock.into()));
    }

    /// Until the state is complete.
    fn ready(&mut self) {
        while self.message().0 != "ready" {}
    }

    fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How it ended, and what it said on standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let complaints = self.complaints();
        (self.child.wait().unwrap().code(), complaints)
    }

    fn complaints(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stream) = self.child.stderr.take() {
            stream.read_to_string(&mut text).unwrap();
        }
        text
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn each_message_is_a_json_text_on_a_line() {
    let (folder, server, client) = shop();
    let mut watching = Watching::start(&folder, &[&format!("{}/Product/?stock<10", server.base), "--json"]);
    let state: Json = serde_json::from_str(&watching.line()).unwrap();
    let value = json!({"id": "lamp", "name": "A name", "stock": 1, "since": null});
    assert_eq!((&state["type"], &state["table"], &state["value"]), (&json!("put"), &json!("Product"), &value));
    watching.expect("ready", Json::Null, Json::Null);
    put(&client, "chair", 2);
    watching.expect("put", "chair", 2);
    put(&client, "chair", 20);
    watching.expect("leave", "chair", Json::Null);
    client.delete("/Product/lamp").expect(204);
    watching.expect("delete", "lamp", Json::Null);
    watching.interrupt();
    assert_eq!(watching.end(), (Some(0), String::new()));
}

#[test]
fn people_see_a_line_with_time_kind_record_and_value() {
    let (folder, server, client) = shop();
    let url = format!("{}/Product/lamp?select=stock", server.base.replace("http", "ws"));
    let mut watching = Watching::start(&folder, &[&url]);
    let shown = |line: &str| line.split_at("10:00:00.123  ".len()).1.to_owned();
    assert_eq!(shown(&watching.line()), "put     Product/lamp  {\"stock\":1}");
    assert!(shown(&watching.line()).starts_with("ready   "));
    put(&client, "lamp", 5);
    let line = watching.line();
    assert_eq!(shown(&line), "put     Product/lamp  {\"stock\":5}");
    assert_eq!(line.match_indices(':').take(2).map(|(at, _)| at).collect::<Vec<_>>(), [2, 5], "{line}");
    client.delete("/Product/lamp").expect(204);
    assert_eq!(shown(&watching.line()), "delete  Product/lamp");
}

#[test]
fn the_state_alone_or_only_what_comes() {
    let (folder, server, client) = shop();
    let url = format!("{}/Product/", server.base);
    let once = folder.run(&["watch", &url, "--once"]).expect(0);
    assert_eq!(once.lines().count(), 2, "{once}");
    assert_says(&once, &["put     Product/lamp", "ready"]);

    let mut watching = Watching::start(&folder, &[&url, "--no-snapshot", "--json"]);
    watching.expect("ready", Json::Null, Json::Null);
    put(&client, "chair", 2);
    watching.expect("put", "chair", 2);
    let foreign = folder.run(&["watch", &format!("{url}?since=abc-1&since==x"), "--once", "--json"]).expect(0);
    assert_eq!(foreign.lines().next(), Some(r#"{"type":"reset"}"#), "{foreign}");
    assert_eq!(foreign.lines().count(), 2, "an attribute may have the name of a control: {foreign}");
}

#[test]
fn a_refused_subscription_is_explained() {
    let (folder, server, _) = shop();
    for (path, said) in [
        ("/Produkt/", "(404"),
        ("/Product/?colour=red", "colour"),
        ("/Product/?limit=2", "pages"),
        ("/Product/lamp?price=1", "takes only select"),
    ] {
        let output = folder.run(&["watch", &format!("{}{path}", server.base)]).expect(1);
        assert_says(&output, &["stoa: ", said]);
        assert_eq!(output.lines().count(), 1, "{output}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_says(&stoa(&["watch", &format!("http://{free}/Product/")]).expect(1), &["cannot reach", &free.to_string()]);
    assert_says(&stoa(&["watch", "https://127.0.0.1/Product/"]).expect(1), &["TLS"]);
}

#[test]
fn a_pipe_that_is_closed_ends_it_quietly() {
    let (folder, server, client) = shop();
    let mut watching = Watching::start(&folder, &[&format!("{}/Product/", server.base), "--json"]);
    watching.ready();
    watching.lines = None;
    put(&client, "chair", 2);
    assert_eq!(watching.end(), (Some(0), String::new()));
}

/// Lets connections through to a server until they are cut.
struct Wire {
    address: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (open, port) = (Arc::new(Mutex::new(Vec::new())), server.port());
        let all = Arc::clone(&open);
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                // The server may have gone.
                let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { return };
                for (from, to) in [(&here, &there), (&there, &here)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || copy(&mut from, &mut to));
                }
                all.lock().unwrap().extend([here, there]);
            }
        });
        Self { address, open }
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }
}

#[test]
fn a_broken_connection_is_taken_up_where_it_was() {
    let (folder, server, client) = shop();
    let wire = Wire::to(&server);
    let mut watching = Watching::start(&folder, &[&format!("http://{}/Product/", wire.address), "--json"]);
    watching.ready();
    put(&client, "chair", 2);
    watching.expect("put", "chair", 2);
    for stock in 3..6 {
        wire.cut();
        put(&client, "chair", stock);
        // Neither what was there before nor what was told already.
        watching.expect("put", "chair", stock);
        watching.expect("ready", Json::Null, Json::Null);
    }
    watching.interrupt();
    let (code, said) = watching.end();
    assert_eq!(code, Some(0));
    assert_says(&said, &["trying again in 0.5 s", "connected again, going on from "]);
    assert_eq!(said.lines().count(), 6, "{said}");
}

#[test]
fn a_server_that_goes_and_refuses_ends_it() {
    let (folder, server, _) = shop();
    let url = format!("{}/Product/", server.base);
    let mut watching = Watching::start(&folder, &[&url, "--json"]);
    watching.ready();
    let port = server.port();
    assert!(server.stop().success());
    let other = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        let problem = r#"{"title":"Forbidden","status":403,"detail":"not for you"}"#;
        let (mut stream, _) = other.accept().unwrap();
        _ = stream.read(&mut [0; 4096]);
        let head = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n", problem.len());
        for part in [head.as_bytes(), &problem.as_bytes()[..9], &problem.as_bytes()[9..]] {
            std::io::Write::write_all(&mut stream, part).unwrap();
        }
    });
    let (code, said) = watching.end();
    assert_eq!(code, Some(1), "{said}");
    assert_says(&said, &["trying again in 0.5 s", "stoa: not for you (403 Forbidden)"]);
}
