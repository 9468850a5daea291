//! The tail of the change log: goes through it in steps, each from the snapshot before to the snapshot of now, and tells
//! those who follow what each step means for them.
//!
//! A step ends where a snapshot ends, so that what is judged is there to be read, and never in the middle of a commit.

use super::followed::Followed;
use super::start::Start;
use super::topics::{Event, Topics};
use crate::data::format::Renderer;
use crate::limits;
use async_broadcast::Receiver;
use std::sync::Arc;
use std::time::Instant;
use stoa_sync::Store;
use stoa_sync::store::{FollowError, ReadError, Reader};

/// How far the log has been told, and to whom.
pub(super) struct Tail {
    position: u64,
    topics: Topics,
    /// When it was last looked who has left.
    pruned: Instant,
    /// Up to where the tables before these were told: nobody goes on from there.
    replaced_at: Option<u64>,
}

impl Tail {
    pub(super) fn new(renderer: Arc<Renderer>) -> Self {
        Self { position: 0, topics: Topics::new(renderer), pruned: Instant::now(), replaced_at: None }
    }

    /// Goes on with other tables. Nobody follows them yet: those who followed the ones before hear no more.
    pub(super) fn replace(&mut self, renderer: Arc<Renderer>) {
        *self = Self { replaced_at: Some(self.position), ..Self::new(renderer) };
    }

    /// Goes on in another history, at whatever position that stands.
    pub(super) fn begin_anew(&mut self) {
        self.topics.reset_all();
        self.replaced_at = self.replaced_at.max(Some(self.position));
    }

    /// A subscriber that would go on from the time of other tables, or of another history, begins anew.
    pub(super) fn allowed(&self, start: Start) -> Start {
        match start {
            Start::Missed(since) if self.replaced_at.is_some_and(|position| since <= position) => Start::Anew,
            start => start,
        }
    }

    /// Whether it tells of these tables.
    pub(super) fn is_of(&self, renderer: &Arc<Renderer>) -> bool {
        Arc::ptr_eq(self.topics.renderer(), renderer)
    }

    /// Whether nobody follows.
    pub(super) fn is_idle(&self) -> bool {
        self.topics.is_empty()
    }

    /// Takes a step to the position of the snapshot that `reader` holds, and returns it.
    ///
    /// # Errors
    /// libSQL failed; everybody is told to read anew at the next step.
    pub(super) fn advance(&mut self, store: &Store, reader: &Reader) -> Result<u64, ReadError> {
        let seq = reader.position()?;
        // Whoever hears of it finds it by reading, too.
        store.wait_until_reached(seq)?;
        if self.pruned.elapsed() >= limits::PRUNE_INTERVAL {
            self.topics.prune();
            self.pruned = Instant::now();
        }
        if seq != self.position && !self.topics.is_empty() {
            let catalog = self.topics.renderer().catalog();
            match reader.alterations(catalog, self.position, seq, &self.topics) {
                Ok(alterations) => self.topics.tell(reader, &alterations, seq),
                Err(FollowError::TooMuch) => {
                    self.topics.reset(&reader.altered_tables(catalog, self.position, seq)?);
                }
                Err(FollowError::Read(error)) => {
                    tracing::warn!(%error, "the change log cannot be read");
                    self.topics.reset_all();
                }
            }
        }
        self.position = seq;
        Ok(seq)
    }

    /// Whether those who follow have much left to hear.
    pub(super) fn is_ahead(&self) -> bool {
        self.topics.are_behind()
    }

    /// Takes part in what is told to those who follow a query, from the next step on.
    pub(super) fn join(&mut self, followed: &Arc<Followed>) -> Receiver<Event> {
        self.topics.join(followed)
    }

    /// A step failed half-way: everybody is told to read anew.
    pub(super) fn give_up(&mut self) {
        self.topics.reset_all();
    }
}
