//! A [`Write`] → the statements that carry it out, in order, decided without looking at any row: the same list runs on
//! the local connection and, as one batch, on a primary.

use super::filter;
use super::merge;
use super::steer::Steer;
use super::text::Text;
use crate::catalog::{Catalog, Same};
use crate::commit::{Precondition, Tags, Write, WriteKind};
use crate::expiry;
use crate::ident::{REVISION, quoted};
use crate::row::Row;
use std::borrow::Cow;
use stoa_schema::model::{AttributeId, Kind, Stamp, Table, TableId};
use stoa_schema::query::Filter;
use stoa_schema::time::Instant;
use stoa_schema::value::{Change, Changes, Value, push_json};

/// A statement with its parameters.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its text.
    pub sql: Cow<'a, str>,
    /// Its parameters.
    pub params: Vec<Value>,
    /// What is wanted of it.
    pub wanted: Wanted,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It fails with `stoa:precondition` if the precondition does not hold.
    Assertion,
    /// Whether it returns a row tells whether the record was there before.
    Existence,
    /// It stores exactly the values of its parameters. Where others are computed, it returns as [`Wanted::Record`] does.
    Insert,
    /// The same, or it changes nothing.
    InsertMissing,
    /// It returns the revision and the columns of the record as stored; no row: there is no such record.
    Record,
    /// It stores a record, or no row changed: the record is there exactly so.
    Change,
    /// As [`Wanted::Record`], but no row means that the next step is for the record.
    Update,
    /// It returns the record that it inserts, unless a step before it returned one.
    InsertElse,
    /// It deletes what has expired, if that stands in the way.
    Clearing,
    /// It deletes one record; no row changed: there is no such record.
    Delete,
    /// The number of rows it changes.
    Count,
}

/// The moment of a commit.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The revision that it gives to what it writes, in microseconds since 1970.
    pub revision: i64,
    /// Its time, for stamps.
    pub at: Instant,
}

/// The steps of a write.
pub fn steps<'a>(catalog: &'a Catalog, write: &Write, moment: Moment) -> Vec<Step<'a>> {
    let mut steps = Vec::with_capacity(2);
    let statements = catalog.statements(write.table);
    let table = catalog.table(write.table);
    let step = |sql: Cow<'a, str>, params, wanted| Step { sql, params, wanted };
    if let Some(id) = subject(table, &write.kind) {
        let clear = statements.clear.as_deref();
        steps.extend(clear.map(|sql| step(sql.into(), vec![id.clone()], Wanted::Clearing)));
        steps.extend(assertions(table, id, &write.precondition));
    }
    match &write.kind {
        WriteKind::Insert(record) => {
            steps.push(step((&statements.insert).into(), stamped(table, record, moment), Wanted::Insert));
        }
        WriteKind::InsertMissing(record) => {
            let sql = (&statements.insert_missing).into();
            steps.push(step(sql, stamped(table, record, moment), Wanted::InsertMissing));
        }
        WriteKind::Put(record) => {
            let id = record[table.key.0].clone();
            steps.push(step((&statements.revision).into(), vec![id], Wanted::Existence));
            steps.push(step((&statements.put).into(), stamped(table, record, moment), Wanted::Record));
        }
        WriteKind::PutChanged(record) => {
            let id = record[table.key.0].clone();
            steps.push(step((&statements.revision).into(), vec![id], Wanted::Existence));
            steps.push(step((&statements.put_changed).into(), stamped(table, record, moment), Wanted::Change));
        }
        WriteKind::Merge { record, changes } => merge_steps(catalog, write.table, record, changes, moment, &mut steps),
        WriteKind::Patch { id, changes } => {
            let mut text = update(table, changes, moment);
            text.push(&format!(" WHERE {}=", quoted(&table.key().name)));
            text.param(id.clone());
            // Its time may have come since the step before.
            if let Some(visible) = expiry::visible(table, Row::Bare) {
                text.push(&format!(" AND {visible}"));
            }
            text.push(&statements.returning);
            steps.push(step(text.sql.into(), text.params, Wanted::Record));
        }
        WriteKind::Delete { id } => steps.push(step((&statements.delete).into(), vec![id.clone()], Wanted::Delete)),
        WriteKind::PatchMatching { filter, changes } => {
            let mut text = update(table, changes, moment);
            matching(&mut text, catalog, write.table, filter);
            steps.push(step(text.sql.into(), text.params, Wanted::Count));
        }
        WriteKind::DeleteMatching { filter } => {
            let mut text = Text::default();
            text.push(&format!("DELETE FROM {}", quoted(&table.name)));
            matching(&mut text, catalog, write.table, filter);
            steps.push(step(text.sql.into(), text.params, Wanted::Count));
        }
    }
    steps
}

