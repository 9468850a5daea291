//! Commits → one batch for the primary, decided before a row is seen; and what the primary says of its steps → what became of
//! each commit.
//!
//! The batch is one transaction. Each commit is carried out in a savepoint of its own, its steps one after the other, each
//! only if the one before succeeded; a step that fails takes its commit back and nothing else. After each write a row of
//! `_sent` says, in the same transaction, that it was carried out and where in the change log. What all commits did is read
//! there, once, before the transaction ends; so a commit that is sent again because its answer was lost fails at its own row, and
//! is answered all the same.
//!
//! sqld prepares each statement anew, with all triggers that it may fire: what a step does counts less than that it is there. So
//! commits that each store one record by the same statement are first carried out by one, together; their own steps are for
//! when that fails.
//!
//! Trap: after a failure that ends the whole transaction, `SAVEPOINT … RELEASE` would commit by itself. So every commit
//! begins only while the transaction is there.

use crate::catalog::Statements;
use crate::commit::{Commit, Outcome, Write, WriteKind};
use crate::limits;
use crate::sql::{self, Moment, Wanted};
use crate::store::requests::{self, Logged};
use crate::store::value::wire;
use libsql_hrana::proto::{
    Batch, BatchCond, BatchCondList, BatchResult, BatchStep, Error, Row, Stmt, StmtResult, Value as Sent,
};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::borrow::Cow;
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
    fn id(&self) -> Value {
        Value::Bytes(self.id.as_bytes().to_vec())
    }

    fn write(&self, at: usize) -> &Write {
        &self.commit.writes[at]
    }

    fn table(&self, at: usize) -> &Table {
        self.commit.catalog.table(self.write(at).table)
    }

    /// The outcome of one of its writes, as a row of [`what_was_done`] tells it.
    fn outcome<'r>(&self, at: usize, cell: impl Fn(usize) -> ValueRef<'r>) -> Outcome {
        let number = |column| cell(column).as_i64().ok();
        let after = cell(4).as_str().ok().map(str::to_owned);
        let logged = Logged(number(1).unwrap_or_default().unsigned_abs(), number(2), number(3), after);
        logged.outcome(self.table(at), &self.write(at).kind)
    }
}

/// What became of a unit.
#[derive(Debug)]
pub(super) enum Became {
    /// It was carried out; `None`: what it did is to be read in the log, see [`logged_here`].
    Done(Option<Vec<Outcome>>),
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
    /// Whether the answer shows the records that are stored.
    shown: bool,
    spans: Vec<Span>,
    /// What was done.
    done: u32,
    position: u32,
    commit: u32,
}

struct Span {
    /// Only if the commit has a name; it fails if the name is there.
    once: Option<u32>,
    savepoint: u32,
    last: u32,
    /// What was done when its key was used before.
    kept: Option<u32>,
}

const BEGIN: u32 = 0;
/// The step that looks whether the tables are those that the units are for.
const SHAPE: u32 = 1;

/// A unit that stores one record by one statement, and nothing else.
struct Single<'u> {
    unit: &'u Unit,
    statements: &'u Statements,
    sql: Cow<'u, str>,
    params: Vec<Value>,
}

impl<'u> Single<'u> {
    fn of(unit: &'u Unit) -> Option<Self> {
        let commit = &unit.commit;
        let asks_more = unit.sent_before || commit.once.is_some() || commit.request.is_some();
        if unit.writes.len() != 1 || asks_more || !commit.references.is_empty() {
            return None;
        }
        let write = unit.write(unit.writes.start);
        let stores = matches!(write.kind, WriteKind::Insert(_) | WriteKind::Put(_));
        let mut steps = if stores { carried_out(unit, write) } else { Vec::new() };
        let (sql, params, _) = steps.pop().filter(|_| steps.is_empty())?;
        Some(Self { unit, statements: commit.catalog.statements(write.table), sql, params })
    }

    fn joins(one: &Option<Self>, other: &Option<Self>) -> bool {
        matches!((one, other), (Some(one), Some(other)) if one.sql == other.sql)
    }

