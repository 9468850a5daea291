//! Commits → one batch for the primary, decided before a row is seen; and what the primary says of its steps → what became of
//! each commit.
//!
//! The batch is one transaction. Each commit is carried out in a savepoint of its own, its steps one after the other, each
//! only if the one before succeeded; a step that fails takes its commit back and nothing else. After each write a row of
//! `_sent` says, in the same transaction, that it was carried out: when the answer is lost the commit is sent again, fails
//! at its own row, and what it did is read from there.
//!
//! Trap: after a failure that ends the whole transaction, `SAVEPOINT … RELEASE` would commit by itself. So every commit
//! begins only while the transaction is there.

use crate::commit::{Commit, Outcome, Write};
use crate::limits;
use crate::sql::{self, Moment, Wanted};
use crate::store::doing::{self, Did, Doing};
use crate::store::requests::{self, Logged};
use crate::store::value::wire;
use libsql_hrana::proto::{Batch, BatchCond, BatchCondList, BatchResult, BatchStep, Error, Stmt, StmtResult};
use rusqlite::types::ValueRef;
use std::ops::Range;
use std::sync::Arc;
use stoa_schema::model::Table;
use stoa_schema::value::Value;
use uuid::Uuid;

/// Writes that happen together or not at all, on their way.
#[derive(Clone)]
pub(super) struct Unit {
    /// The commit that they are of.
    pub(super) commit: Arc<Commit>,
    /// Which of its writes: all, unless each stands for itself.
    pub(super) writes: Range<usize>,
    /// What they are known by at the primary.
    pub(super) id: Uuid,
    pub(super) moment: Moment,
    /// Whether they were sent before, and may have happened.
    pub(super) sent_before: bool,
    /// The records that earlier writes are expected to make, by the position of the write: what others refer to.
    pub(super) made: Vec<(usize, Value)>,
}

impl Unit {
    fn write(&self, at: usize) -> &Write {
        &self.commit.writes[at]
    }

    fn table(&self, at: usize) -> &Table {
        self.commit.catalog.table(self.write(at).table)
    }
}

/// What became of a unit.
#[derive(Debug)]
pub(super) enum Became {
    /// It was carried out.
    Done(Vec<Outcome>),
    /// Its idempotency key was used by the same request: what that did.
    Replayed(Vec<Outcome>),
    /// Its idempotency key belongs to another request.
    Mismatch,
    /// Something forbids it, or keeps it from being what it was expected to be; nothing of it happened.
    Refused(String),
}

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Answer {
    /// Each unit was judged; the position of the change log includes what was done.
    Judged { seq: u64, units: Vec<Became> },
    /// The tables of the primary are others than those that the units are for; nothing happened.
    Outdated,
    /// The transaction failed; nothing happened.
    Failed(String),
}

/// Where in a batch the steps of each unit stand.
pub(super) struct Composed {
    /// How many steps there are.
    steps: usize,
    spans: Vec<Span>,
    position: u32,
    commit: u32,
}

/// A step of a write: where it stands, what is wanted of it, and its parameters.
type Sent = (u32, Wanted, Vec<Value>);

struct Span {
    /// Only if the commit has a name; it fails if the name is there.
    once: Option<u32>,
    writes: Vec<Vec<Sent>>,
    savepoint: u32,
    last: u32,
    /// What was done when it was sent before.
    sent: Option<u32>,
    /// What was done when its key was used before.
    kept: Option<u32>,
}

const BEGIN: u32 = 0;
/// The step that looks whether the tables are those that the units are for.
const SHAPE: u32 = 1;

/// Composes the batch of some units, for tables of this shape.
pub(super) fn compose(shape: &str, units: &[Unit]) -> (Batch, Composed) {
    let mut steps = Steps::default();
    steps.push("BEGIN IMMEDIATE", &[], false, None);
    let expected = [Value::Text(shape.to_owned())];
    steps.push(SAME_SHAPE, &expected, false, Some(ok(BEGIN)));
    let spans = units.iter().map(|unit| steps.unit(unit)).collect();
    let open = || all([ok(SHAPE), not(BatchCond::IsAutocommit {})]);
    let position = steps.push(POSITION, &[], true, Some(open()));
    let commit = steps.push("COMMIT", &[], false, Some(open()));
    steps.push("ROLLBACK", &[], false, Some(not(BatchCond::IsAutocommit {})));
    let composed = Composed { steps: steps.0.len(), spans, position, commit };
    (Batch { steps: steps.0, replication_index: None }, composed)
}

