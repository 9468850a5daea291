//! An answer that is being read: one request reads it, the others who ask the same wait for it.

use super::asked::Asked;
use super::entry::{Entry, NOWHERE};
use super::watch::Watches;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use tokio::sync::OnceCell;

/// What reading led to, for those who wait.
#[derive(Clone, Debug)]
pub(super) enum Filled {
    /// An answer.
    Entry(Arc<Entry>),
    /// There is no such record.
    Nothing,
    /// It is too long to be kept: everybody reads for himself.
    Long,
}

/// A question that is being answered.
#[derive(Debug)]
pub(super) struct Filling {
    url: Box<str>,
    manner: u8,
    pub(super) hash: u64,
    pub(super) watches: Watches,
    stale: AtomicBool,
    pub(super) slot: AtomicU32,
    /// How many read or wait.
    pub(super) participants: AtomicUsize,
    pub(super) filled: OnceCell<Filled>,
}

impl Filling {
    pub(super) fn new(asked: &Asked<'_>, watches: Watches) -> Self {
        Self {
            url: asked.url().into(),
            manner: asked.manner(),
            hash: asked.hash(),
            watches,
            stale: AtomicBool::new(false),
            slot: AtomicU32::new(NOWHERE),
            participants: AtomicUsize::new(0),
            filled: OnceCell::new(),
        }
    }

    /// Whether it is the answer to this.
    pub(super) fn answers(&self, asked: &Asked<'_>) -> bool {
        *self.url == *asked.url() && self.manner == asked.manner()
    }

    /// Something has changed on which it depends: nobody who comes later may wait for it.
    pub(super) fn make_stale(&self) {
        self.stale.store(true, Ordering::Release);
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }
}
