//! Bodies → commits: records are read as the table declares them, ids are made where none is given.

use super::input::{self, Body, BodyError, Records};
use std::sync::Arc;
use stoa_schema::limits::RECORD_BYTES;
use stoa_schema::model::{AttributeId, Kind, Table, TableId};
use stoa_schema::query::Filter;
use stoa_schema::time::Instant;
use stoa_schema::value::{Change, Changes, Merge, Record, Value, Violation, read_changes};
use stoa_sync::Catalog;
use stoa_sync::commit::{Commit, Precondition, Write, WriteKind};
use uuid::Uuid;

/// A body of a collection: one record or several.
#[derive(Clone, Debug)]
pub enum Posted {
    /// One record.
    One(Vec<Write>),
    /// An array, or lines.
    Many(Vec<Write>),
}

/// How the records of a collection's body are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// `POST`: each is new; an id is made where none is given.
    Insert,
    /// `PUT`: each is stored under its id.
    Put,
    /// Each is stored under its id, unless it is there exactly so.
    PutChanged,
}

/// Reads the body of `POST /T/` and `PUT /T/`.
///
/// # Errors
/// It is not in its format, or not records of the table.
pub fn collection(catalog: &Catalog, table: TableId, body: &Body, intent: Intent) -> Result<Posted, BodyError> {
    let declared = catalog.table(table);
    let write = |record: Record| intended(catalog, table, record, intent);
    match input::records(declared, body)? {
        Records::One(record) => Ok(Posted::One(vec![write(identified_by(declared, record, intent)?)])),
        Records::Many(records) => all(records, |record| identified_by(declared, record, intent).map(write)),
    }
}

/// Reads the body of `POST /T/` whose records are merged into those that are there.
///
/// # Errors
/// It is not in its format, or not records of the table, or has a record on each line.
pub fn merging(catalog: &Catalog, table: TableId, body: &Body) -> Result<Posted, BodyError> {
    let declared = catalog.table(table);
    match input::merges(declared, body)? {
        Records::One(merge) => Ok(Posted::One(vec![merged(declared, table, merge)?])),
        Records::Many(merges) => all(merges, |merge| merged(declared, table, merge)),
    }
}

fn merged(declared: &Table, table: TableId, Merge { record, changes }: Merge) -> Result<Write, BodyError> {
    let record = identified(declared, complete(identified_by(declared, record, Intent::Insert)?));
    let unmatched = unmatched(declared, given(&changes));
    Ok(Write { unmatched, ..Write::new(table, WriteKind::Merge { record, changes }) })
}

/// The writes of many records, or everything that is wrong with all of them.
fn all<T>(
    records: Vec<Result<T, BodyError>>,
    write: impl Fn(T) -> Result<Write, BodyError>,
) -> Result<Posted, BodyError> {
    let (mut writes, mut violations, mut index) = (Vec::with_capacity(records.len()), Vec::new(), None);
    for (at, record) in records.into_iter().enumerate() {
        match record.and_then(&write) {
            Ok(write) => writes.push(write),
            Err(BodyError::Invalid { violations: found, .. }) => {
                index.get_or_insert(at);
                violations.extend(found.into_iter().map(|violation| within(violation, at)));
            }
            Err(BodyError::TooLarge { .. }) => return Err(BodyError::TooLarge { index: Some(at) }),
            Err(syntax @ BodyError::Syntax { .. }) => return Err(syntax),
        }
    }
    if violations.is_empty() { Ok(Posted::Many(writes)) } else { Err(BodyError::Invalid { violations, index }) }
}

/// The write of one record of many.
///
/// # Errors
/// It has not the id that it needs.
pub fn one(catalog: &Catalog, table: TableId, record: Record, intent: Intent) -> Result<Write, BodyError> {
    let record = identified_by(catalog.table(table), record, intent)?;
    Ok(intended(catalog, table, record, intent))
}

fn intended(catalog: &Catalog, table: TableId, record: Record, intent: Intent) -> Write {
    let kind = match intent {
        Intent::Insert => return new_record(catalog, table, record, WriteKind::Insert),
        Intent::Put => WriteKind::Put,
        Intent::PutChanged => WriteKind::PutChanged,
    };
    whole(catalog.table(table), table, kind, complete(record))
}

/// The record, if it has the id that it needs: a key of several parts is never made.
fn identified_by(table: &Table, record: Record, intent: Intent) -> Result<Record, BodyError> {
    let needs_id = intent != Intent::Insert || table.key().list;
    if needs_id && matches!(record[table.key.0], None | Some(Value::Null)) {
        return Err(BodyError::Invalid { violations: vec![Violation::required(table.key())], index: None });
    }
    Ok(record)
}

/// The same violation, seen from the whole body.
fn within(mut violation: Violation, at: usize) -> Violation {
    violation.pointer = format!("/{at}{}", violation.pointer);
    violation
}

/// The write of a new record, which gets an id if it has none.
pub fn new_record(catalog: &Catalog, table: TableId, record: Record, kind: fn(Vec<Value>) -> WriteKind) -> Write {
    let declared = catalog.table(table);
    whole(declared, table, kind, identified(declared, complete(record)))
}