    /// How many of a run go into one statement.
    fn most(run: &[Option<Self>]) -> usize {
        let params = run.first().and_then(Option::as_ref).map_or(1, |single| single.params.len());
        (limits::STATEMENT_PARAMS / params.max(1)).max(1)
    }

    /// The key of the record, null if the database chooses it.
    fn key(&self) -> &Value {
        let write = self.unit.write(self.unit.writes.start);
        sql::subject(self.unit.commit.catalog.table(write.table), &write.kind).unwrap_or(&Value::Null)
    }
}

/// The statements of a write, with what is wanted of each: what it does is told by the change log, so none returns rows.
fn carried_out<'u>(unit: &'u Unit, write: &Write) -> Vec<(Cow<'u, str>, Vec<Value>, Wanted)> {
    let returning = unit.commit.catalog.statements(write.table).returning.as_str();
    let steps = sql::steps(&unit.commit.catalog, write, unit.moment).into_iter();
    let bare = |sql| match sql {
        Cow::Borrowed(text) => Cow::Borrowed(str::strip_suffix(text, returning).unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.strip_suffix(returning).unwrap_or(&text).to_owned()),
    };
    // The log also tells whether the record is new.
    steps
        .filter(|step| step.wanted != Wanted::Existence)
        .map(|step| (bare(step.sql), step.params, step.wanted))
        .collect()
}

