//! A writer: changes few records at random, so that writes meet each other and what is read.

use super::meaning::TIMES;
use crate::live::soon;
use serde_json::{Value as Json, json};
use std::time::Instant;
use stoa_tests::client::Client;
use stoa_tests::dice::Dice;

/// What became of a write.
pub(super) struct Write {
    /// What it left in the records that it stored, and no other.
    pub(super) stamp: String,
    pub(super) begin: u64,
    pub(super) end: u64,
    what: String,
    pub(super) status: u16,
    /// The position that its answer includes.
    pub(super) seq: Option<u64>,
}

impl Write {
    /// What it did stands in the log if it was acknowledged, no later than it was told, and otherwise not.
    pub(super) fn holds(&self, span: Option<(usize, usize)>) {
        let Some((_, last)) = span else { return };
        let what = &self.what;
        assert!(self.is_done(), "{what} was refused with {} and stands at {last}", self.status);
        assert!(self.seq.is_some_and(|seq| last as u64 <= seq), "{what} stands at {last}, not {:?}", self.seq);
    }

    pub(super) fn is_done(&self) -> bool {
        self.status < 300
    }
}

pub(super) struct Writer {
    name: String,
    dice: Dice,
    clock: Instant,
    made: usize,
    pub(super) writes: Vec<Write>,
}

