//! Many clients read and write a few records at random while the server is killed and started again; every request is
//! recorded with its answer, and the whole must be what one client after the other could have seen. Of a commit of several
//! writes all is seen or nothing.

mod client;
mod pair;
mod record;
mod search;

use super::{Seed, count, seeds};
use client::Historian;
use record::{Action, Operation};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::thread::scope;
use std::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start};

const CLIENTS: usize = 16;
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
/// Two that are only written together.
const PAIR: [&str; 2] = ["x", "y"];
const SCHEMA: &str = "type Item @table @export { id: ID tag: Long sum: Long }";

#[test]
fn every_record_has_one_history_over_kills_and_restarts() {
    seeds(1, 10).map(Seed).for_each(|seed| one_history(&seed));
}

fn one_history(seed: &Seed) {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    let began = Instant::now();
    let mut clients: Vec<Historian> =
        (0..CLIENTS).map(|number| Historian::new(number, seed.dice(number), began)).collect();
    for round in 0..count(6, 40) {
        run_until_killed(app.path(), &mut clients, count(400, 2_000) + round * 37 % 100);
    }
    let server = Server::start(app.path(), Start::default());
    let client = Client::new(&server.base);
    KEYS.iter().chain(&PAIR).for_each(|key| _ = clients[0].send(&client, key, Action::Read, None));
    assert!(server.stop().success());
    check(clients);
}

/// All clients at once, until so many answers have come; then SIGKILL.
fn run_until_killed(app: &Path, clients: &mut [Historian], answers: usize) {
    let server = Server::start(app, Start::default());
    let base = server.base.clone();
    let (answer, answered) = mpsc::channel();
    scope(|scope| {
        for one in clients.iter_mut() {
            let (answer, client) = (answer.clone(), Client::new(&base));
            scope.spawn(move || one.send_until_gone(&client, &answer));
        }
        drop(answer);
        assert_eq!(answered.iter().take(answers).count(), answers, "every client ended by itself");
        server.kill();
        answered.iter().for_each(drop);
    });
    clients.iter_mut().for_each(Historian::server_is_gone);
}

/// Each record by itself: a history is linearisable if that of each of its objects is (Herlihy and Wing 1990, theorem 1).
fn check(clients: Vec<Historian>) {
    let mut histories: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
    for (key, operation) in clients.into_iter().flat_map(Historian::operations) {
        histories.entry(key).or_default().push(operation);
    }
    let all = || histories.values().flatten();
    let answered = |status| all().filter(|it| it.answer.as_ref().is_some_and(|it| it.status == status)).count();
    let told = [200, 201, 204, 404, 409, 412].map(|status| (status, answered(status)));
    let unanswered = all().filter(|it| it.answer.is_none()).count();
    eprintln!("{} operations, {unanswered} without an answer, by status {told:?}", all().count());
    assert!(told.iter().all(|(_, count)| *count > 0), "not everything was tried: {told:?}");
    let kept = all().filter(|it| it.condition.is_some() && it.answer.as_ref().is_some_and(|it| it.status < 300));
    assert!(kept.count() > 0, "no precondition ever held");
    for (key, history) in histories {
        search::linearise(history).unwrap_or_else(|stuck| panic!("record {key}: {stuck}"));
    }
}
