//! Why a write failed, as far as someone who asked for it can act on it.
//!
//! A rule's trigger can only say that it was broken. So the write is carried out once more, in a savepoint in which rules
//! only look on, its row is asked what is wrong with it, and all of it is undone.

use super::value::{Param, owned};
use super::writer::{Failure, run_kept};
use crate::commit::{Commit, Conflict, Outcome, Reason, Write, WriteKind};
use crate::expression::expression;
use crate::ident::{REVISION, quoted};
use crate::limits;
use crate::row::Row;
use crate::rules::{self, Among, BROKEN, CheckKind};
use crate::sql::{self, Moment};
use rusqlite::ffi::{
    SQLITE_CONSTRAINT_DATATYPE, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use stoa_schema::expression::{Comparison, Expression, Node, Reach};
use stoa_schema::model::{AttributeId, Literal, Schema, Table, TableId};
use stoa_schema::value::{Change, Changes, Value};

/// A write that failed.
pub(super) struct Refused<'a> {
    pub(super) connection: &'a Connection,
    pub(super) commit: &'a Commit,
    /// Its position in the commit.
    pub(super) index: usize,
    pub(super) write: &'a Write,
    pub(super) moment: Moment,
}

/// Carries the write out again.
type Attempt<'a> = &'a dyn Fn() -> Result<Outcome, Failure>;

