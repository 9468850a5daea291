//! `@noOverlap` with many clients at once: nobody is in two places, and whoever is refused is told whose time it is.
//!
//! What clients did is compared with the change log afterwards: a refusal must be the one that the records gave cause for
//! at some position of the log between the request and its answer.

mod events;
mod request;

use super::{Seed, changes, count, open, seeds, with_status};
use events::{Event, Events, Refusal};
use request::Request;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use stoa_tests::at_once::at_once;
use stoa_tests::client::{Answer, Client};
use stoa_tests::dice::Dice;
use stoa_tests::server::Server;

const CLIENTS: usize = 8;

fn start(capacity: usize) -> Server {
    let capacity = if capacity == 1 { String::new() } else { format!("capacity: {capacity},") };
    Server::with_schema(&format!(
        "type Event @table @export
           @noOverlap(start: startTime, end: endTime, by: [organizerId, attendeeIds], {capacity}
                      unless: \"status in ('cancelled','declined')\", name: \"no_double_booking\") {{
           id: ID startTime: String @indexed endTime: String organizerId: ID @indexed attendeeIds: [ID] status: String
         }}"
    ))
}

#[test]
fn of_fifty_identical_bookings_one_is_made() {
    let server = start(1);
    let client = Client::new(&server.base);
    let booking = json!({"startTime": "2024-08-15T14:00:00Z", "endTime": "2024-08-15T15:00:00Z", "organizerId": "u1"});
    let answers = at_once(50, |_| client.json("POST", "/Event/", &booking));
    assert_eq!((with_status(&answers, 201), with_status(&answers, 409)), (1, 49));
    let made = answers.iter().find(|answer| answer.status == 201).unwrap().body_json();
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        let problem = answer.body_json();
        assert_eq!(problem["type"], json!("/_stoa/problems/overlap"));
        assert_eq!((&problem["constraint"], &problem["key"]), (&json!("no_double_booking"), &json!("u1")));
        let conflict = json!({"id": made["id"], "start": "2024-08-15T14:00:00Z", "end": "2024-08-15T15:00:00Z"});
        assert_eq!(problem["conflicts"], json!([conflict]));
    }
    assert_eq!(client.get("/Event/").expect(200).body_json(), json!([made]));
    assert_eq!(changes(server.data(), "Event"), [(1, made["id"].as_str().unwrap().to_owned())]);
}

#[test]
fn the_lines_of_an_import_conflict_with_each_other() {
    let server = start(1);
    let client = Client::new(&server.base);
    let line = |id: &str, hour: u32| {
        let (start, end) = (format!("2024-08-15T{hour}:00:00Z"), format!("2024-08-15T{}:30:00Z", hour + 1));
        json!({"id": id, "startTime": start, "endTime": end, "organizerId": "ann"}).to_string()
    };
    let lines = [line("a", 10), line("b", 11), line("c", 12), line("d", 13)].join("\n");
    let headers = [("content-type", "application/x-ndjson")];
    let report = client.send("POST", "/Event/", &headers, lines.as_bytes()).expect(200).body_json();
    assert_eq!((&report["inserted"], &report["failed"][0]["line"]), (&json!(2), &json!(2)));
    assert_eq!((&report["failed"][1]["line"], &report["failed"][2]), (&json!(4), &Json::Null));
    assert_eq!(client.get("/Event/?select(id)").expect(200).body_json(), json!(["a", "c"]));

    let lines = [line("e", 14), line("f", 15)].join("\n");
    let answer = client.send("POST", "/Event/?atomic=true", &headers, lines.as_bytes());
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text());
    assert_eq!(client.get("/Event/?select(id)").expect(200).body_json(), json!(["a", "c"]));
}

/// Ann has one other event at that time, and room for two more.
#[test]
fn a_refusal_names_the_key_that_is_full() {
    let server = start(3);
    let client = Client::new(&server.base);
    let event = |id: &str, people: &[&str]| json!({"id": id, "startTime": "2024-08-15T14:00:00Z", "endTime": "2024-08-15T15:00:00Z", "attendeeIds": people});
    let held = [event("a", &["ann", "bob"]), event("b", &["bob"]), event("c", &["bob"])];
    client.json("POST", "/Event/", &Json::from(held.to_vec())).expect(201);
    let problem = client.json("POST", "/Event/", &event("d", &["ann", "bob"])).expect(409).body_json();
    let ids: Vec<&str> = problem["conflicts"].as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!((&problem["key"], ids), (&json!("bob"), vec!["a", "b", "c"]));
}

#[test]
fn random_bookings_never_overlap() {
    seeds(1, 20).map(Seed).for_each(|seed| random_bookings(&seed, 1, 20));
}

#[test]
fn random_bookings_never_exceed_a_capacity_of_three() {
    seeds(1, 20).map(Seed).for_each(|seed| random_bookings(&seed, 3, 3));
}

/// A request that was refused.
struct Refused {
    request: Request,
    /// Positions of the change log: it was decided at one of them.
    from: u64,
    to: u64,
    answer: Refusal,
}

