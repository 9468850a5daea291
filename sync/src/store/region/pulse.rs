//! How a region stands to its primary: whether it is there, and how old what is read here may be.

use crate::limits;
use crate::primary::Primary;
use crate::store::position::Position;
use prometheus_client::metrics::counter::Counter;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How a region stands.
#[derive(Clone, Debug)]
pub struct Health {
    /// Where its primary is.
    pub primary: String,
    /// Whether the primary answered the last time that it was asked.
    pub reachable: bool,
    /// For how long it is not known that what is read here is all there is.
    pub age: Duration,
    /// The last frame of the primary's log that can be read here.
    pub frame: u64,
    /// How many changes the primary had more when it answered last.
    pub behind: u64,
    /// How often the replica was filled anew.
    pub rebuilds: u64,
    /// Whether the tables are those of the schema that is served.
    pub shape_is_known: bool,
}

/// What is known of the primary.
pub(super) struct Pulse {
    began: Instant,
    /// When it was asked last of what was all here, in milliseconds since `began`.
    fresh_ms: AtomicU64,
    reachable: AtomicBool,
    /// How long the primary takes to answer, in microseconds: the shortest time, forgotten slowly.
    distance_us: AtomicU64,
    /// Where the primary's change log stood when it answered last.
    last_seq: AtomicU64,
    /// The last frame that can be read here.
    frames: watch::Sender<u64>,
    pub(super) rebuilds: Counter,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            fresh_ms: AtomicU64::new(0),
            reachable: AtomicBool::new(false),
            distance_us: AtomicU64::new(0),
            last_seq: AtomicU64::new(0),
            frames: watch::Sender::new(0),
            rebuilds: Counter::default(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether the primary is known to be away.
    pub(super) fn is_away(&self) -> bool {
        !self.reachable.load(Ordering::Relaxed)
    }

    /// How long the primary takes to answer when nothing keeps it busy.
    pub(super) fn distance(&self) -> Duration {
        Duration::from_micros(self.distance_us.load(Ordering::Relaxed))
    }

    /// A frame can be read here.
    pub(super) fn reached(&self, frame: u64) {
        self.frames.send_replace(frame);
    }

    /// Waits until a frame can be read here.
    pub(super) async fn waits_for(&self, frame: u64, wait: Duration) -> bool {
        let mut frames = self.frames.subscribe();
        let here = frames.wait_for(|here| *here >= frame);
        tokio::time::timeout(wait, here).await.is_ok_and(|here| here.is_ok())
    }

    /// The primary said where its change log stands when it was asked at `asked`; follows whether that gets here.
    pub(super) async fn beats(&self, asked: Instant, seq: u64, position: &Position) {
        if !self.reachable.swap(true, Ordering::Relaxed) {
            tracing::info!("the primary is there");
        }
        self.last_seq.store(seq, Ordering::Relaxed);
        let took = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        let known = self.distance_us.load(Ordering::Relaxed);
        let slower = if known == 0 { took } else { known + took.saturating_sub(known) / 16 };
        self.distance_us.store(took.min(slower), Ordering::Relaxed);
        if position.is_reached_within(seq, limits::PULSE).await {
            let ms = u64::try_from(asked.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
            self.fresh_ms.fetch_max(ms, Ordering::Relaxed);
        }
    }

    /// The primary did not answer.
    pub(super) fn misses(&self, error: &dyn std::fmt::Display) {
        if self.reachable.swap(false, Ordering::Relaxed) {
            tracing::warn!(%error, "the primary is away: what is read may be old, and nothing can be written");
        }
    }

    /// For how long it is not known that what is read here is all there is.
    pub(super) fn age(&self) -> Duration {
        Duration::from_millis(self.now_ms().saturating_sub(self.fresh_ms.load(Ordering::Relaxed)))
    }

    /// How a region of this primary stands.
    pub(super) fn health(&self, primary: &Primary, position: u64, shape_is_known: bool) -> Health {
        Health {
            primary: primary.url().to_owned(),
            reachable: !self.is_away(),
            age: self.age(),
            frame: *self.frames.borrow(),
            behind: self.last_seq.load(Ordering::Relaxed).saturating_sub(position),
            rebuilds: self.rebuilds.get(),
            shape_is_known,
        }
    }
}
