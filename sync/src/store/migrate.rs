//! From what a file holds to another schema, in one transaction: killed at any moment, the file has the old shape or the
//! new one.

use super::file;
use crate::ddl::{self, ComputedRange, Conversion, MigrationError, Shape, Verification};
use crate::ident::{literal, quoted};
use crate::limits;
use rusqlite::Connection;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use stoa_schema::model::{Schema, UNDECLARED};

/// Why the tables were not brought to another schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It would lose data.
    #[error(transparent)]
    Refused(#[from] MigrationError),
    /// Stored rows break what the schema now asks.
    #[error(
        "{table}.{attribute} is now required, but {rows} stored records have no value there; give them one first, or drop the `!`"
    )]
    Required {
        /// The table.
        table: String,
        /// The attribute.
        attribute: String,
        /// How many.
        rows: u64,
    },
    /// Stored rows hold undeclared attributes in a table that is no longer open.
    #[error(
        "{table} is no longer @open, but {rows} stored records have undeclared attributes; PATCH them to null first, or put @open back"
    )]
    Sealed {
        /// The table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// Stored rows hold, undeclared, what is declared now.
    #[error(
        "{table}.{attribute} is declared now, but {rows} stored records have it as an undeclared attribute; PATCH it to null there first, then store it anew"
    )]
    Declared {
        /// The table.
        table: String,
        /// The attribute.
        attribute: String,
        /// How many.
        rows: u64,
    },
    /// Of stored rows a number would be computed that the attribute cannot hold.
    #[error(
        "{table}.{attribute} would leave the range of its type in {rows} stored records; change these, its expression or its type"
    )]
    Range {
        /// The table.
        table: String,
        /// The attribute.
        attribute: String,
        /// How many.
        rows: u64,
    },
    /// Stored values have no counterpart in the attribute's new type.
    #[error(
        "{table}.{attribute} changes {types}, but {rows} stored records have a value there that cannot be converted; change them first, or give the attribute another name: {}", shown.join(", ")
    )]
    Unconvertible {
        /// The table.
        table: String,
        /// The attribute.
        attribute: String,
        /// From which to which.
        types: String,
        /// How many.
        rows: u64,
        /// The first of them: their keys and the values.
        shown: Vec<String>,
    },
    /// Stored rows break rules that are new: a line for each.
    #[error("stored records break rules of the schema; change them first, or the rules:\n{}", .0.join("\n"))]
    Broken(Vec<String>),
    /// libSQL failed.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The primary does not carry it out.
    #[error("the primary cannot be brought to the schema: {0}")]
    Primary(String),
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
}

/// What a migration may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything, to see what it does: then it is undone.
    Plan,
    /// What loses nothing.
    Additive,
    /// Everything.
    Destructive,
}

/// A statement that a migration ran.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its text.
    pub statement: String,
    /// The rows it wrote, if it wrote rows.
    pub rows: Option<u64>,
    /// How long it took.
    pub took: Duration,
}

/// What a migration is, and did in a transaction that is not ended.
pub(super) struct Judged {
    pub(super) ran: Vec<Ran>,
    /// What is lost and what converted.
    pub(super) told: Vec<String>,
    /// The shape that the tables have now.
    pub(super) shape: String,
    /// Whether they had one before.
    pub(super) was_shaped: bool,
    pub(super) is_destructive: bool,
    pub(super) is_nothing: bool,
}

