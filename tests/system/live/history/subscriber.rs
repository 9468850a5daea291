//! A subscriber that stalls, dies and comes back at random, and remembers every state that it held.

use super::queries::Query;
use crate::world::now_ms;
use stoa_tests::dice::Dice;
use stoa_tests::live::{Fold, Follower, Records};
use stoa_tests::pace::Pace;

/// A state that was complete.
pub(super) struct Observation {
    pub(super) seq: u64,
    /// When it was known to be.
    pub(super) at_ms: i64,
    pub(super) records: Records,
}

/// What a subscriber tells in the end.
#[derive(Default)]
pub(super) struct Account {
    pub(super) observations: Vec<Observation>,
    pub(super) messages: usize,
    pub(super) connections: usize,
    pub(super) resumes: usize,
    pub(super) resets: usize,
    pub(super) stalls: usize,
}

pub(super) struct Subscriber<'t> {
    port: u16,
    query: &'t Query,
    dice: Dice,
    pace: &'t Pace,
    account: Account,
    /// What it had when it was last complete, to go on from.
    held: Option<Fold>,
}

impl<'t> Subscriber<'t> {
    pub(super) fn new(port: u16, query: &'t Query, dice: Dice, pace: &'t Pace) -> Self {
        Self { port, query, dice, pace, account: Account::default(), held: None }
    }

    /// Follows until it sees what comes last.
    pub(super) fn follow(mut self) -> Account {
        loop {
            let follower = self.connect();
            if self.hear(follower) {
                return self.account;
            }
        }
    }

    /// Goes on from what it had, or begins from nothing.
    fn connect(&mut self) -> Follower {
        self.account.connections += 1;
        let held = self.held.take().filter(|_| self.dice.below(5) > 0);
        let token = held.as_ref().and_then(Fold::token);
        self.account.resumes += usize::from(token.is_some());
        let events = self.dice.below(3) == 0;
        let follower = match &token {
            _ if events => Follower::try_events(self.port, self.query.path, token.as_deref()),
            Some(token) => Follower::try_socket(self.port, &self.query.with_since(token)),
            None => Follower::try_socket(self.port, self.query.path),
        };
        let follower = follower.unwrap_or_else(|answer| panic!("{}: {}", self.query.path, answer.text()));
        match held {
            Some(held) => {
                // What is complete now is known again with the next `ready`.
                let (log, seq) = token.as_deref().and_then(|token| token.rsplit_once('-')).unwrap();
                follower.with(Fold::at(held.records, log, seq.parse().unwrap()))
            }
            None => follower,
        }
    }

    /// Hears until it dies or has seen what comes last; whether it has.
    fn hear(&mut self, mut follower: Follower) -> bool {
        loop {
            let message = follower.try_heard();
            // A server may cut off whom it cannot tell: then he comes back.
            let Ok(message) = message else { return false };
            self.account.messages += 1;
            let text = message.to_string();
            assert!(!text.contains("refused"), "{}: {text}", self.query.path);
            if message["type"] == "reset" {
                self.account.resets += 1;
                self.held = None;
            }
            if let Some(seq) = follower.fold().complete() {
                let records = follower.fold().records.clone();
                let done = records.contains_key(&format!("\"{}\"", self.query.marker));
                self.account.observations.push(Observation { seq, at_ms: now_ms(), records });
                self.held = Some(follower.fold().clone());
                if done {
                    return true;
                }
            }
            match self.dice.below(60) {
                0 => return false,
                1 => {
                    self.account.stalls += 1;
                    let long = self.dice.below(4) == 0;
                    _ = self.pace.wait(self.dice.below(if long { 600 } else { 60 }));
                }
                _ => {}
            }
        }
    }
}
