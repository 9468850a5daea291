//! Queries as data, and their URL syntax.
//!
//! A query string is split on its raw text ([`scan`]), so that a percent-encoded value can never become an operator; then
//! every name is resolved against the schema and every value is coerced to its attribute's type ([`bind`], [`controls`]).
//! What comes out cannot name anything that does not exist. The grammar is described for users in `docs/queries.md`.

mod unindexed;
mod matches;
mod live;
mod bind;
mod controls;
mod select;
mod bound;
mod inside;
mod operator;
mod scan;
mod decode;
mod error;

pub use decode::percent_decode;
pub use error::QueryError;
pub use live::LiveQuery;
pub use matches::{Alone, Joined, Values, compare, has_terms, terms};

use crate::model::{AttributeId, RelationId, Schema, TableId};
use crate::time::Zone;
use crate::value::Value;

/// What to read of a collection.
#[derive(Clone, Debug)]
pub struct Query {
    /// The table that is read.
    pub table: TableId,
    /// Which records.
    pub filter: Filter,
    /// In which order; ties are broken by the primary key in the direction of the last key.
    pub sort: Vec<SortKey>,
    /// How many records at most.
    pub limit: Option<u64>,
    /// How many matching records are passed over first.
    pub offset: u64,
    /// The cursor after which the page begins, as written, and its byte in the query string.
    pub after: Option<(String, usize)>,
    /// The query string without `limit`, `offset` and `after`: what every page of this query has in common.
    pub without_page: String,
    /// What is shown of each.
    pub select: Select,
    /// The zone in which bounds were read and times are shown.
    pub zone: Option<Zone>,
    /// Which of the controls were written.
    pub controls: Controls,
}

/// The controls that a query string names, by the byte where the first of a kind stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// `limit`, `offset`, `after`, `sort` or `select`.
    pub paging_or_select: Option<usize>,
    /// `timezone`.
    pub timezone: Option<usize>,
}

/// A condition on records.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every part holds; no part at all: every record.
    All(Vec<Filter>),
    /// Some part holds.
    Any(Vec<Filter>),
    /// It is the record with this primary key.
    Key(Value),
    /// A test of one attribute.
    Is(Condition),
    /// A test of a value inside a nested one.
    Inside(InsideCondition),
    /// Some record joined by the relation meets the filter.
    Related {
        /// A relation of the table that the filter is about.
        relation: RelationId,
        /// A filter on the joined table.
        filter: Box<Filter>,
    },
}

impl Filter {
    /// The filter that every record meets.
    pub const EVERYTHING: Filter = Filter::All(Vec::new());

    /// Whether it passes every record by its form.
    pub fn is_everything(&self) -> bool {
        matches!(self, Filter::All(parts) if parts.is_empty())
    }
}

/// A test of one attribute. On a list it holds if some element passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The attribute.
    pub attribute: AttributeId,
    /// What is asked of it.
    pub test: Test,
    /// Whether exactly the other records are meant, null included.
    pub negated: bool,
}

impl Condition {
    /// Whether an index on the attribute would lead to the records that pass.
    pub fn suits_index(&self) -> bool {
        let found = match &self.test {
            Test::Null
            | Test::Equal(_)
            | Test::In { .. }
            | Test::Less(_)
            | Test::LessOrEqual(_)
            | Test::Greater(_)
            | Test::GreaterOrEqual(_)
            | Test::Between(..) => true,
            Test::StartsWith(prefix) => !prefix.is_empty(),
            Test::EndsWith(_) | Test::Contains(_) => false,
        };
        found && !self.negated
    }
}

/// A test of a value inside the nested value of an attribute. Where there are lists on the way, it holds if some element
/// passes.
#[derive(Clone, Debug, PartialEq)]
pub struct InsideCondition {
    /// The attribute that holds the nested value, or a list of them.
    pub attribute: AttributeId,
    /// From there to the value; never empty.
    pub path: Vec<PathStep>,
    /// What is asked of it. Values stand in the form that they have inside stored JSON.
    pub test: Test,
    /// Whether exactly the other records are meant.
    pub negated: bool,
}