/// A method, a path, a body.
type Operation = (&'static str, String, Json);

pub(super) const NAMES: [&str; 4] = ["Ann", "Bob", "Al", "Eve"];
pub(super) const SHELVES: [&str; 3] = ["Home", "Garden", "Attic"];

/// The position that a `Stoa-Seq` names.
pub(super) fn position(seq: &str) -> u64 {
    seq.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or_else(|| panic!("{seq} is no position"))
}

pub(super) fn since(clock: Instant) -> u64 {
    u64::try_from(clock.elapsed().as_nanos()).expect("a run of less than 500 years")
}

impl Writer {
    pub(super) fn new(name: String, dice: Dice, clock: Instant) -> Self {
        Self { name, dice, clock, made: 0, writes: Vec::new() }
    }

    /// What there is at the beginning.
    pub(super) fn fill(&mut self, client: &Client) {
        for id in 0..4 {
            let category = json!({"name": SHELVES[id % 2], "rank": id});
            self.send(client, ("PUT", format!("/Category/c{id}"), category));
            let user = json!({"name": NAMES[id]});
            self.send(client, ("PUT", format!("/User/u{id}"), user));
        }
        for id in 0..8 {
            let (product, event) = (self.product(), self.event());
            self.send(client, ("PUT", format!("/Product/p{id}"), product));
            self.send(client, ("PUT", format!("/Event/e{id}"), event));
        }
    }

    /// Writes something; it may be refused, but not by an outage.
    pub(super) fn write(&mut self, client: &Client) {
        let operation = match self.dice.below(26) {
            0 | 1 => self.several(),
            2..=5 => self.commit(),
            6 => self.refused(),
            7 => ("PATCH", format!("/Product/?price=lt={}", self.dice.below(60)), json!({"since": self.time()})),
            8 => ("PATCH", "/Category/?rank=lt=2".to_owned(), json!({"name": self.among(&SHELVES)})),
            9 => ("DELETE", format!("/Product/?price=ge={}", 80 + self.dice.below(20)), Json::Null),
            _ => self.one(),
        };
        self.send(client, operation);
    }

    fn send(&mut self, client: &Client, (method, path, mut body): Operation) {
        self.made += 1;
        let stamp = format!("{}-{}", self.name, self.made);
        leave(&mut body, &stamp);
        let begin = since(self.clock);
        let answer = match &body {
            Json::Null => client.send(method, &path, &[], b""),
            body => client.json(method, &path, body),
        };
        let end = since(self.clock);
        assert!((200..500).contains(&answer.status), "{method} {path} {body}: {} {}", answer.status, answer.text());
        let seq = answer.header("stoa-seq").map(position);
        assert!(answer.status >= 300 || seq.is_some(), "{method} {path} has no position");
        let what = format!("{method} {path} {body}");
        self.writes.push(Write { stamp, begin, end, what, status: answer.status, seq });
    }

    fn among<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.dice.below(all.len())]
    }

    fn id(&mut self, letter: char, count: usize) -> String {
        format!("{letter}{}", self.dice.below(count))
    }

    fn time(&mut self) -> &'static str {
        self.among(&TIMES)[1]
    }

    fn product(&mut self) -> Json {
        // Some are long enough to be encoded.
        let text = if self.dice.below(3) > 0 { "long ".repeat(240) } else { "short".to_owned() };
        let price = if self.dice.below(8) == 0 { Json::Null } else { json!(self.dice.below(100)) };
        json!({
            "name": self.among(&NAMES), "price": price, "stock": self.dice.below(3), "since": self.time(), "text": text,
            "categoryId": if self.dice.below(8) == 0 { Json::Null } else { json!(self.id('c', 5)) },
        })
    }

    fn event(&mut self) -> Json {
        let attendees: Vec<&str> = ["u3", "u1", "u0", "u4"].into_iter().filter(|_| self.dice.below(2) == 0).collect();
        json!({"title": self.among(&NAMES), "organizerId": self.id('u', 5), "attendeeIds": attendees})
    }

    fn hold(&mut self) -> Json {
        let until = match self.dice.below(4) {
            0 => Json::Null,
            _ => json!(soon(40 + self.dice.below(1_000) as u64)),
        };
        json!({"productId": self.id('p', 8), "person": self.among(&NAMES), "until": until})
    }

    fn change(&mut self) -> Json {
        match self.dice.below(5) {
            0 => json!({"price": self.dice.below(100)}),
            1 | 2 => json!({"stock": {"__op__": "add", "value": self.among(&[1, -1, -2])}}),
            3 => json!({"categoryId": self.id('c', 5)}),
            _ => json!({"name": self.among(&NAMES)}),
        }
    }

    /// A write to one record.
    fn one(&mut self) -> Operation {
        match self.dice.below(20) {
            0 | 1 => ("PUT", format!("/Product/{}", self.id('p', 8)), self.product()),
            2..=6 => ("PATCH", format!("/Product/{}", self.id('p', 8)), self.change()),
            7 => ("DELETE", format!("/Product/{}", self.id('p', 8)), Json::Null),
            8 => {
                let mut product = self.product();
                product["id"] = self.id('p', 8).into();
                ("POST", "/Product/".to_owned(), product)
            }
            9 => ("PATCH", format!("/Category/{}", self.id('c', 5)), json!({"name": self.among(&SHELVES)})),
            10 => {
                let category = json!({"name": self.among(&SHELVES), "rank": self.dice.below(4)});
                ("PUT", format!("/Category/{}", self.id('c', 5)), category)
            }
            11 => ("DELETE", format!("/Category/{}", self.id('c', 5)), Json::Null),
            12 => ("PUT", format!("/User/{}", self.id('u', 5)), json!({"name": self.among(&NAMES)})),
            13 => ("DELETE", format!("/User/{}", self.id('u', 5)), Json::Null),
            14 => ("PUT", format!("/Event/{}", self.id('e', 8)), self.event()),
            15 => {
                let operation = self.among(&["include", "exclude"]);
                let change = json!({"attendeeIds": {"__op__": operation, "value": self.id('u', 5)}});
                ("PATCH", format!("/Event/{}", self.id('e', 8)), change)
            }
            16 => ("DELETE", format!("/Event/{}", self.id('e', 8)), Json::Null),
            17 => ("DELETE", format!("/Hold/{}", self.id('h', 6)), Json::Null),
            _ => ("PUT", format!("/Hold/{}", self.id('h', 6)), self.hold()),
        }
    }

    /// New and known products, all or nothing.
    fn several(&mut self) -> Operation {
        let first = self.dice.below(6);
        let products = (first..first + 2 + self.dice.below(2)).map(|number| {
            let mut product = self.product();
            product["id"] = format!("p{number}").into();
            product
        });
        let products: Json = products.collect();
        (self.among(&["PUT", "POST"]), "/Product/".to_owned(), products)
    }

    /// A commit over several tables, whose parts nobody may see alone.
    fn commit(&mut self) -> Operation {
        let (from, to) = (self.id('p', 8), self.id('p', 8));
        let price = self.dice.below(100);
        let mut operations: Vec<Operation> = vec![
            ("PUT", format!("/Product/{from}"), self.product()),
            ("PATCH", format!("/Product/{from}"), json!({"price": price})),
            ("PUT", format!("/Product/{to}"), self.product()),
            ("PATCH", format!("/Product/{to}"), json!({"price": price})),
        ];
        let category = json!({"name": self.among(&SHELVES), "rank": self.dice.below(4)});
        operations.push(("PUT", format!("/Category/{}", self.id('c', 5)), category));
        operations.push(("PUT", format!("/Hold/{}", self.id('h', 6)), self.hold()));
        ("POST", "/_stoa/commit".to_owned(), committed(&operations))
    }

    /// A commit whose last operation fails.
    fn refused(&mut self) -> Operation {
        let operations = [
            ("PUT", format!("/Product/{}", self.id('p', 8)), self.product()),
            ("PATCH", "/Product/none".to_owned(), json!({"price": 1})),
        ];
        ("POST", "/_stoa/commit".to_owned(), committed(&operations))
    }
}

fn committed(operations: &[Operation]) -> Json {
    let operation = |(method, path, body): &Operation| json!({"method": method, "path": path, "body": body});
    json!({"operations": operations.iter().map(operation).collect::<Vec<_>>()})
}

/// Puts the stamp into all that a body stores.
fn leave(body: &mut Json, stamp: &str) {
    match body {
        Json::Array(records) => records.iter_mut().for_each(|record| leave(record, stamp)),
        Json::Object(members) => match members.get_mut("operations").and_then(Json::as_array_mut) {
            Some(operations) => operations.iter_mut().for_each(|operation| leave(&mut operation["body"], stamp)),
            None => _ = members.insert("stamp".to_owned(), stamp.into()),
        },
        _ => {}
    }
}
