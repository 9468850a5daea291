//! What became of writes that carried an idempotency key, kept in the transaction of their effect.

use crate::commit::{Commit, Outcome, RequestKey, WriteKind};
use crate::image;
use crate::limits;
use crate::sql::Moment;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use stoa_schema::model::{AttributeId, Table};
use stoa_schema::value::Value;

/// What is known of a key.
pub(super) enum Kept {
    /// It is new, or forgotten.
    Nothing,
    /// Another request used it.
    Another,
    /// The same request did this.
    Outcomes(Vec<Outcome>),
}

/// Looks a key up.
pub(super) fn kept(
    connection: &Connection,
    commit: &Commit,
    request: &RequestKey,
    moment: Moment,
) -> rusqlite::Result<Kept> {
    let sql = "SELECT fingerprint,outcomes FROM _requests WHERE key=?1 AND at>?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found: Option<(String, String)> =
        statement.query_row(params![request.key, oldest(moment)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((fingerprint, outcomes)) = found else { return Ok(Kept::Nothing) };
    if fingerprint != request.fingerprint {
        return Ok(Kept::Another);
    }
    read(commit, &outcomes).map(Kept::Outcomes)
}

/// Reads the outcomes that are kept of a commit.
pub(super) fn read(commit: &Commit, outcomes: &str) -> rusqlite::Result<Vec<Outcome>> {
    let damaged = |error: serde_json::Error| rusqlite::Error::InvalidParameterName(format!("_requests: {error}"));
    let stored: Vec<Line> = serde_json::from_str(outcomes).map_err(damaged)?;
    let lines = stored.into_iter().zip(&commit.writes);
    Ok(lines.map(|(line, write)| line.outcome(commit.catalog.table(write.table), &write.kind)).collect())
}

/// Keeps what a request did, and forgets some of those whose time has passed.
pub(super) fn keep(
    connection: &Connection,
    commit: &Commit,
    request: &RequestKey,
    outcomes: &[Outcome],
    moment: Moment,
) -> rusqlite::Result<()> {
    let forget =
        "DELETE FROM _requests WHERE key IN (SELECT key FROM _requests WHERE at<=?1 ORDER BY at LIMIT ?2) OR key=?3";
    connection.prepare_cached(forget)?.execute(params![oldest(moment), limits::REQUESTS_FORGOTTEN, request.key])?;
    let tables = commit.writes.iter().map(|write| commit.catalog.table(write.table));
    let stored: Vec<Stored> = outcomes.iter().zip(tables).map(|(outcome, table)| Stored::of(outcome, table)).collect();
    let text =
        serde_json::to_string(&stored).map_err(|error| rusqlite::Error::InvalidParameterName(error.to_string()))?;
    let insert = "INSERT INTO _requests(key,fingerprint,at,outcomes) VALUES(?1,?2,?3,?4)";
    let at = moment.at.millis();
    connection.prepare_cached(insert)?.execute(params![request.key, request.fingerprint, at, text]).map(|_| ())
}

/// Before this nothing is kept.
pub(super) fn oldest(moment: Moment) -> i64 {
    let kept = i64::try_from(limits::REQUESTS_KEPT.as_millis()).unwrap_or(i64::MAX);
    moment.at.millis().saturating_sub(kept)
}

/// What is kept of one write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Told(Stored),
    Logged(Logged),
}

impl Line {
    fn outcome(self, table: &Table, kind: &WriteKind) -> Outcome {
        match self {
            Self::Told(stored) => stored.outcome(table),
            Self::Logged(logged) => logged.outcome(table, kind),
        }
    }
}

/// What a write did whose steps ran where nobody could look at them: how many rows it wrote, and what the change log says of
/// the last one: operation, revision, and the record after it, if that is to be shown.
#[derive(Debug, Deserialize)]
pub(super) struct Logged(pub(super) u64, pub(super) Option<i64>, pub(super) Option<i64>, pub(super) Option<String>);

impl Logged {
    pub(super) fn outcome(self, table: &Table, kind: &WriteKind) -> Outcome {
        let Self(rows, operation, revision, after) = self;
        let created = operation == Some(1);
        match kind {
            WriteKind::Delete { .. } => Outcome::Deleted,
            WriteKind::PatchMatching { .. } | WriteKind::DeleteMatching { .. } => Outcome::Counted(rows),
            WriteKind::InsertMissing(_) | WriteKind::PutChanged(_) if rows == 0 => Outcome::Kept,
            WriteKind::PutChanged(_) => Outcome::Written { created },
            WriteKind::Insert(_)
            | WriteKind::InsertMissing(_)
            | WriteKind::Put(_)
            | WriteKind::Merge { .. }
            | WriteKind::Patch { .. } => match (revision, after) {
                (Some(revision), Some(image)) => {
                    let record = image::read(table, &image).into_iter().map(Option::unwrap_or_default).collect();
                    Outcome::Stored { revision, record, created }
                }
                _ => Outcome::Written { created },
            },
        }
    }
}

/// An outcome as it is kept. Values stand under the names of their attributes: the schema may change meanwhile.
#[derive(Serialize, Deserialize)]
enum Stored {
    Record { revision: i64, created: bool, values: Vec<(String, StoredValue)> },
    Kept,
    Deleted,
    Counted(u64),
}

#[derive(Serialize, Deserialize)]
enum StoredValue {
    Null,
    Bool(bool),
    Int(i64),
    /// The bits of a double.
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    List(String),
    Json(String),
}

impl Stored {
    fn of(outcome: &Outcome, table: &Table) -> Self {
        match outcome {
            Outcome::Stored { revision, record, created } => {
                let names = table.attributes.iter().map(|attribute| attribute.name.clone());
                let values = names.zip(record.iter().map(StoredValue::of)).collect();
                Self::Record { revision: *revision, created: *created, values }
            }
            // Only independent writes are refused one by one or not shown, and those have no key.
            Outcome::Kept | Outcome::Written { .. } | Outcome::Refused(_) => Self::Kept,
            Outcome::Deleted => Self::Deleted,
            Outcome::Counted(count) => Self::Counted(*count),
        }
    }

    fn outcome(self, table: &Table) -> Outcome {
        match self {
            Self::Kept => Outcome::Kept,
            Self::Deleted => Outcome::Deleted,
            Self::Counted(count) => Outcome::Counted(count),
            Self::Record { revision, created, values } => {
                let mut record = vec![Value::Null; table.attributes.len()];
                for (name, value) in values {
                    let at = table.attributes.iter().position(|attribute| attribute.name == name).map(AttributeId);
                    if let Some(at) = at {
                        record[at.0] = value.value();
                    }
                }
                Outcome::Stored { revision, record, created }
            }
        }
    }
}

impl StoredValue {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Float(number.to_bits()),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Value::List(text) => Self::List(text.clone()),
            Value::Json(text) => Self::Json(text.clone()),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::Int(number),
            Self::Float(bits) => Value::Float(f64::from_bits(bits)),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::List(text) => Value::List(text),
            Self::Json(text) => Value::Json(text),
        }
    }
}
