//! A reader: asks at random, over one connection that is kept, and remembers every answer and when it came.

use super::ask::{self, Ask, Form};
use super::lie::Liar;
use super::query::{After, Query, Wanted};
use super::write::{position, since};
use crate::cache::is_hit;
use crate::world::now_ms;
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use stoa_tests::client::{Answer, Client};
use stoa_tests::dice::{Dice, Seed};

/// A question, its answer, and when they were sent.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) ask: Ask,
    /// By the clock of the run, in nanoseconds.
    pub(super) begin: u64,
    pub(super) end: u64,
    /// The same by the clock that records end by.
    pub(super) begin_ms: i64,
    pub(super) end_ms: i64,
    /// The tag and the position that were sent along.
    pub(super) held: Option<String>,
    pub(super) asked: Option<u64>,
    pub(super) status: u16,
    pub(super) seq: Option<u64>,
    pub(super) tag: Option<String>,
    pub(super) coding: Option<String>,
    pub(super) more: bool,
    pub(super) place: Option<String>,
    pub(super) hit: Option<bool>,
    pub(super) body: Arc<[u8]>,
}

/// The tags that somebody was told, by what they stand for.
#[derive(Default)]
pub(super) struct Tags(Mutex<HashMap<String, Vec<String>>>);

impl Tags {
    fn add(&self, variant: String, tag: &str) {
        let mut known = self.0.lock().unwrap();
        let known = known.entry(variant).or_default();
        if known.last().is_none_or(|last| last != tag) {
            known.push(tag.to_owned());
        }
        if known.len() > 6 {
            known.remove(0);
        }
    }

    /// One of the last, mostly the very last.
    fn one(&self, variant: &str, dice: &mut Dice) -> Option<String> {
        let known = self.0.lock().unwrap();
        let known = known.get(variant)?;
        let back = if dice.below(3) == 0 { dice.below(known.len()) } else { 0 };
        known.get(known.len() - 1 - back).cloned()
    }
}

pub(super) struct Reader<'t> {
    seed: &'t Seed,
    dice: Dice,
    clock: Instant,
    tags: &'t Tags,
    liar: Liar<'t>,
    /// The page behind the last one.
    next: Option<Arc<Wanted>>,
    /// The last position that was told.
    seq: Option<String>,
    bodies: HashSet<Arc<[u8]>>,
    pub(super) reads: Vec<Read>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(seed: &'t Seed, dice: Dice, clock: Instant, tags: &'t Tags, liar: Liar<'t>) -> Self {
        let (next, seq, bodies, reads) = (None, None, HashSet::new(), Vec::new());
        Self { seed, dice, clock, tags, liar, next, seq, bodies, reads }
    }

    pub(super) fn read(&mut self, client: &Client) {
        let ask = match self.next.take() {
            Some(next) if self.dice.below(2) == 0 => ask::about(next, &mut self.dice),
            _ => ask::random(self.seed, &mut self.dice),
        };
        let (url, variant) = (ask.url(), ask.variant());
        let held = if self.dice.below(3) == 0 { self.tags.one(&variant, &mut self.dice) } else { None };
        let asked = self.seq.clone().filter(|_| self.dice.below(4) == 0);
        let mut headers = ask.headers();
        headers.extend(held.as_deref().map(|tag| ("if-none-match", tag)));
        headers.extend(asked.as_deref().map(|seq| ("stoa-seq", seq)));
        let (begin, begin_ms) = (since(self.clock), now_ms());
        let answer = client.send(if ask.head { "HEAD" } else { "GET" }, &url, &headers, b"");
        let (end, end_ms) = (since(self.clock), now_ms());
        self.seq = answer.header("stoa-seq").map(str::to_owned).or(self.seq.take());
        self.next = next(&ask, &answer);
        let answer = self.liar.tell(&variant, held.is_some(), answer);
        if let Some(tag) = answer.header("etag") {
            self.tags.add(variant, tag);
        }
        let body = self.kept(&answer.body);
        let owned = |name: &str| answer.header(name).map(str::to_owned);
        self.reads.push(Read {
            begin,
            end,
            begin_ms,
            end_ms,
            asked: asked.as_deref().map(position),
            status: answer.status,
            seq: answer.header("stoa-seq").map(position),
            tag: owned("etag"),
            coding: owned("content-encoding"),
            more: answer.header("link").is_some(),
            place: owned("content-range"),
            hit: is_hit(&answer),
            body,
            ask,
            held,
        });
    }

    /// The same bytes are kept once.
    fn kept(&mut self, body: &[u8]) -> Arc<[u8]> {
        match self.bodies.get(body) {
            Some(body) => Arc::clone(body),
            None => {
                let body: Arc<[u8]> = body.into();
                self.bodies.insert(Arc::clone(&body));
                body
            }
        }
    }
}

/// The page behind the one that was answered, if the place of its last record in the order can be told from what it shows.
fn next(ask: &Ask, answer: &Answer) -> Option<Arc<Wanted>> {
    let Wanted::List(query) = &*ask.wanted else { return None };
    if ask.head || ask.form != Form::Json || answer.status != 200 || answer.header("content-encoding").is_some() {
        return None;
    }
    let url = answer.header("link")?.strip_prefix('<')?.split_once('>')?.0.to_owned();
    let shown = answer.body_json();
    let last = shown.as_array()?.last()?;
    let id = last.get("id")?.as_str()?.to_owned();
    let key = match query.sort {
        None => Json::Null,
        Some(sort) => match sort.relation.map(|relation| last.get(relation)) {
            None => last.get(sort.attribute)?.clone(),
            Some(None) => return None,
            Some(Some(Json::Null)) => Json::Null,
            Some(Some(related)) => related.get(sort.attribute)?.clone(),
        },
    };
    Some(Arc::new(Wanted::List(Query { after: Some(After { url, key, id }), offset: 0, ..query.clone() })))
}
