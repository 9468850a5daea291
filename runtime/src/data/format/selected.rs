//! A record whose values are known → JSON, as a selection shows it. The same walk as over the rows of a plan, for records
//! that come from the change log and for those that are no longer there.

use super::Renderer;
use super::encoder::{self, Encoder};
use super::json::Json;
use super::undeclared::Undeclared;
use std::sync::Arc;
use stoa_schema::model::{RelationId, TableId};
use stoa_schema::query::{Field, Filter, Joined, Select, Shape, Values};
use stoa_schema::time::Zone;
use stoa_sync::store::Cell;

/// How records are shown.
#[derive(Debug)]
pub struct Selected<'a, J> {
    /// Knows the names of members.
    pub renderer: &'a Renderer,
    /// Where related records are found.
    pub joined: &'a J,
    /// The zone in which times are shown.
    pub zone: Option<&'a Zone>,
}

impl<J: Joined> Selected<'_, J> {
    /// Writes a record of `table`.
    ///
    /// # Errors
    /// Related records cannot be found.
    pub fn record(&self, table: TableId, select: &Select, values: &Values, out: &mut Vec<u8>) -> Result<(), J::Error> {
        let open = self.renderer.schema().table(table).open;
        let (fields, undeclared) = match (select.fields.split_last(), open) {
            (Some((Field::Attribute(last), declared)), Some(open)) if *last == open => {
                (declared, Undeclared::of(Cell::from(&values[open.0])))
            }
            _ => (select.fields.as_slice(), Undeclared::default()),
        };
        match select.shape {
            Shape::Object => Json::begin_object(fields.len(), out),
            Shape::Array => Json::begin_array(fields.len(), out),
            Shape::Value => {}
        }
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                Json::separate(out);
            }
            if select.shape == Shape::Object {
                Json::member(self.renderer.name(table, field), out);
            }
            self.field(table, field, values, out)?;
        }
        match select.shape {
            Shape::Object => {
                undeclared.write::<Json>(out);
                Json::end_object(out);
            }
            Shape::Array => Json::end_array(out),
            Shape::Value => {}
        }
        Ok(())
    }

    fn field(&self, table: TableId, field: &Field, values: &Values, out: &mut Vec<u8>) -> Result<(), J::Error> {
        match field {
            Field::Attribute(id) => {
                let attribute = self.renderer.schema().table(table).attribute(*id);
                encoder::value::<Json>(attribute, Cell::from(&values[id.0]), self.zone, out);
                Ok(())
            }
            Field::Related { relation, select, filter } => {
                let records = self.related(table, *relation, filter, values)?;
                let joined = self.renderer.schema().table(table).relation(*relation);
                match (joined.many, records.first()) {
                    (true, _) => self.list(joined.target, select, &records, out),
                    (false, Some(record)) => self.record(joined.target, select, record, out),
                    (false, None) => {
                        Json::null(out);
                        Ok(())
                    }
                }
            }
        }
    }

    /// The joined records that meet the filter.
    fn related(
        &self,
        table: TableId,
        relation: RelationId,
        filter: &Filter,
        values: &Values,
    ) -> Result<Vec<Arc<Values>>, J::Error> {
        let schema = self.renderer.schema();
        let target = schema.table(table).relation(relation).target;
        let mut shown = Vec::new();
        for record in self.joined.joined(table, relation, values)? {
            if filter.matches(schema, target, &record, self.joined)? {
                shown.push(record);
            }
        }
        Ok(shown)
    }

    fn list(
        &self,
        table: TableId,
        select: &Select,
        records: &[Arc<Values>],
        out: &mut Vec<u8>,
    ) -> Result<(), J::Error> {
        let start = out.len();
        Json::begin_rows(out);
        for (at, record) in records.iter().enumerate() {
            if at > 0 {
                Json::separate(out);
            }
            self.record(table, select, record, out)?;
        }
        Json::end_rows(start, records.len(), out);
        Ok(())
    }
}
