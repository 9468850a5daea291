//! A client that writes records of its own, knows what each answer must say, and what may be there if none came.

use super::item::Item;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use stoa_tests::client::Client;

/// Records that a writer keeps at most; beyond it deletes come first.
const KEPT: usize = 40;
/// Zero, halves, doubles that need 17 digits, and those that the change log cannot print as numbers.
const PRICES: [f64; 9] =
    [0.0, 2.5, 0.1, 0.300_000_000_000_000_04, 1e-70, 5e-324, -1.797_693_134_862_315_7e308, 2.5e61, 1e23];
const TAGS: [&str; 5] = ["red", "green", "it's \"blue\"", "", "日本 🦉"];

pub(super) struct Writer {
    name: usize,
    made: usize,
    random: u64,
    /// What is acknowledged.
    items: BTreeMap<String, Item>,
    /// What the request without an answer would lead to.
    doubt: Option<BTreeMap<String, Item>>,
    in_doubt: bool,
}

/// A request, what answers it, and what it leads to.
struct Request {
    method: &'static str,
    path: String,
    body: Option<Json>,
    status: u16,
    answer: Option<Vec<Item>>,
    after: BTreeMap<String, Item>,
}

impl Writer {
    pub(super) fn new(name: usize) -> Self {
        let random = 0x9e37_79b9_7f4a_7c15 ^ (name as u64);
        Self { name, made: 0, random, items: BTreeMap::new(), doubt: None, in_doubt: false }
    }

    /// Writes until the server is gone.
    pub(super) fn write_until_gone(&mut self, client: &Client, acknowledge: &Sender<()>) {
        loop {
            let request = self.request();
            let body = request.body.as_ref().map(Json::to_string).unwrap_or_default();
            let headers: &[_] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
            let Ok(answer) = client.try_send(request.method, &request.path, headers, body.as_bytes()) else {
                self.doubt = Some(request.after);
                return;
            };
            assert_eq!(answer.status, request.status, "{} {} {body}: {}", request.method, request.path, answer.text());
            if let Some(expected) = &request.answer {
                let found = answer.body_json();
                let found: Vec<Item> = match &found {
                    Json::Array(found) => found.iter().map(Item::read).collect(),
                    found => vec![Item::read(found)],
                };
                assert_eq!(&found, expected, "{} {} {body}", request.method, request.path);
            }
            self.items = request.after;
            // The test may have ended.
            _ = acknowledge.send(());
        }
    }

    /// Finds out what became of the request without an answer: all of it or nothing. How many records it has now.
    pub(super) fn settle(&mut self, held: &BTreeMap<String, Item>) -> usize {
        let prefix = format!("w{}-", self.name);
        let mine: BTreeMap<String, Item> = held
            .iter()
            .filter(|(id, _)| id.starts_with(&prefix))
            .map(|(id, item)| (id.clone(), item.clone()))
            .collect();
        self.in_doubt = self.doubt.is_some();
        match self.doubt.take() {
            Some(after) if mine == after => self.items = after,
            doubt => assert_eq!(mine, self.items, "neither what was acknowledged nor what was under way: {doubt:?}"),
        }
        self.items.len()
    }

    /// 1 if the last settling was about a request without an answer.
    pub(super) fn forget_doubt(&mut self) -> usize {
        usize::from(std::mem::take(&mut self.in_doubt))
    }

    /// xorshift64
    fn pick(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap() % below
    }

    fn some_id(&mut self) -> Option<String> {
        let at = self.pick(self.items.len().max(1));
        self.items.keys().nth(at).cloned()
    }

    fn new_item(&mut self) -> Item {
        self.made += 1;
        let id = format!("w{}-{:05}", self.name, self.made);
        self.item(id)
    }

