//! What the change log says happened between two positions: of each record the state before and the state after.

use super::file;
use super::reader::{ReadError, Reader};
use crate::catalog::Catalog;
use crate::{image, limits};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::HashMap;
use std::sync::Arc;
use stoa_schema::model::{Table, TableId};
use stoa_schema::value::Value;

/// A record as it was at one position.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its revision; 0 for a state that the log holds only in part.
    pub revision: i64,
    /// Its values, in the order of the attributes.
    pub values: Arc<[Value]>,
}

/// A record that is not what it was.
#[derive(Clone, Debug)]
pub struct Altered {
    /// Its table.
    pub table: TableId,
    /// Its primary key.
    pub id: Value,
    /// What it was; `None` if there was none.
    pub before: Option<State>,
    /// What it is; `None` if there is none any more.
    pub after: Option<State>,
    /// Whether it was deleted in between and made again.
    pub made_again: bool,
    /// The position of its last change.
    pub seq: u64,
    /// When that was, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Why what happened cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// It is more than is told change by change, or than the log still holds.
    #[error("too much has changed to be told change by change")]
    TooMuch,
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<rusqlite::Error> for FollowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error.into())
    }
}

/// Which changes somebody wants to hear of.
pub trait Interest {
    /// Which ones of a table.
    fn of(&self, table: TableId) -> Interesting<'_>;

    /// Whether changes of records are wanted whose attribute, by its position, has this value before or after.
    fn is_wanted(&self, table: TableId, attribute: usize, value: &Value) -> bool;
}

/// Which changes of a table somebody wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interesting<'a> {
    /// None.
    Nothing,
    /// All.
    All,
    /// Those of records that have wanted values in these attributes, by their positions.
    By(&'a [usize]),
}

/// A primary key, as it can be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Of an `Int` or `Long`.
    Int(i64),
    /// Of a text, or the JSON of several parts.
    Text(Box<str>),
}

impl Key {
    /// The key that a value is.
    pub fn of(id: &Value) -> Self {
        match id {
            Value::Int(number) => Self::Int(*number),
            Value::Text(text) | Value::List(text) | Value::Json(text) => Self::Text(text.as_str().into()),
            Value::Null | Value::Bool(_) | Value::Float(_) | Value::Bytes(_) => Self::Text("".into()),
        }
    }
}

/// The records that changed between two positions, in the order of their last changes.
#[derive(Debug, Default)]
pub struct Alterations {
    all: Vec<Altered>,
    places: HashMap<(TableId, Key), usize>,
}

impl Alterations {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Altered> {
        self.all.iter()
    }

    /// Those of one table.
    pub fn of(&self, table: TableId) -> impl Iterator<Item = &Altered> {
        self.all.iter().filter(move |altered| altered.table == table)
    }

    /// The one with this key, if it changed.
    pub fn record(&self, table: TableId, id: &Value) -> Option<&Altered> {
        self.places.get(&(table, Key::of(id))).map(|at| &self.all[*at])
    }

    /// Puts those that are as they were out, and the others into the order of their last changes.
    fn settle(&mut self) {
        self.all.retain(|altered| altered.before.is_some() || altered.after.is_some());
        self.all.sort_unstable_by_key(|altered| altered.seq);
        let key = |(at, altered): (usize, &Altered)| ((altered.table, Key::of(&altered.id)), at);
        self.places = self.all.iter().enumerate().map(key).collect();
    }
}

/// What one commit, or several together, added to the change log: it can be read already, but nobody has been answered
/// ([`super::Store::set_witness`]).
pub struct Step<'a> {
    connection: &'a Connection,
    from: u64,
    to: u64,
}

impl<'a> Step<'a> {
    pub(super) fn new(connection: &'a Connection, from: u64, to: u64) -> Self {
        Self { connection, from, to }
    }

    /// What changed, as far as it is of interest, and perhaps more.
    ///
    /// # Errors
    /// It is too much, or libSQL failed.
    pub fn alterations(&self, catalog: &Catalog, interest: &dyn Interest) -> Result<Alterations, FollowError> {
        alterations(self.connection, catalog, self.from, self.to, interest)
    }

    /// The tables in which something changed.
    ///
    /// # Errors
    /// libSQL failed.
    pub fn altered_tables(&self, catalog: &Catalog) -> Result<Vec<TableId>, ReadError> {
        altered_tables(self.connection, catalog, self.from, self.to)
    }
}

impl Reader {
    /// The position of the change log that this snapshot includes.
    ///
    /// # Errors
    /// libSQL failed.
    pub fn position(&self) -> Result<u64, ReadError> {
        let mut statement = self.connection().prepare_cached("SELECT coalesce(max(seq),0) FROM _changes")?;
        let seq: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(seq.unsigned_abs())
    }

    /// The oldest position of the log that one can go on from: what came after it is all there.
    ///
    /// # Errors
    /// libSQL failed.
    pub fn log_begins(&self) -> Result<u64, ReadError> {
        Ok(log_begins(self.connection())?)
    }

    /// The position up to which nobody can go on, although the log is there: the tables had another shape.
    ///
    /// # Errors
    /// libSQL failed.
    pub fn shaped_at(&self) -> Result<Option<u64>, ReadError> {
        Ok(file::meta(self.connection(), file::SHAPED_AT)?.and_then(|position| position.parse().ok()))
    }

    /// The tables in which something happened after `from`, up to `to`; all, where the log does not say it any more.
    ///
    /// # Errors
    /// libSQL failed.
    pub fn altered_tables(&self, catalog: &Catalog, from: u64, to: u64) -> Result<Vec<TableId>, ReadError> {
        altered_tables(self.connection(), catalog, from, to)
    }