impl Refused<'_> {
    /// Turns the error of a rule into the reason it stands for, with what the transaction sees.
    pub(super) fn reason(&self, failure: Failure, attempt: Attempt<'_>) -> Failure {
        let Failure::Database(error) = failure else { return failure };
        let table = self.table();
        let rusqlite::Error::SqliteFailure(code, Some(message)) = &error else { return Failure::Database(error) };
        if code.code != ErrorCode::ConstraintViolation {
            return Failure::Database(error);
        }
        if message == "stoa:precondition" {
            return self.precondition();
        }
        if message == "stoa:size" {
            return Failure::Reason(Reason::TooLarge);
        }
        if message == BROKEN {
            return self.broken(attempt);
        }
        if let Some(relation) = message.strip_prefix("stoa:referenced:").map(str::to_owned) {
            return self.referenced(&relation, error);
        }
        if let Some(attribute) = message.strip_prefix("stoa:range:").and_then(|name| table.attribute_named(name)) {
            return self.range(attribute);
        }
        match code.extended_code {
            SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_ROWID
                if is_key(table, message) =>
            {
                Failure::Reason(Reason::Exists)
            }
            // An integer sum beyond 64 bits is a double, which a STRICT column refuses.
            SQLITE_CONSTRAINT_DATATYPE => match overflowing(table, message) {
                Some(attribute) => self.range(attribute),
                None => Failure::Database(error),
            },
            _ => Failure::Database(error),
        }
    }

    fn schema(&self) -> &Schema {
        &self.commit.catalog.schema
    }

    fn table(&self) -> &Table {
        self.commit.catalog.table(self.write.table)
    }

    /// RFC 9110 §13.2.1: a precondition is looked at only where the request would otherwise succeed.
    fn precondition(&self) -> Failure {
        let must_exist = matches!(self.write.kind, WriteKind::Patch { .. } | WriteKind::Delete { .. });
        match self.current_revision() {
            Ok(None) if must_exist => Failure::Reason(Reason::Missing),
            Ok(current) => Failure::Reason(Reason::Precondition { current }),
            Err(error) => Failure::Database(error),
        }
    }

    fn current_revision(&self) -> rusqlite::Result<Option<i64>> {
        let Some(id) = sql::subject(self.table(), &self.write.kind) else { return Ok(None) };
        let mut statement =
            self.connection.prepare_cached(&self.commit.catalog.statements(self.write.table).revision)?;
        let mut rows = statement.query([Param(id)])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }

    fn range(&self, attribute: AttributeId) -> Failure {
        match self.current_value(attribute) {
            Ok(current) => Failure::Reason(Reason::Range { attribute, current }),
            Err(error) => Failure::Database(error),
        }
    }

    fn current_value(&self, attribute: AttributeId) -> rusqlite::Result<Option<Value>> {
        let table = self.table();
        let Some(id) = sql::subject(table, &self.write.kind) else { return Ok(None) };
        let attribute = table.attribute(attribute);
        let (name, key) = (quoted(&table.name), quoted(&table.key().name));
        let sql = format!("SELECT {} FROM {name} WHERE {key}=?1", quoted(&attribute.name));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([Param(id)])?;
        rows.next()?.map(|row| Ok(owned(attribute, row.get_ref(0)?))).transpose()
    }

    /// `relation` is the position of the table that refers, a colon, and the name of its relation.
    fn referenced(&self, relation: &str, error: rusqlite::Error) -> Failure {
        let named = relation.split_once(':');
        let table = named.and_then(|(table, _)| table.parse().ok()).filter(|at| *at < self.schema().tables.len());
        let (Some(table), Some((_, name))) = (table.map(TableId), named) else { return Failure::Database(error) };
        let ids = match sql::subject(self.table(), &self.write.kind) {
            Some(id) => self.referring(table, name, id),
            None => Ok(Vec::new()),
        };
        match ids {
            Ok(ids) => Failure::Reason(Reason::Referenced { table, relation: name.to_owned(), ids }),
            Err(error) => Failure::Database(error),
        }
    }

    fn referring(&self, table: TableId, relation: &str, id: &Value) -> rusqlite::Result<Vec<Value>> {
        let references = rules::references(self.schema(), self.write.table);
        let found = references.iter().find(|it| it.table == table && it.relation.name == relation);
        // A cascade led to another table: its records are not those of this id.
        let Some(references) = found else { return Ok(Vec::new()) };
        let key = self.schema().table(table).key();
        let mut statement = self.connection.prepare_cached(&references.referring_to_key())?;
        let rows = statement.query_map([Param(id)], |row| Ok(owned(key, row.get_ref(0)?)))?;
        rows.collect()
    }

    /// Carries the write out while rules look on, asks what is wrong with its row, and undoes it.
    pub(super) fn broken(&self, attempt: Attempt<'_>) -> Failure {
        match self.looked_at(attempt) {
            Ok(reason) => reason,
            Err(error) => Failure::Database(error),
        }
    }

    fn looked_at(&self, attempt: Attempt<'_>) -> rusqlite::Result<Failure> {
        run_kept(self.connection, "SAVEPOINT looking")?;
        run_kept(self.connection, "INSERT INTO _lenient VALUES(1)")?;
        let reason = match attempt() {
            Ok(outcome) => self.what_is_wrong(&outcome).map(Failure::Reason),
            Err(Failure::Reason(reason)) => Ok(Failure::Reason(reason)),
            Err(failure @ Failure::Database(_)) if self.connection.is_autocommit() => return Ok(failure),
            // Another rule than those that can look on.
            Err(failure @ Failure::Database(_)) => Ok(self.reason_of_another(failure)),
        };
        run_kept(self.connection, "ROLLBACK TO looking")?;
        run_kept(self.connection, "RELEASE looking")?;
        reason
    }

    fn reason_of_another(&self, failure: Failure) -> Failure {
        let again: Attempt<'_> = &|| Err(Failure::Reason(Reason::Broken(Vec::new())));
        self.reason(failure, again)
    }

    fn what_is_wrong(&self, outcome: &Outcome) -> rusqlite::Result<Reason> {
        let row = WrittenRow::of(self.table(), outcome, self.moment);
        let broken = self.broken_checks(&row)?;
        if let Some(insufficient) = self.insufficient(&broken, &row)? {
            return Ok(insufficient);
        }
        if !broken.is_empty() {
            return Ok(Reason::Broken(broken));
        }
        for unique in rules::uniques(self.schema(), self.write.table) {
            if let Some(id) = self.first(&unique.violation(&row.selected), &row)? {
                return Ok(Reason::Unique { fields: unique.fields, id });
            }
        }
        for (rule, overlap) in rules::overlaps(self.schema(), self.write.table).iter().enumerate() {
            if let Some((key, conflicts)) = self.conflicts(&overlap.violation(&row.selected, Among::Others), &row)? {
                return Ok(Reason::Overlap { rule, key, conflicts });
            }
            // Rows that only this write would have made so are not there to be shown.
            if let Some((key, _)) = self.conflicts(&overlap.violation(&row.selected, Among::All), &row)? {
                return Ok(Reason::Overlap { rule, key, conflicts: Vec::new() });
            }
        }
        // A rule of a record that the write changes by the way.
        Ok(Reason::Broken(Vec::new()))
    }

    fn broken_checks(&self, row: &WrittenRow) -> rusqlite::Result<Vec<CheckKind>> {
        let mut broken: Vec<CheckKind> = self.write.unmatched.iter().map(|id| CheckKind::Pattern(*id)).collect();
        for check in rules::checks(self.schema(), self.write.table, Row::Alias("t")) {
            let sql = format!(
                "SELECT 1 FROM {} AS t WHERE {} AND {} LIMIT 1",
                quoted(&self.table().name),
                row.selected,
                check.broken
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            if statement.exists([Param(&row.value)])? {
                broken.push(check.kind);
            }
        }
        Ok(broken)
    }

    fn first(&self, sql: &str, row: &WrittenRow) -> rusqlite::Result<Option<Value>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([Param(&row.value)])?;
        let key = self.table().key();
        rows.next()?.map(|row| Ok(owned(key, row.get_ref(0)?))).transpose()
    }

    /// Of the key that comes first, up to [`limits::LISTED_CONFLICTS`].
    fn conflicts(&self, sql: &str, row: &WrittenRow) -> rusqlite::Result<Option<(Value, Vec<Conflict>)>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([Param(&row.value)])?;
        let mut found: Option<(Value, Vec<Conflict>)> = None;
        while let Some(row) = rows.next()? {
            let key = plain(row.get_ref(0)?);
            let conflict =
                Conflict { id: owned(self.table().key(), row.get_ref(1)?), start: row.get(2)?, end: row.get(3)? };
            match &mut found {
                None => found = Some((key, vec![conflict])),
                Some((known, conflicts)) if *known == key && conflicts.len() < limits::LISTED_CONFLICTS => {
                    conflicts.push(conflict);
                }
                Some(_) => break,
            }
        }
        Ok(found)
    }

    /// The shortage, if all that is wrong are bounds of numbers that were added to.
    fn insufficient(&self, broken: &[CheckKind], row: &WrittenRow) -> rusqlite::Result<Option<Reason>> {
        let mut shortage = None;
        for check in broken {
            let Some((attribute, bound)) = self.bound(check) else { return Ok(None) };
            shortage = shortage.or(Some((attribute, bound)));
        }
        let Some((attribute, bound)) = shortage else { return Ok(None) };
        let delta = self.added(attribute).cloned().unwrap_or(Value::Null);
        let column = quoted(&self.table().attribute(attribute).name);
        let bound = bound.unwrap_or_else(|| "NULL".into());
        let sql = format!(
            "SELECT t.{column},{bound} FROM {} AS t WHERE {} LIMIT 1",
            quoted(&self.table().name),
            row.selected
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let (after, bound) =
            statement.query_row([Param(&row.value)], |row| Ok((plain(row.get_ref(0)?), plain(row.get_ref(1)?))))?;
        let (earlier, all) = self.asked(attribute, &delta);
        // What was there before this commit.
        let before = minus(&minus(&after, &delta), &earlier);
        let available = match (&bound, &before) {
            (Value::Null, _) | (_, Value::Null) => None,
            (bound, before) => Some(room(before, bound, &delta)),
        };
        Ok(Some(Reason::Insufficient { attribute, requested: magnitude(&all), available }))
    }

    /// The attribute that was added to and is bounded by this check, and its bound as SQL on the row `t`.
    fn bound(&self, check: &CheckKind) -> Option<(AttributeId, Option<String>)> {
        let literal = |literal: &Literal| match literal {
            Literal::Int(number) => Some(number.to_string()),
            Literal::Float(number) => Some(format!("{number:?}")),
            Literal::Text(_) | Literal::Bool(_) => None,
        };
        match check {
            CheckKind::Min(id, bound) | CheckKind::Max(id, bound) => self.added(*id).map(|_| (*id, literal(bound))),
            CheckKind::Record(at) => self.record_bound(*at),
            CheckKind::OneOf(_)
            | CheckKind::Pattern(_)
            | CheckKind::HalfOpen { .. }
            | CheckKind::Instant(_)
            | CheckKind::Order { .. }
            | CheckKind::Expired(_) => None,
        }
    }

    fn record_bound(&self, at: usize) -> Option<(AttributeId, Option<String>)> {
        let tables: Vec<&Table> = self.schema().tables.iter().collect();
        let check = &self.table().checks[at];
        let read = Expression::condition(&tables, self.write.table, &check.expr, Reach::Related).ok()?;
        let attribute = *read.attributes.iter().find(|id| self.added(**id).is_some())?;
        let is_it = |node: &Node| matches!(node, Node::Attribute(path) if path.relations.is_empty() && path.attribute == attribute);
        let inclusive = |operator| matches!(operator, Comparison::LessOrEqual | Comparison::GreaterOrEqual);
        let bound = match &read.root {
            Node::Compared { left, operator, right } if inclusive(*operator) && is_it(left) => Some(right),
            Node::Compared { left, operator, right } if inclusive(*operator) && is_it(right) => Some(left),
            _ => None,
        };
        let sql = bound.map(|node| {
            let bound = Expression { root: (**node).clone(), ..read.clone() };
            format!("({})", expression(self.schema(), &bound, Row::Alias("t")))
        });
        Some((attribute, sql))
    }

    /// What this write adds to an attribute.
    fn added(&self, attribute: AttributeId) -> Option<&Value> {
        changes(self.write).and_then(|changes| addition(changes, attribute))
    }

    /// What the writes before this one, and all of them, add to an attribute of the same record.
    fn asked(&self, attribute: AttributeId, own: &Value) -> (Value, Value) {
        let table = self.table();
        let Some(id) = sql::subject(table, &self.write.kind) else { return (Value::Null, own.clone()) };
        let (mut earlier, mut all) = (Value::Null, Value::Null);
        for (at, write) in self.commit.writes.iter().enumerate() {
            let same = write.table == self.write.table && sql::subject(table, &write.kind) == Some(id);
            let added = changes(write).filter(|_| same).and_then(|changes| addition(changes, attribute));
            let Some(added) = added else { continue };
            all = plus(&all, added);
            if at < self.index {
                earlier = plus(&earlier, added);
            }
        }
        (earlier, all)
    }
}

