//! The embedded engine, running the same statements in the same order.

use super::ran::{Cell, Ran};
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Connection, params_from_iter};
use stoa_schema::value::{Value, base64};

pub(super) struct Local(Connection);

impl Local {
    pub(super) fn new() -> Self {
        Self(Connection::open_in_memory().unwrap())
    }

    pub(super) fn run_all<'s>(&self, statements: impl IntoIterator<Item = &'s str>) {
        for sql in statements {
            self.0.execute_batch(sql).unwrap_or_else(|error| panic!("{error} in {sql}"));
        }
    }

    pub(super) fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        match self.run(sql, &[]) {
            Ran::Rows(rows) => rows,
            other => panic!("{sql}: {other:?}"),
        }
    }

    pub(super) fn run(&self, sql: &str, params: &[Value]) -> Ran {
        self.try_run(sql, params).unwrap_or_else(|error| match error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => Ran::Refused(message),
            other => Ran::Refused(other.to_string()),
        })
    }

    fn try_run(&self, sql: &str, params: &[Value]) -> rusqlite::Result<Ran> {
        let mut statement = self.0.prepare(sql)?;
        let columns = statement.column_count();
        let params = params_from_iter(params.iter().map(stored));
        if columns == 0 {
            return statement.execute(params).map(|changed| Ran::Changed(changed as u64));
        }
        let rows = statement.query_map(params, |row| (0..columns).map(|at| row.get_ref(at).map(cell)).collect())?;
        rows.collect::<rusqlite::Result<_>>().map(Ran::Rows)
    }
}

fn stored(value: &Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Bool(flag) => Stored::Integer(i64::from(*flag)),
        Value::Int(number) => Stored::Integer(*number),
        Value::Float(number) => Stored::Real(*number),
        Value::Text(text) | Value::List(text) | Value::Json(text) => Stored::Text(text.clone()),
        Value::Bytes(bytes) => Stored::Blob(bytes.clone()),
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => Cell::Real(number.to_bits()),
        ValueRef::Text(bytes) => Cell::Text(String::from_utf8(bytes.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Cell::Blob(base64(bytes)),
    }
}
