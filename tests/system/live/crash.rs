//! kill -9 in the middle of writes: who comes back with what was last complete ends with what the database holds, and has
//! seen every write that was acknowledged.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::thread::scope;
use stoa_tests::client::Client;
use stoa_tests::dice::{Dice, Seed, count};
use stoa_tests::live::{Fold, Follower};
use stoa_tests::server::{Server, Start};

const SCHEMA: &str = "type Item @table @export { id: ID @primaryKey n: Int shelf: ID @indexed }
type Shelf @table @export { id: ID @primaryKey name: String items: [Item] @relationship(to: shelf) }";
const WRITERS: usize = 4;
const PATHS: [&str; 4] = ["/Item/", "/Item/?n=lt=500", "/Item/?shelf=s1&select=id,n", "/Shelf/?select=id,items{id,n}"];

/// A writer of records of its own, who knows what was acknowledged.
struct Writer {
    number: usize,
    dice: Dice,
    made: usize,
    acknowledged: BTreeMap<String, i64>,
    /// The write that was under way: it is carried out or not.
    open: Vec<(String, i64)>,
}

impl Writer {
    fn new(number: usize, seed: &Seed) -> Self {
        Self { number, dice: seed.dice(number), made: 0, acknowledged: BTreeMap::new(), open: Vec::new() }
    }

    fn write_until_gone(&mut self, client: &Client, acknowledge: &mpsc::Sender<()>) {
        loop {
            let known = self.acknowledged.keys().nth(self.dice.below(self.acknowledged.len().max(1)));
            self.open = match known {
                Some(id) if self.dice.below(2) == 0 => vec![(id.clone(), self.number_below_1000())],
                _ => (0..1 + self.dice.below(6)).map(|_| (self.new_id(), self.number_below_1000())).collect(),
            };
            let shelf = format!("s{}", self.dice.below(3));
            let items: Json = self.open.iter().map(|(id, n)| json!({"id": id, "n": n, "shelf": shelf})).collect();
            let body = items.to_string();
            let headers = [("content-type", "application/json")];
            let Ok(answer) = client.try_send("PUT", "/Item/", &headers, body.as_bytes()) else { return };
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.acknowledged.extend(self.open.drain(..));
            // The test may have ended.
            _ = acknowledge.send(());
        }
    }

    fn number_below_1000(&mut self) -> i64 {
        i64::try_from(self.dice.below(1_000)).unwrap()
    }

    fn new_id(&mut self) -> String {
        self.made += 1;
        format!("w{}-{:05}", self.number, self.made)
    }

    /// Compares with what is there, and takes over what was under way.
    fn settle(&mut self, held: &BTreeMap<String, i64>) {
        let done = self.open.iter().filter(|(id, n)| held.get(id) == Some(n)).count();
        if done == self.open.len() {
            self.acknowledged.extend(self.open.drain(..));
        }
        self.open.clear();
        for (id, n) in &self.acknowledged {
            assert_eq!(held.get(id), Some(n), "{id} was acknowledged");
        }
    }
}

#[test]
fn who_comes_back_after_kill_nine_misses_nothing() {
    let seed = Seed(7);
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(number, &seed)).collect();
    let mut folds: Vec<Fold> = PATHS.iter().map(|_| Fold::default()).collect();
    let rounds = count(8, 60);
    for round in 0..rounds {
        one_round(app.path(), &mut writers, &mut folds, round);
    }
    let server = Server::start(app.path(), Start::default());
    let client = Client::new(&server.base);
    let held = client.get("/Item/?select=id,n").expect(200).body_json();
    let held =
        held.as_array().unwrap().iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it["n"].as_i64().unwrap()));
    let held: BTreeMap<String, i64> = held.collect();
    writers.iter_mut().for_each(|writer| writer.settle(&held));
    for (path, fold) in PATHS.iter().zip(&mut folds) {
        let mut follower = come_back(&server, path, fold);
        follower.until_ready();
        let expected = client.get(path).expect(200).body_json();
        let expected: BTreeMap<String, Json> =
            expected.as_array().unwrap().iter().map(|it| (it["id"].to_string(), it.clone())).collect();
        let records: BTreeMap<String, Json> =
            follower.fold().records.iter().map(|(id, value)| (id.clone(), Json::clone(value))).collect();
        assert_eq!(records, expected, "{path}");
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    eprintln!("{rounds} rounds, {acknowledged} records acknowledged, {} there", held.len());
}

/// All write and all follow, until so many writes were acknowledged; then SIGKILL.
fn one_round(app: &Path, writers: &mut [Writer], folds: &mut [Fold], round: usize) {
    let server = Server::start(app, Start::default());
    let held = Client::new(&server.base).get("/Item/?select=id,n").expect(200).body_json();
    let held =
        held.as_array().unwrap().iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it["n"].as_i64().unwrap()));
    let held: BTreeMap<String, i64> = held.collect();
    writers.iter_mut().for_each(|writer| writer.settle(&held));
    for shelf in 0..3 {
        super::put(
            &Client::new(&server.base),
            &format!("/Shelf/s{shelf}"),
            &json!({"name": round.to_string()}).to_string(),
        );
    }
    let (acknowledge, acknowledged) = mpsc::channel();
    scope(|scope| {
        let followers: Vec<_> = PATHS.iter().zip(folds.iter_mut()).collect();
        for (path, fold) in followers {
            let mut follower = come_back(&server, path, fold);
            scope.spawn(move || {
                while follower.try_heard().is_ok() {
                    if follower.fold().complete().is_some() {
                        *fold = follower.fold().clone();
                    }
                }
            });
        }
        for writer in writers {
            let (acknowledge, client) = (acknowledge.clone(), Client::new(&server.base));
            scope.spawn(move || writer.write_until_gone(&client, &acknowledge));
        }
        drop(acknowledge);
        let wanted = 40 + round * 37 % 100;
        assert_eq!(acknowledged.iter().take(wanted).count(), wanted, "every writer ended by itself");
        server.kill();
        acknowledged.iter().for_each(drop);
    });
}

/// Goes on from what was complete last.
fn come_back(server: &Server, path: &str, fold: &Fold) -> Follower {
    let Some(token) = fold.token() else { return Follower::socket(server, path) };
    let (log, seq) = token.rsplit_once('-').unwrap();
    let held = Fold::at(fold.records.clone(), log, seq.parse().unwrap());
    let and = if path.contains('?') { '&' } else { '?' };
    Follower::socket(server, &format!("{path}{and}since={token}")).with(held)
}
