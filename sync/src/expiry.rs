//! `@expiresAt(max:)` and `@table(expiration:)`: from its instant on a record is gone, whether or not it has been swept.

use crate::ident::{REVISION, quoted};
use crate::row::Row;
use stoa_schema::model::{AttributeId, Table};

/// The current instant in stored form, by the clock of the database; the same throughout one statement.
pub(crate) const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ','now')";

/// The current instant in microseconds, as revisions count.
pub(crate) const NOW_MICROS: &str = "CAST(round(1000000*unixepoch('now','subsec')) AS INTEGER)";

/// The attribute with `@expiresAt`.
pub(crate) fn attribute(table: &Table) -> Option<AttributeId> {
    table.attributes.iter().position(|attribute| attribute.expires_at.is_some()).map(AttributeId)
}

/// Whether a row has expired, as SQL that is true or false; `None` if rows of the table never do.
pub fn expired(table: &Table, row: Row<'_>) -> Option<String> {
    let by_attribute = attribute(table).map(|id| {
        let column = row.column(&table.attribute(id).name);
        format!("({column} IS NOT NULL AND {column}<={NOW})")
    });
    let by_age = table.expiration_seconds.map(|seconds| {
        let revision = row.column(REVISION.trim_matches('"'));
        format!("{revision}<={NOW_MICROS}-{seconds}000000")
    });
    match (by_attribute, by_age) {
        (Some(one), Some(other)) => Some(format!("({one} OR {other})")),
        (one, other) => one.or(other).map(|condition| format!("({condition})")),
    }
}

/// Whether a row is there for those who read, as SQL; `None` if rows of the table never expire.
pub fn visible(table: &Table, row: Row<'_>) -> Option<String> {
    expired(table, row).map(|expired| format!("NOT {expired}"))
}

/// When the next record of a table expires, of all or of the one with the key `?1`, in milliseconds since 1970: statements
/// that show one number or null each. A text that is no instant expires at a time that nobody can tell: it counts as 0.
pub(crate) fn next(table: &Table, alone: bool) -> Vec<String> {
    let (name, key) = (quoted(&table.name), quoted(&table.key().name));
    let rows = |column: &str, lives: &str| match alone {
        true => format!("SELECT {column} AS it FROM {name} WHERE {key}=?1"),
        false => format!("SELECT min({column}) AS it FROM {name} WHERE {lives}"),
    };
    let by_attribute = attribute(table).map(|id| {
        let column = quoted(&table.attribute(id).name);
        let rows = rows(&column, &format!("{column}>{NOW}"));
        format!(
            "SELECT CASE WHEN it IS NULL THEN NULL ELSE CAST(coalesce(1000*unixepoch(it,'subsec'),0) AS INTEGER) END FROM ({rows})"
        )
    });
    let by_age = table.expiration_seconds.map(|seconds| {
        let rows = rows(REVISION, &format!("{REVISION}>{NOW_MICROS}-{seconds}000000"));
        format!("SELECT it/1000+{seconds}000 FROM ({rows})")
    });
    by_attribute.into_iter().chain(by_age).collect()
}

/// What an attribute with `@expiresAt(max:)` stores instead of a value given as SQL: the longest life allowed if that is
/// null, and no longer one.
pub fn lifetime(table: &Table, id: AttributeId, given: &str) -> Option<String> {
    let seconds = table.attribute(id).expires_at?.max_seconds?;
    let latest = format!("strftime('%Y-%m-%dT%H:%M:%fZ','now','+{seconds} seconds')");
    Some(format!("min(coalesce({given},{latest}),{latest})"))
}

/// The indexes by which the sweeper finds what has expired: name and indexed column, each unquoted.
pub(crate) fn indexes(table: &Table) -> Vec<(String, String)> {
    let by_attribute = attribute(table).map(|id| table.attribute(id)).filter(|attribute| !attribute.indexed);
    let by_attribute =
        by_attribute.map(|attribute| (format!("{}:expiry:{}", table.name, attribute.name), attribute.name.clone()));
    let by_age = table.expiration_seconds.map(|_| (format!("{}:expiry", table.name), "$rev".to_owned()));
    by_attribute.into_iter().chain(by_age).collect()
}

/// Deletes the expired rows of a table that meet a condition on their columns.
pub(crate) fn delete_expired(table: &Table, condition: &str) -> Option<String> {
    let name = quoted(&table.name);
    let expired = expired(table, Row::Bare)?;
    Some(format!("DELETE FROM {name} WHERE {expired} AND {condition}"))
}
