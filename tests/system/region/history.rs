//! Three regions, clients that write and read at random and move between them, and links, regions and the primary that fail
//! meanwhile. Numbers only grow and records are only made, so that each client can tell by itself whether it was taken back; in
//! the end everything that was acknowledged must be there, once, in every region, and what followers were told must be it.
//!
//! `STOA_LONG=1` makes more rounds; `STOA_SEED=n` repeats the cases of one seed.

use super::{Region, serve};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread::scope;
use std::time::{Duration, Instant};
use stoa_tests::client::{Answer, Client};
use stoa_tests::dice::{Dice, Seed, count, seeds};
use stoa_tests::live::Follower;
use stoa_tests::primary::Primary;
use stoa_tests::proxy::Link;

const SCHEMA: &str = "type Counter @table @export { id: ID @primaryKey value: Int } type Mark @table @export { id: ID @primaryKey by: Int @indexed }";
const COUNTERS: usize = 4;
const CLIENTS: usize = 9;

/// What all clients know together.
#[derive(Default)]
struct Known {
    /// How often each counter was raised for sure, and how often perhaps.
    raised: [(i64, i64); COUNTERS],
    made: BTreeSet<String>,
    perhaps: BTreeSet<String>,
    refused: BTreeSet<String>,
}

struct Wanderer<'a> {
    number: usize,
    dice: Dice,
    bases: &'a [RwLock<String>],
    at: usize,
    token: Option<String>,
    seen: [i64; COUNTERS],
    marks: usize,
    own: BTreeSet<String>,
    known: &'a Mutex<Known>,
}

/// What is known of a write after its answer.
enum Fate {
    Done(Answer),
    Perhaps,
    Not,
}

impl Wanderer<'_> {
    fn step(&mut self) {
        if self.dice.below(12) == 0 {
            // Elsewhere it must not see less: it brings its token.
            self.at = self.dice.below(self.bases.len());
        }
        match self.dice.below(4) {
            0 => self.raise(),
            1 => self.mark(),
            2 => self.read_counter(),
            _ => self.read_own(),
        }
    }

    fn send(&mut self, method: &str, path: &str, body: &Json) -> Option<Answer> {
        let client = Client::new(&self.bases[self.at].read().unwrap());
        let token = self.token.clone();
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(token.as_deref().map(|token| ("stoa-seq", token)));
        let bytes = if method == "GET" { Vec::new() } else { body.to_string().into_bytes() };
        let answer = client.try_send(method, path, &headers, &bytes).ok()?;
        if let Some(next) = answer.header("stoa-seq") {
            let number = |token: &str| token.rsplit('-').next().and_then(|seq| seq.parse::<u64>().ok()).unwrap();
            let before = token.as_deref().map(number);
            assert!(before <= Some(number(next)), "client {} was at {token:?}, and is told {next}", self.number);
            self.token = Some(next.to_owned());
        }
        Some(answer)
    }

    fn write(&mut self, method: &str, path: &str, body: &Json) -> Fate {
        match self.send(method, path, body) {
            None => Fate::Perhaps,
            Some(answer) if answer.status < 300 => Fate::Done(answer),
            Some(answer) if answer.status == 503 && answer.body_json()["unconfirmed"] != true => Fate::Not,
            Some(answer) if answer.status == 503 => Fate::Perhaps,
            Some(answer) => panic!("{method} {path}: {} {}", answer.status, answer.text()),
        }
    }

    fn raise(&mut self) {
        let at = self.dice.below(COUNTERS);
        let fate = self.write("PATCH", &format!("/Counter/c{at}"), &json!({"value": {"__op__": "add", "value": 1}}));
        let mut known = self.known.lock().unwrap();
        match fate {
            Fate::Done(answer) => {
                known.raised[at].0 += 1;
                drop(known);
                self.sees(at, answer.body_json()["value"].as_i64().unwrap(), 1);
            }
            Fate::Perhaps => known.raised[at].1 += 1,
            Fate::Not => {}
        }
    }

    fn mark(&mut self) {
        self.marks += 1;
        let id = format!("m{}-{}", self.number, self.marks);
        let fate = self.write("POST", "/Mark/", &json!({"id": id, "by": self.number}));
        let mut known = self.known.lock().unwrap();
        match fate {
            Fate::Done(_) => {
                known.made.insert(id.clone());
                self.own.insert(id);
            }
            Fate::Perhaps => _ = known.perhaps.insert(id),
            Fate::Not => _ = known.refused.insert(id),
        }
    }

    fn read_counter(&mut self) {
        let at = self.dice.below(COUNTERS);
        let Some(answer) = self.send("GET", &format!("/Counter/c{at}"), &Json::Null) else { return };
        if answer.status == 503 {
            return;
        }
        self.sees(at, answer.expect(200).body_json()["value"].as_i64().unwrap(), 0);
    }

    /// A counter never goes back, and its own raise is one more than what it had seen.
    fn sees(&mut self, at: usize, value: i64, more: i64) {
        assert!(
            value >= self.seen[at] + more,
            "client {} saw c{at} at {}, then at {value}",
            self.number,
            self.seen[at]
        );
        self.seen[at] = value;
    }

    fn read_own(&mut self) {
        let path = format!("/Mark/?by={}&select=id", self.number);
        let Some(answer) = self.send("GET", &path, &Json::Null) else { return };
        if answer.status == 503 {
            return;
        }
        let shown = answer.expect(200).body_json();
        let shown: BTreeSet<&str> = shown.as_array().unwrap().iter().map(|mark| mark["id"].as_str().unwrap()).collect();
        let missing: Vec<&String> = self.own.iter().filter(|id| !shown.contains(id.as_str())).collect();
        assert!(missing.is_empty(), "client {} does not see its own {missing:?}", self.number);
    }
}

