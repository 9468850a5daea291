//! `kill -9` under write load, and a full disk: what was acknowledged is there, what was not is there wholly or not at
//! all, and the change log tells how the tables came to be what they are.

mod item;
mod load;
mod log;

use item::{Item, items};
use load::Writer;
use log::Log;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::mpsc;
use stoa_tests::client::{Answer, Client};
use stoa_tests::disk::Disk;
use stoa_tests::server::{Server, Start, long};

const SCHEMA: &str = "
type Item @table @export {
  id: ID @primaryKey
  name: String @indexed
  stock: Int
  big: Long
  price: Float @indexed
  tags: [String] @indexed
  notes: [String]
}";

const WRITERS: usize = 8;

fn rounds() -> usize {
    if long() { 200 } else { 20 }
}

fn app() -> tempfile::TempDir {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    app
}

fn start(app: &Path, data: &Path) -> Server {
    Server::start(app, Start { data: Some(data.to_owned()), ..Start::default() })
}

#[test]
fn acknowledged_writes_survive_kill_nine() {
    let app = app();
    let data = app.path().join("data");
    let mut log = Log::default();
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    let mut acknowledged = 0;
    let mut half_known = 0;
    for round in 0..rounds() {
        let server = start(app.path(), &data);
        half_known += settle(&server, &mut writers);
        if round % 2 == 0 {
            log.check(&data);
        }
        let acknowledgements = 60 + round * 37 % 400;
        acknowledged += write_until_killed(server, &mut writers, acknowledgements);
        if round % 2 == 1 {
            log.check(&data);
        }
    }
    let server = start(app.path(), &data);
    half_known += settle(&server, &mut writers);
    assert!(server.stop().success());
    log.check(&data);
    eprintln!(
        "{} rounds, {acknowledged} writes acknowledged, {half_known} under way when killed, {} changes",
        rounds(),
        log.seq
    );
}

/// All writers at once, until so many answers have come; then SIGKILL.
fn write_until_killed(server: Server, writers: &mut [Writer], acknowledgements: usize) -> usize {
    let (acknowledge, acknowledged) = mpsc::channel();
    let base = server.base.clone();
    std::thread::scope(|scope| {
        for writer in writers {
            let (acknowledge, client) = (acknowledge.clone(), Client::new(&base));
            scope.spawn(move || writer.write_until_gone(&client, &acknowledge));
        }
        drop(acknowledge);
        let before = acknowledged.iter().take(acknowledgements).count();
        assert_eq!(before, acknowledgements, "every writer ended by itself");
        server.kill();
        before + acknowledged.iter().count()
    })
}

/// Compares what the server holds with what each writer knows; how many were in doubt about their last write.
fn settle(server: &Server, writers: &mut [Writer]) -> usize {
    let held = items(&Client::new(&server.base).get("/Item/").expect(200).body_json());
    let known: usize = writers.iter_mut().map(|writer| writer.settle(&held)).sum();
    assert_eq!(held.len(), known, "records that nobody wrote");
    writers.iter_mut().map(Writer::forget_doubt).sum()
}

fn long_item(id: &str) -> Json {
    json!({"id": id, "name": "x".repeat(100_000), "price": 1e-70, "tags": [id, "all"]})
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else() {
    let Some(disk) = Disk::mount(8) else { return };
    let app = app();
    let data = disk.path().join("data");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1_u8; 3 << 20]).unwrap();
    let server = start(app.path(), &data);
    let client = Client::new(&server.base);

    let post = |id: &str| client.json("POST", "/Item/", &long_item(id));
    let ids: Vec<String> = (0..100).map(|at| format!("i{at:02}")).collect();
    let mut stored: Vec<Item> = Vec::new();
    let refusal = ids.iter().find_map(|id| {
        let answer = post(id);
        if answer.status != 201 {
            return Some(answer);
        }
        stored.push(Item::read(&answer.body_json()));
        None
    });
    assert!(stored.len() > 5, "the disk was full after {} records", stored.len());
    refused_for_now(&refusal.expect("8 MB hold 100 records of 100 KB"));

    let array: Vec<Json> = ["n1", "n2", "n3"].iter().map(|id| long_item(id)).collect();
    refused_for_now(&client.json("POST", "/Item/", &Json::from(array)));
    refused_for_now(&client.json("PUT", "/Item/", &json!([{"id": "i00", "name": "never"}, long_item("n4")])));
    refused_for_now(&client.json("PATCH", "/Item/?id!=none", &json!({"name": "y".repeat(500_000)})));
    let held: Vec<Item> = items(&client.get("/Item/").expect(200).body_json()).into_values().collect();
    assert_eq!(held, stored);
    for item in &stored {
        assert_eq!(&Item::read(&client.get(&format!("/Item/{}", item.id)).expect(200).body_json()), item);
    }
    assert_eq!(client.get("/Item/?tags=i03&select=id").expect(200).text(), r#"[{"id":"i03"}]"#);
    client.get("/Item/n1").expect(404);

    std::fs::remove_file(&ballast).unwrap();
    post("after").expect(201);
    client.json("PATCH", "/Item/i00", &json!({"stock": {"__op__": "add", "value": 1}})).expect(200);
    client.delete("/Item/i01").expect(204);
    assert!(server.stop().success());
    Log::default().check(&data);
}

fn refused_for_now(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{:?}", answer.headers);
    let problem = answer.body_json();
    assert_eq!((&problem["type"], &problem["status"]), (&json!("/_stoa/problems/unavailable"), &json!(503)));
}