/// The id of the record that a write is about, if it is about one.
pub fn subject<'w>(table: &Table, kind: &'w WriteKind) -> Option<&'w Value> {
    match kind {
        WriteKind::Insert(record)
        | WriteKind::InsertMissing(record)
        | WriteKind::Put(record)
        | WriteKind::PutChanged(record) => Some(&record[table.key.0]),
        WriteKind::Patch { id, .. } | WriteKind::Delete { id } => Some(id),
        WriteKind::Merge { .. } | WriteKind::PatchMatching { .. } | WriteKind::DeleteMatching { .. } => None,
    }
}

/// Changes the record that is there; if there is none, inserts it.
fn merge_steps<'a>(
    catalog: &'a Catalog,
    table: TableId,
    record: &[Value],
    changes: &Changes,
    moment: Moment,
    steps: &mut Vec<Step<'a>>,
) {
    let declared = catalog.table(table);
    let statements = catalog.statements(table);
    let (name, key) = (quoted(&declared.name), quoted(&declared.key().name));
    let same = SameRecord { table: declared, uniques: &statements.same, record };
    if let Some(clear) = expiry::delete_expired(declared, &format!("{key}=")) {
        let mut text = Text::default();
        text.push(&clear);
        same.push_key(&mut text);
        steps.push(Step { sql: text.sql.into(), params: text.params, wanted: Wanted::Clearing });
    }
    let mut text = update(declared, changes, moment);
    text.push(&format!(" WHERE {key}="));
    same.push_key(&mut text);
    text.push(&statements.returning);
    steps.push(Step { sql: text.sql.into(), params: text.params, wanted: Wanted::Update });
    let mut text = Text::default();
    let (stored, values) = (declared.stored(), stamped(declared, record, moment));
    let names: Vec<String> =
        stored.iter().map(|id| quoted(&declared.attribute(*id).name)).chain([REVISION.into()]).collect();
    text.push(&format!("INSERT INTO {name}({}) SELECT ", names.join(",")));
    let ids = stored.into_iter().map(Some).chain([None]);
    for (at, (id, value)) in ids.zip(values).enumerate() {
        text.push(if at > 0 { "," } else { "" });
        match id {
            Some(id) => push_stored(&mut text, declared, id, value),
            None => text.param(value),
        }
    }
    text.push(" WHERE ");
    same.push_key(&mut text);
    text.push(&format!(" IS NULL{}", statements.returning));
    steps.push(Step { sql: text.sql.into(), params: text.params, wanted: Wanted::InsertElse });
}

/// The record that a merge is about: the one with its id, else the first that has its values where they are unique.
struct SameRecord<'a> {
    table: &'a Table,
    uniques: &'a [Same],
    record: &'a [Value],
}

impl SameRecord<'_> {
    /// Writes the key of that record, null if there is none.
    fn push_key(&self, text: &mut Text) {
        let table = self.table;
        let (name, key) = (quoted(&table.name), quoted(&table.key().name));
        text.push(&format!("coalesce((SELECT {key} FROM {name} WHERE {key}="));
        text.param(self.record[table.key.0].clone());
        text.push(")");
        for unique in self.uniques {
            text.push(&format!(",(SELECT u.{key} FROM {name} AS u CROSS JOIN (SELECT "));
            for (at, id) in unique.reads.iter().enumerate() {
                text.push(if at > 0 { "," } else { "" });
                text.param(self.record[id.0].clone());
                text.push(&format!(" AS {}", quoted(&table.attribute(*id).name)));
            }
            text.push(&format!(") AS t WHERE {} LIMIT 1)", unique.condition));
        }
        text.push(",NULL)");
    }
}

/// All matches are found before the first is changed.
fn matching(text: &mut Text, catalog: &Catalog, table: TableId, filter: &Filter) {
    let (name, key) = (quoted(&catalog.table(table).name), quoted(&catalog.table(table).key().name));
    let alias = text.alias();
    text.push(&format!(" WHERE {key} IN (SELECT {alias}.{key} FROM {name} AS {alias} WHERE "));
    filter::push(text, &catalog.schema, table, &alias, filter, Steer::Free);
    filter::push_visible(text, catalog.table(table), &alias);
    text.push(")");
}

