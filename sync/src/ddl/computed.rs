//! Computed attributes → generated columns. They are not stored (`VIRTUAL`), so making one rewrites no table; an index on
//! one holds its values.

use super::tables;
use crate::expression::expression;
use crate::ident::quoted;
use crate::row::Row;
use stoa_schema::expression::Expression;
use stoa_schema::model::{AttributeId, Schema, Table, TableId};

/// A generated column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generated {
    /// The attribute's name.
    pub(super) name: String,
    /// The column as it stands in `CREATE TABLE` and `ALTER TABLE … ADD COLUMN`.
    pub(super) column: String,
}

/// The generated columns of a table, each after those that it reads.
pub(super) fn generated(schema: &Schema, id: TableId) -> Vec<Generated> {
    let table = schema.table(id);
    let mut waiting: Vec<(AttributeId, Expression)> = (0..table.attributes.len())
        .filter_map(|at| Some((AttributeId(at), computed(schema, id, AttributeId(at))?)))
        .collect();
    let mut ready = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = waiting.iter().position(|(_, it)| !it.attributes.iter().any(|read| waits(&waiting, *read)));
        // The schema has no circle; if it had, SQLite would refuse it.
        let (attribute, expression) = waiting.remove(free.unwrap_or(0));
        ready.push(column(schema, table, attribute, &expression));
    }
    ready
}

fn waits(waiting: &[(AttributeId, Expression)], attribute: AttributeId) -> bool {
    waiting.iter().any(|(id, _)| *id == attribute)
}

fn computed(schema: &Schema, table: TableId, id: AttributeId) -> Option<Expression> {
    let computed = schema.table(table).attribute(id).computed.as_ref()?;
    let tables: Vec<&Table> = schema.tables.iter().collect();
    match Expression::computed(&tables, table, id, &computed.from) {
        Ok(expression) => Some(expression),
        Err(error) => unreachable!("a schema is loaded only if {:?} can be read: {error}", computed.from),
    }
}

fn column(schema: &Schema, table: &Table, id: AttributeId, value: &Expression) -> Generated {
    let attribute = table.attribute(id);
    let value = expression(schema, value, Row::Bare);
    Generated {
        name: attribute.name.clone(),
        column: format!("{} GENERATED ALWAYS AS ({value}) VIRTUAL", tables::column(attribute)),
    }
}

/// The statement that takes a column out of a table that nothing else names it in.
pub(super) fn drop_column(table: &str, column: &str) -> String {
    format!("ALTER TABLE {} DROP COLUMN {}", quoted(table), quoted(column))
}
