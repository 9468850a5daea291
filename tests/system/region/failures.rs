//! The primary, a link or a region is away, or comes back as another: reads go on, writes are refused in bounded time, nothing
//! that was acknowledged is lost.

use super::{Region, SHOP, two};
use serde_json::json;
use std::time::{Duration, Instant};
use stoa_tests::live::Follower;
use stoa_tests::primary::Primary;
use stoa_tests::proxy::Link;

#[test]
fn without_its_primary_a_region_reads_and_says_how_old_that_is() {
    for link in [Link::Cut, Link::BlackHole] {
        let primary = Primary::start();
        let region = Region::with(primary.address(), SHOP, 0, &["--ready-age-seconds", "5"]);
        region.client.json("PUT", "/Product/p", &json!({"stock": 1})).expect(201);
        region.client.get("/_stoa/ready").expect(200);
        assert_eq!(region.client.get("/Product/p").header("stoa-replica-age"), None);
        region.link.set(link);
        let began = Instant::now();
        let refused = region.client.json("PUT", "/Product/q", &json!({"stock": 1})).expect(503);
        assert!(began.elapsed() < Duration::from_secs(12), "{link:?}: {:?}", began.elapsed());
        assert!(refused.header("retry-after").is_some());
        let old = region.wait("/Product/p", |answer| answer.header("stoa-replica-age").is_some());
        assert_eq!(old.expect(200).body_json()["stock"], 1);
        region.wait("/_stoa/ready", |answer| answer.status == 503);
        region.client.get("/_stoa/health").expect(200);
        assert_eq!(region.health()["region"]["reachable"], false);
        region.link.set(Link::Up);
        region.wait("/_stoa/ready", |answer| answer.status == 200);
        let put = region.client.json("PUT", "/Product/q", &json!({"stock": 2}));
        // What was asked before may have happened, if that was said.
        assert!(
            put.status == 201 || (put.status == 200 && refused.body_json()["unconfirmed"] == true),
            "{}",
            put.text()
        );
        assert_eq!(region.client.get("/Product/q").body_json()["stock"], 2);
    }
}

#[test]
fn a_region_starts_without_its_primary() {
    let mut primary = Primary::start();
    let region = Region::of(primary.address(), SHOP, 0);
    region.client.json("PUT", "/Product/p", &json!({"stock": 1})).expect(201);
    primary.stop();
    let region = region.restarted(&[]);
    assert_eq!(region.client.get("/Product/p").expect(200).body_json()["stock"], 1);
    region.client.json("PUT", "/Product/q", &json!({"stock": 1})).expect(503);
    primary.start_again();
    region.wait("/_stoa/health", |answer| answer.body_json()["region"]["reachable"] == true);
    region.client.json("PUT", "/Product/q", &json!({"stock": 1})).expect(201);
}

#[test]
fn a_region_that_is_killed_goes_on_where_it_was() {
    let (_primary, mut one, two) = two(SHOP);
    for round in 0..3 {
        let path = format!("/Product/p{round}");
        let written = one.client.json("PUT", &path, &json!({"stock": round})).expect(201);
        let behind = two.client.json("PUT", "/Product/other", &json!({"stock": round}));
        one = one.killed();
        assert_eq!(one.client.get(&path).expect(200).text(), written.text());
        let seq = behind.header("stoa-seq").unwrap();
        let read = one.client.send("GET", "/Product/other", &[("stoa-seq", seq)], b"").expect(200);
        assert_eq!(read.body_json()["stock"], round);
    }
    assert_eq!(one.health()["region"]["rebuilds"], 0);
}

#[test]
fn a_damaged_replica_is_set_aside_and_filled_anew() {
    let (_primary, one, _two) = two(SHOP);
    one.client.json("PUT", "/Product/p", &json!({"name": "Pen", "stock": 1})).expect(201);
    let Region { server, link, app, .. } = one;
    assert!(server.stop().success());
    let replica = app.path().join(".stoa/replica");
    let damages: [&dyn Fn(&std::path::Path); 2] = [
        &|filling| {
            // What is not in the file yet stands in its log.
            _ = std::fs::remove_file(filling.join("stoa.db-wal"));
            let mut bytes = std::fs::read(filling.join("stoa.db")).unwrap();
            bytes.resize(bytes.len().max(8192), 0);
            let middle = bytes.len() / 2;
            bytes[100..middle].fill(0x5a);
            std::fs::write(filling.join("stoa.db"), bytes).unwrap();
        },
        // All that is missing is what was written last.
        &|filling| std::fs::write(filling.join("stoa.db-wal"), b"").unwrap(),
    ];
    for (at, damage) in damages.iter().enumerate() {
        let database = stoa_tests::server::database(&app.path().join(".stoa"));
        damage(database.parent().unwrap());
        let server = super::serve(&app, &link, &[]);
        server.wait_for_output("set aside");
        let client = stoa_tests::client::Client::new(&server.base);
        assert_eq!(client.get("/Product/p").expect(200).body_json()["name"], "Pen");
        client.json("PATCH", "/Product/p", &json!({"stock": at})).expect(200);
        assert!(replica.join("damaged/stoa.db").exists());
        assert!(server.stop().success());
    }
}

#[test]
fn a_primary_that_was_killed_is_followed_from_a_new_replica_without_a_step_back() {
    let (mut primary, one, two) = two(SHOP);
    for at in 0..20 {
        one.client.json("PUT", &format!("/Product/p{at}"), &json!({"stock": at})).expect(201);
    }
    two.wait("/Product/p19", |answer| answer.status == 200);
    let mut follower = Follower::socket(&two.server, "/Product/");
    follower.until_ready();
    primary.kill();
    primary.start_again();
    // It has another log now: both fill another replica beside the one that is read.
    for region in [&one, &two] {
        region.wait("/_stoa/health", |answer| answer.body_json()["region"]["rebuilds"] == 1);
        assert_eq!(region.client.get("/Product/p19").expect(200).body_json()["stock"], 19);
    }
    one.client.json("PUT", "/Product/p19", &json!({"stock": 20})).expect(200);
    let told = follower.heard();
    assert_eq!((&told["type"], &told["value"]["stock"]), (&json!("put"), &json!(20)), "nobody was reset: {told}");
}
