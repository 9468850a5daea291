//! Why a primary refused, found out on the replica: writes are carried out there and undone, by the code that explains refusals on
//! a single node. It is also where to look for what a primary cannot be asked.

use super::batch::{Answer, Unit};
use super::writer::{Sender, Tell};
use crate::commit::{Outcome, Rejected};
use crate::limits;
use crate::store::writer::{self, CommitError};
use std::sync::Arc;
use std::time::Instant;
use stoa_schema::value::Value;

/// How units are tried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    EachAlone,
    InTurn,
}

impl Sender {
    /// Finds out why units were refused, and tells it; those that nothing forbids any more are to be sent again.
    pub(super) async fn explain(
        &self,
        refused: Vec<(Unit, String)>,
        seq: u64,
        tries: u32,
        tell: &Arc<Tell>,
    ) -> Vec<Unit> {
        // What is kept for an idempotency key has one row: no replica needs to be asked.
        let (large, refused): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(_, detail)| detail.contains("string or blob too big"));
        large.iter().for_each(|(unit, _)| tell(unit, Err(CommitError::TooLarge)));
        if refused.is_empty() {
            return Vec::new();
        }
        if !self.is_reached(seq, limits::REASON_WAIT).await {
            tracing::warn!("the replica is too far behind to say why writes were refused");
            refused.iter().for_each(|(unit, _)| tell(unit, Err(CommitError::Unreachable)));
            return Vec::new();
        }
        let units: Vec<Unit> = refused.iter().map(|(unit, _)| unit.clone()).collect();
        let tried = self.try_out(units, Order::EachAlone).await;
        let mut again = Vec::new();
        for ((mut unit, detail), tried) in refused.into_iter().zip(tried) {
            // Others may well have made the record that was expected.
            let most = if unit.made.is_empty() { limits::REFUSED_TRIES } else { limits::EXPECTED_TRIES };
            match tried {
                Ok(_) if tries < most => {
                    unit.made.clear();
                    again.push(unit);
                }
                Ok(_) => {
                    tracing::error!(detail, "the primary refuses what nothing forbids here");
                    tell(&unit, Err(CommitError::Primary(detail)));
                }
                Err(error) => tell(&unit, Err(error)),
            }
        }
        again
    }

    /// What would become of units on the replica as it is: of each alone, or of one after the other.
    async fn try_out(&self, units: Vec<Unit>, order: Order) -> Vec<Result<Vec<Outcome>, CommitError>> {
        let (count, database) = (units.len(), self.region.files.load().path().to_owned());
        let tried = self.region.trial.run(&database, move |connection| {
            let mut tried = Vec::with_capacity(units.len());
            for unit in &units {
                connection.execute_batch("SAVEPOINT tried")?;
                let outcome = try_one(connection, unit);
                if connection.is_autocommit() {
                    return Err(rusqlite::Error::InvalidQuery);
                }
                let stays = order == Order::InTurn && outcome.is_ok();
                connection.execute_batch(if stays { "RELEASE tried" } else { "ROLLBACK TO tried;RELEASE tried" })?;
                tried.push(outcome);
            }
            Ok(tried)
        });
        let failed = |error: rusqlite::Error| {
            let text = error.to_string();
            let mut first = Some(error);
            let error = move || first.take().unwrap_or(rusqlite::Error::InvalidParameterName(text.clone()));
            std::iter::repeat_with(error).map(|error| Err(CommitError::Database(error))).take(count).collect()
        };
        tried.await.unwrap_or_else(failed)
    }

    /// Tries out what the primary cannot be asked: which records the writes will make that others refer to, and values that
    /// do not have the pattern that they must have. `false`: some were told that they are forbidden, and the others are to be
    /// looked at again.
    pub(super) async fn try_what_must_be(&self, units: &mut Vec<Unit>, tell: &Arc<Tell>) -> bool {
        let unknown = |unit: &Unit| {
            let mut writes = unit.commit.writes[unit.writes.clone()].iter();
            (!unit.commit.references.is_empty() && unit.made.is_empty())
                || writes.any(|write| !write.unmatched.is_empty())
        };
        let open: Vec<Unit> = units.iter().filter(|unit| unknown(unit)).cloned().collect();
        if open.is_empty() {
            return true;
        }
        let mut forbidden = Vec::new();
        let tried = self.try_out(open.clone(), Order::InTurn).await;
        for (unit, tried) in open.iter().zip(tried) {
            match tried {
                Ok(outcomes) => {
                    let made = made(unit, &outcomes);
                    units.iter_mut().filter(|it| it.id == unit.id).for_each(|it| it.made.clone_from(&made));
                }
                Err(_) => forbidden.push(unit.id),
            }
        }
        if forbidden.is_empty() {
            return true;
        }
        // Judged on what is here, which may be old: it counts when it is as new as the primary.
        let (judged, rest): (Vec<Unit>, Vec<Unit>) = units.drain(..).partition(|unit| forbidden.contains(&unit.id));
        *units = rest;
        match self.send(&mut [], false, Instant::now()).await {
            Ok(Answer::Judged { seq, .. }) => {
                let refused = judged.into_iter().map(|unit| (unit, String::new())).collect();
                units.extend(self.explain(refused, seq, 0, tell).await);
            }
            Ok(Answer::Outdated) => judged.iter().for_each(|unit| tell(unit, Err(CommitError::Outdated))),
            Ok(Answer::Failed(detail)) => {
                judged.iter().for_each(|unit| tell(unit, Err(CommitError::Primary(detail.clone()))));
            }
            Err(error) => judged.iter().for_each(|unit| tell(unit, Err(error.again()))),
        }
        false
    }
}

fn try_one(connection: &rusqlite::Connection, unit: &Unit) -> Result<Vec<Outcome>, CommitError> {
    if !unit.commit.independent {
        return writer::one(connection, &unit.commit, unit.moment, false).map(|committed| committed.outcomes);
    }
    let at = unit.writes.start;
    match writer::carry_out(connection, &unit.commit, at, &unit.commit.writes[at], unit.moment) {
        Ok(outcome) => Ok(vec![outcome]),
        Err(writer::Failure::Reason(reason)) => Err(CommitError::Rejected(Rejected { index: at, reason })),
        Err(writer::Failure::Database(error)) => Err(CommitError::Database(error)),
    }
}

/// The keys of the records that writes make to which others refer.
fn made(unit: &Unit, outcomes: &[Outcome]) -> Vec<(usize, Value)> {
    let mut made: Vec<(usize, Value)> = Vec::new();
    for reference in &unit.commit.references {
        let at = reference.made_by;
        let key = unit.commit.catalog.table(unit.commit.writes[at].table).key;
        if let Some(Outcome::Stored { record, .. }) = outcomes.get(at)
            && made.iter().all(|(known, _)| *known != at)
        {
            made.push((at, record[key.0].clone()));
        }
    }
    made
}
