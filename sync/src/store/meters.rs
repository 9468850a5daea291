//! What can be measured of a store while it works.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// The meters of a store. They count from its opening on.
#[derive(Clone, Debug)]
pub struct Meters {
    /// How many commits shared a transaction.
    pub group_commits: Histogram,
    /// How long it took to bring a transaction to disk, in seconds.
    pub sync_seconds: Histogram,
    /// Reader threads at work.
    pub busy_readers: Gauge,
    /// Bytes of the change log, as far as it is measured: that takes some moments.
    pub log_bytes: Gauge,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            group_commits: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            sync_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
            busy_readers: Gauge::default(),
            log_bytes: Gauge::default(),
        }
    }
}

/// What waits and works at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Commits waiting for the writer.
    pub queued_commits: usize,
    /// Reads waiting for a reader thread.
    pub queued_reads: usize,
    /// Reader threads, those included that serve a streamed answer.
    pub readers: usize,
    /// Those that serve a streamed answer.
    pub streams: usize,
}
