//! A [`Query`] → a [`Plan`]: one statement for the records, and one for each selected relation, run for each record that
//! shows it (on a kept statement that is an index probe, not a round trip).
//!
//! SQLite chooses well between indexes when one of them is much better by its form. It has no statistics here (a primary
//! cannot make any), so where a page is wanted in an order that an index provides, the plan decides: see [`Drive`].

use super::filter::{self, Ends};
use super::text::Text;
use crate::ddl::has_elements;
use crate::ident::{REVISION, index_of, quoted};
use std::sync::Arc;
use stoa_schema::model::{AttributeId, Kind, RelationId, Schema, TableId};
use stoa_schema::query::{Condition, Field, Filter, Query, Select, Shape, SortKey, Test};
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

/// Plans a query.
pub fn plan(schema: &Schema, query: &Query) -> Plan {
    let mut text = Text::default();
    let alias = text.alias();
    let drive = Drive::of(schema, query);
    text.push("SELECT ");
    let fields = columns(&mut text, schema, query.table, &alias, &query.select);
    text.push(&format!(" FROM {} AS {alias}", quoted(&schema.table(query.table).name)));
    if !query.filter.is_everything() {
        text.push(" WHERE ");
        filter::push(&mut text, schema, query.table, &alias, &query.filter, &|condition| {
            drive.may_index(schema, query.table, condition)
        });
    }
    order(&mut text, schema, query.table, &alias, &query.sort);
    if query.limit.is_some() || query.offset > 0 {
        let limit = query.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        text.push(" LIMIT ");
        text.param(Value::Int(limit));
        text.push(" OFFSET ");
        text.param(Value::Int(i64::try_from(query.offset).unwrap_or(i64::MAX)));
    }
    Plan { sql: text.sql.into(), params: text.params, fields }
}

/// Plans the reading of one record by its id, the only parameter.
pub fn record_plan(schema: &Schema, table: TableId, select: &Select) -> Plan {
    let mut text = Text::default();
    let alias = text.alias();
    text.push("SELECT ");
    let fields = columns(&mut text, schema, table, &alias, select);
    let declared = schema.table(table);
    text.push(&format!(
        " FROM {} AS {alias} WHERE {alias}.{}=?1",
        quoted(&declared.name),
        quoted(&declared.key().name)
    ));
    Plan { sql: text.sql.into(), params: vec![Value::Null], fields }
}

/// Writes the columns of a selection: the revision, each attribute, and the key of each relation.
fn columns(text: &mut Text, schema: &Schema, table: TableId, alias: &str, select: &Select) -> PlanFields {
    let declared = schema.table(table);
    text.push(&format!("{alias}.{REVISION}"));
    let mut shown: Vec<AttributeId> = Vec::new();
    let mut column = |text: &mut Text, attribute: AttributeId| match shown.iter().position(|known| *known == attribute)
    {
        Some(at) => at + 1,
        None => {
            text.push(&format!(",{alias}.{}", quoted(&declared.attribute(attribute).name)));
            shown.push(attribute);
            shown.len()
        }
    };
    let fields = select
        .fields
        .iter()
        .map(|field| match field {
            Field::Attribute(attribute) => {
                PlanField::Column { attribute: *attribute, column: column(text, *attribute) }
            }
            Field::Related { relation, select, filter } => {
                let joined = declared.relation(*relation);
                let key = column(text, joined.local);
                let plan = Box::new(relation_plan(schema, table, *relation, select, filter));
                PlanField::Related { relation: *relation, many: joined.many, key, plan }
            }
        })
        .collect();
    PlanFields { table, shape: select.shape, fields }
}

