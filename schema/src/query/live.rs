//! What a live subscription follows: the same queries, without pages, with a place in the change log to go on from.

use super::{Condition, Filter, Query, QueryError, Test, bind};
use crate::model::{AttributeId, Schema, Table, TableId};
use crate::value::{Value, coerce, key_of_path};

/// A query that is followed.
#[derive(Clone, Debug)]
pub struct LiveQuery {
    /// What is followed. Its order is that of the state at the beginning.
    pub query: Query,
    /// Where the client has been: a token as written.
    pub since: Option<String>,
    /// Whether the state at the beginning is wanted.
    pub snapshot: bool,
}

impl LiveQuery {
    /// Reads the query string (without `?`) of a collection.
    ///
    /// # Errors
    /// What is wrong, and at which byte of the string; pages are refused.
    pub fn of_collection(schema: &Schema, table: TableId, raw: &str) -> Result<Self, QueryError> {
        bind::live_query(schema, table, raw)
    }

    /// Reads the query string of `/T/key`, given the decoded segments of the key: the record with this id and all that
    /// refer to it by an attribute from which a relation leads.
    ///
    /// # Errors
    /// As [`super::RecordQuery::parse`].
    pub fn of_key(schema: &Schema, table: TableId, segments: &[String], raw: &str) -> Result<Self, QueryError> {
        let mut live = bind::live_record_query(schema, table, raw)?;
        live.query.filter = Filter::Any(naming(schema.table(table), segments));
        Ok(live)
    }
}

/// The conditions under which a record is named by a key; none if no record can have it.
fn naming(table: &Table, segments: &[String]) -> Vec<Filter> {
    let is = |attribute: AttributeId, value: Value| {
        Filter::Is(Condition { attribute, test: Test::Equal(value), negated: false })
    };
    let mut named: Vec<Filter> = key_of_path(table.key(), segments).map(Filter::Key).into_iter().collect();
    let mut referring: Vec<AttributeId> = table
        .relations
        .iter()
        .filter(|relation| relation.from && relation.local != table.key)
        .map(|it| it.local)
        .collect();
    referring.sort_unstable();
    referring.dedup();
    let text = segments.join("/");
    let value = |id: AttributeId| Some(coerce(&table.attribute(id).kind, &text).ok()?.inside_json());
    named.extend(referring.into_iter().filter_map(|id| Some(is(id, value(id)?))));
    named
}
