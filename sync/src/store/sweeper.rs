//! The sweeper: takes away what has expired. Nobody waits for it, since what has expired is invisible anyway; it reclaims
//! the room, and its deletes tell those who follow the change log.

use crate::expiry;
use crate::ident::quoted;
use crate::limits;
use crate::row::Row;
use rusqlite::Connection;
use std::time::{Duration, Instant};
use stoa_schema::model::Schema;

/// What is swept, and when.
#[derive(Default)]
pub(super) struct Sweeper {
    tables: Vec<Sweeping>,
    swept: Option<Instant>,
}

struct Sweeping {
    /// Whether something has expired.
    due: String,
    /// Deletes some of it.
    delete: String,
}

impl Sweeper {
    /// The sweeper of the tables whose records can expire; if it is not wanted, of none.
    pub(super) fn new(schema: &Schema, wanted: bool) -> Self {
        let of_table = |table: &stoa_schema::model::Table| {
            let expired = expiry::expired(table, Row::Bare)?;
            let (name, key, some) = (quoted(&table.name), quoted(&table.key().name), limits::SWEPT_ROWS);
            Some(Sweeping {
                due: format!("SELECT 1 FROM {name} WHERE {expired} LIMIT 1"),
                delete: format!(
                    "DELETE FROM {name} WHERE {key} IN (SELECT {key} FROM {name} WHERE {expired} LIMIT {some})"
                ),
            })
        };
        let tables = if wanted { schema.tables.iter().filter_map(of_table).collect() } else { Vec::new() };
        Self { tables, swept: None }
    }

    /// How long it may sleep; `None`: for ever.
    pub(super) fn sleeps(&self) -> Option<Duration> {
        (!self.tables.is_empty())
            .then(|| self.swept.map_or(Duration::ZERO, |swept| limits::SWEEP_INTERVAL.saturating_sub(swept.elapsed())))
    }

    /// The deletes that have something to do now, if it is time to look. Where one takes only some of it, it is time again.
    pub(super) fn due(&mut self, connection: &Connection) -> rusqlite::Result<Vec<String>> {
        if self.sleeps().is_none_or(|sleeps| !sleeps.is_zero()) {
            return Ok(Vec::new());
        }
        let mut due = Vec::new();
        for table in &self.tables {
            if connection.prepare_cached(&table.due)?.exists([])? {
                due.push(table.delete.clone());
            }
        }
        self.swept = Some(Instant::now());
        Ok(due)
    }

    /// Says that there is more.
    pub(super) fn again(&mut self) {
        self.swept = None;
    }
}