fn assertions(table: &Table, id: &Value, precondition: &Precondition) -> Vec<Step<'static>> {
    let assert = |not: &str, tags: &Tags| {
        let mut text = Text::default();
        text.push(&format!(
            "INSERT INTO _assert SELECT {not} EXISTS(SELECT 1 FROM {} WHERE {}=",
            quoted(&table.name),
            quoted(&table.key().name)
        ));
        text.param(id.clone());
        if let Tags::Revisions(revisions) = tags {
            text.push(&format!(" AND {REVISION} IN ("));
            for (at, revision) in revisions.iter().enumerate() {
                text.push(if at > 0 { "," } else { "" });
                text.param(Value::Int(*revision));
            }
            text.push(")");
        }
        text.push(")");
        Step { sql: text.sql.into(), params: text.params, wanted: Wanted::Assertion }
    };
    let matches = precondition.matches.as_ref().map(|tags| assert("", tags));
    let none_matches = precondition.none_matches.as_ref().map(|tags| assert("NOT", tags));
    matches.into_iter().chain(none_matches).collect()
}

/// The values of a record with its time stamps and without what is computed, then its revision.
fn stamped(table: &Table, record: &[Value], moment: Moment) -> Vec<Value> {
    let mut values = Vec::with_capacity(record.len() + 1);
    let given = record.iter().zip(&table.attributes).filter(|(_, attribute)| attribute.computed.is_none());
    values.extend(given.map(|(value, attribute)| match attribute.stamp {
        Some(_) => stamp(&attribute.kind, moment.at),
        None => value.clone(),
    }));
    values.push(Value::Int(moment.revision));
    values
}

fn stamp(kind: &Kind, at: Instant) -> Value {
    match kind {
        Kind::Long | Kind::Int => Value::Int(at.millis()),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of the years 0 to 9999 are below 2^53")]
        Kind::Float => Value::Float(at.millis() as f64),
        _ => Value::Text(at.stored()),
    }
}

/// `UPDATE … SET …` without its condition.
fn update(table: &Table, changes: &Changes, moment: Moment) -> Text {
    let mut text = Text::default();
    text.push(&format!("UPDATE {} SET {REVISION}=max({REVISION}+1,", quoted(&table.name)));
    text.param(Value::Int(moment.revision));
    text.push(")");
    for (id, change) in changes.iter().filter(|(id, _)| *id != table.key) {
        let column = quoted(&table.attribute(*id).name);
        text.push(&format!(",{column}="));
        match change {
            Change::Set(value) => push_stored(&mut text, table, *id, value.clone()),
            other => assign(&mut text, &column, other),
        }
    }
    for attribute in table.attributes.iter().filter(|attribute| attribute.stamp == Some(Stamp::Updated)) {
        text.push(&format!(",{}=", quoted(&attribute.name)));
        text.param(stamp(&attribute.kind, moment.at));
    }
    text
}

/// Writes a value that an attribute is given, as it is stored.
fn push_stored(text: &mut Text, table: &Table, id: AttributeId, value: Value) {
    text.param(value);
    let place = format!("?{}", text.params.len());
    if let Some(bounded) = expiry::lifetime(table, id, &place) {
        text.sql.truncate(text.sql.len() - place.len());
        text.push(&bounded);
    }
}

/// The new value of a column.
fn assign(text: &mut Text, column: &str, change: &Change) {
    match change {
        Change::Set(value) => text.param(value.clone()),
        Change::Add(value) => {
            text.push(&format!("coalesce({column},0)+"));
            text.param(value.clone());
        }
        Change::Include(value) => {
            let element = compared(column, value);
            text.push(&format!("CASE WHEN EXISTS(SELECT 1 FROM json_each({column}) AS e WHERE {element} IS "));
            text.param(value.clone());
            text.push(&format!(") THEN {column} ELSE json_insert(coalesce({column},'[]'),'$[#]',json("));
            text.param(Value::Text(json(value)));
            text.push(")) END");
        }
        // `->` keeps the text of each element: a number that passed through SQL would lose digits.
        Change::Exclude(value) => {
            text.push(&format!(
                "CASE WHEN {column} IS NULL THEN NULL ELSE (SELECT json_group_array(json(k.element)) FROM \
                 (SELECT {column} -> e.fullkey AS element FROM json_each({column}) AS e WHERE {} IS NOT ",
                compared(column, value)
            ));
            text.param(value.clone());
            text.push(") AS k) END");
        }
        Change::Merge(members) => merge::push(text, column, members),
    }
}

/// What of an element is compared with a value: nested values and those of any type are equal if their JSON is.
fn compared(column: &str, value: &Value) -> String {
    match value {
        Value::Json(_) => format!("({column} -> e.fullkey)"),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_) => "e.value".into(),
    }
}

fn json(value: &Value) -> String {
    let mut text = String::new();
    push_json(value, &mut text);
    text
}
