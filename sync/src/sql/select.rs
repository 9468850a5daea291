//! A selection → the columns of a statement, and one plan for each selected relation, run for each record that shows it
//! (on a kept statement that is an index probe, not a round trip).

use super::filter::{self, Ends};
use super::steer::Steer;
use super::text::Text;
use crate::ident::{REVISION, index_of, quoted};
use std::sync::Arc;
use stoa_schema::model::{AttributeId, RelationId, Schema, TableId};
use stoa_schema::query::{Field, Filter, Select, Shape};
use stoa_schema::value::Value;

/// How to read the records of a query. Column 0 of each row is the revision.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The statement.
    pub sql: Arc<str>,
    /// Its parameters. In the plan of a relation the first is a place for the key of the record that shows it.
    pub params: Vec<Value>,
    /// What to show of each row.
    pub fields: PlanFields,
}

/// What to show of a row, and where it stands in it.
#[derive(Clone, Debug)]
pub struct PlanFields {
    /// The table whose records these are.
    pub table: TableId,
    /// How a record is written.
    pub shape: Shape,
    /// The fields, in order.
    pub fields: Vec<PlanField>,
}

/// A field of a row.
#[derive(Clone, Debug)]
pub enum PlanField {
    /// The value of a column.
    Column {
        /// Which attribute it is.
        attribute: AttributeId,
        /// The column of the row.
        column: usize,
    },
    /// The records of another plan.
    Related {
        /// The relation they are joined by.
        relation: RelationId,
        /// Whether they are a list.
        many: bool,
        /// The column of the row whose value is the key.
        key: usize,
        /// How to read them.
        plan: Box<Plan>,
    },
}

/// Plans the reading of one record by its id, the only parameter.
pub fn record_plan(schema: &Schema, table: TableId, select: &Select) -> Plan {
    let mut text = Text::default();
    let alias = text.alias();
    text.push("SELECT ");
    let mut columns = Columns::new(&mut text, &alias);
    let fields = fields(&mut text, &mut columns, schema, table, &alias, select);
    let declared = schema.table(table);
    text.push(&format!(
        " FROM {} AS {alias} WHERE {alias}.{}=?1",
        quoted(&declared.name),
        quoted(&declared.key().name)
    ));
    filter::push_visible(&mut text, declared, &alias);
    Plan { sql: text.sql.into(), params: vec![Value::Null], fields }
}

/// The columns of a statement, each once. Column 0 is the revision.
pub(super) struct Columns {
    shown: Vec<String>,
}

impl Columns {
    pub(super) fn new(text: &mut Text, alias: &str) -> Self {
        let revision = format!("{alias}.{REVISION}");
        text.push(&revision);
        Self { shown: vec![revision] }
    }

    /// The position of the column with this expression.
    pub(super) fn position(&mut self, text: &mut Text, expression: &str) -> usize {
        if let Some(at) = self.shown.iter().position(|known| known == expression) {
            return at;
        }
        text.push(",");
        text.push(expression);
        self.shown.push(expression.to_owned());
        self.shown.len() - 1
    }
}

/// Writes the columns of a selection: each attribute, and the key of each relation.
pub(super) fn fields(
    text: &mut Text,
    columns: &mut Columns,
    schema: &Schema,
    table: TableId,
    alias: &str,
    select: &Select,
) -> PlanFields {
    let declared = schema.table(table);
    let mut column = |text: &mut Text, attribute: AttributeId| {
        columns.position(text, &format!("{alias}.{}", quoted(&declared.attribute(attribute).name)))
    };
    let field = |field: &Field| match field {
        Field::Attribute(attribute) => PlanField::Column { attribute: *attribute, column: column(text, *attribute) },
        Field::Related { relation, select, filter } => {
            let joined = declared.relation(*relation);
            let key = column(text, joined.local);
            let plan = Box::new(relation_plan(schema, table, *relation, select, filter));
            PlanField::Related { relation: *relation, many: joined.many, key, plan }
        }
    };
    PlanFields { table, shape: select.shape, fields: select.fields.iter().map(field).collect() }
}

/// Plans the records that a relation shows for the key `?1`: of a list in its order, otherwise by primary key.
fn relation_plan(schema: &Schema, table: TableId, relation: RelationId, select: &Select, filter: &Filter) -> Plan {
    let relation = schema.table(table).relation(relation);
    let ends = Ends::of(schema, table, relation);
    let mut text = Text::with_places(1);
    let alias = text.alias();
    text.push("SELECT ");
    let mut columns = Columns::new(&mut text, &alias);
    let fields = fields(&mut text, &mut columns, schema, relation.target, &alias, select);
    let (target, key) = (quoted(&ends.target.name), quoted(&ends.target.key().name));
    let remote = format!("{alias}.{}", quoted(&ends.remote.name));
    let order = if ends.local.list {
        text.push(&format!(" FROM json_each(?1) AS l CROSS JOIN {target} AS {alias} WHERE {remote}=l.value"));
        format!("l.key,{alias}.{key}")
    } else if ends.remote.list {
        // The list of a join always has an element table.
        let elements = index_of(&ends.target.name, &ends.remote.name);
        text.push(&format!(" FROM {target} AS {alias} WHERE {alias}.{key} IN (SELECT e.\"id\" FROM {elements} AS e WHERE e.\"value\"=?1)"));
        format!("{alias}.{key}")
    } else {
        text.push(&format!(" FROM {target} AS {alias} WHERE {remote}=?1"));
        format!("{alias}.{key}")
    };
    if !filter.is_everything() {
        text.push(" AND ");
        filter::push(&mut text, schema, relation.target, &alias, filter, Steer::Free);
    }
    filter::push_visible(&mut text, ends.target, &alias);
    text.push(&format!(" ORDER BY {order}"));
    if !relation.many {
        text.push(" LIMIT 1");
    }
    Plan { sql: text.sql.into(), params: text.params, fields }
}