/// The write of a whole record.
fn whole(declared: &Table, table: TableId, kind: fn(Vec<Value>) -> WriteKind, values: Vec<Value>) -> Write {
    let given = values.iter().enumerate().map(|(at, value)| (AttributeId(at), value));
    let unmatched = unmatched(declared, given);
    Write { unmatched, ..Write::new(table, kind(values)) }
}

/// The attributes whose new text does not match their `@check(pattern:)`.
fn unmatched<'v>(table: &Table, values: impl Iterator<Item = (AttributeId, &'v Value)>) -> Vec<AttributeId> {
    let fails = |(id, value): (AttributeId, &Value)| {
        let pattern = table.attribute(id).check.as_ref()?.pattern.as_ref()?;
        let mismatch = |text: &str| match Instant::parse_stored(text) {
            Some(instant) => !pattern.matches(&instant.shown()),
            None => !pattern.matches(text),
        };
        let fails = match value {
            Value::Text(text) => mismatch(text),
            Value::List(json) => {
                let elements: Vec<Option<String>> = serde_json::from_str(json).unwrap_or_default();
                elements.iter().flatten().any(|text| mismatch(text))
            }
            _ => false,
        };
        fails.then_some(id)
    };
    values.filter_map(fails).collect()
}

/// A record with an id: the given one, else a UUIDv7 (RFC 9562 §5.7), whose order is that of creation. An integer key is
/// chosen by the database; a key of several parts is always given.
fn identified(table: &Table, mut values: Vec<Value>) -> Vec<Value> {
    let key = &mut values[table.key.0];
    if *key == Value::Null && !table.key().list && matches!(table.key().kind, Kind::Id | Kind::String) {
        *key = Value::Text(Uuid::now_v7().to_string());
    }
    values
}

/// Reads the body of `PUT /T/id`.
///
/// # Errors
/// It is not in its format, or not a record of the table, or another's.
pub fn put(
    catalog: &Catalog,
    table: TableId,
    id: Value,
    body: &Body,
    precondition: Precondition,
) -> Result<Write, BodyError> {
    let declared = catalog.table(table);
    let mut record = input::record(declared, body)?;
    if let Some(violation) = Violation::of_id(declared.key(), &id) {
        return Err(BodyError::Invalid { violations: vec![violation], index: None });
    }
    same_id(declared, record[declared.key.0].as_ref(), &id)?;
    record[declared.key.0] = Some(id);
    Ok(Write { precondition, ..whole(declared, table, WriteKind::Put, complete(record)) })
}

/// Reads the body of `PATCH /T/id`.
///
/// # Errors
/// It is not JSON, or not changes of the table, or another record's.
pub fn patch(
    catalog: &Catalog,
    table: TableId,
    id: Value,
    body: &[u8],
    precondition: Precondition,
) -> Result<Write, BodyError> {
    let declared = catalog.table(table);
    let changes = changes(declared, body)?;
    for (attribute, change) in &changes {
        if let (true, Change::Set(value)) = (*attribute == declared.key, change) {
            same_id(declared, Some(value), &id)?;
        }
    }
    let unmatched = unmatched(declared, given(&changes));
    Ok(Write { precondition, unmatched, ..Write::new(table, WriteKind::Patch { id, changes }) })
}

/// Reads the body of `PATCH /T/?query`.
///
/// # Errors
/// It is not JSON, or not changes of the table, or changes the id.
pub fn patch_matching(catalog: &Catalog, table: TableId, filter: Filter, body: &[u8]) -> Result<Write, BodyError> {
    let declared = catalog.table(table);
    let changes = changes(declared, body)?;
    if changes.iter().any(|(attribute, _)| *attribute == declared.key) {
        return Err(BodyError::Invalid { violations: vec![Violation::common_key(declared.key())], index: None });
    }
    let unmatched = unmatched(declared, given(&changes));
    Ok(Write { unmatched, ..Write::new(table, WriteKind::PatchMatching { filter, changes }) })
}

/// The values that changes give to attributes.
fn given(changes: &Changes) -> impl Iterator<Item = (AttributeId, &Value)> {
    changes.iter().filter_map(|(id, change)| match change {
        Change::Set(value) | Change::Include(value) => Some((*id, value)),
        Change::Add(_) | Change::Exclude(_) | Change::Merge(_) => None,
    })
}

fn changes(table: &Table, body: &[u8]) -> Result<Changes, BodyError> {
    if body.len() > RECORD_BYTES {
        return Err(BodyError::TooLarge { index: None });
    }
    read_changes(table, input::text(body)?)?.map_err(|violations| BodyError::Invalid { violations, index: None })
}

fn same_id(table: &Table, given: Option<&Value>, id: &Value) -> Result<(), BodyError> {
    match given {
        Some(given) if *given != Value::Null && given != id => {
            Err(BodyError::Invalid { violations: vec![Violation::mismatch(table.key())], index: None })
        }
        _ => Ok(()),
    }
}

/// What the body left out is null.
fn complete(record: Record) -> Vec<Value> {
    record.into_iter().map(|value| value.unwrap_or(Value::Null)).collect()
}

/// A commit of these writes.
pub fn commit(catalog: &Arc<Catalog>, writes: Vec<Write>) -> Commit {
    Commit::new(Arc::clone(catalog), writes)
}