/// Brings the tables to the schema; `announce` hears before the first change what will be lost and what converted.
pub(super) fn migrate(
    connection: &Connection,
    schema: &Schema,
    mode: Mode,
    announce: &mut dyn FnMut(&[String]),
) -> Result<Vec<Ran>, MigrateError> {
    let planned = Planned::of(connection, schema, mode)?;
    if planned.is_nothing() {
        return Ok(Vec::new());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = apply(connection, &planned, announce);
    let kept = done.is_ok() && mode != Mode::Plan;
    connection.execute_batch(if kept { "COMMIT" } else { "ROLLBACK" })?;
    done
}

/// The same in a transaction that is open and not ended here.
pub(super) fn judge(connection: &Connection, schema: &Schema, mode: Mode) -> Result<Judged, MigrateError> {
    let planned = Planned::of(connection, schema, mode)?;
    let is_nothing = planned.is_nothing() && file::meta(connection, file::SHAPE_ID)?.is_some();
    let mut told = Vec::new();
    let ran = if is_nothing { Vec::new() } else { apply(connection, &planned, &mut |lines| told = lines.to_vec())? };
    Ok(Judged {
        ran,
        told,
        shape: planned.shape_text()?,
        was_shaped: planned.held != Shape::default(),
        is_destructive: planned.steps.are_destructive(),
        is_nothing,
    })
}

/// The way from the tables that there are to those of a schema.
struct Planned {
    held: Shape,
    steps: ddl::Steps,
    shape: Shape,
}

impl Planned {
    fn of(connection: &Connection, schema: &Schema, mode: Mode) -> Result<Self, MigrateError> {
        let held = held(connection)?;
        let existing = made_objects(connection)?;
        let steps = match mode {
            Mode::Additive => ddl::steps(&held, &existing, schema)?,
            Mode::Plan | Mode::Destructive => ddl::destructive_steps(&held, &existing, schema)?,
        };
        Ok(Self { held, steps, shape: Shape::of(schema) })
    }

    fn is_nothing(&self) -> bool {
        self.steps.statements.is_empty() && self.shape == self.held && self.steps.newly_required.is_empty()
    }

    fn shape_text(&self) -> rusqlite::Result<String> {
        serde_json::to_string(&self.shape).map_err(|error| rusqlite::Error::InvalidParameterName(error.to_string()))
    }
}

/// Notes where in the log the tables got their shape: what was read before may look otherwise now, though no change says so.
fn note_position(connection: &Connection) -> rusqlite::Result<()> {
    let seq: i64 = connection.query_row("SELECT coalesce(max(seq),0) FROM _changes", [], |row| row.get(0))?;
    file::set_meta(connection, file::SHAPED_AT, &seq.to_string())
}

/// Whether the tables are those of the schema.
pub(super) fn is_at(connection: &Connection, schema: &Schema) -> Result<bool, MigrateError> {
    let steps = ddl::steps(&held(connection)?, &made_objects(connection)?, schema)?;
    Ok(steps.statements.is_empty())
}

/// The shape that the file was last brought to.
fn held(connection: &Connection) -> rusqlite::Result<Shape> {
    match file::meta(connection, "shape")? {
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::InvalidParameterName(format!("_meta.shape: {error}"))),
        None => Ok(Shape::default()),
    }
}

fn apply(
    connection: &Connection,
    planned: &Planned,
    announce: &mut dyn FnMut(&[String]),
) -> Result<Vec<Ran>, MigrateError> {
    let steps = &planned.steps;
    rows_allow(connection, steps)?;
    for conversion in &steps.conversions {
        all_convert(connection, conversion)?;
    }
    announce(&told(connection, steps)?);
    let ran = steps.statements.iter().map(|statement| run(connection, statement)).collect::<rusqlite::Result<_>>()?;
    for (table, attribute) in &steps.newly_required {
        let rows = rows_where(connection, table, &format!("{} IS NULL", quoted(attribute)))?;
        if rows > 0 {
            return Err(MigrateError::Required { table: table.clone(), attribute: attribute.clone(), rows });
        }
    }
    for ComputedRange { table, attribute, beyond } in &steps.newly_computed {
        let rows = rows_where(connection, table, beyond)?;
        if rows > 0 {
            return Err(MigrateError::Range { table: table.clone(), attribute: attribute.clone(), rows });
        }
    }
    let broken: Vec<String> =
        steps.verifications.iter().filter_map(|it| broken_by(connection, it).transpose()).collect::<Result<_, _>>()?;
    if !broken.is_empty() {
        return Err(MigrateError::Broken(broken));
    }
    if steps.are_destructive() {
        // Nobody goes on from a position of the log before: its images have the old shape.
        connection.execute("UPDATE _meta SET value=lower(hex(randomblob(4))) WHERE key='log'", [])?;
    }
    file::set_meta(connection, "shape", &planned.shape_text()?)?;
    connection.execute_batch(NAME_SHAPE)?;
    if planned.held != Shape::default() {
        note_position(connection)?;
    }
    Ok(ran)
}

/// Gives the shape another name.
const NAME_SHAPE: &str = "INSERT INTO _meta(key,value) VALUES('shape_id',lower(hex(randomblob(16)))) \
                          ON CONFLICT(key) DO UPDATE SET value=excluded.value";