/// A step into a nested value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// The attribute of the nested type.
    pub name: String,
    /// Whether it is a list.
    pub list: bool,
}

/// What is asked of an attribute's value. Null passes [`Test::Null`] only (and [`Test::In`] where it says so).
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is absent.
    Null,
    /// It is this value.
    Equal(Value),
    /// It is below.
    Less(Value),
    /// It is this value or below.
    LessOrEqual(Value),
    /// It is above.
    Greater(Value),
    /// It is this value or above.
    GreaterOrEqual(Value),
    /// It is one of these.
    In {
        /// The values.
        values: Vec<Value>,
        /// Whether absent counts as one of them.
        null: bool,
    },
    /// It lies between the two, ends included.
    Between(Value, Value),
    /// The text starts with these bytes.
    StartsWith(String),
    /// The text ends with these bytes.
    EndsWith(String),
    /// The text has these bytes somewhere.
    Contains(String),
}

/// One key of an order. Null is less than everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// To-one relations to follow first.
    pub through: Vec<RelationId>,
    /// The attribute, of the table at the end of the path.
    pub attribute: AttributeId,
    /// Greatest first.
    pub descending: bool,
}

/// What is shown of each record.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// How a record is written.
    pub shape: Shape,
    /// What of it, in order.
    pub fields: Vec<Field>,
}

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"a":1,"b":2}`
    Object,
    /// `[1,2]`
    Array,
    /// `1`: the only field, bare.
    Value,
}

/// A selected field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// An attribute.
    Attribute(AttributeId),
    /// The records joined by a relation.
    Related {
        /// The relation.
        relation: RelationId,
        /// What is shown of each.
        select: Select,
        /// Which of them are shown: those that the query's own conditions on the relation let through.
        filter: Filter,
    },
}

impl Select {
    /// All shown attributes of a table, then where it keeps undeclared ones; no relation.
    pub fn all(schema: &Schema, table: TableId) -> Self {
        let declared = schema.table(table);
        let attributes = declared.attributes.iter().enumerate();
        let shown = attributes.filter(|(at, attribute)| !attribute.hidden || declared.open == Some(AttributeId(*at)));
        Self { shape: Shape::Object, fields: shown.map(|(at, _)| Field::Attribute(AttributeId(at))).collect() }
    }
}

/// What to show of one record: `select` and `timezone`.
#[derive(Clone, Debug)]
pub struct RecordQuery {
    /// What is shown; `None`: the whole record, plain.
    pub select: Option<Select>,
    /// The zone in which times are shown.
    pub zone: Option<Zone>,
}

impl Query {
    /// Reads the query string (without `?`) of a collection.
    ///
    /// # Errors
    /// What is wrong, and at which byte of the string.
    pub fn parse(schema: &Schema, table: TableId, raw: &str) -> Result<Query, QueryError> {
        bind::query(schema, table, raw)
    }

    /// The attribute whose index would make this query fast, if no index helps it now.
    pub fn missing_index(&self, schema: &Schema) -> Option<(TableId, AttributeId)> {
        unindexed::first(schema, self)
    }

    /// The query that a bare collection path means: every record, whole.
    pub fn everything(schema: &Schema, table: TableId) -> Query {
        Query {
            table,
            filter: Filter::EVERYTHING,
            sort: Vec::new(),
            limit: None,
            offset: 0,
            after: None,
            without_page: String::new(),
            select: Select::all(schema, table),
            zone: None,
            controls: Controls::default(),
        }
    }
}

impl RecordQuery {
    /// Reads the query string (without `?`) of a single record.
    ///
    /// # Errors
    /// As [`Query::parse`]; anything but `select` and `timezone` is refused.
    pub fn parse(schema: &Schema, table: TableId, raw: &str) -> Result<RecordQuery, QueryError> {
        bind::record_query(schema, table, raw)
    }
}
