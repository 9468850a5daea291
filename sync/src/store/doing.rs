//! What the steps of a write did, told one after the other → the outcome of the write.

use super::value::owned;
use crate::commit::{Outcome, Reason, Write, WriteKind};
use crate::sql::{Moment, Wanted};
use rusqlite::types::ValueRef;
use stoa_schema::model::Table;
use stoa_schema::value::Value;

/// What a step did.
pub(super) enum Did {
    /// It was asked for rows: the first, its revision and the values of the record. [`Wanted::Existence`] shows no values.
    Returned(Option<(i64, Vec<Value>)>),
    /// It was not: how many it wrote, and the rowid of the last.
    Wrote { rows: u64, rowid: i64 },
}

/// Whether a step is asked for rows.
pub(super) fn returns(wanted: Wanted, table: &Table) -> bool {
    match wanted {
        Wanted::Existence | Wanted::Record | Wanted::Update | Wanted::InsertElse => true,
        Wanted::Insert | Wanted::InsertMissing => table.computes(),
        Wanted::Assertion | Wanted::Clearing | Wanted::Change | Wanted::Delete | Wanted::Count => false,
    }
}

/// The record that a row shows: its revision and its values.
pub(super) fn record<'v>(table: &Table, cells: impl Iterator<Item = ValueRef<'v>>) -> Option<(i64, Vec<Value>)> {
    let mut cells = cells;
    let revision = cells.next()?.as_i64().ok()?;
    Some((revision, table.attributes.iter().zip(cells).map(|(attribute, cell)| owned(attribute, cell)).collect()))
}

/// A write whose steps are under way.
pub(super) struct Doing<'a> {
    table: &'a Table,
    is_put: bool,
    moment: Moment,
    existed: bool,
    outcome: Outcome,
}

impl<'a> Doing<'a> {
    pub(super) fn new(table: &'a Table, write: &Write, moment: Moment) -> Self {
        let is_put = matches!(write.kind, WriteKind::Put(_));
        Self { table, is_put, moment, existed: false, outcome: Outcome::Kept }
    }

    /// Whether a step has nothing to do any more.
    pub(super) fn is_done_without(&self, wanted: Wanted) -> bool {
        wanted == Wanted::InsertElse && self.outcome != Outcome::Kept
    }

    /// Takes what a step did; `params` are those it had. An error is a reason that the step itself could not fail with.
    pub(super) fn take(&mut self, wanted: Wanted, params: Vec<Value>, did: Did) -> Result<(), Reason> {
        match (wanted, did) {
            (Wanted::Assertion | Wanted::Clearing, _) => {}
            (Wanted::Existence, did) => self.existed = matches!(did, Did::Returned(Some(_))),
            (Wanted::Record, Did::Returned(None)) => return Err(Reason::Missing),
            (Wanted::Record, Did::Returned(Some(stored))) => self.store(stored, self.is_put && !self.existed),
            (Wanted::Update, Did::Returned(Some(stored))) => self.store(stored, false),
            (Wanted::Insert | Wanted::InsertMissing | Wanted::InsertElse, Did::Returned(Some(stored))) => {
                self.store(stored, true);
            }
            (_, Did::Returned(_)) => {}
            (Wanted::Insert | Wanted::InsertMissing, Did::Wrote { rows, rowid }) => {
                if wanted == Wanted::Insert || rows > 0 {
                    self.insert(params, rowid);
                }
            }
            (Wanted::Change, Did::Wrote { rows, .. }) => {
                if rows > 0 {
                    self.outcome = Outcome::Written { created: !self.existed };
                }
            }
            (Wanted::Delete, Did::Wrote { rows: 0, .. }) => return Err(Reason::Missing),
            (Wanted::Delete, Did::Wrote { .. }) => self.outcome = Outcome::Deleted,
            (Wanted::Count, Did::Wrote { rows, .. }) => self.outcome = Outcome::Counted(rows),
            (Wanted::Record | Wanted::Update | Wanted::InsertElse, Did::Wrote { .. }) => {}
        }
        Ok(())
    }

    fn store(&mut self, (revision, record): (i64, Vec<Value>), created: bool) {
        self.outcome = Outcome::Stored { revision, record, created };
    }

    /// It stored its parameters, of which the last is the revision.
    fn insert(&mut self, mut record: Vec<Value>, rowid: i64) {
        record.pop();
        if record[self.table.key.0] == Value::Null {
            // An integer key that was left open is the rowid, which SQLite chose.
            record[self.table.key.0] = Value::Int(rowid);
        }
        self.store((self.moment.revision, record), true);
    }

    pub(super) fn outcome(self) -> Outcome {
        self.outcome
    }
}
