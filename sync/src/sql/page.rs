//! A [`Query`] → a [`ListPlan`]: the statements that read a page of its records, wherever the page begins.
//!
//! A page after a cursor is read as seeks that are run in turn until it is full: the records that agree with the cursor in
//! all keys but the last and come after it in that, then those that agree in one key less, and so on; null has a seek of its
//! own. Each seek is one walk of an index. One condition with `OR` would say the same and scan.

use super::drive::{self, Drive};
use super::filter::{self, Ends};
use super::select::{Columns, Plan, PlanFields, fields};
use super::text::Text;
use crate::expiry;
use crate::ident::quoted;
use crate::row::Row;
use stoa_schema::model::{Schema, TableId};
use stoa_schema::query::{Query, SortKey};
use stoa_schema::value::Value;

/// How to read a list.
#[derive(Clone, Debug)]
pub struct ListPlan {
    /// The seeks, in order. The last two parameters of each are the most records to return (-1: all) and how many to pass
    /// over.
    pub seeks: Vec<Plan>,
    /// The number of records that each seek could return, as one value.
    pub counts: Vec<Plan>,
    /// The number of records that meet the query, wherever the page begins.
    pub total: Plan,
    /// How many records at most.
    pub limit: Option<u64>,
    /// How many records the first seek passes over.
    pub offset: u64,
    /// The columns that hold the keys of the order, the primary key last: what a cursor remembers.
    pub keys: Vec<usize>,
}

/// What leads the search for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// What seems best by the form of the query.
    Form,
    /// The order of the page.
    Order,
    /// The part of the condition at this position ([`Probe::part`]).
    Part(usize),
}

/// A part of a condition that could lead the search for a page, and a plan that counts the records that meet it, up to a
/// bound, its only place.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The position of the part.
    pub part: usize,
    /// The last parameter is the bound.
    pub count: Plan,
}

/// Whether counting decides what leads the search for a page, rather than the form of the query.
pub fn is_counted(schema: &Schema, query: &Query) -> bool {
    !drive::candidates(schema, query).is_empty()
}

/// What to count before a page is planned: nothing if the form of the query decides.
pub fn probes(schema: &Schema, query: &Query) -> Vec<Probe> {
    let parts = drive::conjuncts(&query.filter);
    let probe = |part: usize| {
        let mut text = Text::with_first_alias();
        text.push("SELECT count(*) FROM (SELECT 1 FROM ");
        filter::push_source(&mut text, schema, query.table, ROW, &parts[part]);
        text.push(" LIMIT ");
        text.param(Value::Int(0));
        text.push(")");
        Probe { part, count: counting(query, text) }
    };
    drive::candidates(schema, query).into_iter().map(probe).collect()
}

/// A plan whose answer is a number.
fn counting(query: &Query, text: Text) -> Plan {
    let fields = PlanFields { table: query.table, shape: query.select.shape, fields: Vec::new() };
    Plan { sql: text.sql.into(), params: text.params, fields }
}

/// Plans a list. `after` holds the keys of the record that the page follows, as [`ListPlan::keys`] shows them.
pub fn list_plan(schema: &Schema, query: &Query, after: Option<&[Value]>, lead: Lead) -> ListPlan {
    let by_form = || Drive::of(schema, query);
    let drive = match lead {
        Lead::Form => by_form(),
        Lead::Order => drive::walk(schema, query).unwrap_or_else(by_form),
        Lead::Part(part) => Drive::Part(part),
    };
    let list = List { schema, query, drive, order: order(schema, query) };
    let ranges = match after {
        None => vec![Vec::new()],
        Some(values) => ranges(&list.order, values),
    };
    let mut keys = Vec::new();
    let seeks = ranges.iter().map(|range| list.seek(range, &mut keys)).collect();
    ListPlan {
        seeks,
        counts: ranges.iter().map(|range| list.count(range)).collect(),
        total: list.count(&[]),
        limit: query.limit,
        offset: query.offset,
        keys,
    }
}

/// A key of the order, as SQL.
struct Key {
    expression: String,
    descending: bool,
}

/// One condition of a seek: a key's place relative to the cursor's.
enum Bound {
    Is(String, Value),
    Above(String, Value),
    Below(String, Value),
    Null(String),
    NotNull(String),
}

/// The alias of the table that is listed, the first of each statement.
const ROW: &str = "t1";

/// The keys of the order. Ties are broken by the primary key in the direction of the last key, so that it is total.
fn order(schema: &Schema, query: &Query) -> Vec<Key> {
    let table = schema.table(query.table);
    let mut keys: Vec<Key> = Vec::with_capacity(query.sort.len() + 1);
    for key in &query.sort {
        let expression = sort_expression(schema, query.table, ROW, key, 0);
        if !keys.iter().any(|known| known.expression == expression) {
            keys.push(Key { expression, descending: key.descending });
        }
    }
    let primary = format!("{ROW}.{}", quoted(&table.key().name));
    if !keys.iter().any(|known| known.expression == primary) {
        let descending = keys.last().is_some_and(|key| key.descending);
        keys.push(Key { expression: primary, descending });
    }
    keys
}