/// The row that a write stored, or rows of which some is wrong: a condition on `t` with `?1`.
struct WrittenRow {
    selected: String,
    value: Value,
}

impl WrittenRow {
    fn of(table: &Table, outcome: &Outcome, moment: Moment) -> Self {
        match outcome {
            Outcome::Stored { record, .. } => {
                Self { selected: format!("t.{}=?1", quoted(&table.key().name)), value: record[table.key.0].clone() }
            }
            Outcome::Written { .. } | Outcome::Kept | Outcome::Deleted | Outcome::Counted(_) | Outcome::Refused(_) => {
                Self { selected: format!("t.{REVISION}>=?1"), value: Value::Int(moment.revision) }
            }
        }
    }
}

fn changes(write: &Write) -> Option<&Changes> {
    match &write.kind {
        WriteKind::Patch { changes, .. }
        | WriteKind::PatchMatching { changes, .. }
        | WriteKind::Merge { changes, .. } => Some(changes),
        WriteKind::Insert(_)
        | WriteKind::InsertMissing(_)
        | WriteKind::Put(_)
        | WriteKind::PutChanged(_)
        | WriteKind::Delete { .. }
        | WriteKind::DeleteMatching { .. } => None,
    }
}

fn addition(changes: &Changes, attribute: AttributeId) -> Option<&Value> {
    changes.iter().find_map(|(id, change)| match change {
        Change::Add(value) if *id == attribute => Some(value),
        _ => None,
    })
}

