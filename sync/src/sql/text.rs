//! SQL text under construction, with the values of its parameters.

use std::fmt::Write as _;
use stoa_schema::value::Value;

/// A statement being written. Parameters are numbered in the order in which they are added.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) sql: String,
    pub(super) params: Vec<Value>,
    aliases: usize,
}

impl Text {
    /// A statement whose first parameters are given elsewhere.
    pub(super) fn with_places(places: usize) -> Self {
        Self { params: vec![Value::Null; places], ..Self::default() }
    }

    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// A statement that has used the alias `t1` already.
    pub(super) fn with_first_alias() -> Self {
        Self { aliases: 1, ..Self::default() }
    }

    /// Adds a parameter and its place.
    pub(super) fn param(&mut self, value: Value) {
        self.params.push(value);
        let place = self.params.len();
        // Writing to a String cannot fail.
        _ = write!(self.sql, "?{place}");
    }

    /// A table alias that nothing else in this statement has.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }
}