/// Where the change log stands.
pub(super) const POSITION: &str = "SELECT coalesce(max(seq),0) FROM _changes";

/// Nor is a migration under way: it judges what stands there.
const SAME_SHAPE: &str = "INSERT INTO _assert SELECT EXISTS(SELECT 1 FROM _meta WHERE key='shape_id' AND value=?1) AND NOT \
                          EXISTS(SELECT 1 FROM _meta WHERE key='migrating' AND CAST(value AS INTEGER)>1000*unixepoch())";

/// `rows` may not be null: a write that must find its record and finds none fails here.
const SENT_SOME: &str =
    "INSERT INTO _sent(id,n,seq,rows) SELECT ?1,?2,coalesce(max(seq),0),nullif(changes(),0) FROM _changes";
const SENT_ANY: &str = "INSERT INTO _sent(id,n,seq,rows) SELECT ?1,?2,coalesce(max(seq),0),changes() FROM _changes";

const WHAT_WAS_SENT: &str = "SELECT s.rows,c.op,c.rev,c.after FROM _sent AS s LEFT JOIN _changes AS c ON c.seq=s.seq \
                             WHERE s.id=?1 ORDER BY s.n";

const KEEP: &str = "UPDATE _requests SET outcomes=(SELECT json_group_array(json_array(w.rows,w.op,w.rev,w.after)) FROM \
                    (SELECT s.rows,c.op,c.rev,c.after FROM _sent AS s LEFT JOIN _changes AS c ON c.seq=s.seq WHERE s.id=?1 \
                    ORDER BY s.n) AS w) WHERE key=?2";

/// The last change is of this record: a record that others refer to is the one that was expected.
const MADE: &str = "INSERT INTO _assert SELECT EXISTS(SELECT 1 FROM _changes WHERE seq=(SELECT max(seq) FROM _changes) \
                    AND tbl=?1 AND id IS ?2)";

#[derive(Default)]
struct Steps(Vec<BatchStep>);

impl Steps {
    fn push(&mut self, sql: &str, params: &[Value], rows: bool, condition: Option<BatchCond>) -> u32 {
        let mut stmt = Stmt::new(sql, rows);
        stmt.args = params.iter().map(wire).collect();
        self.0.push(BatchStep { condition, stmt });
        self.0.len() as u32 - 1
    }

    /// The steps of a unit. `last` is the one whose success is the success of all.
    fn unit(&mut self, unit: &Unit) -> Span {
        let id = || Value::Bytes(unit.id.as_bytes().to_vec());
        let savepoint = self.push("SAVEPOINT one", &[], false, Some(all([ok(SHAPE), not(BatchCond::IsAutocommit {})])));
        let mut last = savepoint;
        let mut next = |steps: &mut Self, sql: &str, params: &[Value], rows| {
            last = steps.push(sql, params, rows, Some(ok(last)));
            last
        };
        let once = unit.commit.once.as_ref().map(|name| {
            next(self, "INSERT INTO _meta(key,value) VALUES(?1,'done')", &[Value::Text(name.clone())], false)
        });
        if let Some(request) = &unit.commit.request {
            let key = || Value::Text(request.key.clone());
            let oldest = Value::Int(requests::oldest(unit.moment));
            next(self, "DELETE FROM _requests WHERE key=?1 AND at<=?2", &[key(), oldest.clone()], false);
            let some = Value::Int(i64::from(limits::REQUESTS_FORGOTTEN));
            let forget =
                "DELETE FROM _requests WHERE key IN (SELECT key FROM _requests WHERE at<=?1 ORDER BY at LIMIT ?2)";
            next(self, forget, &[oldest, some], false);
            let (fingerprint, at) = (Value::Text(request.fingerprint.clone()), Value::Int(unit.moment.at.millis()));
            let insert = "INSERT INTO _requests(key,fingerprint,at,outcomes) VALUES(?1,?2,?3,'[]')";
            next(self, insert, &[key(), fingerprint, at], false);
        }
        let mut writes = Vec::with_capacity(unit.writes.len());
        for at in unit.writes.clone() {
            let write = referring(unit, at);
            let (table, mut sent) = (unit.table(at), SENT_ANY);
            let steps = sql::steps(&unit.commit.catalog, &write, unit.moment).into_iter().map(|step| {
                let rows = doing::returns(step.wanted, table);
                if matches!(step.wanted, Wanted::Record | Wanted::Delete) {
                    sent = SENT_SOME;
                }
                (next(self, &step.sql, &step.params, rows), step.wanted, step.params)
            });
            writes.push(steps.collect());
            let n = Value::Int(i64::try_from(at - unit.writes.start).unwrap_or(i64::MAX));
            next(self, sent, &[id(), n], false);
            if let Some((_, key)) = unit.made.iter().find(|(made, _)| *made == at) {
                next(self, MADE, &[Value::Text(table.name.clone()), key.clone()], false);
            }
        }
        if let Some(request) = &unit.commit.request {
            next(self, KEEP, &[id(), Value::Text(request.key.clone())], false);
        }
        let failed = || not(ok(last));
        self.push("ROLLBACK TO one", &[], false, Some(all([ok(savepoint), failed()])));
        self.push("RELEASE one", &[], false, Some(ok(savepoint)));
        let sent =
            unit.sent_before.then(|| self.push(WHAT_WAS_SENT, &[id()], true, Some(all([ok(savepoint), failed()]))));
        let kept = unit.commit.request.as_ref().map(|request| {
            let params = [Value::Text(request.key.clone()), Value::Int(requests::oldest(unit.moment))];
            let sql = "SELECT fingerprint,outcomes FROM _requests WHERE key=?1 AND at>?2";
            self.push(sql, &params, true, Some(all([ok(savepoint), failed()])))
        });
        Span { once, writes, savepoint, last, sent, kept }
    }
}