/// A value as SQL shows it, of whatever type.
fn plain(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Float(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown to people, beside a number of the same size")]
fn double(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => 0.0,
    }
}

fn calculated(left: &Value, right: &Value, whole: fn(i64, i64) -> i64, real: fn(f64, f64) -> f64) -> Value {
    match (left, right) {
        (Value::Null, other) => calculated(&zero(other), other, whole, real),
        (other, Value::Null) => other.clone(),
        (Value::Int(left), Value::Int(right)) => Value::Int(whole(*left, *right)),
        (left, right) => Value::Float(real(double(left), double(right))),
    }
}

/// Null counts as nothing.
fn zero(like: &Value) -> Value {
    if matches!(like, Value::Float(_)) { Value::Float(0.0) } else { Value::Int(0) }
}

fn plus(left: &Value, right: &Value) -> Value {
    calculated(left, right, i64::saturating_add, |left, right| left + right)
}

fn minus(left: &Value, right: &Value) -> Value {
    calculated(left, right, i64::saturating_sub, |left, right| left - right)
}

fn magnitude(value: &Value) -> Value {
    match value {
        Value::Int(number) => Value::Int(number.saturating_abs()),
        Value::Float(number) => Value::Float(number.abs()),
        other => other.clone(),
    }
}

/// How far a number may go towards its bound; nothing, if it is beyond.
fn room(before: &Value, bound: &Value, delta: &Value) -> Value {
    let falling = double(delta) < 0.0;
    let room = if falling { minus(before, bound) } else { minus(bound, before) };
    if double(&room) < 0.0 { zero(&room) } else { room }
}

/// "UNIQUE constraint failed: Product.id"
fn is_key(table: &Table, message: &str) -> bool {
    message.ends_with(&format!(": {}.{}", table.name, table.key().name))
}

/// "cannot store REAL value in INTEGER column Product.stock"
fn overflowing(table: &Table, message: &str) -> Option<AttributeId> {
    let column = message.rsplit('.').next()?;
    table.attribute_named(column)
}
