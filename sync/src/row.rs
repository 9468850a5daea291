//! Which row a condition of SQL is about.

use crate::ident::quoted;

/// A row whose columns SQL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// The row that a trigger's statement writes.
    New,
    /// The row that was there before.
    Old,
    /// The row of this table alias, unquoted; not `e`, nor `r` and a number.
    Alias(&'a str),
    /// The row of the only table around: column names stand alone, as generated columns and indexes want them.
    Bare,
}

impl Row<'_> {
    /// The column of this name.
    pub fn column(self, name: &str) -> String {
        match self {
            Self::New => format!("NEW.{}", quoted(name)),
            Self::Old => format!("OLD.{}", quoted(name)),
            Self::Alias(alias) => format!("{alias}.{}", quoted(name)),
            Self::Bare => quoted(name),
        }
    }
}
