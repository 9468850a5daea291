//! What leads the search for the records of a query.
//!
//! SQLite chooses well between indexes when one of them is much better by its form. It has no statistics here (a primary
//! cannot make any), so where a page is wanted in an order that an index provides, the plan decides.

use stoa_schema::model::{AttributeId, Kind, Schema, TableId};
use stoa_schema::query::{Condition, Filter, Query, Test};

/// What leads the search.
pub(super) enum Drive {
    /// An equality that an index answers with few rows: the weak conditions beside it must not be chosen instead.
    Equality,
    /// The order of the page: walking its index until the page is full beats finding and sorting every match, unless the
    /// condition is on the order's own attribute, which then only shortens the walk.
    Order(Option<AttributeId>),
    /// The planner.
    Planner,
}

impl Drive {
    pub(super) fn of(schema: &Schema, query: &Query) -> Self {
        let conjuncts = conjuncts(&query.filter);
        if conjuncts.iter().any(|part| strong(schema, query.table, part)) {
            return Self::Equality;
        }
        if query.limit.is_none() {
            return Self::Planner;
        }
        let table = schema.table(query.table);
        match query.sort.first() {
            None => Self::Order(Some(table.key)),
            Some(key) if !key.through.is_empty() => Self::Planner,
            Some(key) if key.attribute == table.key || table.attribute(key.attribute).indexed => {
                Self::Order(Some(key.attribute))
            }
            Some(_) => Self::Planner,
        }
    }

    pub(super) fn may_index(&self, schema: &Schema, table: TableId, condition: &Condition) -> bool {
        match self {
            Self::Equality => strong_condition(schema, table, condition),
            Self::Order(attribute) => *attribute == Some(condition.attribute),
            Self::Planner => true,
        }
    }
}

fn conjuncts(filter: &Filter) -> &[Filter] {
    match filter {
        Filter::All(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

/// A condition through a relation, or an equality on an indexed attribute with many values, leads to few rows.
fn strong(schema: &Schema, table: TableId, part: &Filter) -> bool {
    match part {
        Filter::Is(condition) => strong_condition(schema, table, condition),
        Filter::Related { .. } => true,
        Filter::All(_) | Filter::Any(_) | Filter::Inside(_) => false,
    }
}

fn strong_condition(schema: &Schema, table: TableId, condition: &Condition) -> bool {
    let declared = schema.table(table);
    let attribute = declared.attribute(condition.attribute);
    // A key of several parts is unique as a whole; a condition on it asks for one of the parts.
    let indexed = attribute.indexed || (condition.attribute == declared.key && !attribute.list);
    let equal = matches!(condition.test, Test::Equal(_) | Test::In { .. }) && !condition.negated;
    indexed && equal && attribute.kind != Kind::Boolean
}