#[test]
fn nobody_is_taken_back_and_nothing_is_lost_whatever_fails() {
    seeds(1, 4).map(Seed).for_each(|seed| one_history(&seed));
}

fn one_history(seed: &Seed) {
    let mut primary = Primary::start();
    let mut regions: Vec<Region> =
        distances().into_iter().map(|one_way| Region::of(primary.address(), SCHEMA, one_way)).collect();
    let zero: Vec<Json> = (0..COUNTERS).map(|at| json!({"id": format!("c{at}"), "value": 0})).collect();
    let zero = regions[0].client.json("PUT", "/Counter/", &json!(zero)).expect(200);
    let token = zero.header("stoa-seq").map(str::to_owned);
    let bases: Vec<RwLock<String>> = regions.iter().map(|region| RwLock::new(region.server.base.clone())).collect();
    let (known, over, steps) = (Mutex::new(Known::default()), AtomicBool::new(false), AtomicUsize::new(0));
    let mut wanderers: Vec<Wanderer<'_>> = (0..CLIENTS)
        .map(|number| Wanderer {
            number,
            dice: seed.dice(number),
            bases: &bases,
            at: number % 3,
            token: token.clone(),
            seen: [0; COUNTERS],
            marks: 0,
            own: BTreeSet::new(),
            known: &known,
        })
        .collect();
    let mut dice = seed.dice(CLIENTS);
    scope(|scope| {
        let (over, steps) = (&over, &steps);
        for wanderer in &mut wanderers {
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    wanderer.step();
                    steps.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..count(8, 60) {
            let before = steps.load(Ordering::Relaxed);
            until("the clients go on", || steps.load(Ordering::Relaxed) > before + 150);
            let at = dice.below(3);
            match round % 5 {
                0 => fail(&regions[at], Link::Cut),
                1 => fail(&regions[at], Link::LosesAnswers),
                2 => {
                    let Region { server, link, app, .. } = regions.remove(at);
                    server.kill();
                    let server = serve(&app, &link, &[]);
                    let client = Client::new(&server.base);
                    *bases[at].write().unwrap() = server.base.clone();
                    regions.insert(at, Region { server, client, link, app });
                }
                3 => fail(&regions[at], Link::BlackHole),
                _ if dice.below(2) == 0 => primary.start_again(),
                _ => {
                    primary.kill();
                    primary.start_again();
                }
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    check(&regions, &known.into_inner().unwrap());
}

/// How long each link takes one way, in milliseconds.
fn distances() -> [u64; 3] {
    if stoa_tests::server::long() { [20, 80, 150] } else { [2, 5, 10] }
}

fn fail(region: &Region, link: Link) {
    let lost = region.link.lost();
    region.link.set(link);
    until("the region notices", || match link {
        Link::LosesAnswers => region.link.lost() > lost + 1,
        Link::Up | Link::Cut | Link::BlackHole => region.health()["region"]["reachable"] == false,
    });
    region.link.set(Link::Up);
}

fn until(what: &str, is_it: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_it() {
        assert!(began.elapsed() < Duration::from_secs(60), "in vain: {what}");
        std::thread::yield_now();
    }
}

/// Every region has the same, and it is what was acknowledged.
fn check(regions: &[Region], known: &Known) {
    regions.iter().for_each(|region| {
        _ = region.wait("/_stoa/health", |answer| answer.body_json()["region"]["reachable"] == true)
    });
    let last = regions[0].client.json("PUT", "/Mark/last", &json!({"by": -1})).expect(201);
    let seq = last.header("stoa-seq").unwrap();
    let states: Vec<BTreeMap<String, Json>> = regions
        .iter()
        .map(|region| {
            let get = |path: &str| {
                let mut answer = region.client.send("GET", path, &[("stoa-seq", seq)], b"");
                while answer.status == 503 {
                    answer = region.client.send("GET", path, &[("stoa-seq", seq)], b"");
                }
                answer.expect(200).body_json()
            };
            let mut follower = Follower::socket(&region.server, "/Mark/");
            follower.until_ready();
            let all = [get("/Counter/"), get("/Mark/")];
            let all = all.iter().flat_map(|list| list.as_array().unwrap().clone());
            all.map(|record| (record["id"].as_str().unwrap().to_owned(), record)).collect()
        })
        .collect();
    assert!(states.iter().all(|state| *state == states[0]), "the regions differ");
    for (at, (sure, perhaps)) in known.raised.iter().enumerate() {
        let value = states[0][&format!("c{at}")]["value"].as_i64().unwrap();
        assert!(
            (*sure..=sure + perhaps).contains(&value),
            "c{at} is {value}: raised {sure} times, perhaps {perhaps} more"
        );
    }
    let missing: Vec<_> = known.made.iter().filter(|id| !states[0].contains_key(*id)).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    let forbidden: Vec<_> = known.refused.iter().filter(|id| states[0].contains_key(*id)).collect();
    assert!(forbidden.is_empty(), "said not to have happened, and there: {forbidden:?}");
    let (sure, perhaps): (i64, i64) = known.raised.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    eprintln!(
        "{sure} raised, {perhaps} perhaps; {} made, {} perhaps, {} refused",
        known.made.len(),
        known.perhaps.len(),
        known.refused.len()
    );
    assert!(sure > 20 && known.made.len() > 20, "hardly anything was done");
}
