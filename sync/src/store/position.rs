//! How far the change log has come, for those who read and those who wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// The position that every read from now on includes.
pub(super) struct Position {
    reached: AtomicU64,
    /// The position of the commit that is being made: what a read has seen lies no further.
    prepared: AtomicU64,
    told: watch::Sender<u64>,
}

impl Position {
    pub(super) fn new(seq: u64) -> Self {
        Self { reached: AtomicU64::new(seq), prepared: AtomicU64::new(seq), told: watch::Sender::new(seq) }
    }

    pub(super) fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// Says that a commit up to `seq` may be seen from now on, before it counts as reached.
    pub(super) fn prepare(&self, seq: u64) {
        self.prepared.store(seq, Ordering::SeqCst);
    }

    /// Says that what was prepared will not be seen.
    pub(super) fn forget_prepared(&self) {
        self.prepare(self.reached());
    }

    /// Whether whoever has read before this can have seen nothing that is not reached.
    pub(super) fn is_settled(&self) -> bool {
        self.prepared.load(Ordering::SeqCst) <= self.reached()
    }

    /// Says that a commit up to `seq` can be read.
    pub(super) fn reach(&self, seq: u64) {
        if self.reached.fetch_max(seq, Ordering::AcqRel) < seq {
            self.told.send_if_modified(|known| {
                let further = *known < seq;
                *known = seq.max(*known);
                further
            });
        }
    }

    /// Says that the log is another one, which stands at `seq`.
    pub(super) fn restart(&self, seq: u64) {
        self.reached.store(seq, Ordering::Release);
        self.prepare(seq);
        self.told.send_replace(seq);
    }

    /// Whether `seq` is reached by then.
    pub(super) async fn is_reached_within(&self, seq: u64, wait: Duration) -> bool {
        let mut positions = self.watch();
        let reached = positions.wait_for(|position| *position >= seq);
        tokio::time::timeout(wait, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }
}
