//! A client that does things at random to a few records and remembers each request, when it was sent and when its answer
//! was there.

use super::KEYS;
use super::record::{Action, Answer, Condition, Held, Operation};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::time::Instant;
use stoa_tests::client::{self, Client};
use stoa_tests::dice::Dice;

pub(super) struct Historian {
    pub(super) number: usize,
    dice: Dice,
    /// Where all clocks begin.
    began: Instant,
    /// The last number that was made; none is made twice.
    made: i64,
    /// The tag that each record had when it was last seen.
    seen: HashMap<&'static str, u64>,
    operations: Vec<(&'static str, Operation)>,
}

impl Historian {
    pub(super) fn new(number: usize, dice: Dice, began: Instant) -> Self {
        Self { number, dice, began, made: 0, seen: HashMap::new(), operations: Vec::new() }
    }

    /// All that it did: to which record, and what.
    pub(super) fn operations(self) -> impl Iterator<Item = (&'static str, Operation)> {
        self.operations.into_iter()
    }

    /// Does one thing after another until the server is gone.
    pub(super) fn send_until_gone(&mut self, client: &Client, answered: &Sender<()>) {
        loop {
            let there = match self.below(4) {
                0 => self.send_both(client),
                _ => self.send_one(client),
            };
            if !there {
                return;
            }
            // The test may have ended.
            _ = answered.send(());
        }
    }

    fn send_one(&mut self, client: &Client) -> bool {
        let key = KEYS[self.below(KEYS.len())];
        let action = self.action();
        let condition = self.condition(key, &action);
        self.send(client, key, action, condition)
    }

    /// What has no answer happened before now, or never.
    pub(super) fn server_is_gone(&mut self) {
        let now = self.now();
        let open = self.operations.iter_mut().rev().take_while(|(_, it)| it.end == u64::MAX);
        open.for_each(|(_, operation)| operation.end = now);
    }

    /// Whether there was an answer.
    pub(super) fn send(
        &mut self,
        client: &Client,
        key: &'static str,
        action: Action,
        condition: Option<Condition>,
    ) -> bool {
        let (method, path, body) = written(key, &action);
        let condition_header = condition.as_ref().map(header);
        let mut headers: Vec<(&str, &str)> = Vec::new();
        headers.extend(body.is_some().then_some(("content-type", "application/json")));
        headers.extend(condition_header.as_ref().map(|(name, value)| (*name, value.as_str())));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let (start, end, answer) = self.ask(client, method, &path, &headers, &body);
        let answer = answer.map(|answer| read(&answer));
        let answered = answer.is_some();
        self.keep(key, Operation { client: self.number, action, condition, start, end, answer });
        answered
    }

    /// When a request was sent, when its answer was there, and the answer, if one came.
    pub(super) fn ask(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u64, u64, Option<client::Answer>) {
        let start = self.now();
        match client.try_send(method, path, headers, body.as_bytes()) {
            Ok(answer) => (start, self.now(), Some(answer)),
            Err(_) => (start, u64::MAX, None),
        }
    }

    pub(super) fn keep(&mut self, key: &'static str, operation: Operation) {
        if let Some(tag) = operation.answer.as_ref().and_then(|answer| answer.tag) {
            self.seen.insert(key, tag);
        }
        self.operations.push((key, operation));
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.dice.below(bound)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }

    pub(super) fn unique(&mut self) -> i64 {
        self.made += 1;
        i64::try_from(self.number + 1).unwrap() * 1_000_000 + self.made
    }

    fn action(&mut self) -> Action {
        match self.dice.below(20) {
            0..=6 => Action::Read,
            7 | 8 => Action::Create(self.unique()),
            9..=11 => Action::Put(self.unique()),
            12..=14 => Action::SetTag(self.unique()),
            15..=18 => Action::Add(self.unique()),
            _ => Action::Delete,
        }
    }

    /// Half of the writes say what they have seen.
    pub(super) fn condition(&mut self, key: &str, action: &Action) -> Option<Condition> {
        let some = self.dice.below(2) == 0;
        match action {
            Action::Put(_) if self.dice.below(4) == 0 => Some(Condition::Absent),
            Action::Put(_) | Action::SetTag(_) | Action::Add(_) | Action::Delete => {
                self.seen.get(key).filter(|_| some).map(|tag| Condition::Match(*tag))
            }
            Action::Read | Action::Create(_) => None,
        }
    }
}

pub(super) fn written(key: &str, action: &Action) -> (&'static str, String, Option<Json>) {
    let path = || format!("/Item/{key}");
    match action {
        Action::Read => ("GET", path(), None),
        Action::Create(tag) => ("POST", "/Item/".to_owned(), Some(json!({"id": key, "tag": tag, "sum": 0}))),
        Action::Put(tag) => ("PUT", path(), Some(json!({"tag": tag, "sum": 0}))),
        Action::SetTag(tag) => ("PATCH", path(), Some(json!({"tag": tag}))),
        Action::Add(value) => ("PATCH", path(), Some(json!({"sum": {"__op__": "add", "value": value}}))),
        Action::Delete => ("DELETE", path(), None),
    }
}

pub(super) fn header(condition: &Condition) -> (&'static str, String) {
    match condition {
        Condition::Match(tag) => ("if-match", format!("\"{}\"", base36(*tag))),
        Condition::Absent => ("if-none-match", "*".to_owned()),
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit(u32::try_from(number % 36).unwrap(), 36).unwrap());
        number /= 36;
    }
    digits.iter().rev().collect()
}

/// The revision that an entity tag names.
pub(super) fn tag_in(text: &str) -> u64 {
    u64::from_str_radix(text.trim_matches('"'), 36).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// What a record holds.
pub(super) fn held(record: &Json) -> Held {
    Held { tag: record["tag"].as_i64().unwrap(), sum: record["sum"].as_i64().unwrap() }
}

fn read(answer: &client::Answer) -> Answer {
    Answer {
        status: answer.status,
        held: matches!(answer.status, 200 | 201).then(|| held(&answer.body_json())),
        tag: answer.header("etag").map(tag_in),
    }
}