/// A write with the ids of records that earlier ones are expected to make.
fn referring(unit: &Unit, at: usize) -> Write {
    let mut write = unit.write(at).clone();
    for reference in unit.commit.references.iter().filter(|reference| reference.write == at) {
        if let Some((_, key)) = unit.made.iter().find(|(made, _)| *made == reference.made_by) {
            write.kind.set(reference.attribute, key.clone());
        }
    }
    write
}

fn ok(step: u32) -> BatchCond {
    BatchCond::Ok { step }
}

fn not(condition: BatchCond) -> BatchCond {
    BatchCond::Not { cond: Box::new(condition) }
}

fn all(conditions: impl IntoIterator<Item = BatchCond>) -> BatchCond {
    BatchCond::And(BatchCondList { conds: conditions.into_iter().collect() })
}

impl Composed {
    /// What became of the units, as the primary says it.
    pub(super) fn read(&self, units: &[Unit], result: &BatchResult) -> Answer {
        let answer = Told { result };
        if answer.result.step_results.len() != self.steps {
            return Answer::Failed("the primary answers other steps than those it was sent".into());
        }
        if answer.done(SHAPE).is_none() {
            return match (answer.done(BEGIN), answer.error(SHAPE)) {
                (Some(_), Some(error)) if error.message.contains("stoa:precondition") => Answer::Outdated,
                (Some(_), Some(error)) => Answer::Failed(error.message.clone()),
                _ => Answer::Failed(answer.first_error()),
            };
        }
        if answer.done(self.commit).is_none() {
            return Answer::Failed(answer.first_error());
        }
        let seq = answer.done(self.position).and_then(integer).unwrap_or_default();
        let became = self.spans.iter().zip(units).map(|(span, unit)| span.read(unit, answer));
        Answer::Judged { seq, units: became.collect() }
    }
}

fn integer(result: &StmtResult) -> Option<u64> {
    let cell = value_ref(result.rows.first()?.values.first()?);
    cell.as_i64().ok().map(i64::unsigned_abs)
}

/// What the primary says of the steps of a batch.
#[derive(Clone, Copy)]
struct Told<'a> {
    result: &'a BatchResult,
}

impl<'a> Told<'a> {
    fn done(self, step: u32) -> Option<&'a StmtResult> {
        self.result.step_results.get(step as usize)?.as_ref()
    }

    fn error(self, step: u32) -> Option<&'a Error> {
        self.result.step_errors.get(step as usize)?.as_ref()
    }

    fn first_error(self) -> String {
        let first = self.result.step_errors.iter().flatten().next();
        first.map_or_else(|| "the transaction ended by itself".to_owned(), |error| error.message.clone())
    }
}