    fn item(&mut self, id: String) -> Item {
        let mut texts = |most: usize| -> Option<Vec<String>> {
            let length = self.pick(most + 2).checked_sub(1)?;
            Some((0..length).map(|_| TAGS[self.pick(TAGS.len())].to_owned()).collect())
        };
        let (tags, notes) = (texts(4), texts(2));
        Item {
            id,
            name: Some(format!("name {} }}{{", self.pick(1_000))),
            stock: self.pick(3).checked_sub(1).map(|stock| i64::try_from(stock).unwrap()),
            big: [None, Some(i64::MAX - 1_000_000), Some(i64::MIN)][self.pick(3)],
            price: (self.pick(4) > 0).then(|| PRICES[self.pick(PRICES.len())]),
            tags,
            notes,
        }
    }

    fn request(&mut self) -> Request {
        let some = self.some_id();
        match (self.pick(10), some) {
            (_, Some(id)) if self.items.len() > KEPT => self.delete(&id),
            (0 | 1, _) | (_, None) => {
                let item = self.new_item();
                self.store("POST", "/Item/".to_owned(), vec![item])
            }
            (2, _) => {
                let items = (0..2 + self.pick(20)).map(|_| self.new_item()).collect();
                self.store("POST", "/Item/".to_owned(), items)
            }
            (3, Some(id)) => self.refused(id),
            (4 | 5, Some(id)) => {
                let item = self.item(id);
                self.store("PUT", format!("/Item/{}", item.id), vec![item])
            }
            (6, Some(id)) => {
                let items = vec![self.new_item(), self.item(id), self.new_item()];
                self.store("PUT", "/Item/".to_owned(), items)
            }
            (7 | 8, Some(id)) => self.patch(id),
            (_, Some(id)) => self.delete(&id),
        }
    }

    fn store(&self, method: &'static str, path: String, items: Vec<Item>) -> Request {
        let mut after = self.items.clone();
        after.extend(items.iter().map(|item| (item.id.clone(), item.clone())));
        let body = if items.len() == 1 { items[0].json() } else { items.iter().map(Item::json).collect() };
        let status = if method == "POST" { 201 } else { 200 };
        Request { method, path, body: Some(body), status, answer: Some(items), after }
    }

    /// An array that ends with a record that exists.
    fn refused(&mut self, id: String) -> Request {
        let items = [self.new_item(), self.new_item(), self.item(id)];
        let body = items.iter().map(Item::json).collect();
        Request {
            method: "POST",
            path: "/Item/".to_owned(),
            body: Some(body),
            status: 409,
            answer: None,
            after: self.items.clone(),
        }
    }

    fn delete(&self, id: &str) -> Request {
        let mut after = self.items.clone();
        after.remove(id);
        Request { method: "DELETE", path: format!("/Item/{id}"), body: None, status: 204, answer: None, after }
    }

    fn patch(&mut self, id: String) -> Request {
        let mut item = self.items[&id].clone();
        let tag = TAGS[self.pick(TAGS.len())].to_owned();
        let body = match self.pick(4) {
            0 => {
                item.stock = Some(item.stock.unwrap_or(0) - 3);
                item.big = Some(item.big.unwrap_or(0) + 7);
                json!({"stock": {"__op__": "add", "value": -3}, "big": {"__op__": "add", "value": 7}})
            }
            1 => {
                item.price = Some(item.price.unwrap_or(0.0) + 0.1);
                item.name = None;
                json!({"price": {"__op__": "add", "value": 0.1}, "name": null})
            }
            2 => {
                let tags = item.tags.get_or_insert_default();
                if !tags.contains(&tag) {
                    tags.push(tag.clone());
                }
                json!({"tags": {"__op__": "include", "value": tag}})
            }
            _ => {
                item.tags = item.tags.map(|tags| tags.into_iter().filter(|known| *known != tag).collect());
                item.price = Some(1e-300);
                json!({"tags": {"__op__": "exclude", "value": tag}, "price": 1e-300})
            }
        };
        let path = format!("/Item/{id}");
        let mut after = self.items.clone();
        after.insert(id, item.clone());
        Request { method: "PATCH", path, body: Some(body), status: 200, answer: Some(vec![item]), after }
    }
}
