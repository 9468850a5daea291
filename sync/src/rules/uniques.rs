//! `@unique`: no two records have the same values, nulls apart.

use super::{BROKEN, LENIENT, exempt};
use crate::expiry;
use crate::ident::{literal, quoted};
use crate::row::Row;
use stoa_schema::expression::{Expression, Reach};
use stoa_schema::model::{AttributeId, Schema, Table, TableId};

/// A set of attributes that together are unique.
pub struct Unique<'s> {
    schema: &'s Schema,
    id: TableId,
    /// The attributes.
    pub fields: Vec<AttributeId>,
    unless: Option<&'s String>,
}

/// The unique sets of a table, those of single attributes first. The primary key is not among them.
pub fn uniques(schema: &Schema, id: TableId) -> Vec<Unique<'_>> {
    let table = schema.table(id);
    let single = table.attributes.iter().enumerate().filter(|(at, it)| it.unique && AttributeId(*at) != table.key);
    let single = single.map(|(at, _)| Unique { schema, id, fields: vec![AttributeId(at)], unless: None });
    let sets = table.uniques.iter();
    let sets = sets.map(|set| Unique { schema, id, fields: set.fields.clone(), unless: set.unless.as_ref() });
    single.chain(sets).collect()
}

impl Unique<'_> {
    fn table(&self) -> &Table {
        self.schema.table(self.id)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| self.table().attribute(*field).name.as_str())
    }

    /// The index that finds equal records, by name and columns, each unquoted; `None` if there is one anyway.
    pub(crate) fn index(&self) -> Option<(String, Vec<String>)> {
        if let [field] = self.fields.as_slice()
            && self.table().attribute(*field).indexed
        {
            return None;
        }
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        Some((format!("{}:unique:{}", self.table().name, names.join(":")), names))
    }

    /// The attributes that [`Unique::same`] reads of the row: given ones only, or the rule is none to merge by.
    pub fn reads(&self) -> Vec<AttributeId> {
        let mut reads = self.fields.clone();
        reads.push(self.table().key);
        if let Some(text) = self.unless {
            let tables: Vec<&Table> = self.schema.tables.iter().collect();
            let read = Expression::condition(&tables, self.id, text, Reach::Row);
            reads.extend(read.map(|read| read.attributes).unwrap_or_default());
        }
        reads.sort();
        reads.dedup();
        reads
    }

    /// The condition that another row `u` has the values of `row`.
    pub fn same(&self, row: Row<'_>) -> String {
        let key = &self.table().key().name;
        let other = Row::Alias("u");
        let equal = self.names().map(|name| format!("{}={}", other.column(name), row.column(name)));
        let mut parts: Vec<String> = equal.collect();
        parts.push(format!("{} IS NOT {}", other.column(key), row.column(key)));
        for side in [other, row] {
            parts.extend(exempt(self.schema, self.id, self.unless, side).map(|exempt| format!("NOT ({exempt})")));
        }
        parts.join(" AND ")
    }

    /// The statements of a trigger after a row was stored.
    pub(crate) fn enforce(&self, updating: bool) -> Vec<String> {
        let name = quoted(&self.table().name);
        let touched = if updating { format!(" AND ({})", self.changed()) } else { String::new() };
        let equal: Vec<String> =
            self.names().map(|name| format!("{}={}", quoted(name), Row::New.column(name))).collect();
        let key = &self.table().key().name;
        let others = format!("{} AND {} IS NOT {}{touched}", equal.join(" AND "), quoted(key), Row::New.column(key));
        let cleared = expiry::delete_expired(self.table(), &others);
        let refused = format!(
            "SELECT RAISE(ABORT,{}) WHERE EXISTS(SELECT 1 FROM {name} AS u WHERE {}){touched} AND NOT {LENIENT}",
            literal(BROKEN),
            self.same(Row::New)
        );
        cleared.into_iter().chain([refused]).collect()
    }

    /// Whether an update changes what the rule looks at.
    fn changed(&self) -> String {
        let mut parts: Vec<String> =
            self.names().map(|name| format!("{} IS NOT {}", Row::Old.column(name), Row::New.column(name))).collect();
        if let (Some(old), Some(new)) =
            (exempt(self.schema, self.id, self.unless, Row::Old), exempt(self.schema, self.id, self.unless, Row::New))
        {
            parts.push(format!("({old})<>({new})"));
        }
        parts.join(" OR ")
    }

    /// A record that has the values of the row `t`, which meets `selected`: its key.
    pub fn violation(&self, selected: &str) -> String {
        let name = quoted(&self.table().name);
        let key = quoted(&self.table().key().name);
        format!(
            "SELECT u.{key} FROM {name} AS t CROSS JOIN {name} AS u WHERE {selected} AND {} LIMIT 1",
            self.same(Row::Alias("t"))
        )
    }

    /// The keys of pairs of stored records that violate the rule.
    pub(crate) fn violations(&self) -> String {
        let name = quoted(&self.table().name);
        let key = quoted(&self.table().key().name);
        format!(
            "SELECT t.{key},u.{key} FROM {name} AS t CROSS JOIN {name} AS u WHERE u.{key}>t.{key} AND {}",
            self.same(Row::Alias("t"))
        )
    }
}