    /// What happened after `from`, up to `to`, as far as it is of interest, and perhaps more.
    ///
    /// # Errors
    /// It is too much, some of it has gone from the log, or libSQL failed.
    pub fn alterations(
        &self,
        catalog: &Catalog,
        from: u64,
        to: u64,
        interest: &dyn Interest,
    ) -> Result<Alterations, FollowError> {
        alterations(self.connection(), catalog, from, to, interest)
    }
}

fn log_begins(connection: &Connection) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("SELECT coalesce(min(seq)-1,0) FROM _changes")?;
    let position: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(position.unsigned_abs())
}

fn altered_tables(connection: &Connection, catalog: &Catalog, from: u64, to: u64) -> Result<Vec<TableId>, ReadError> {
    if from < log_begins(connection)? {
        return Ok((0..catalog.schema.tables.len()).map(TableId).collect());
    }
    const SQL: &str = "SELECT DISTINCT tbl FROM _changes WHERE seq>?1 AND seq<=?2";
    let mut statement = connection.prepare_cached(SQL)?;
    let names = statement.query_map([from.cast_signed(), to.cast_signed()], |row| row.get::<_, String>(0))?;
    let names: Vec<String> = names.collect::<Result<_, _>>()?;
    Ok(names.iter().filter_map(|name| catalog.schema.named(name)).collect())
}

fn alterations(
    connection: &Connection,
    catalog: &Catalog,
    from: u64,
    to: u64,
    interest: &dyn Interest,
) -> Result<Alterations, FollowError> {
    if from < log_begins(connection)? {
        return Err(FollowError::TooMuch);
    }
    const SQL: &str = "SELECT tbl,id,op,rev,at,seq,after,before FROM _changes WHERE seq>?1 AND seq<=?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query([from.cast_signed(), to.cast_signed()])?;
    let mut found = Alterations::default();
    let (mut last, mut bytes): (Option<(String, Option<TableId>)>, usize) = (None, 0);
    while let Some(row) = rows.next()? {
        let name = text(row, 0)?;
        let table = match &last {
            Some((known, table)) if known == name => *table,
            _ => {
                let table = catalog.schema.named(name).filter(|table| interest.of(*table) != Interesting::Nothing);
                last = Some((name.to_owned(), table));
                table
            }
        };
        let Some(id) = table else { continue };
        if !found.concerns(catalog.table(id), id, row, interest)? {
            continue;
        }
        found.take(catalog.table(id), id, row)?;
        bytes += text(row, 6).map_or(0, str::len) + text(row, 7).map_or(0, str::len);
        if found.all.len() > limits::TOLD_CHANGES || bytes > limits::TOLD_BYTES {
            return Err(FollowError::TooMuch);
        }
    }
    found.settle();
    Ok(found)
}

/// A text of a row, where it lies.
fn text<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)
}

impl Alterations {
    /// Whether a row of the log is of interest. What a record has before a change stands in one of both images; and once a
    /// record is of interest, so is the rest of what happens to it.
    fn concerns(
        &self,
        table: &Table,
        table_id: TableId,
        row: &rusqlite::Row<'_>,
        interest: &dyn Interest,
    ) -> rusqlite::Result<bool> {
        let Interesting::By(attributes) = interest.of(table_id) else { return Ok(true) };
        let is_one = |attribute: usize, value: &Value| interest.is_wanted(table_id, attribute, value);
        let id = key(table, row.get_ref(1)?);
        if attributes.contains(&table.key.0) && is_one(table.key.0, &id) {
            return Ok(true);
        }
        let others = |at: &&usize| **at != table.key.0;
        let holds = |column: usize| {
            let image = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
            Ok::<_, rusqlite::Error>(image.is_some_and(|image| image::some(table, image, attributes, &is_one)))
        };
        if attributes.iter().any(|at| others(&at)) && (holds(6)? || holds(7)?) {
            return Ok(true);
        }
        Ok(self.places.contains_key(&(table_id, Key::of(&id))))
    }

    /// Adds a row of the log.
    fn take(&mut self, table: &Table, table_id: TableId, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        let id = key(table, row.get_ref(1)?);
        let operation: i64 = row.get(2)?;
        let image = |column: usize| Ok::<_, rusqlite::Error>(image::read(table, text(row, column)?));
        let after = match operation {
            1 | 2 => {
                let values = image(6)?.into_iter().map(Option::unwrap_or_default).collect();
                Some(State { revision: row.get(3)?, values })
            }
            _ => None,
        };
        let (seq, at_ms) = (row.get::<_, i64>(5)?.unsigned_abs(), row.get(4)?);
        let place = (table_id, Key::of(&id));
        if let Some(at) = self.places.get(&place) {
            let known = &mut self.all[*at];
            known.made_again |= known.after.is_none() && after.is_some();
            (known.after, known.seq, known.at_ms) = (after, seq, at_ms);
            return Ok(());
        }
        let before = match (operation, &after) {
            (1, _) => None,
            (2, Some(after)) => Some(restored(&after.values, image(7)?)),
            _ => Some(restored(&vec![Value::Null; table.attributes.len()], image(7)?)),
        };
        self.places.insert(place, self.all.len());
        self.all.push(Altered { table: table_id, id, before, after, made_again: false, seq, at_ms });
        Ok(())
    }
}

/// What a record was: what it is, but for what it held in the attributes that changed.
fn restored(after: &[Value], held: Vec<Option<Value>>) -> State {
    let values = held.into_iter().zip(after).map(|(held, after)| held.unwrap_or_else(|| after.clone()));
    State { revision: 0, values: values.collect() }
}

fn key(table: &Table, stored: ValueRef<'_>) -> Value {
    super::value::owned(table.key(), stored)
}