/// Composes the batch of some units, for tables of this shape.
/// `shown`: the answer shows the records that are stored.
pub(super) fn compose(shape: &str, units: &[Unit], shown: bool) -> (Batch, Composed) {
    let mut steps = Steps::default();
    steps.push("BEGIN IMMEDIATE", &[], false, None);
    let expected = [Value::Text(shape.to_owned())];
    steps.push(SAME_SHAPE, &expected, false, Some(ok(BEGIN)));
    let singles: Vec<Option<Single<'_>>> = units.iter().map(Single::of).collect();
    let mut spans = Vec::with_capacity(units.len());
    for run in singles.chunk_by(Single::joins).flat_map(|run| run.chunks(Single::most(run))) {
        let together = (run.len() > 1).then(|| steps.together(run)).flatten();
        let begin = spans.len();
        spans.extend(units[begin..begin + run.len()].iter().map(|unit| steps.unit(unit, together)));
    }
    let after = if shown { "c.after" } else { "NULL" };
    let ids: Vec<Value> = units.iter().map(Unit::id).collect();
    let done = steps.push(&what_was_done(units.len(), after), &ids, true, Some(all(is_open())));
    let position = steps.push(POSITION, &[], true, Some(all(is_open())));
    let commit = steps.push("COMMIT", &[], false, Some(all([ok(done), ok(position)])));
    steps.push("ROLLBACK", &[], false, Some(not(BatchCond::IsAutocommit {})));
    let composed = Composed { steps: steps.0.len(), shown, spans, done, position, commit };
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

/// `?3`: whether the records are shown.
const KEEP: &str = "UPDATE _requests SET outcomes=(SELECT json_group_array(json_array(w.rows,w.op,w.rev,w.after)) FROM \
                    (SELECT s.rows,c.op,c.rev,CASE WHEN ?3 THEN c.after END AS after FROM _sent AS s \
                    LEFT JOIN _changes AS c ON c.seq=s.seq WHERE s.id=?1 ORDER BY s.n) AS w) WHERE key=?2";

/// The last change is of this record: a record that others refer to is the one that was expected.
const MADE: &str = "INSERT INTO _assert SELECT EXISTS(SELECT 1 FROM _changes WHERE seq=(SELECT max(seq) FROM _changes) \
                    AND tbl=?1 AND id IS ?2)";

/// What some units did, in the order of their writes.
fn what_was_done(units: usize, after: &str) -> String {
    let places = vec!["?"; units].join(",");
    format!(
        "SELECT s.id,s.rows,c.op,c.rev,{after} FROM _sent AS s LEFT JOIN _changes AS c ON c.seq=s.seq \
         WHERE s.id IN ({places}) ORDER BY s.id,s.n"
    )
}

#[derive(Default)]
struct Steps(Vec<BatchStep>);

impl Steps {
    fn push(&mut self, sql: &str, params: &[Value], rows: bool, condition: Option<BatchCond>) -> u32 {
        self.push_sent(sql, params.iter().map(wire).collect(), rows, condition)
    }

    fn push_sent(&mut self, sql: &str, params: Vec<Sent>, rows: bool, condition: Option<BatchCond>) -> u32 {
        let mut stmt = Stmt::new(sql, rows);
        stmt.args = params;
        self.0.push(BatchStep { condition, stmt });
        self.0.len() as u32 - 1
    }

    /// The steps that carry out units by one statement; the success of the one that is returned is the success of all.
    ///
    /// The changes of their records are the last ones in the log, one for each, in order; where it is not so, the step fails.
    fn together(&mut self, run: &[Option<Single<'_>>]) -> Option<u32> {
        let first = run.first()?.as_ref()?;
        let write = first.statements.of_many(&first.sql, first.params.len(), run.len())?;
        let mut rows = Vec::with_capacity(run.len());
        let (mut params, mut sent) = (Vec::with_capacity(run.len() * first.params.len()), Vec::new());
        for (at, single) in run.iter().flatten().enumerate() {
            params.extend(single.params.iter().map(wire));
            let behind = Value::Int(i64::try_from(run.len() - 1 - at).unwrap_or(i64::MAX));
            sent.extend([wire(&single.unit.id()), wire(&behind), wire(single.key())]);
            rows.push("(?,?,?)");
        }
        let note = format!(
            "INSERT INTO _sent(id,n,seq,rows) SELECT v.column1,0,m.seq-v.column2,CASE WHEN changes()={} AND \
             EXISTS(SELECT 1 FROM _changes AS c WHERE c.seq=m.seq-v.column2 AND c.id IS coalesce(v.column3,c.id)) THEN 1 END \
             FROM (SELECT coalesce(max(seq),0) AS seq FROM _changes) AS m,(VALUES{}) AS v",
            run.len(),
            rows.join(",")
        );
        let savepoint = self.push("SAVEPOINT one", &[], false, Some(all(is_open())));
        let write = self.push_sent(&write, params, false, Some(ok(savepoint)));
        let last = self.push_sent(&note, sent, false, Some(ok(write)));
        self.push("ROLLBACK TO one", &[], false, Some(all([ok(savepoint), not(ok(last))])));
        self.push("RELEASE one", &[], false, Some(ok(savepoint)));
        Some(last)
    }

    /// The steps of a unit, unless it was carried out together with others. `last` is the one whose success is the success of all.
    fn unit(&mut self, unit: &Unit, together: Option<u32>) -> Span {
        let id = || unit.id();
        let alone = is_open().into_iter().chain(together.map(|last| not(ok(last))));
        let savepoint = self.push("SAVEPOINT one", &[], false, Some(all(alone)));
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
        for at in unit.writes.clone() {
            let write = referring(unit, at);
            let (table, mut sent) = (unit.table(at), SENT_ANY);
            for (sql, params, wanted) in carried_out(unit, &write) {
                if matches!(wanted, Wanted::Record | Wanted::Delete) {
                    sent = SENT_SOME;
                }
                next(self, &sql, &params, false);
            }
            let n = Value::Int(i64::try_from(at - unit.writes.start).unwrap_or(i64::MAX));
            next(self, sent, &[id(), n], false);
            if let Some((_, key)) = unit.made.iter().find(|(made, _)| *made == at) {
                next(self, MADE, &[Value::Text(table.name.clone()), key.clone()], false);
            }
        }
        if let Some(request) = &unit.commit.request {
            let shown = Value::Int(i64::from(unit.commit.shown));
            next(self, KEEP, &[id(), Value::Text(request.key.clone()), shown], false);
        }
        let failed = || not(ok(last));
        self.push("ROLLBACK TO one", &[], false, Some(all([ok(savepoint), failed()])));
        self.push("RELEASE one", &[], false, Some(ok(savepoint)));
        let kept = unit.commit.request.as_ref().map(|request| {
            let params = [Value::Text(request.key.clone()), Value::Int(requests::oldest(unit.moment))];
            let sql = "SELECT fingerprint,outcomes FROM _requests WHERE key=?1 AND at>?2";
            self.push(sql, &params, true, Some(all([ok(savepoint), failed()])))
        });
        Span { once, savepoint, last, kept }
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

/// The transaction is there, and for the right tables.
fn is_open() -> [BatchCond; 2] {
    [ok(SHAPE), not(BatchCond::IsAutocommit {})]
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
        let (Some(_), Some(done)) = (answer.done(self.commit), answer.done(self.done)) else {
            let error = answer.error(self.done).map(|error| error.message.clone());
            return Answer::Failed(error.unwrap_or_else(|| answer.first_error()));
        };
        let seq = answer.done(self.position).and_then(integer).unwrap_or_default();
        let became = |(span, unit): (&Span, &Unit)| match span.read(unit, logged(unit, done), answer) {
            Became::Done(_) if !self.shown && unit.commit.shown => Became::Done(None),
            other => other,
        };
        Answer::Judged { seq, units: self.spans.iter().zip(units).map(became).collect() }
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
    fn read(&self, unit: &Unit, outcomes: Vec<Outcome>, answer: Told<'_>) -> Became {
        if answer.done(self.last).is_some() || !outcomes.is_empty() {
            return Became::Done(Some(outcomes));
        }
        if let Some(once) = self.once
            && answer.error(once).is_some()
        {
            return Became::Done(Some(vec![Outcome::Kept; unit.writes.len()]));
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
}

/// What the rows of `_sent` say of each write of a unit.
fn logged(unit: &Unit, done: &StmtResult) -> Vec<Outcome> {
    let of_it = |row: &&Row| {
        row.values.first().is_some_and(|id| matches!(value_ref(id), ValueRef::Blob(id) if id == unit.id.as_bytes()))
    };
    let rows = done.rows.iter().filter(of_it).zip(unit.writes.clone());
    rows.map(|(row, at)| unit.outcome(at, |column| row.values.get(column).map_or(ValueRef::Null, value_ref))).collect()
}

/// What a unit did, as the replica tells it when it is as far.
pub(super) fn logged_here(replica: &Connection, unit: &Unit) -> rusqlite::Result<Vec<Outcome>> {
    let mut statement = replica.prepare(&what_was_done(1, "c.after"))?;
    let mut rows = statement.query([unit.id.as_bytes().as_slice()])?;
    let mut outcomes = Vec::with_capacity(unit.writes.len());
    while let Some(row) = rows.next()? {
        let at = unit.writes.start + outcomes.len();
        outcomes.push(unit.outcome(at, |column| row.get_ref(column).unwrap_or(ValueRef::Null)));
    }
    Ok(outcomes)
}

/// A value of the protocol as one of the engine.
fn value_ref(value: &Sent) -> ValueRef<'_> {
    match value {
        Sent::None | Sent::Null => ValueRef::Null,
        Sent::Integer { value } => ValueRef::Integer(*value),
        Sent::Float { value } => ValueRef::Real(*value),
        Sent::Text { value } => ValueRef::Text(value.as_bytes()),
        Sent::Blob { value } => ValueRef::Blob(value),
    }
}

/// What is the same for units that may be carried out together: the table and the kind of their first write.
pub(super) fn kind(unit: &Unit) -> (usize, u8) {
    let write = unit.commit.writes.get(unit.writes.start);
    let stores = |write: &Write| match write.kind {
        WriteKind::Insert(_) => 1,
        WriteKind::Put(_) => 2,
        _ => 0,
    };
    write.map_or((0, 0), |write| (write.table.0, stores(write)))
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
