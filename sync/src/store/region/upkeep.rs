//! What a region has done at its primary of its own accord: the change log is trimmed, what has expired is taken away, and what
//! became of commits long ago is forgotten.

use super::batch;
use super::writer::{Sender, fraction};
use crate::limits;
use crate::store::clock::now_ms;
use crate::store::retention;
use crate::store::writer::TrimError;
use crate::store::{file, reader};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use stoa_schema::value::Value;
use tokio::sync::watch;

impl Sender {
    /// Has the changes up to a position deleted; how long that took.
    pub(super) async fn trim(&self, through: u64) -> Result<Duration, TrimError> {
        let began = Instant::now();
        let through = i64::try_from(through).unwrap_or(i64::MAX);
        let revision = *self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        let note = "INSERT INTO _meta(key,value) VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value \
                    WHERE CAST(value AS INTEGER)<CAST(excluded.value AS INTEGER)";
        let noted = [Value::Text(file::REVISION.into()), Value::Text(revision.to_string())];
        let statements = vec![
            batch::statement(&retention::DELETE.replace("?1", &through.to_string()), &[]),
            batch::statement(note, &noted),
        ];
        match super::ask(&self.region.asking, statements).await {
            Ok(_) => {
                // The next look must not find what is gone: it comes back with the frames.
                tokio::time::sleep(limits::PULSE).await;
                Ok(began.elapsed())
            }
            Err(_) => Err(TrimError::Busy),
        }
    }

    /// Takes away what has expired, and forgets what became of commits long ago.
    pub(super) async fn tidy(self: Arc<Self>, mut closing: watch::Receiver<bool>) {
        let mut forgotten = Instant::now();
        loop {
            let pause = limits::SWEEP_INTERVAL.mul_f64(1.0 + fraction());
            if tokio::time::timeout(pause, closing.wait_for(|closing| *closing)).await.is_ok() {
                return;
            }
            if self.region.pulse.is_away() || self.region.shape.load().is_none() {
                continue;
            }
            let mut statements = self.due();
            if forgotten.elapsed() >= limits::SENT_LOOK {
                forgotten = Instant::now();
                statements.push(forget_sent());
            }
            if !statements.is_empty()
                && let Err(error) = super::ask(&self.region.asking, statements).await
            {
                tracing::debug!(%error, "what has expired was not taken away; it stays invisible");
            }
        }
    }

    fn due(&self) -> Vec<libsql_hrana::proto::Stmt> {
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.sleeps().is_none() {
            return Vec::new();
        }
        let due =
            reader::connect_alone(self.region.files.load().path()).and_then(|tail| sweeper.due(tail.connection()));
        let due = due.inspect_err(|error| tracing::debug!(%error, "it cannot be looked for what has expired"));
        due.unwrap_or_default().iter().map(|sql| batch::statement(sql, &[])).collect()
    }
}

/// Forgets what became of commits so long ago that nobody asks any more. A UUIDv7 begins with its time in milliseconds.
fn forget_sent() -> libsql_hrana::proto::Stmt {
    let kept = i64::try_from(limits::SENT_KEPT.as_millis()).unwrap_or(i64::MAX);
    let oldest = (now_ms() - kept).to_be_bytes()[2..].to_vec();
    batch::statement("DELETE FROM _sent WHERE id<?1", &[Value::Bytes(oldest)])
}
