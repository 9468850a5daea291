//! What the server tells of itself to Prometheus (`/_stoa/metrics`, the text of OpenMetrics 1.0).

use super::respond::{self, Answer};
use super::service::Service;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// What is counted of requests as they are answered.
pub(super) struct Requests {
    /// By the positions of method and status.
    counters: [[Counter; STATUSES.len()]; METHODS.len()],
    reading: Histogram,
    writing: Histogram,
    answered: Family<Answered, Counter>,
    durations: Family<Kind, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"];
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// From 16 microseconds to half a second.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.000_016, 2.0, 16))
}

impl Requests {
    pub(super) fn new() -> Self {
        let answered: Family<Answered, Counter> = Family::default();
        let counter = |method, status| answered.get_or_create_owned(&Answered { method, status });
        let counters = METHODS.map(|method| STATUSES.map(|status| counter(method, status)));
        let durations: Family<Kind, Histogram, fn() -> Histogram> = Family::new_with_constructor(durations);
        let [reading, writing] = ["read", "write"].map(|kind| durations.get_or_create_owned(&Kind { kind }));
        Self { counters, reading, writing, answered, durations }
    }

    /// Counts an answer whose head was made within `took`.
    pub(super) fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        let (at, durations) = match *method {
            Method::GET => (0, &self.reading),
            Method::HEAD => (1, &self.reading),
            Method::POST => (2, &self.writing),
            Method::PUT => (3, &self.writing),
            Method::PATCH => (4, &self.writing),
            Method::DELETE => (5, &self.writing),
            _ => (6, &self.reading),
        };
        durations.observe(took.as_secs_f64());
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUSES.len()) - 1;
        self.counters[at][class].inc();
    }
}

/// `/_stoa/metrics`
pub(super) fn answer(service: &Service) -> Answer {
    let mut text = String::with_capacity(16 << 10);
    if let Err(error) = encode(&mut text, &registry(service)) {
        tracing::error!(%error, "the metrics cannot be written");
    }
    let mut answer = respond::bare(StatusCode::OK, text.into_bytes().into());
    answer.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn registry(service: &Service) -> Registry {
    let mut all = Registry::with_prefix("stoa");
    let (requests, meters) = (service.requests(), service.store.meters());
    all.register("requests", "Answers, by method and class of status", requests.answered.clone());
    let durations = requests.durations.clone();
    all.register_with_unit("request_duration", "Time until the head of an answer was made", Unit::Seconds, durations);
    of_cache(&mut all, service);
    of_store(&mut all, service);
    all.register("commit_group_size", "Commits that shared a transaction", meters.group_commits.clone());
    let syncs = meters.sync_seconds.clone();
    all.register_with_unit("commit_sync", "Time to bring a transaction to disk", Unit::Seconds, syncs);
    all.register("readers_busy", "Reader threads at work", meters.busy_readers.clone());
    let log = meters.log_bytes.clone();
    all.register_with_unit("change_log", "Size of the change log", Unit::Bytes, log);
    gauge(&mut all, "subscribers", "Subscriptions to live updates", service.live().subscribers() as u64);
    all
}

fn of_cache(all: &mut Registry, service: &Service) {
    let tables = service.tables();
    let counted = tables.cache.counts().read();
    let (bytes, entries) = tables.cache.size();
    counter(all, "cache_hits", "Answers that were there", counted.hits);
    counter(all, "cache_misses", "Answers that were read", counted.misses);
    counter(all, "cache_waits", "Answers that another request was reading", counted.waits);
    counter(all, "cache_evictions", "Answers for which there was no room any more", counted.evictions);
    counter(all, "cache_invalidations", "Answers that a change made stale", counted.dropped);
    counter(all, "cache_renewals", "Records that a change gave another value in their place", counted.renewed);
    gauge(all, "cache_bytes", "Bytes of the answers that are kept", bytes);
    gauge(all, "cache_entries", "Answers that are kept", entries);
    gauge(all, "cache_capacity_bytes", "Bytes of answers that can be kept", tables.cache.capacity());
}

fn of_store(all: &mut Registry, service: &Service) {
    let load = service.store.load();
    gauge(all, "writer_queue", "Commits waiting for the writer", load.queued_commits as u64);
    gauge(all, "reader_queue", "Reads waiting for a reader thread", load.queued_reads as u64);
    gauge(all, "readers", "Reader threads", load.readers as u64);
    gauge(all, "readers_streaming", "Reader threads that stream an answer", load.streams as u64);
    gauge(all, "position", "Position of the change log", service.store.position());
    if let Some(region) = service.store.health() {
        gauge(all, "primary_reachable", "Whether the primary answered when it was asked last", region.reachable.into());
        gauge(all, "replica_behind", "Changes that the primary had more when it answered last", region.behind);
        gauge(all, "replica_frame", "The last frame of the primary's log that can be read here", region.frame);
        let age: Gauge<f64, std::sync::atomic::AtomicU64> = Gauge::default();
        age.set(region.age.as_secs_f64());
        let help = "Time for which it is not known that what is read here is all there is";
        all.register_with_unit("replica_age", help, Unit::Seconds, age);
        counter(all, "replica_rebuilds", "How often the replica was filled anew", region.rebuilds);
    }
}

fn counter(all: &mut Registry, name: &str, help: &str, value: u64) {
    let counter: Counter = Counter::default();
    counter.inc_by(value);
    all.register(name, help, counter);
}

fn gauge(all: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    all.register(name, help, gauge);
}