/// What the clients share.
struct Calendar {
    client: Client,
    /// Within which events lie.
    days: usize,
    /// Of all events that were ever made.
    ids: Mutex<Vec<String>>,
    /// The position of the change log that some answer has shown.
    seq: AtomicU64,
    refused: Mutex<Vec<Refused>>,
}

/// Clients make and change events that lie within so many days.
fn random_bookings(seed: &Seed, capacity: usize, days: usize) {
    let server = start(capacity);
    let calendar = Calendar {
        client: Client::new(&server.base),
        days,
        ids: Mutex::default(),
        seq: AtomicU64::new(0),
        refused: Mutex::default(),
    };
    let requests = count(1_000, 4_000) / CLIENTS;
    at_once(CLIENTS, |number| {
        let mut dice = seed.dice(number);
        (0..requests).for_each(|at| calendar.send(&mut dice, &format!("c{number}-{at}")));
    });
    let refused = calendar.refused.into_inner().unwrap();
    assert!(refused.len() > requests, "only {} refusals: the cases prove little", refused.len());
    let events = follow(server.data(), refused, capacity);
    let held = calendar.client.get("/Event/").expect(200).body_json();
    assert_eq!(held.as_array().unwrap().iter().map(Event::named).collect::<Events>(), events);
    assert_eq!(occupied(server.data()), events::occupied(&events));
}

impl Calendar {
    fn send(&self, dice: &mut Dice, new: &str) {
        let request = Request::random(dice, self.days, new, &self.ids.lock().unwrap());
        let from = self.seq.load(Ordering::SeqCst);
        let (method, path, body) = request.written(dice);
        let answer = match &body {
            Some(body) => self.client.json(method, &path, body),
            None => self.client.delete(&path),
        };
        match answer.status {
            200 | 201 | 204 => self.accepted(&request, &answer),
            404 => assert!(!request.stores(), "{}", answer.text()),
            409 => {
                let to = seq(&self.client.get("/Event/?id=none").expect(200)).max(from);
                let answer = Refusal::read(&answer.body_json());
                self.refused.lock().unwrap().push(Refused { request, from, to, answer });
            }
            _ => panic!("{method} {path} {body:?}: {} {}", answer.status, answer.text()),
        }
    }

    fn accepted(&self, request: &Request, answer: &Answer) {
        self.seq.fetch_max(seq(answer), Ordering::SeqCst);
        self.ids.lock().unwrap().extend(request.makes());
    }
}

/// The position of the change log that an answer includes.
fn seq(answer: &Answer) -> u64 {
    let token = answer.header("stoa-seq").unwrap_or_else(|| panic!("no Stoa-Seq in {:?}", answer.headers));
    token.rsplit('-').next().unwrap().parse().unwrap()
}

/// Follows the change log: after each change the rule holds, and each refusal has its cause. What is there at the end.
fn follow(data: &Path, mut refused: Vec<Refused>, capacity: usize) -> Events {
    let mut events = Events::new();
    let mut position = 0;
    for (seq, id, event) in log(data) {
        refused.retain(|it| it.to < position || it.from >= seq || !it.has_cause(&events, capacity));
        match event {
            Some(event) => {
                let broken = events::refusal(&events, &id, &event, capacity);
                assert_eq!(broken, None, "{seq}: {id} became {event:?}");
                events.insert(id, event);
            }
            None => _ = events.remove(&id),
        }
        position = seq;
    }
    refused.retain(|it| it.to < position || !it.has_cause(&events, capacity));
    let unfounded = refused.first().map(|it| format!("{:?}\n{:?}\n{}..={}", it.request, it.answer, it.from, it.to));
    assert!(unfounded.is_none(), "{} refusals without a cause, first: {}", refused.len(), unfounded.unwrap());
    events
}

impl Refused {
    /// Whether this is what the request had to be told when these were the events.
    fn has_cause(&self, events: &Events, capacity: usize) -> bool {
        self.request.carried_out(events, capacity).err().as_ref() == Some(&self.answer)
    }
}

/// Every change: its position, the record, and what it became.
fn log(data: &Path) -> Vec<(u64, String, Option<Event>)> {
    let file = open(data);
    let mut statement = file.prepare("SELECT seq,id,after FROM _changes ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?)));
    let event = |after: String| Event::read(&serde_json::from_str(&after).unwrap());
    rows.unwrap().map(Result::unwrap).map(|(seq, id, after)| (seq, id, after.map(event))).collect()
}

/// The table of occupied intervals: key, start, end and id of each.
fn occupied(data: &Path) -> BTreeSet<(String, usize, usize, String)> {
    let file = open(data);
    let sql = "SELECT name FROM sqlite_master WHERE type='table' AND name LIKE 'Event:overlap:%'";
    let name: String = file.query_row(sql, [], |row| row.get(0)).unwrap();
    let mut statement = file.prepare(&format!("SELECT \"key\",\"start\",\"end\",id FROM \"{name}\"")).unwrap();
    let minute = |text: String| events::minute(&Json::from(text));
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, minute(row.get(1)?), minute(row.get(2)?), row.get(3)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}
