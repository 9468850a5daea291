//! Which conditions of a query may use an index.

use stoa_schema::model::{AttributeId, Kind, Schema, TableId};
use stoa_schema::query::{Condition, Test};

/// Which conditions may use an index. What may not is written so that the planner has no choice: a unary `+` before the
/// column, a subquery that looks at the row it is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steer {
    /// All, as the planner likes.
    Free,
    /// Those that lead to few rows by their form.
    Strong,
    /// Those on this attribute.
    Only(AttributeId),
    /// None.
    Barred,
}

impl Steer {
    pub(super) fn condition(self, schema: &Schema, table: TableId, condition: &Condition) -> bool {
        match self {
            Self::Free => true,
            Self::Strong => strong_condition(schema, table, condition),
            Self::Only(attribute) => attribute == condition.attribute,
            Self::Barred => false,
        }
    }

    pub(super) fn relations(self) -> bool {
        match self {
            Self::Free | Self::Strong => true,
            Self::Only(_) | Self::Barred => false,
        }
    }
}

/// Whether a condition leads to few rows by its form.
pub(super) fn strong_condition(schema: &Schema, table: TableId, condition: &Condition) -> bool {
    let equal = matches!(condition.test, Test::Equal(_) | Test::In { .. }) && !condition.negated;
    let table = schema.table(table);
    equal && table.attribute(condition.attribute).kind != Kind::Boolean && table.is_indexed(condition.attribute)
}
