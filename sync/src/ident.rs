//! Names in SQL: quoted identifiers and literals, and the names of what Stoa keeps beside the user's tables.
//!
//! A name with `:` or `$` cannot be a GraphQL name, so nothing here can clash with what a schema declares.

/// The hidden column that holds a record's revision: microseconds since 1970, strictly increasing per record.
pub const REVISION: &str = "\"$rev\"";

/// A quoted identifier.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The quoted name of the index of an attribute: an SQL index, or for a list the table of its elements.
pub fn index_of(table: &str, attribute: &str) -> String {
    quoted(&format!("{table}:{attribute}"))
}