impl Span {
    fn read(&self, unit: &Unit, answer: Told<'_>) -> Became {
        if answer.done(self.last).is_some() {
            return self.outcomes(unit, answer).map_or_else(Became::Refused, Became::Done);
        }
        let sent = self.sent.and_then(|step| answer.done(step)).filter(|sent| !sent.rows.is_empty());
        if let Some(sent) = sent {
            return Became::Done(logged(unit, sent));
        }
        if let Some(once) = self.once
            && answer.error(once).is_some()
        {
            return Became::Done(vec![Outcome::Kept; unit.writes.len()]);
        }
        if let (Some(kept), Some(request)) = (self.kept.and_then(|step| answer.done(step)), &unit.commit.request)
            && let Some(row) = kept.rows.first()
        {
            let text =
                |at: usize| row.values.get(at).and_then(|value| value_ref(value).as_str().ok()).unwrap_or_default();
            if text(0) != request.fingerprint {
                return Became::Mismatch;
            }
            return match requests::read(&unit.commit, text(1)) {
                Ok(outcomes) => Became::Replayed(outcomes),
                Err(error) => Became::Refused(error.to_string()),
            };
        }
        Became::Refused(self.refusal(answer))
    }

    /// What the first step says that failed.
    fn refusal(&self, answer: Told<'_>) -> String {
        let mut errors = (self.savepoint..=self.last).filter_map(|step| answer.error(step));
        errors.next().map_or_else(|| "a step was not carried out".to_owned(), |error| error.message.clone())
    }

    fn outcomes(&self, unit: &Unit, answer: Told<'_>) -> Result<Vec<Outcome>, String> {
        let writes = self.writes.iter().zip(unit.writes.clone());
        let outcome = |(steps, at): (&Vec<Sent>, usize)| {
            let table = unit.table(at);
            let mut doing = Doing::new(table, unit.write(at), unit.moment);
            for (step, wanted, params) in steps {
                if doing.is_done_without(*wanted) {
                    continue;
                }
                let result = answer.done(*step).ok_or("a step was not carried out")?;
                doing
                    .take(*wanted, params.clone(), did(table, *wanted, result))
                    .map_err(|reason| format!("{reason:?}"))?;
            }
            Ok(doing.outcome())
        };
        writes.map(outcome).collect()
    }
}

fn did(table: &Table, wanted: Wanted, result: &StmtResult) -> Did {
    if !doing::returns(wanted, table) {
        return Did::Wrote { rows: result.affected_row_count, rowid: result.last_insert_rowid.unwrap_or_default() };
    }
    let first = result.rows.first();
    Did::Returned(first.and_then(|row| doing::record(table, row.values.iter().map(value_ref))))
}

/// What the rows of `_sent` say of each write.
fn logged(unit: &Unit, sent: &StmtResult) -> Vec<Outcome> {
    let rows = sent.rows.iter().zip(unit.writes.clone());
    let outcome = |(row, at): (&libsql_hrana::proto::Row, usize)| {
        let cell = |column: usize| row.values.get(column).map(value_ref);
        let number = |column| cell(column).and_then(|cell| cell.as_i64().ok());
        let after = cell(3).and_then(|cell| cell.as_str().ok().map(str::to_owned));
        let logged = Logged(number(0).unwrap_or_default().unsigned_abs(), number(1), number(2), after);
        logged.outcome(unit.table(at), &unit.write(at).kind)
    };
    rows.map(outcome).collect()
}

/// A value of the protocol as one of the engine.
fn value_ref(value: &libsql_hrana::proto::Value) -> ValueRef<'_> {
    use libsql_hrana::proto::Value;
    match value {
        Value::None | Value::Null => ValueRef::Null,
        Value::Integer { value } => ValueRef::Integer(*value),
        Value::Float { value } => ValueRef::Real(*value),
        Value::Text { value } => ValueRef::Text(value.as_bytes()),
        Value::Blob { value } => ValueRef::Blob(value),
    }
}

/// A statement on its own.
pub(super) fn statement(sql: &str, params: &[Value]) -> Stmt {
    let mut stmt = Stmt::new(sql, false);
    stmt.args = params.iter().map(wire).collect();
    stmt
}

/// A statement that is asked for rows.
pub(super) fn rows(sql: &str) -> Stmt {
    Stmt::new(sql, true)
}

/// About how many bytes of values some writes of a commit have.
pub(super) fn bytes(commit: &Commit, writes: Range<usize>) -> usize {
    commit.writes[writes].iter().map(|write| write.kind.bytes()).sum()
}
