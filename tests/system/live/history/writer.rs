//! A client that writes at random: to a few records, so that writes meet.

use super::super::ends::soon;
use serde_json::{Value as Json, json};
use stoa_tests::client::Client;
use stoa_tests::dice::Dice;

pub(super) struct Writer {
    number: usize,
    dice: Dice,
    made: usize,
}

/// Two begin with `A`.
const NAMES: [&str; 3] = ["Ann", "Bob", "Al"];

/// A method, a path, a body.
type Operation = (&'static str, String, Json);

/// What there is at the beginning.
pub(super) fn fill(client: &Client) {
    for id in 0..4 {
        client
            .json(
                "PUT",
                &format!("/Category/c{id}"),
                &json!({"name": if id % 2 == 0 { "Home" } else { "Garden" }, "rank": id}),
            )
            .expect(201);
    }
    for id in 0..6 {
        client.json("PUT", &format!("/User/u{id}"), &json!({"name": NAMES[id % NAMES.len()]})).expect(201);
    }
}

impl Writer {
    pub(super) fn new(number: usize, dice: Dice) -> Self {
        Self { number, dice, made: 0 }
    }

    /// Writes something; it may be refused, but not by an outage.
    pub(super) fn write(&mut self, client: &Client) {
        let (method, path, body) = match self.dice.below(28) {
            0 => self.several(),
            1..=4 => self.many(),
            5 => self.refused(),
            6 => ("PATCH", "/Product/?id!=none".to_owned(), json!({"stock": {"__op__": "add", "value": 1}})),
            7 => ("PATCH", format!("/Product/?price=lt={}", self.below(60)), json!({"name": self.name()})),
            8 => ("DELETE", format!("/Product/?price=ge={}", 70 + self.below(30)), Json::Null),
            9 => ("PATCH", format!("/Category/?rank=lt={}", self.below(5)), json!({"name": self.shelf()})),
            _ => self.one(),
        };
        let answer = match &body {
            Json::Null => client.send(method, &path, &[], b""),
            body => client.json(method, &path, body),
        };
        assert!((200..500).contains(&answer.status), "{method} {path} {body}: {}", answer.text());
    }

    fn below(&mut self, bound: usize) -> usize {
        self.dice.below(bound)
    }

    fn among<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn id(&mut self, letter: char, count: usize) -> String {
        format!("{letter}{}", self.below(count))
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("name {}-{}", self.number, self.made)
    }

    fn shelf(&mut self) -> &'static str {
        self.among(&["Home", "Garden", "Attic"])
    }

    fn some_of(&mut self, all: &[&str]) -> Vec<String> {
        all.iter().filter(|_| self.dice.below(2) == 0).map(|&it| it.to_owned()).collect()
    }

    fn product(&mut self) -> Json {
        // Long enough for a subscriber who does not read to be in the way.
        let note = "x".repeat(self.below(24_000));
        json!({
            "name": self.name(), "price": self.below(100), "stock": self.below(4), "tags": self.some_of(&["red", "blue"]),
            "notes": [note], "categoryId": if self.below(5) == 0 { Json::Null } else { json!(self.id('c', 5)) },
        })
    }

    /// A write to one record.
    fn one(&mut self) -> Operation {
        match self.below(18) {
            0..=2 => ("PUT", format!("/Product/{}", self.id('p', 20)), self.product()),
            3..=6 => ("PATCH", format!("/Product/{}", self.id('p', 20)), self.change()),
            7 => ("DELETE", format!("/Product/{}", self.id('p', 20)), Json::Null),
            8 => {
                ("PUT", format!("/Category/{}", self.id('c', 5)), json!({"name": self.shelf(), "rank": self.below(4)}))
            }
            9 => ("DELETE", format!("/Category/{}", self.id('c', 5)), Json::Null),
            10 => ("PUT", format!("/User/{}", self.id('u', 6)), json!({"name": self.among(&NAMES)})),
            11 => ("DELETE", format!("/User/{}", self.id('u', 6)), Json::Null),
            12 => {
                let attendees = self.some_of(&["u5", "u1", "u0", "u3"]);
                let event = json!({"title": self.name(), "organizerId": self.id('u', 6), "attendeeIds": attendees});
                ("PUT", format!("/Event/{}", self.id('e', 10)), event)
            }
            13 => {
                let operation = if self.below(2) == 0 { "include" } else { "exclude" };
                let change = json!({"attendeeIds": {"__op__": operation, "value": self.id('u', 6)}});
                ("PATCH", format!("/Event/{}", self.id('e', 10)), change)
            }
            14 => ("DELETE", format!("/Event/{}", self.id('e', 10)), Json::Null),
            15 => ("DELETE", format!("/Hold/{}", self.id('h', 16)), Json::Null),
            _ => {
                let until =
                    if self.below(3) == 0 { Json::Null } else { json!(soon(100 + self.dice.below(1_500) as u64)) };
                let hold = json!({"productId": self.id('p', 20), "person": self.among(&["A", "B"]), "until": until});
                ("PUT", format!("/Hold/{}", self.id('h', 16)), hold)
            }
        }
    }

    fn change(&mut self) -> Json {
        let operation = if self.below(2) == 0 { "include" } else { "exclude" };
        match self.below(5) {
            0 => json!({"price": self.below(100)}),
            1 => json!({"stock": {"__op__": "add", "value": self.among(&[1, -1, -2])}}),
            2 => json!({"tags": {"__op__": operation, "value": self.among(&["red", "blue"])}}),
            3 => json!({"categoryId": self.id('c', 5)}),
            _ => json!({"name": self.name()}),
        }
    }

    /// New and known products, all or nothing.
    fn several(&mut self) -> Operation {
        let products = (0..2 + self.below(3)).map(|_| {
            let mut product = self.product();
            product["id"] = self.id('p', 20).into();
            product
        });
        let products: Json = products.collect();
        (if self.below(2) == 0 { "PUT" } else { "POST" }, "/Product/".to_owned(), products)
    }

    /// A commit: the pair, something that comes and goes, and others.
    fn many(&mut self) -> Operation {
        let price = self.below(100);
        let fleeting = format!("/Product/f{}", self.number);
        let mut operations: Vec<Operation> = match self.below(3) {
            0 => vec![
                ("PUT", "/Product/x".to_owned(), json!({"price": price, "categoryId": "c0"})),
                ("PUT", fleeting.clone(), self.product()),
                ("PUT", "/Product/y".to_owned(), json!({"price": price, "categoryId": "c1"})),
                ("DELETE", fleeting, Json::Null),
            ],
            _ => Vec::new(),
        };
        // Each creates what may be missing, so that the whole is seldom refused.
        for _ in 0..1 + self.below(5) {
            operations.push(match self.below(4) {
                0 => (
                    "PUT",
                    format!("/Category/{}", self.id('c', 5)),
                    json!({"name": self.shelf(), "rank": self.below(4)}),
                ),
                1 => self.one(),
                _ => ("PUT", format!("/Product/{}", self.id('p', 20)), self.product()),
            });
        }
        ("POST", "/_stoa/commit".to_owned(), committed(&operations))
    }

    /// A commit whose last operation fails.
    fn refused(&mut self) -> Operation {
        let mut product = self.product();
        product["name"] = "refused".into();
        let operations = [
            ("PUT", format!("/Product/{}", self.id('p', 20)), product),
            ("PUT", "/Category/refused".to_owned(), json!({"name": "Home"})),
            ("PATCH", "/Product/none".to_owned(), json!({"price": 1})),
        ];
        ("POST", "/_stoa/commit".to_owned(), committed(&operations))
    }
}

fn committed(operations: &[Operation]) -> Json {
    let operation = |(method, path, body): &Operation| match body {
        Json::Null => json!({"method": method, "path": path}),
        body => json!({"method": method, "path": path, "body": body}),
    };
    json!({"operations": operations.iter().map(operation).collect::<Vec<_>>()})
}
