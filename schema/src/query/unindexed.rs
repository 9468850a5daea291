//! Which index would make a query fast that no index helps now.

use super::{Filter, Query};
use crate::model::{AttributeId, Schema, TableId};

/// The first attribute that the query searches or sorts by without an index, where no other condition narrows the search
/// by one, and an index could.
pub(super) fn first(schema: &Schema, query: &Query) -> Option<(TableId, AttributeId)> {
    let table = query.table;
    if let Some(missing) = in_filter(schema, table, &query.filter) {
        return Some(missing);
    }
    let narrowed = narrowing(schema, table, &query.filter);
    let key = query.sort.first().filter(|key| key.through.is_empty() && query.limit.is_some() && !narrowed)?;
    lacking(schema, table, key.attribute)
}

fn in_filter(schema: &Schema, table: TableId, filter: &Filter) -> Option<(TableId, AttributeId)> {
    if narrowing(schema, table, filter) {
        return None;
    }
    match filter {
        Filter::All(parts) => parts.iter().find_map(|part| in_filter(schema, table, part)),
        Filter::Any(parts) => in_each(schema, table, parts),
        Filter::Is(condition) if !condition.suits_index() => None,
        Filter::Is(condition) => lacking(schema, table, condition.attribute),
        // No index looks inside nested values, and a key needs no other.
        Filter::Key(_) | Filter::Inside(_) => None,
        Filter::Related { relation, filter } => {
            in_filter(schema, schema.table(table).relation(*relation).target, filter)
        }
    }
}

/// Alternatives are found by indexes only if each of them is.
fn in_each(schema: &Schema, table: TableId, parts: &[Filter]) -> Option<(TableId, AttributeId)> {
    let without = parts.iter().filter(|part| !narrowing(schema, table, part));
    let missing: Option<Vec<_>> = without.map(|part| in_filter(schema, table, part)).collect();
    missing?.first().copied()
}

/// Whether some index leads to the records that meet the filter.
fn narrowing(schema: &Schema, table: TableId, filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().any(|part| narrowing(schema, table, part)),
        Filter::Any(parts) => !parts.is_empty() && parts.iter().all(|part| narrowing(schema, table, part)),
        Filter::Key(_) => true,
        Filter::Is(condition) => condition.suits_index() && schema.table(table).is_indexed(condition.attribute),
        Filter::Inside(_) => false,
        Filter::Related { relation, filter } => {
            narrowing(schema, schema.table(table).relation(*relation).target, filter)
        }
    }
}

/// The attribute, if it has no index and may have one.
fn lacking(schema: &Schema, table: TableId, attribute: AttributeId) -> Option<(TableId, AttributeId)> {
    let declared = schema.table(table);
    let possible = declared.attribute(attribute).kind.has_order();
    (possible && !declared.is_indexed(attribute)).then_some((table, attribute))
}
