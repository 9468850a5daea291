//! Many write at random; subscribers join, stall, die and come back. Afterwards the change log says what every query's
//! answer was at every position, and each state that a subscriber held at a complete position must be exactly that one.
//!
//! How it is exact: a fold names the position at which it is complete, and the log holds every change up to it, one by one.
//! So the records of all tables at that position can be rebuilt, and the meaning of a query is written down a second time
//! ([`queries`]), as a function of these records that shares nothing with the server. Only what has expired has no
//! position: until it is swept, whether a state shows it depends on when the state was read, and both are allowed.
//!
//! `STOA_LONG=1` makes many rounds; `STOA_SEED=n` repeats the cases of one seed, which a failure prints.

mod queries;
mod subscriber;
mod writer;

use super::{commit, put};
use crate::world::{self, World, now_ms};
use queries::Query;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::scope;
use stoa_tests::client::Client;
use stoa_tests::dice::{Seed, count, seeds};
use stoa_tests::live::{Fold, Follower, Records};
use stoa_tests::pace::Pace;
use stoa_tests::server::Server;
use subscriber::{Account, Observation, Subscriber};
use writer::Writer;

const SCHEMA: &str = "
type Category @table @export {
  id: ID @primaryKey name: String @indexed rank: Int products: [Product] @relationship(to: categoryId)
}
type Product @table @export {
  id: ID @primaryKey name: String price: Int @indexed stock: Int @check(min: 0) tags: [String] @indexed notes: [String]
  categoryId: ID @indexed category: Category @relationship(from: categoryId, onDelete: setNull)
  holds: [Hold] @relationship(to: productId)
}
type Hold @table @export {
  id: ID @primaryKey productId: ID @indexed person: String until: Date @expiresAt
  product: Product @relationship(from: productId, onDelete: cascade)
}
type User @table @export { id: ID @primaryKey name: String }
type Event @table @export {
  id: ID @primaryKey title: String organizerId: ID @indexed attendeeIds: [ID]
  organizer: User @relationship(from: organizerId) attendees: [User] @relationship(from: attendeeIds)
}";

const WRITERS: usize = 4;
/// How many follow the query whose messages are long.
const WHOLE: usize = 4;

#[test]
fn what_was_told_is_what_was_there() {
    seeds(1, 12).map(Seed).for_each(|seed| one_history(&seed));
}

