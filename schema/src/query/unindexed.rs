//! Which index would make a query fast that no index helps now.

use super::{Condition, Filter, Query};
use crate::model::{AttributeId, Schema, TableId};

/// The first attribute that the query searches or sorts by without an index, where no other condition narrows the search
/// by one.
pub(super) fn first(schema: &Schema, query: &Query) -> Option<(TableId, AttributeId)> {
    let table = query.table;
    if let Some(missing) = in_filter(schema, table, &query.filter) {
        return Some(missing);
    }
    let narrowed = narrowing(schema, table, &query.filter);
    let key = query.sort.first().filter(|key| key.through.is_empty() && query.limit.is_some() && !narrowed)?;
    (!indexed(schema, table, key.attribute)).then_some((table, key.attribute))
}

fn in_filter(schema: &Schema, table: TableId, filter: &Filter) -> Option<(TableId, AttributeId)> {
    if narrowing(schema, table, filter) {
        return None;
    }
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().find_map(|part| in_filter(schema, table, part)),
        Filter::Is(Condition { attribute, .. }) => (!indexed(schema, table, *attribute)).then_some((table, *attribute)),
        // No index looks inside nested values, and a key needs no other.
        Filter::Key(_) | Filter::Inside(_) => None,
        Filter::Related { relation, filter } => {
            in_filter(schema, schema.table(table).relation(*relation).target, filter)
        }
    }
}

/// Whether some index leads to the records that meet the filter.
fn narrowing(schema: &Schema, table: TableId, filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().any(|part| narrowing(schema, table, part)),
        Filter::Any(parts) => !parts.is_empty() && parts.iter().all(|part| narrowing(schema, table, part)),
        Filter::Key(_) => true,
        Filter::Is(condition) => indexed(schema, table, condition.attribute),
        Filter::Inside(_) => false,
        Filter::Related { relation, filter } => {
            narrowing(schema, schema.table(table).relation(*relation).target, filter)
        }
    }
}

fn indexed(schema: &Schema, table: TableId, attribute: AttributeId) -> bool {
    let declared = schema.table(table);
    let held = declared.attribute(attribute);
    held.indexed || (attribute == declared.key && !held.list)
}
