//! `@relationship(onDelete:)`: what becomes of the records that refer to one that is deleted.

use crate::expiry;
use crate::ident::{REVISION, index_of, literal, quoted};
use crate::limits;
use crate::row::Row;
use stoa_schema::model::{Kind, OnDelete, Relation, Schema, Stamp, Table, TableId};

/// A relation whose references a delete of its target meets.
pub struct References<'s> {
    schema: &'s Schema,
    /// The table that refers.
    pub table: TableId,
    /// By which relation.
    pub relation: &'s Relation,
}

/// The relations that something is declared of when records of `target` are deleted.
pub fn references(schema: &Schema, target: TableId) -> Vec<References<'_>> {
    let of_table = |(at, table)| -> Vec<References<'_>> {
        let table: &Table = table;
        let met = table.relations.iter().filter(|relation| relation.target == target);
        let met = met.filter(|relation| relation.on_delete != OnDelete::Nothing);
        met.map(|relation| References { schema, table: TableId(at), relation }).collect()
    };
    schema.tables.iter().enumerate().flat_map(of_table).collect()
}

impl References<'_> {
    fn referring(&self) -> &Table {
        self.schema.table(self.table)
    }

    fn local(&self) -> &str {
        &self.referring().attribute(self.relation.local).name
    }

    fn is_list(&self) -> bool {
        self.referring().attribute(self.relation.local).list
    }

    /// The value that is referred to, of a row of the target.
    fn referred(&self, row: Row<'_>) -> String {
        row.column(&self.schema.table(self.relation.target).attribute(self.relation.remote).name)
    }

    /// The condition that a row of the referring table, its columns bare, refers to a row of the target.
    fn refers(&self, row: Row<'_>) -> String {
        self.refers_to(&self.referred(row))
    }

    /// The same, for the value that is referred to.
    fn refers_to(&self, referred: &str) -> String {
        let referring = self.referring();
        match self.is_list() {
            true => format!(
                "{} IN (SELECT e.\"id\" FROM {} AS e WHERE e.\"value\"={referred})",
                quoted(&referring.key().name),
                index_of(&referring.name, self.local())
            ),
            false => format!("{}={referred}", quoted(self.local())),
        }
    }

    /// That a referring row, its columns bare, is there for those who read: a further condition, if it may not be.
    fn live(&self) -> String {
        expiry::visible(self.referring(), Row::Bare).map(|live| format!(" AND {live}")).unwrap_or_default()
    }

    /// What a restricting rule says: which relation.
    pub fn message(&self) -> String {
        format!("stoa:referenced:{}:{}", self.table.0, self.relation.name)
    }

    /// Keys of up to [`limits::LISTED_REFERENCES`] records that refer to the record of the target with key `?1`.
    pub fn referring_to_key(&self) -> String {
        let target = self.schema.table(self.relation.target);
        let referring = self.referring();
        let referred = format!(
            "(SELECT {} FROM {} WHERE {}=?1)",
            quoted(&target.attribute(self.relation.remote).name),
            quoted(&target.name),
            quoted(&target.key().name)
        );
        format!(
            "SELECT {} FROM {} WHERE {}{} LIMIT {}",
            quoted(&referring.key().name),
            quoted(&referring.name),
            self.refers_to(&referred),
            self.live(),
            limits::LISTED_REFERENCES
        )
    }

    /// The statement of a trigger after a row of the target was deleted.
    pub(crate) fn after_delete(&self) -> String {
        let name = quoted(&self.referring().name);
        let refers = self.refers(Row::Old);
        match self.relation.on_delete {
            OnDelete::Nothing => unreachable!("nothing is declared of it"),
            OnDelete::Cascade => format!("DELETE FROM {name} WHERE {refers}"),
            // To write an expired record would be to refresh it.
            OnDelete::SetNull => format!("UPDATE {name} SET {} WHERE {refers}{}", self.emptied(), self.live()),
            OnDelete::Restrict => {
                // What has expired goes, whoever refers to it.
                let target = self.schema.table(self.relation.target);
                let going = expiry::visible(target, Row::Old).map(|live| format!(" AND {live}"));
                format!(
                    "SELECT RAISE(ABORT,{}) WHERE EXISTS(SELECT 1 FROM {name} WHERE {refers}{}){}",
                    literal(&self.message()),
                    self.live(),
                    going.unwrap_or_default()
                )
            }
        }
    }

    /// The assignments that take the reference away.
    fn emptied(&self) -> String {
        let local = quoted(self.local());
        let value = match self.is_list() {
            true => format!(
                "(SELECT json_group_array(json(k.element)) FROM (SELECT {local} -> e.fullkey AS element FROM json_each({local}) AS e \
                 WHERE e.value IS NOT {}) AS k)",
                self.referred(Row::Old)
            ),
            false => "NULL".into(),
        };
        let now = expiry::NOW_MICROS;
        let stamps = self.referring().attributes.iter().filter(|attribute| attribute.stamp == Some(Stamp::Updated));
        let stamps = stamps.map(|attribute| {
            let moment = match attribute.kind {
                Kind::Int | Kind::Long => format!("{now}/1000"),
                Kind::Float => format!("CAST({now}/1000 AS REAL)"),
                _ => expiry::NOW.to_owned(),
            };
            format!(",{}={moment}", quoted(&attribute.name))
        });
        format!("{local}={value},{REVISION}=max({REVISION}+1,{now}){}", stamps.collect::<String>())
    }
}
