//! The records as they are, or as they were before what the log says happened: one way to ask for both, so that what was
//! and what is are judged alike.

use super::log::{Alterations, FollowError, State};
use super::reader::Reader;
use super::value::{Param, owned};
use crate::catalog::Catalog;
use crate::ddl::has_elements;
use crate::expiry;
use crate::ident::{REVISION, index_of, quoted};
use crate::limits;
use crate::row::Row;
use std::cell::Cell;
use std::sync::Arc;
use stoa_schema::model::{AttributeId, Relation, RelationId, TableId};
use stoa_schema::query::{Joined, Values, compare, terms};
use stoa_schema::value::Value;

/// All records at one position.
pub struct View<'a> {
    reader: &'a Reader,
    catalog: &'a Catalog,
    /// What has happened since.
    since: Option<&'a Alterations>,
    /// Whether what has expired is left out, although nobody has taken it away.
    living: bool,
    /// How many more records may be read.
    budget: Cell<usize>,
}

impl<'a> View<'a> {
    /// The records of a snapshot.
    pub fn now(reader: &'a Reader, catalog: &'a Catalog) -> Self {
        Self { reader, catalog, since: None, living: false, budget: Cell::new(limits::TOLD_CHANGES) }
    }

    /// The records of a snapshot without those that have expired.
    pub fn living(reader: &'a Reader, catalog: &'a Catalog) -> Self {
        Self { living: true, ..Self::now(reader, catalog) }
    }

    /// The records of a snapshot before `since` happened, which must hold all that did in the tables that are asked for.
    pub fn before(reader: &'a Reader, catalog: &'a Catalog, since: &'a Alterations) -> Self {
        Self { since: Some(since), ..Self::now(reader, catalog) }
    }

    /// The records whose attribute is this value or, being a list, has it; by primary key.
    ///
    /// # Errors
    /// There are too many, or libSQL failed.
    pub fn holding(&self, table: TableId, attribute: AttributeId, value: &Value) -> Result<Vec<State>, FollowError> {
        let mut found = self.stored(table, attribute, value)?;
        let Some(since) = self.since else { return Ok(found) };
        let declared = self.catalog.table(table);
        found.retain(|state| since.record(table, &state.values[declared.key.0]).is_none());
        let held = |state: &&State| {
            terms(declared.attribute(attribute), &state.values[attribute.0])
                .iter()
                .any(|term| compare(term, value).is_eq())
        };
        found.extend(since.of(table).filter_map(|altered| altered.before.as_ref()).filter(held).cloned());
        found.sort_by(|one, other| compare(&one.values[declared.key.0], &other.values[declared.key.0]));
        Ok(found)
    }

    fn stored(&self, table: TableId, attribute: AttributeId, value: &Value) -> Result<Vec<State>, FollowError> {
        let declared = self.catalog.table(table);
        let (name, key) = (quoted(&declared.name), quoted(&declared.key().name));
        let asked = declared.attribute(attribute);
        let column = quoted(&asked.name);
        let condition = if !asked.list || attribute == declared.key {
            format!("{column}=?1")
        } else if has_elements(&self.catalog.schema, table, asked) {
            format!(
                "{key} IN (SELECT e.\"id\" FROM {} AS e WHERE e.\"value\"=?1)",
                index_of(&declared.name, &asked.name)
            )
        } else {
            format!("EXISTS(SELECT 1 FROM json_each({column}) AS e WHERE e.value=?1)")
        };
        let columns = &self.catalog.statements(table).columns;
        let visible =
            expiry::visible(declared, Row::Bare).filter(|_| self.living).map(|visible| format!(" AND {visible}"));
        let visible = visible.unwrap_or_default();
        let sql = format!("SELECT {REVISION},{columns} FROM {name} WHERE {condition}{visible} ORDER BY {key}");
        let mut statement = self.reader.connection().prepare_cached(&sql)?;
        let mut rows = statement.query([Param(value)])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let left = self.budget.get().checked_sub(1).ok_or(FollowError::TooMuch)?;
            self.budget.set(left);
            let attributes = declared.attributes.iter().enumerate();
            let values = attributes.map(|(at, attribute)| Ok(owned(attribute, row.get_ref(at + 1)?)));
            found.push(State { revision: row.get(0)?, values: values.collect::<rusqlite::Result<_>>()? });
        }
        Ok(found)
    }

    /// The records that refer by a relation of `table` to a record of its target.
    ///
    /// # Errors
    /// There are too many, or libSQL failed.
    pub fn referring(&self, table: TableId, relation: &Relation, target: &Values) -> Result<Vec<State>, FollowError> {
        let remote = self.catalog.table(relation.target).attribute(relation.remote);
        let mut found = Vec::new();
        for value in terms(remote, &target[relation.remote.0]) {
            found.extend(self.holding(table, relation.local, &value)?);
        }
        Ok(found)
    }
}

impl Joined for View<'_> {
    type Error = FollowError;

    fn joined(&self, table: TableId, relation: RelationId, record: &Values) -> Result<Vec<Arc<Values>>, FollowError> {
        let declared = self.catalog.table(table);
        let relation = declared.relation(relation);
        let mut found = Vec::new();
        for value in terms(declared.attribute(relation.local), &record[relation.local.0]) {
            let states = self.holding(relation.target, relation.remote, &value)?;
            found.extend(states.into_iter().map(|state| state.values));
        }
        Ok(found)
    }
}
