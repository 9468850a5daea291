//! How often answers were there.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters, from the start of the server on.
#[derive(Debug, Default)]
pub struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    waits: AtomicU64,
    evictions: AtomicU64,
    dropped: AtomicU64,
    renewed: AtomicU64,
}

/// Their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Answers that were there.
    pub hits: u64,
    /// Answers that were read.
    pub misses: u64,
    /// Answers that another request was reading.
    pub waits: u64,
    /// Answers for which there was no room any more.
    pub evictions: u64,
    /// Answers that a change made stale.
    pub dropped: u64,
    /// Records that a change gave another value in their place.
    pub renewed: u64,
}

impl Counts {
    /// An answer was there.
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waited(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn evicted(&self) {
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, answers: usize) {
        self.dropped.fetch_add(answers as u64, Ordering::Relaxed);
    }

    pub(super) fn renewed(&self, records: usize) {
        self.renewed.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Their values now.
    pub fn read(&self) -> Counted {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            hits: read(&self.hits),
            misses: read(&self.misses),
            waits: read(&self.waits),
            evictions: read(&self.evictions),
            dropped: read(&self.dropped),
            renewed: read(&self.renewed),
        }
    }
}