/// A rule that stored rows break, with the first of them.
fn broken_by(connection: &Connection, verification: &Verification) -> rusqlite::Result<Option<String>> {
    let Verification { rule, sql, pattern } = verification;
    let mut statement = connection.prepare(sql)?;
    let pair = statement.column_count() == 2;
    let mut rows = statement.query([])?;
    let (mut count, mut shown) = (0_u64, Vec::new());
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).map(told_key);
        if let Some(pattern) = pattern {
            let value = text(1)?;
            let value =
                stoa_schema::time::Instant::parse_stored(&value).map_or(value, stoa_schema::time::Instant::shown);
            if pattern.matches(&value) {
                continue;
            }
        }
        count += 1;
        if shown.len() < limits::SHOWN_ROWS as usize {
            let key = text(0)?;
            let with = if pair { text(1)? } else { String::new() };
            shown.push(if pair && with != key { format!("{key} ({with})") } else { key });
        }
    }
    let more = if count > shown.len() as u64 { ", …" } else { "" };
    Ok((count > 0).then(|| format!("  {rule}: {count} times: {}{more}", shown.join(", "))))
}

fn told_key(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<Ran> {
    let began = Instant::now();
    let written = connection.execute(statement, [])? as u64;
    let rows = statement.starts_with("INSERT").then_some(written);
    Ok(Ran { statement: statement.to_owned(), rows, took: began.elapsed() })
}

/// What will be lost and converted, a line each.
fn told(connection: &Connection, steps: &ddl::Steps) -> rusqlite::Result<Vec<String>> {
    let mut lines = Vec::new();
    for loss in &steps.losses {
        let count: i64 = connection.query_row(&loss.count, [], |row| row.get(0))?;
        lines.push(format!("lost: {count} {}", loss.what));
    }
    for Conversion { table, attribute, types, .. } in &steps.conversions {
        let rows = rows_where(connection, table, &format!("{} IS NOT NULL", quoted(attribute)))?;
        lines.push(format!("converted: {rows} values of {table}.{attribute} {types}"));
    }
    Ok(lines)
}

fn all_convert(connection: &Connection, conversion: &Conversion) -> Result<(), MigrateError> {
    let Conversion { table, attribute, types, key, fails } = conversion;
    let rows = rows_where(connection, table, fails)?;
    if rows == 0 {
        return Ok(());
    }
    let sql = format!(
        "SELECT CAST({key} AS TEXT)||' ('||CAST({} AS TEXT)||')' FROM {} WHERE {fails} ORDER BY {key} LIMIT {}",
        quoted(attribute),
        quoted(table),
        limits::SHOWN_ROWS
    );
    let mut statement = connection.prepare(&sql)?;
    let shown = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let (table, attribute, types) = (table.clone(), attribute.clone(), types.clone());
    Err(MigrateError::Unconvertible { table, attribute, types, rows, shown })
}

/// Whether no row stands in the way of what an open table becomes.
fn rows_allow(connection: &Connection, steps: &ddl::Steps) -> Result<(), MigrateError> {
    let undeclared = quoted(UNDECLARED);
    for table in &steps.sealed {
        let rows = rows_where(connection, table, &format!("{undeclared} IS NOT NULL"))?;
        if rows > 0 {
            return Err(MigrateError::Sealed { table: table.clone(), rows });
        }
    }
    for (table, attribute) in &steps.newly_declared {
        let path = literal(&format!("$.\"{attribute}\""));
        let rows = rows_where(connection, table, &format!("json_type({undeclared},{path}) IS NOT NULL"))?;
        if rows > 0 {
            return Err(MigrateError::Declared { table: table.clone(), attribute: attribute.clone(), rows });
        }
    }
    Ok(())
}

fn rows_where(connection: &Connection, table: &str, condition: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM {} WHERE {condition}", quoted(table));
    connection.query_row(&sql, [], |row| row.get(0)).map(i64::unsigned_abs)
}

/// Name → statement of the indexes, element tables and triggers that Stoa made: their names have a colon.
fn made_objects(connection: &Connection) -> rusqlite::Result<HashMap<String, String>> {
    let sql = "SELECT name,sql FROM sqlite_master WHERE instr(name,':')>0 AND sql IS NOT NULL AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql)?;
    let objects = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    objects.collect()
}
