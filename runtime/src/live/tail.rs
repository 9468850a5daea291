//! The tail of the change log: goes through it in steps, each from the snapshot before to the snapshot of now, and tells
//! those who follow what each step means for them.
//!
//! A step ends where a snapshot ends, so that what is judged is there to be read, and never in the middle of a commit.

use super::followed::Followed;
use super::topics::{Event, Topics};
use crate::data::format::Renderer;
use crate::limits;
use async_broadcast::Receiver;
use std::sync::Arc;
use std::time::Instant;
use stoa_sync::store::{FollowError, ReadError, Reader};

/// How far the log has been told, and to whom.
pub(super) struct Tail {
    position: u64,
    topics: Topics,
    renderer: Arc<Renderer>,
    /// When it was last looked who has left.
    pruned: Instant,
}

impl Tail {
    pub(super) fn new(renderer: Arc<Renderer>) -> Self {
        Self { position: 0, topics: Topics::new(renderer.schema()), renderer, pruned: Instant::now() }
    }

    /// Goes on with other tables. Nobody follows them yet: those who followed the ones before hear no more.
    pub(super) fn replace(&mut self, renderer: Arc<Renderer>) {
        *self = Self::new(renderer);
    }

    /// Whether it tells of these tables.
    pub(super) fn is_of(&self, renderer: &Arc<Renderer>) -> bool {
        Arc::ptr_eq(&self.renderer, renderer)
    }

    /// Whether nobody follows. From time to time those who left are forgotten.
    pub(super) fn is_idle(&mut self) -> bool {
        if self.pruned.elapsed() >= limits::PRUNE_INTERVAL {
            self.topics.prune();
            self.pruned = Instant::now();
        }
        self.topics.is_empty()
    }

    /// Takes a step to the position of the snapshot that `reader` holds, and returns it.
    ///
    /// # Errors
    /// libSQL failed; everybody is told to read anew at the next step.
    pub(super) fn advance(&mut self, reader: &Reader) -> Result<u64, ReadError> {
        let seq = reader.position()?;
        if seq != self.position && !self.topics.is_empty() {
            let wanted = |table| self.topics.depend_on(table);
            match reader.alterations(self.renderer.catalog(), self.position, seq, &wanted) {
                Ok(alterations) => self.topics.tell(reader, &self.renderer, &alterations, seq),
                Err(FollowError::TooMuch) => self.topics.reset(),
                Err(FollowError::Read(error)) => {
                    tracing::warn!(%error, "the change log cannot be read");
                    self.topics.reset();
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
        self.topics.reset();
    }
}