/// Plans the records that a relation shows for the key `?1`: of a list in its order, otherwise by primary key.
fn relation_plan(schema: &Schema, table: TableId, relation: RelationId, select: &Select, filter: &Filter) -> Plan {
    let relation = schema.table(table).relation(relation);
    let ends = Ends::of(schema, table, relation);
    let mut text = Text::with_places(1);
    let alias = text.alias();
    text.push("SELECT ");
    let fields = columns(&mut text, schema, relation.target, &alias, select);
    let (target, key) = (quoted(&ends.target.name), quoted(&ends.target.key().name));
    let remote = format!("{alias}.{}", quoted(&ends.remote.name));
    let order = if ends.local.list {
        text.push(&format!(" FROM json_each(?1) AS l CROSS JOIN {target} AS {alias} WHERE {remote}=l.value"));
        format!("l.key,{alias}.{key}")
    } else if ends.remote.list && has_elements(schema, relation.target, ends.remote) {
        let elements = index_of(&ends.target.name, &ends.remote.name);
        text.push(&format!(" FROM {target} AS {alias} WHERE {alias}.{key} IN (SELECT e.\"id\" FROM {elements} AS e WHERE e.\"value\"=?1)"));
        format!("{alias}.{key}")
    } else if ends.remote.list {
        text.push(&format!(
            " FROM {target} AS {alias} WHERE EXISTS(SELECT 1 FROM json_each({remote}) AS e WHERE e.value=?1)"
        ));
        format!("{alias}.{key}")
    } else {
        text.push(&format!(" FROM {target} AS {alias} WHERE {remote}=?1"));
        format!("{alias}.{key}")
    };
    if !filter.is_everything() {
        text.push(" AND ");
        filter::push(&mut text, schema, relation.target, &alias, filter, &filter::unsteered);
    }
    text.push(&format!(" ORDER BY {order}"));
    if !relation.many {
        text.push(" LIMIT 1");
    }
    Plan { sql: text.sql.into(), params: text.params, fields }
}

/// Writes the order. Ties are broken by the primary key in the direction of the last key, so that the order is total.
fn order(text: &mut Text, schema: &Schema, table: TableId, alias: &str, sort: &[SortKey]) {
    text.push(" ORDER BY ");
    for key in sort {
        let expression = sort_expression(schema, table, alias, key, 0);
        text.push(&format!("{expression}{},", direction(key.descending)));
    }
    let descending = sort.last().is_some_and(|key| key.descending);
    text.push(&format!("{alias}.{}{}", quoted(&schema.table(table).key().name), direction(descending)));
}

fn direction(descending: bool) -> &'static str {
    if descending { " DESC" } else { "" }
}

/// A column, or the value at the end of to-one relations as a subquery, which drops no record.
fn sort_expression(schema: &Schema, table: TableId, alias: &str, key: &SortKey, step: usize) -> String {
    let Some(relation) = key.through.get(step) else {
        return format!("{alias}.{}", quoted(&schema.table(table).attribute(key.attribute).name));
    };
    let relation = schema.table(table).relation(*relation);
    let ends = Ends::of(schema, table, relation);
    let there = format!("s{}", step + 1);
    let inner = sort_expression(schema, relation.target, &there, key, step + 1);
    format!(
        "(SELECT {inner} FROM {} AS {there} WHERE {there}.{}={alias}.{} ORDER BY {there}.{} LIMIT 1)",
        quoted(&ends.target.name),
        quoted(&ends.remote.name),
        quoted(&ends.local.name),
        quoted(&ends.target.key().name)
    )
}

/// What leads the search.
enum Drive {
    /// An equality that an index answers with few rows: the weak conditions beside it must not be chosen instead.
    Equality,
    /// The order of the page: walking its index until the page is full beats finding and sorting every match, unless the
    /// condition is on the order's own attribute, which then only shortens the walk.
    Order(Option<AttributeId>),
    /// The planner.
    Planner,
}

impl Drive {
    fn of(schema: &Schema, query: &Query) -> Self {
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

    fn may_index(&self, schema: &Schema, table: TableId, condition: &Condition) -> bool {
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
        Filter::All(_) | Filter::Any(_) => false,
    }
}

fn strong_condition(schema: &Schema, table: TableId, condition: &Condition) -> bool {
    let declared = schema.table(table);
    let attribute = declared.attribute(condition.attribute);
    let indexed = condition.attribute == declared.key || attribute.indexed;
    let equal = matches!(condition.test, Test::Equal(_) | Test::In { .. }) && !condition.negated;
    indexed && equal && attribute.kind != Kind::Boolean
}
