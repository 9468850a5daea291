//! What leads the search for the records of a query.
//!
//! SQLite chooses well between indexes when one of them is much better by its form. It has no statistics here (a primary
//! cannot make any), so where a page is wanted in an order that an index provides, the choice is made here: walk that
//! order until the page is full, or find what meets one of the conditions and sort it. Which is better depends on how many
//! records meet the condition; [`candidates`] are the conditions worth counting.

use super::steer::{Steer, strong_condition};
use stoa_schema::model::{AttributeId, Schema, TableId};
use stoa_schema::query::{Condition, Filter, Query, Test};

/// What leads the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drive {
    /// An equality that an index answers with few rows: the weak conditions beside it must not be chosen instead.
    Equality,
    /// The order of the page: walking its index until the page is full. A condition on the order's own attribute shortens
    /// the walk.
    Order(AttributeId),
    /// One part of the condition, by its position.
    Part(usize),
    /// The planner.
    Planner,
}

impl Drive {
    /// What leads, as far as the form of the query tells.
    pub(super) fn of(schema: &Schema, query: &Query) -> Self {
        if conjuncts(&query.filter).iter().any(|part| strong(schema, query.table, part)) {
            return Self::Equality;
        }
        match walkable(schema, query) {
            Some(attribute) => Self::Order(attribute),
            None => Self::Planner,
        }
    }

    /// How the part at this position may use indexes.
    pub(super) fn steer(self, at: usize) -> Steer {
        match self {
            Self::Equality => Steer::Strong,
            Self::Order(attribute) => Steer::Only(attribute),
            Self::Part(leading) if leading == at => Steer::Free,
            Self::Part(_) => Steer::Barred,
            Self::Planner => Steer::Free,
        }
    }
}

/// The parts of a condition among which counting decides, by their positions: those that could each lead the search
/// instead of a walk in the order of the page, or, where there is no such walk, instead of each other.
pub(super) fn candidates(schema: &Schema, query: &Query) -> Vec<usize> {
    let parts = conjuncts(&query.filter);
    let order = walkable(schema, query);
    let by_key = order == Some(schema.table(query.table).key);
    if by_key && parts.iter().any(|part| equality_of_scalar(schema, query.table, part)) {
        // An index holds the matches in the order of the page.
        return Vec::new();
    }
    let leads = |part: &Filter| match part {
        Filter::Is(condition) => Some(condition.attribute) != order && selects(schema, query.table, condition),
        Filter::Related { .. } => true,
        Filter::All(_) | Filter::Any(_) | Filter::Key(_) | Filter::Inside(_) => false,
    };
    let leading: Vec<usize> = (0..parts.len()).filter(|at| leads(&parts[*at])).collect();
    let needed = if order.is_some() { 1 } else { 2 };
    if leading.len() < needed { Vec::new() } else { leading }
}

/// The walk in the order of the page, if an index provides that.
pub(super) fn walk(schema: &Schema, query: &Query) -> Option<Drive> {
    walkable(schema, query).map(Drive::Order)
}

/// The parts that must all hold.
pub(super) fn conjuncts(filter: &Filter) -> &[Filter] {
    match filter {
        Filter::All(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

/// The attribute whose index has the order of the page.
fn walkable(schema: &Schema, query: &Query) -> Option<AttributeId> {
    query.limit?;
    let table = schema.table(query.table);
    match query.sort.first() {
        None => Some(table.key),
        Some(key) if !key.through.is_empty() => None,
        Some(key) => {
            let attribute = table.attribute(key.attribute);
            (key.attribute == table.key || (attribute.indexed && !attribute.list)).then_some(key.attribute)
        }
    }
}

/// Whether an index finds the records that pass.
fn selects(schema: &Schema, table: TableId, condition: &Condition) -> bool {
    condition.suits_index() && schema.table(table).is_indexed(condition.attribute)
}

/// A condition through a relation, or an equality on an indexed attribute with many values, leads to few rows.
fn strong(schema: &Schema, table: TableId, part: &Filter) -> bool {
    match part {
        Filter::Is(condition) => strong_condition(schema, table, condition),
        Filter::Key(_) | Filter::Related { .. } => true,
        Filter::All(_) | Filter::Any(_) | Filter::Inside(_) => false,
    }
}

/// The index on an attribute ends in the primary key, so one value's records lie in that order.
fn equality_of_scalar(schema: &Schema, table: TableId, part: &Filter) -> bool {
    let Filter::Is(condition) = part else { return false };
    let scalar = !schema.table(table).attribute(condition.attribute).list;
    scalar && matches!(condition.test, Test::Equal(_)) && strong_condition(schema, table, condition)
}
