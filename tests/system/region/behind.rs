//! Regions that fall behind and catch up: without a copy of everything, over a log that was compacted meanwhile, on a disk
//! without room; and followers that go on in another region.

use super::{Region, SHOP, serve, two};
use serde_json::json;
use std::time::Duration;
use stoa_tests::client::Client;
use stoa_tests::disk::Disk;
use stoa_tests::live::Follower;
use stoa_tests::primary::Primary;
use stoa_tests::proxy::{Link, Proxy};
use stoa_tests::server::{Server, Start};

/// Stores records until the primary's log has so many bytes more, about; the position after the last.
fn write_much(region: &Region, megabytes: usize) -> String {
    let filler = "x".repeat(1_000);
    let mut seq = String::new();
    for at in 0..megabytes * 4 {
        let record = |number: usize| json!({"id": format!("p{}", at * 250 + number), "name": filler, "stock": 1});
        let records: Vec<_> = (0..250).map(record).collect();
        let stored = region.client.json("PUT", "/Product/", &json!(records)).expect(200);
        seq = stored.header("stoa-seq").unwrap().to_owned();
    }
    seq
}

/// Waits until a region has a position; how often its replica was filled anew by then.
fn rebuilds_at(region: &Region, seq: &str) -> u64 {
    let number = |token: &str| token.rsplit('-').next().unwrap().parse::<u64>().unwrap();
    let health = region.wait("/_stoa/health", |answer| answer.body_json()["position"].as_u64() >= Some(number(seq)));
    health.body_json()["region"]["rebuilds"].as_u64().unwrap()
}

#[test]
fn a_region_that_was_cut_off_catches_up_without_a_full_copy() {
    let (_primary, one, two) = two(SHOP);
    two.client.json("PUT", "/Product/here", &json!({"stock": 1})).expect(201);
    two.link.set(Link::Cut);
    let seq = write_much(&one, 2);
    assert_eq!(two.client.get("/Product/here").expect(200).body_json()["stock"], 1);
    two.client.get("/Product/p7").expect(404);
    let mut follower = Follower::socket(&two.server, "/Product/?id=p7");
    follower.until_ready();
    two.link.set(Link::Up);
    assert_eq!(rebuilds_at(&two, &seq), 0);
    assert_eq!(two.client.get("/Product/p7").expect(200).body_json()["stock"], 1);
    // What happened meanwhile is told, change by change or anew.
    while follower.heard()["type"] != "put" {}
}

#[test]
fn one_that_is_behind_a_compacted_log_catches_up_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let primary = Primary::start_at(&folder.path().join("data"), None, &["--max-log-size", "1"]);
    let (one, two) = (Region::of(primary.address(), SHOP, 0), Region::of(primary.address(), SHOP, 0));
    two.client.json("PUT", "/Product/here", &json!({"stock": 1})).expect(201);
    two.link.set(Link::Cut);
    let seq = write_much(&one, 6);
    two.link.set(Link::Up);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            for _ in 0..200 {
                two.client.get("/Product/here").expect(200);
            }
        });
        rebuilds_at(&two, &seq);
        reading.join().unwrap();
    });
    let all = |region: &Region| region.client.get("/Product/?select=id&limit=10000").expect(200).text();
    assert_eq!(all(&one), all(&two));
    // And it goes on from there.
    let last = one.client.json("PUT", "/Product/here", &json!({"stock": 2})).expect(200);
    let seq = last.header("stoa-seq").unwrap();
    let read = two.client.send("GET", "/Product/here", &[("stoa-seq", seq)], b"").expect(200);
    assert_eq!(read.body_json()["stock"], 2);
}

#[test]
fn a_first_filling_that_is_cut_is_not_taken_for_complete() {
    let primary = Primary::start();
    let one = Region::of(primary.address(), SHOP, 0);
    write_much(&one, 6);
    let link = Proxy::to(primary.address(), Duration::from_millis(2));
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SHOP).unwrap();
    let two = std::thread::scope(|scope| {
        let started = scope.spawn(|| serve(&app, &link, &[]));
        // Each time some more has come.
        for _ in (1..=20).take_while(|times| link.carries(times << 20)) {
            link.set(Link::Cut);
            link.set(Link::Up);
        }
        started.join().unwrap()
    });
    let all = |client: &Client| client.get("/Product/?select=id&limit=10000").expect(200).text();
    assert_eq!(all(&one.client), all(&Client::new(&two.base)));
}

#[test]
fn without_room_for_its_replica_a_region_reads_on_and_loses_nothing() {
    let primary = Primary::start();
    let one = Region::of(primary.address(), SHOP, 0);
    let Some(disk) = Disk::mount(64) else { return };
    let data = disk.path().join("data");
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SHOP).unwrap();
    let link = Proxy::to(primary.address(), Duration::ZERO);
    let start = Start { primary: Some(link.url()), data: Some(data), ..Start::default() };
    let server = Server::start(app.path(), start);
    let small = Region { client: Client::new(&server.base), server, link, app };
    small.client.json("PUT", "/Product/here", &json!({"stock": 1})).expect(201);
    let ballast = disk.path().join("ballast");
    // As much as there is room for.
    _ = std::fs::write(&ballast, vec![1; 64 << 20]);
    let seq = write_much(&one, 2);
    assert_eq!(small.client.get("/Product/here").expect(200).body_json()["stock"], 1);
    // What is written here is done at the primary, and said so.
    small.client.json("PUT", "/Product/there", &json!({"stock": 2})).expect(201);
    assert_eq!(one.client.get("/Product/there").expect(200).body_json()["stock"], 2);
    std::fs::remove_file(&ballast).unwrap();
    rebuilds_at(&small, &seq);
    assert_eq!(small.client.get("/Product/p7").expect(200).body_json()["stock"], 1);
    assert!(small.server.stop().success());
}

#[test]
fn a_follower_goes_on_in_another_region() {
    let (_primary, one, two) = two(SHOP);
    let first = one.client.json("PUT", "/Product/p", &json!({"stock": 1})).expect(201);
    let token = first.header("stoa-seq").unwrap().to_owned();
    one.client.json("PUT", "/Product/p", &json!({"stock": 2})).expect(200);
    let last = one.client.json("PUT", "/Product/q", &json!({"stock": 3})).expect(201);
    two.client.send("GET", "/Product/q", &[("stoa-seq", last.header("stoa-seq").unwrap())], b"").expect(200);
    let mut follower = Follower::socket(&two.server, &format!("/Product/?since={token}"));
    let heard: Vec<_> = (0..3).map(|_| follower.heard()).collect();
    let told: Vec<_> =
        heard.iter().map(|message| (&message["type"], &message["id"], &message["value"]["stock"])).collect();
    let null = &serde_json::Value::Null;
    assert_eq!(
        told,
        [
            (&json!("put"), &json!("p"), &json!(2)),
            (&json!("put"), &json!("q"), &json!(3)),
            (&json!("ready"), null, null)
        ]
    );
}
