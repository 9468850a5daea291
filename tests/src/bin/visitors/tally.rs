//! What came of the visits.

use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

/// How long answers may still take when the time is over.
const GRACE: Duration = Duration::from_secs(10);

/// When a measurement counts, and when it ends.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) counts_from: Instant,
    pub(crate) until: Instant,
}

impl Span {
    pub(crate) fn from_now(warm_up: Duration, measured: Duration) -> Self {
        let counts_from = Instant::now() + warm_up;
        Self { counts_from, until: counts_from + measured }
    }

    pub(crate) fn counts(&self, at: Instant) -> bool {
        (self.counts_from..self.until).contains(&at)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.until - self.counts_from).as_secs_f64()
    }
}

/// How long answers took.
#[derive(Default)]
pub(crate) struct Latencies {
    microseconds: Vec<u32>,
}

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.microseconds.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn count(&self) -> usize {
        self.microseconds.len()
    }

    pub(crate) fn mean(&self) -> Ms {
        let sum: f64 = self.microseconds.iter().copied().map(f64::from).sum();
        Ms((self.count() > 0).then(|| sum / self.count() as f64 / 1e3))
    }

    /// So many of a thousand took no longer.
    pub(crate) fn percentile(&mut self, of_thousand: usize) -> Ms {
        self.microseconds.sort_unstable();
        let at = (self.count() * of_thousand).div_ceil(1_000).saturating_sub(1);
        Ms(self.microseconds.get(at).map(|took| f64::from(*took) / 1e3))
    }
}

/// Milliseconds, or `–` where nothing was measured.
pub(crate) struct Ms(Option<f64>);

impl fmt::Display for Ms {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ms) => write!(to, "{ms:.2} ms"),
            None => to.write_str("–"),
        }
    }
}

/// A part of a whole in percent, or `–` of nothing.
pub(crate) struct Share(pub(crate) usize, pub(crate) usize);

impl fmt::Display for Share {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(_, 0) => to.write_str("–"),
            Self(part, whole) => write!(to, "{:.1} %", part as f64 / whole as f64 * 100.0),
        }
    }
}

/// What went wrong: how often, and in full the first time.
#[derive(Default)]
pub(crate) struct Errors(u64);

impl Errors {
    pub(crate) fn add(&mut self, what: impl fmt::Display) {
        if self.0 == 0 {
            eprintln!("visitors: {what}");
        }
        self.0 += 1;
    }

    pub(crate) fn count(&self) -> u64 {
        self.0
    }
}

/// Waits for all who visit. One whose connection broke is an error, and so is one that still waits long after the end.
pub(crate) async fn all_ended(mut visits: JoinSet<std::io::Result<()>>, span: Span, errors: &RefCell<Errors>) {
    let deadline = tokio::time::Instant::from_std(span.until + GRACE);
    loop {
        match timeout_at(deadline, visits.join_next()).await {
            Ok(None) => return,
            Ok(Some(Ok(Ok(())))) => {}
            Ok(Some(Ok(Err(error)))) => errors.borrow_mut().add(error),
            Ok(Some(Err(error))) => errors.borrow_mut().add(error),
            Err(_) => {
                (0..visits.len()).for_each(|_| errors.borrow_mut().add("no answer, long after the end"));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Latencies, Share};
    use std::time::Duration;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(990).to_string(), "–");
        (1..=100).rev().for_each(|ms| latencies.add(Duration::from_millis(ms)));
        assert_eq!(latencies.percentile(500).to_string(), "50.00 ms");
        assert_eq!(latencies.percentile(990).to_string(), "99.00 ms");
        assert_eq!(latencies.percentile(1_000).to_string(), "100.00 ms");
        assert_eq!(latencies.mean().to_string(), "50.50 ms");
    }

    #[test]
    fn a_share_of_nothing_is_unknown() {
        assert_eq!(Share(0, 0).to_string(), "–");
        assert_eq!(Share(9, 10).to_string(), "90.0 %");
    }
}
