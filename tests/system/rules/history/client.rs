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
    number: usize,
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
            let key = KEYS[self.dice.below(KEYS.len())];
            let action = self.action();
            let condition = self.condition(key, &action);
            if !self.send(client, key, action, condition) {
                return;
            }
            // The test may have ended.
            _ = answered.send(());
        }
    }

    /// What has no answer happened before now, or never.
    pub(super) fn server_is_gone(&mut self) {
        let now = self.now();
        let open = self.operations.iter_mut().rev().take(1).filter(|(_, it)| it.answer.is_none());
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
        let start = self.now();
        let answer = client.try_send(method, &path, &headers, body.as_bytes()).ok();
        let end = if answer.is_some() { self.now() } else { u64::MAX };
        let answer = answer.map(|answer| read(&answer));
        if let Some(tag) = answer.as_ref().and_then(|answer| answer.tag) {
            self.seen.insert(key, tag);
        }
        let answered = answer.is_some();
        let operation = Operation { client: self.number, action, condition, start, end, answer };
        self.operations.push((key, operation));
        answered
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }

    fn unique(&mut self) -> i64 {
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
    fn condition(&mut self, key: &str, action: &Action) -> Option<Condition> {
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

fn written(key: &str, action: &Action) -> (&'static str, String, Option<Json>) {
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

fn header(condition: &Condition) -> (&'static str, String) {
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

fn read(answer: &client::Answer) -> Answer {
    let tag = answer.header("etag").map(|tag| u64::from_str_radix(tag.trim_matches('"'), 36).unwrap());
    let held = matches!(answer.status, 200 | 201).then(|| {
        let record = answer.body_json();
        Held { tag: record["tag"].as_i64().unwrap(), sum: record["sum"].as_i64().unwrap() }
    });
    Answer { status: answer.status, held, tag }
}
