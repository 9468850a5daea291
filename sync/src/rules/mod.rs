//! The rules of a table as SQL: what triggers refuse, and what is asked afterwards to say why.
//!
//! A rule looks at a row that is already stored, from an AFTER trigger: it sees what computed columns hold, and the path of
//! an upsert that updates is not taken for an insert. `RAISE` takes only a literal, so a refused write is carried out once
//! more with [`LENIENT`] filled, its row is looked at, and all of it is undone.

mod checks;
mod uniques;
mod overlaps;
mod references;

pub use checks::{Check, CheckKind, checks};
pub use overlaps::{Among, Overlap, overlaps};
pub use references::{References, references};
pub use uniques::{Unique, uniques};

use crate::expression::expression;
use crate::row::Row;
use stoa_schema::expression::{Expression, Reach};
use stoa_schema::model::{Schema, Table, TableId};

/// Whether rules only look on. The table is empty but while a refusal is being explained.
pub const LENIENT: &str = "EXISTS(SELECT 1 FROM _lenient)";

/// What a trigger says when a check, a unique set or an interval is violated.
pub const BROKEN: &str = "stoa:rule";

/// A condition of the schema on a row, as SQL in brackets.
fn condition(schema: &Schema, table: TableId, text: &str, reach: Reach, row: Row<'_>) -> String {
    let tables: Vec<&Table> = schema.tables.iter().collect();
    match Expression::condition(&tables, table, text, reach) {
        Ok(read) => format!("({})", expression(schema, &read, row)),
        Err(error) => unreachable!("a schema is loaded only if {text:?} can be read: {error}"),
    }
}

/// Whether a row is exempt: only what is true exempts.
fn exempt(schema: &Schema, table: TableId, unless: Option<&String>, row: Row<'_>) -> Option<String> {
    unless.map(|text| format!("{} IS TRUE", condition(schema, table, text, Reach::Row, row)))
}
