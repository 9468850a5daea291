//! The change log and the tables mean the same: whatever type a value has and whatever a query asks of it, what is told of
//! changes, which is judged on the log, leads to what `GET` answers, which is judged by SQL.
//!
//! Random records of every type change at random; random queries are resumed from where they were before, and must arrive
//! at the answer of now. `STOA_LONG=1` makes many rounds; `STOA_SEED=n` repeats the cases of one seed.

use super::serve;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use stoa_tests::client::Client;
use stoa_tests::dice::{Dice, Seed, count, seeds};
use stoa_tests::live::{Events, Fold, Follower, Records};

/// Every type, in lists, nested, computed, hidden; relations; tables that are open or have keys of several parts.
const SCHEMA: &str = include_str!("../../src/fuzz/schema.graphql");

const RECORDS: usize = 30;
const QUERIES: usize = 150;

/// Values of an attribute, as JSON.
struct Attribute {
    name: &'static str,
    values: &'static [&'static str],
}

const fn attribute(name: &'static str, values: &'static [&'static str]) -> Attribute {
    Attribute { name, values }
}

const TEXTS: &[&str] =
    &[r#""""#, r#""a""#, r#""ab""#, r#""B""#, r#""é""#, r#""2024-08-15T14:00:00Z""#, r#""7""#, r#""日本 🦉""#];
const INTS: &[&str] = &["-2147483648", "-1", "0", "1", "2", "2147483647"];
const LONGS: &[&str] = &["-9223372036854775808", "-1", "0", "9007199254740993", "9223372036854775807"];
const FLOATS: &[&str] =
    &["-1e300", "-0.5", "0", "5e-324", "0.1", "1", "9007199254740992", "1e23", "1.7976931348623157e308"];
const DATES: &[&str] = &[
    r#""2024-12-25""#,
    r#""2024-08-15T10:00:00-04:00""#,
    r#""2024-08-15T14:00:00.001Z""#,
    r#""2025-01-01T00:00:00Z""#,
];
const BIGS: &[&str] = &["-99999999999999999999", "-1", "0", "7", "18446744073709551616", "99999999999999999999"];
const BYTES: &[&str] = &[r#""""#, r#""AA==""#, r#""AP8=""#, r#""/////w==""#];
const ANYS: &[&str] = &["1", "[1.0,null]", r#"{"a":{"b":[]}}"#, r#""2024-08-15T10:00:00-04:00""#, "true"];
const FLAGS: &[&str] = &["true", "false"];
const PLACES: &[&str] = &[
    r#"{"city":"Paris","zip":75001,"lines":["a","b"],"geo":{"lat":48.85,"lon":2.35,"more":[1]}}"#,
    r#"{"city":"","since":"2024-08-15T10:00:00-04:00","huge":99999999999999999999,"data":"AP8="}"#,
    r#"{"city":"Rome","zip":-1,"lines":[],"extra":{"x":1},"geo":{"inside":{"lat":0.1}}}"#,
];

const ITEM: &[Attribute] = &[
    attribute("name", TEXTS),
    attribute("count", INTS),
    attribute("big", LONGS),
    attribute("price", FLOATS),
    attribute("done", FLAGS),
    attribute("day", DATES),
    attribute("huge", BIGS),
    attribute("data", BYTES),
    attribute("extra", ANYS),
    attribute("home", PLACES),
    attribute("ownerId", &["1", "2", "3", "9007199254740993"]),
    attribute("secret", TEXTS),
];
const LISTS: &[Attribute] = &[
    attribute("places", PLACES),
    attribute("tags", TEXTS),
    attribute("flags", FLAGS),
    attribute("counts", INTS),
    attribute("prices", FLOATS),
    attribute("days", DATES),
    attribute("huges", BIGS),
    attribute("blobs", BYTES),
    attribute("extras", ANYS),
    attribute("partIds", &[r#""i1""#, r#""i2""#, r#""i3""#, r#""none""#]),
];
/// What queries ask for besides.
const ASKED: &[Attribute] = &[
    attribute("id", &[r#""i1""#, r#""i20""#, r#""none""#]),
    attribute("double", LONGS),
    attribute("home.city", &[r#""Paris""#, r#""""#]),
    attribute("home.zip", &["75001", "0"]),
    attribute("home.lines", &[r#""a""#, r#""c""#]),
    attribute("home.since", DATES),
    attribute("home.huge", BIGS),
    attribute("home.data", BYTES),
    attribute("home.geo.lat", &["48.85", "0"]),
    attribute("home.geo.inside.lat", &["0.1"]),
    attribute("places.city", &[r#""Rome""#, r#""x""#]),
    attribute("places.zip", &["-1", "0"]),
    attribute("places.lines", &[r#""b""#]),
    attribute("owner.limit", INTS),
    attribute("owner.sort", TEXTS),
    attribute("owner.items.count", INTS),
    attribute("parts.tags", TEXTS),
    attribute("parts.owner.limit", INTS),
];
const OPERATORS: &[&str] = &[
    "=",
    "!=",
    "=lt=",
    "=le=",
    "=gt=",
    "=ge=",
    "=sw=",
    "=ew=",
    "=ct=",
    "=not_ct=",
    "=in=",
    "=not_in=",
    "=between=",
    "=null",
    "!=null",
];
const SELECTS: &[&str] = &[
    "",
    "",
    "select=id,name,huge,data,extras",
    "select=id,owner{id,limit,sort}",
    "select=id,parts{id,tags,owner{limit}}",
    "select=id,home,places,days,price",
    "timezone=Asia/Tokyo",
];

/// A text of a query in which nothing means more than itself.
fn encoded(json: &str) -> String {
    let text = serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned());
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

struct Case {
    path: String,
    fold: Option<Fold>,
}

struct Random(Dice);

impl Random {
    fn among<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.below(all.len())]
    }

    fn value(&mut self, attribute: &Attribute) -> String {
        match self.0.below(5) {
            0 => "null".to_owned(),
            _ => self.among(attribute.values).to_owned(),
        }
    }

    fn list(&mut self, attribute: &Attribute) -> String {
        match self.0.below(5) {
            0 => "null".to_owned(),
            _ => {
                let elements: Vec<&str> = (0..self.0.below(4)).map(|_| self.among(attribute.values)).collect();
                format!("[{}]", elements.join(","))
            }
        }
    }

    /// A body with about so many of a hundred attributes.
    fn item(&mut self, percent: usize) -> String {
        let mut members = Vec::new();
        for (attributes, list) in [(ITEM, false), (LISTS, true)] {
            for attribute in attributes {
                if self.0.below(100) < percent {
                    let value = if list { self.list(attribute) } else { self.value(attribute) };
                    members.push(format!("\"{}\":{value}", attribute.name));
                }
            }
        }
        format!("{{{}}}", members.join(","))
    }

    fn owner(&mut self) -> String {
        format!(r#"{{"limit":{},"sort":{}}}"#, self.value(&attribute("", INTS)), self.value(&attribute("", TEXTS)))
    }

    fn write(&mut self, client: &Client) {
        let (method, path, body) = match self.0.below(10) {
            0..=3 => ("PUT", format!("/Item/i{}", self.0.below(RECORDS)), self.item(80)),
            4..=6 => ("PATCH", format!("/Item/i{}", self.0.below(RECORDS)), self.item(10)),
            7 => ("DELETE", format!("/Item/i{}", self.0.below(RECORDS)), String::new()),
            8 => ("DELETE", format!("/Owner/{}", self.among(&["1", "2", "3", "9007199254740993"])), String::new()),
            _ => ("PUT", format!("/Owner/{}", self.among(&["1", "2", "3", "9007199254740993"])), self.owner()),
        };
        let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
        let answer = client.send(method, &path, headers, body.as_bytes());
        assert!(matches!(answer.status, 200 | 201 | 204 | 404), "{method} {path} {body}: {}", answer.text());
    }

    fn condition(&mut self) -> String {
        let attributes = self.among(&[ITEM, LISTS, ASKED]);
        let attribute = &attributes[self.0.below(attributes.len())];
        let mut value = || encoded(self.among(attribute.values));
        let (one, two) = (value(), value());
        match self.among(OPERATORS) {
            operator @ ("=null" | "!=null") => format!("{}{operator}", attribute.name),
            operator @ ("=in=" | "=not_in=" | "=between=") => format!("{}{operator}({one},{two})", attribute.name),
            operator => format!("{}{operator}{one}", attribute.name),
        }
    }

    fn path(&mut self) -> String {
        let mut conditions = match self.0.below(4) {
            0 => format!("{}&{}", self.condition(), self.condition()),
            1 => format!("({}|{})", self.condition(), self.condition()),
            _ => self.condition(),
        };
        let select = self.among(SELECTS);
        if !select.is_empty() {
            conditions = format!("{conditions}&{select}");
        }
        format!("/Item/?{conditions}")
    }
}

#[test]
fn what_is_told_arrives_at_what_get_answers() {
    seeds(1, 20).map(Seed).for_each(|seed| one_seed(&seed));
}

fn one_seed(seed: &Seed) {
    let (server, client) = serve(SCHEMA);
    let mut random = Random(seed.dice(0));
    (0..60).for_each(|_| random.write(&client));
    let mut socket = Follower::socket(&server, "/_stoa/live");
    let (mut cases, mut refused) = (Vec::new(), 0);
    while cases.len() < QUERIES {
        let path = random.path();
        let answer = client.get(&path);
        match answer.status {
            200 => cases.push(Case { path, fold: None }),
            status @ (400 | 422) => {
                socket.subscribe(&path, "refused");
                assert_eq!(socket.heard()["problem"]["status"], status, "{path}");
                refused += 1;
            }
            status => panic!("{path}: {status}"),
        }
    }
    let (mut told, mut shown) = (0, 0);
    for _ in 0..count(5, 25) {
        (0..12).for_each(|_| random.write(&client));
        for case in &mut cases {
            told += arrive(&mut socket, &client, case);
            shown += case.fold.as_ref().map_or(0, |fold| fold.records.len());
        }
    }
    eprintln!("{told} messages about {shown} records; {refused} queries were refused");
    assert!(told > 1_000 && shown > 1_000, "not everything was tried");
}

/// Goes on from where it was, at first from before everything; how many messages it took.
fn arrive(socket: &mut Follower, client: &Client, case: &mut Case) -> usize {
    let since = case.fold.as_ref().and_then(Fold::token);
    socket.forget("case");
    if let Some((fold, (log, seq))) = case.fold.as_ref().zip(since.as_deref().and_then(|it| it.rsplit_once('-'))) {
        *socket.fold_of("case") = Fold::at(fold.records.clone(), log, seq.parse().unwrap());
    }
    let since = since.as_deref().unwrap_or("0");
    socket.say(&json!({"subscribe": case.path, "as": "case", "since": since}).to_string());
    let mut messages = 0;
    loop {
        let message = socket.heard();
        assert_ne!(message["type"], "reset", "{}", case.path);
        if message["type"] == "ready" {
            break;
        }
        messages += 1;
    }
    socket.say(r#"{"unsubscribe":"case"}"#);
    let fold = socket.fold_of("case").clone();
    let Json::Array(list) = client.get(&case.path).expect(200).body_json() else { panic!("no list") };
    let expected: Records = list.into_iter().map(|record| (record["id"].to_string(), Arc::new(record))).collect();
    for (id, value) in &expected {
        assert_eq!(fold.records.get(id), Some(value), "{} since {since}: {id}", case.path);
    }
    let more: Vec<_> = fold.records.iter().filter(|(id, _)| !expected.contains_key(*id)).collect();
    assert!(more.is_empty(), "{} since {since}: too much: {more:?}", case.path);
    case.fold = Some(fold);
    messages
}

/// Character by character, however a value came into the message.
#[test]
fn values_are_written_as_get_writes_them() {
    let (server, client) = serve(SCHEMA);
    let mut random = Random(Seed(1).dice(1));
    let mut living = Events::open(server.port(), "/Item/", &[]).unwrap();
    assert!(living.next_data().unwrap().data.unwrap().starts_with(r#"{"type":"ready""#));
    for number in 0..count(30, 500) {
        let path = format!("/Item/i{number}");
        let body = random.item(90);
        client.send("PUT", &path, &[("content-type", "application/json")], body.as_bytes()).expect(201);
        let answer = client.get(&path).expect(200);
        let expected = format!("\"value\":{},\"etag\":{},", answer.text(), json!(answer.header("etag").unwrap()));
        let query = format!("/Item/?id=i{number}");
        let mut state = Events::open(server.port(), &query, &[]).unwrap();
        let mut missed = Events::open(server.port(), &format!("{query}&since=0"), &[]).unwrap();
        for (how, events) in [("state", &mut state), ("missed", &mut missed), ("living", &mut living)] {
            let told = events.next_data().unwrap().text;
            assert!(told.contains(&expected), "{how}:\n{told}\nwithout\n{expected}");
        }
    }
}
