//! Many at once, and more than a subscriber takes.

use super::{following, put, serve};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use stoa_tests::at_once::at_once;
use stoa_tests::client::Client;
use stoa_tests::live::{End, Follower, Records};
use stoa_tests::server::Server;

#[test]
fn of_fifty_bookings_of_one_slot_one_is_told() {
    let (server, client) = serve(
        "type Event @table @export
           @noOverlap(start: startTime, end: endTime, by: [organizerId], name: \"no_double_booking\") {
           id: ID @primaryKey startTime: Date endTime: Date organizerId: ID @indexed
           organizer: User @relationship(from: organizerId) }
         type User @table @export { id: ID @primaryKey }",
    );
    let paths =
        ["/Event/?select(organizerId)", "/Event/u1?select(organizerId)", "/Event/?organizerId=u1&select(organizerId)"];
    let mut followers: Vec<Follower> = paths.iter().map(|path| following(&server, path, &[])).collect();
    followers.push(Follower::events(&server, paths[0]));
    followers[3].hears(&["ready"]);
    let booking = json!({"startTime": "2024-08-15T14:00:00Z", "endTime": "2024-08-15T15:00:00Z", "organizerId": "u1"});
    let answers = at_once(50, |_| client.json("POST", "/Event/", &booking));
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!((made.len(), answers.iter().filter(|answer| answer.status == 409).count()), (1, 49));
    let id = made[0].body_json()["id"].as_str().unwrap().to_owned();
    put(&client, "/Event/marker", r#"{"organizerId":"u1"}"#);
    for follower in &mut followers {
        follower.hears(&[&format!(r#"put {id} "u1"."#), r#"put marker "u1"."#]);
    }
}

const ROWS: usize = 50_000;
const SUBSCRIBERS: usize = 10;
const STALLED: usize = 3;

/// The state of one subscriber has about 30 MB. If what those who do not read have not read were kept for them, it would
/// be thrice that, and a copy of what changed besides; what is kept are some MiB each. The rest of the room is for the
/// commit itself (pages of the writer), for threads that read, and for what the allocator holds back.
const GROWTH_KIB: u64 = 96 << 10;

#[test]
fn a_change_of_everything_holds_up_nobody() {
    let (server, client) = serve("type Item @table @export { id: ID @primaryKey n: Int @indexed note: String }");
    fill(&client);
    let whole = "/Item/";
    let changed = "/Item/?n=ge=1&select=id,n";
    let path = |number: usize| if number < STALLED + 3 { whole } else { changed };
    let mut followers: Vec<Follower> = (0..SUBSCRIBERS)
        .map(|number| {
            let mut follower = Follower::socket(&server, path(number));
            follower.until_ready();
            follower
        })
        .collect();
    let reading = followers.split_off(STALLED);
    let before = anonymous_kib(server.pid());
    let done = AtomicBool::new(false);
    let most = scope(|scope| {
        let reading: Vec<_> = reading
            .into_iter()
            .enumerate()
            .map(|(number, follower)| {
                let (server, path) = (&server, path(number + STALLED));
                scope.spawn(move || until_marker(server, path, follower))
            })
            .collect();
        let measured = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Acquire) {
                most = most.max(anonymous_kib(server.pid()));
                std::thread::yield_now();
            }
            most
        });
        let others = scope.spawn(|| (0..200).for_each(|number| write_one(&client, number)));
        let updated = client.json("PATCH", "/Item/?n=0", &json!({"n": {"__op__": "add", "value": 1}})).expect(200);
        assert!(updated.body_json()["updated"].as_u64().unwrap() > 49_000);
        others.join().unwrap();
        // Whoever does not read is in nobody's way.
        (200..400).for_each(|number| write_one(&client, number));
        put(&client, "/Item/marker", r#"{"n":7}"#);
        let expected = [whole, changed].map(|path| (path, state(&client, path)));
        for (number, follower) in reading.into_iter().enumerate() {
            assert_same(path(number + STALLED), &follower.join().unwrap(), &expected);
        }
        done.store(true, Ordering::Release);
        let most = measured.join().unwrap();
        for follower in followers {
            assert_same(whole, &until_marker(&server, whole, follower), &expected);
        }
        most
    });
    eprintln!("{before} KiB before, {most} KiB at most");
    assert!(most < before + GROWTH_KIB, "{before} KiB became {most} KiB");
}

fn fill(client: &Client) {
    let mut lines = String::new();
    for number in 0..ROWS {
        writeln!(lines, r#"{{"id":"i{number:05}","n":0,"note":"{}"}}"#, "x".repeat(500)).unwrap();
    }
    client.send("POST", "/Item/", &[("content-type", "application/x-ndjson")], lines.as_bytes()).expect(200);
}

fn write_one(client: &Client, number: usize) {
    client.json("PATCH", &format!("/Item/i{:05}", number * 37 % ROWS), &json!({"n": 100 + number})).expect(200);
}

/// Memory of the process that no file stands behind.
fn anonymous_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Follows until it has seen what was written last. Who did not read for long may be cut off, and begins again.
fn until_marker(server: &Server, path: &str, mut follower: Follower) -> Records {
    loop {
        match follower.try_heard() {
            Ok(_) => {}
            Err(End::Gone | End::Closed(1013, _)) => follower = Follower::socket(server, path),
            Err(end) => panic!("{path}: {end:?}"),
        }
        if follower.fold().complete().is_some() && follower.fold().records.contains_key("\"marker\"") {
            return follower.fold().records.clone();
        }
    }
}

fn state(client: &Client, path: &str) -> Records {
    let list = client.get(path).expect(200).body_json();
    let Json::Array(list) = list else { panic!("no list") };
    list.into_iter().map(|record| (record["id"].to_string(), Arc::new(record))).collect::<BTreeMap<_, _>>()
}

fn assert_same(path: &str, records: &Records, expected: &[(&str, Records); 2]) {
    let (_, expected) = expected.iter().find(|(known, _)| *known == path).unwrap();
    assert_eq!(records.len(), expected.len(), "{path}");
    for (id, value) in expected {
        assert_eq!(records.get(id), Some(value), "{path} {id}");
    }
}