/// The seeks that lead from a cursor to the end, the nearest first.
fn ranges(order: &[Key], values: &[Value]) -> Vec<Vec<Bound>> {
    let mut ranges = Vec::new();
    for last in (0..order.len().min(values.len())).rev() {
        for after in beyond(&order[last], &values[last]) {
            let same = order[..last].iter().zip(values).map(|(key, value)| match value {
                Value::Null => Bound::Null(key.expression.clone()),
                value => Bound::Is(key.expression.clone(), value.clone()),
            });
            ranges.push(same.chain([after]).collect());
        }
    }
    ranges
}

/// What comes after a value in the order of a key: null is first in a rising order and last in a falling one.
fn beyond(key: &Key, value: &Value) -> Vec<Bound> {
    let expression = || key.expression.clone();
    match (value, key.descending) {
        (Value::Null, false) => vec![Bound::NotNull(expression())],
        (Value::Null, true) => Vec::new(),
        (value, false) => vec![Bound::Above(expression(), value.clone())],
        (value, true) => vec![Bound::Below(expression(), value.clone()), Bound::Null(expression())],
    }
}

struct List<'a> {
    schema: &'a Schema,
    query: &'a Query,
    drive: Drive,
    order: Vec<Key>,
}

impl List<'_> {
    fn seek(&self, range: &[Bound], keys: &mut Vec<usize>) -> Plan {
        let mut text = Text::with_first_alias();
        text.push("SELECT ");
        let mut columns = Columns::new(&mut text, ROW);
        let table = self.query.table;
        let fields = fields(&mut text, &mut columns, self.schema, table, ROW, &self.query.select);
        *keys = self.order.iter().map(|key| columns.position(&mut text, &key.expression)).collect();
        self.matching(&mut text, range);
        for (at, key) in self.order.iter().enumerate() {
            text.push(if at == 0 { " ORDER BY " } else { "," });
            text.push(self.barred());
            text.push(&key.expression);
            text.push(if key.descending { " DESC" } else { "" });
        }
        text.push(" LIMIT ");
        text.param(Value::Int(-1));
        text.push(" OFFSET ");
        text.param(Value::Int(0));
        Plan { sql: text.sql.into(), params: text.params, fields }
    }

    /// What takes the order's index from the planner where a condition leads.
    fn barred(&self) -> &'static str {
        if matches!(self.drive, Drive::Part(_)) { "+" } else { "" }
    }

    fn count(&self, range: &[Bound]) -> Plan {
        let mut text = Text::with_first_alias();
        text.push("SELECT count(*)");
        self.matching(&mut text, range);
        counting(self.query, text)
    }

    fn matching(&self, text: &mut Text, range: &[Bound]) {
        let (schema, query) = (self.schema, self.query);
        text.push(&format!(" FROM {} AS {ROW}", quoted(&schema.table(query.table).name)));
        let mut joint = " WHERE ";
        for (at, part) in drive::conjuncts(&query.filter).iter().enumerate() {
            text.push(std::mem::replace(&mut joint, " AND "));
            filter::push(text, schema, query.table, ROW, part, self.drive.steer(at));
        }
        for bound in range {
            text.push(std::mem::replace(&mut joint, " AND "));
            text.push(self.barred());
            push_bound(text, bound);
        }
        if let Some(visible) = expiry::visible(schema.table(query.table), Row::Alias(ROW)) {
            text.push(joint);
            text.push(&visible);
        }
    }
}

fn push_bound(text: &mut Text, bound: &Bound) {
    let (expression, operator, value) = match bound {
        Bound::Is(expression, value) => (expression, "=", value),
        Bound::Above(expression, value) => (expression, ">", value),
        Bound::Below(expression, value) => (expression, "<", value),
        Bound::Null(expression) => return text.push(&format!("{expression} IS NULL")),
        Bound::NotNull(expression) => return text.push(&format!("{expression} IS NOT NULL")),
    };
    text.push(expression);
    text.push(operator);
    text.param(value.clone());
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
    let visible = expiry::visible(ends.target, Row::Alias(&there)).map(|visible| format!(" AND {visible}"));
    format!(
        "(SELECT {inner} FROM {} AS {there} WHERE {there}.{}={alias}.{}{} ORDER BY {there}.{} LIMIT 1)",
        quoted(&ends.target.name),
        quoted(&ends.remote.name),
        quoted(&ends.local.name),
        visible.unwrap_or_default(),
        quoted(&ends.target.key().name)
    )
}