fn one_history(seed: &Seed) {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    writer::fill(&client);
    let queries = queries::all();
    let followed: Vec<&Query> = queries.iter().chain(std::iter::repeat_n(&queries[0], WHOLE - 1)).collect();
    let pace = Pace::default();
    let accounts: Vec<(&Query, Account)> = scope(|scope| {
        let subscribers: Vec<_> = followed
            .iter()
            .enumerate()
            .map(|(number, query)| {
                let subscriber = Subscriber::new(server.port(), query, seed.dice(100 + number), &pace);
                (*query, scope.spawn(move || subscriber.follow()))
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (mut writer, client) = (Writer::new(number, seed.dice(number)), Client::new(&server.base));
                let pace = &pace;
                scope.spawn(move || {
                    for _ in 0..count(400, 700) {
                        writer.write(&client);
                        pace.steps(1);
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        pace.end();
        mark(&client);
        subscribers.into_iter().map(|(query, subscriber)| (query, subscriber.join().unwrap())).collect()
    });
    let log = world::log(server.data());
    let checked = check(&log, &accounts);
    let resumed = resume_anywhere(&server, &log, &queries, seed);
    as_get_says(&client, &log, &queries);
    let sum = |of: fn(&Account) -> usize| accounts.iter().map(|(_, account)| of(account)).sum::<usize>();
    let (resumes, resets, stalls) = (sum(|it| it.resumes), sum(|it| it.resets), sum(|it| it.stalls));
    eprintln!(
        "{} changes, {} messages, {checked} states, {} connections, {resumes} resumes, {resets} resets, {stalls} stalls, \
         {resumed} resumes from any position",
        log.len(),
        sum(|it| it.messages),
        sum(|it| it.connections),
    );
    assert!(checked > 1_000 && resumes > 20 && stalls > 20, "not everything was tried");
}

/// A commit after which every query shows something that it never showed before.
fn mark(client: &Client) {
    put(client, "/Category/c1", r#"{"name":"Garden","rank":1}"#);
    let product = |category: &str| json!({"price": 1, "stock": 1, "tags": ["red", "blue"], "categoryId": category});
    commit(
        client,
        &[
            ("PUT", "/Category/marker", json!({"name": "Home", "rank": 1})),
            ("PUT", "/Product/marker", product("marker")),
            ("PUT", "/Product/marker1", product("c1")),
            ("PUT", "/Hold/marker", json!({"productId": "marker", "person": "A"})),
            ("PUT", "/User/marker", json!({"name": "Ann"})),
            ("PUT", "/Event/marker", json!({"title": "marker", "organizerId": "u1", "attendeeIds": ["marker"]})),
        ],
    );
}

/// Compares every state that somebody held with what the log says; how many there were.
fn check(log: &[world::Change], accounts: &[(&Query, Account)]) -> usize {
    let mut by_position: BTreeMap<u64, Vec<(&Query, &Observation)>> = BTreeMap::new();
    for (query, account) in accounts {
        for observation in &account.observations {
            by_position.entry(observation.seq).or_default().push((query, observation));
        }
    }
    let mut checked = 0;
    world::at_each(log, |seq, world| {
        for (query, observation) in by_position.remove(&seq).into_iter().flatten() {
            holds(query, world, &observation.records, observation.at_ms, &format!("{} at {seq}", query.path));
            if query.path == "/Product/" {
                whole_commits(&observation.records, seq);
            }
            checked += 1;
        }
    });
    assert!(by_position.is_empty(), "positions that the log does not know: {:?}", by_position.keys());
    checked
}

/// Two products are only ever written together, with the same price.
fn whole_commits(records: &Records, seq: u64) {
    let price = |id: &str| records.get(id).map(|record| &record["price"]);
    assert_eq!(price("\"x\""), price("\"y\""), "at {seq}: half a commit");
}

/// Compares a state, held at some time, with what the query means. What it shows only because of what has expired may be
/// there or not.
fn holds(query: &Query, world: &World, records: &Records, at_ms: i64, what: &str) {
    let expired = world.expired(at_ms);
    let full = query.answer(world);
    let visible = if expired.is_empty() { full.clone() } else { query.answer(&world.without(&expired)) };
    for (id, value) in records {
        assert!(full.contains_key(id), "{what}: {id} is too much: {value}");
    }
    for (id, expected) in &visible {
        let value = records.get(id).unwrap_or_else(|| panic!("{what}: {id} is missing: {expected}"));
        assert!(
            value == expected || world::without(value, &expired) == **expected,
            "{what}: {id} is\n{value}\ninstead of\n{expected}"
        );
    }
}

/// Resumes from any positions, also from within commits, with the states that the log says were there.
fn resume_anywhere(server: &Server, log: &[world::Change], queries: &[Query], seed: &Seed) -> usize {
    let mut dice = seed.dice(1_000);
    let mut chosen: BTreeMap<u64, Vec<&Query>> = BTreeMap::new();
    for query in queries {
        for _ in 0..count(6, 40) {
            chosen.entry(log[dice.below(log.len())].seq).or_default().push(query);
        }
    }
    let mut states: Vec<(&Query, u64, Records)> = Vec::new();
    world::at_each(log, |seq, world| {
        let here = chosen.remove(&seq).into_iter().flatten();
        states.extend(here.map(|query| (query, seq, query.answer(world))));
    });
    let last = World::of(log);
    let name = Client::new(&server.base)
        .get("/User/")
        .header("stoa-seq")
        .and_then(|it| it.rsplit_once('-'))
        .unwrap()
        .0
        .to_owned();
    for (query, seq, records) in &states {
        let token = format!("{name}-{seq}");
        let path = query.with_since(&token);
        let mut follower = Follower::socket(server, &path).with(Fold::at(records.clone(), &name, *seq));
        follower.until_ready();
        let fold = follower.fold();
        // What is swept meanwhile is told meanwhile.
        let (complete, records) = (fold.complete().unwrap(), fold.records.clone());
        if complete == log.last().unwrap().seq {
            holds(query, &last, &records, now_ms(), &format!("{path}, resumed"));
        } else {
            let log = world::log(server.data());
            let upto: Vec<_> = log.into_iter().take_while(|change| change.seq <= complete).collect();
            holds(query, &World::of(&upto), &records, now_ms(), &format!("{path}, resumed"));
        }
    }
    states.len()
}

/// At rest a query answers what was told of it.
fn as_get_says(client: &Client, log: &[world::Change], queries: &[Query]) {
    let last = World::of(log);
    for query in queries {
        let answer = client.get(query.read).expect(200);
        let records = answer.body_json().as_array().unwrap().clone();
        let records: Records = records.into_iter().map(|it| (it["id"].to_string(), Arc::new(it))).collect();
        let seq = answer.header("stoa-seq").and_then(|it| it.rsplit_once('-')).unwrap().1.to_owned();
        // A sweep since then would have a position of its own.
        if seq == log.last().unwrap().seq.to_string() {
            holds(query, &last, &records, now_ms(), query.read);
        }
    }
}
