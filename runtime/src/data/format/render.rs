//! The walk: rows of a plan, with the rows of their relations, in the shape that was selected.

use super::Format;
use super::cbor::Cbor;
use super::csv::Csv;
use super::encoder::{self, Encoder, Name};
use super::json::Json;
use super::msgpack::MessagePack;
use super::undeclared::Undeclared;
use crate::data::keys::Keys;
use std::sync::Arc;
use stoa_schema::model::{Attribute, AttributeId, Schema, TableId};
use stoa_schema::query::{Field, Shape};
use stoa_schema::time::Zone;
use stoa_schema::value::Value;
use stoa_sync::Catalog;
use stoa_sync::sql::{Plan, PlanField, PlanFields};
use stoa_sync::store::{Cell, Flow, ReadError, Reader, Record};

/// Writes the records of a catalog; holds the names of every table's members, ready in all formats.
#[derive(Debug)]
pub struct Renderer {
    catalog: Arc<Catalog>,
    tables: Vec<Names>,
}

#[derive(Debug)]
struct Names {
    attributes: Vec<Name>,
    relations: Vec<Name>,
}

/// Calls a generic method with the encoder of a format.
macro_rules! with_encoder {
    ($format:expr, $self:ident.$method:ident($($argument:expr),*)) => {
        match $format {
            Format::Json | Format::Ndjson => $self.$method::<Json>($($argument),*),
            Format::Csv => $self.$method::<Csv>($($argument),*),
            Format::Cbor => $self.$method::<Cbor>($($argument),*),
            Format::MessagePack => $self.$method::<MessagePack>($($argument),*),
        }
    };
}

/// What a walk over rows needs beside them.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    /// Reads the rows of relations.
    pub reader: &'a Reader,
    /// The zone in which times are shown.
    pub zone: Option<&'a Zone>,
    /// Where the keys of relations are noted, if somebody wants to know.
    pub keys: Option<&'a Keys>,
}

impl Renderer {
    /// The renderer of a catalog's records.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let tables = catalog.schema.tables.iter().map(|table| Names {
            attributes: table.attributes.iter().map(|attribute| Name::new(&attribute.name)).collect(),
            relations: table.relations.iter().map(|relation| Name::new(&relation.name)).collect(),
        });
        Self { tables: tables.collect(), catalog }
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// What is declared.
    pub fn schema(&self) -> &Schema {
        &self.catalog.schema
    }

    /// The name of a field of a table's records.
    pub(super) fn name(&self, table: TableId, field: &Field) -> &Name {
        let names = &self.tables[table.0];
        match field {
            Field::Attribute(id) => &names.attributes[id.0],
            Field::Related { relation, .. } => &names.relations[relation.0],
        }
    }

    /// Writes what stands before the records of these fields: the header of CSV.
    pub fn header(&self, format: Format, fields: &PlanFields, out: &mut Vec<u8>) {
        let names = &self.tables[fields.table.0];
        let open = self.schema().table(fields.table).open;
        let shown = fields.fields.iter().filter_map(|field| match field {
            PlanField::Column { attribute, .. } if Some(*attribute) == open => None,
            PlanField::Column { attribute, .. } => Some(&names.attributes[attribute.0]),
            PlanField::Related { relation, .. } => Some(&names.relations[relation.0]),
        });
        header(format, shown, out);
    }

    /// As [`Renderer::header`], for the records that [`Renderer::values`] writes.
    pub fn values_header(&self, format: Format, table: TableId, out: &mut Vec<u8>) {
        let declared = self.schema().table(table).attributes.iter().zip(&self.tables[table.0].attributes);
        header(format, declared.filter(|(attribute, _)| !attribute.hidden).map(|(_, name)| name), out);
    }

    /// As [`Renderer::header`], for the value of one attribute.
    pub fn value_header(&self, format: Format, table: TableId, id: AttributeId, out: &mut Vec<u8>) {
        header(format, std::iter::once(&self.tables[table.0].attributes[id.0]), out);
    }

    /// Writes a row of a plan, and the rows of its relations, in the shape that was selected.
    ///
    /// # Errors
    /// A relation could not be read.
    pub fn row(
        &self,
        format: Format,
        walk: Walk<'_>,
        fields: &PlanFields,
        row: &Record<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        with_encoder!(format, self.row_with(walk, fields, row, out))?;
        format.end_record(out);
        Ok(())
    }

    /// Writes a whole record from its values.
    pub fn values(&self, format: Format, table: TableId, values: &[Value], zone: Option<&Zone>, out: &mut Vec<u8>) {
        with_encoder!(format, self.values_with(table, values, zone, out));
        format.end_record(out);
    }

    /// Writes one value of an attribute.
    pub fn value(&self, format: Format, attribute: &Attribute, cell: Cell<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) {
        with_encoder!(format, self.value_with(attribute, cell, zone, out));
        format.end_record(out);
    }

    fn row_with<E: Encoder>(
        &self,
        walk: Walk<'_>,
        fields: &PlanFields,
        row: &Record<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let names = &self.tables[fields.table.0];
        let named = fields.shape == Shape::Object;
        let (declared, undeclared) = self.split(fields, row);
        match fields.shape {
            Shape::Object => E::begin_object(declared.len() + undeclared.len(), out),
            Shape::Array => E::begin_array(declared.len(), out),
            Shape::Value => {}
        }
        for (at, field) in declared.iter().enumerate() {
            if at > 0 {
                E::separate(out);
            }
            match field {
                PlanField::Column { attribute, column } => {
                    if named {
                        E::member(&names.attributes[attribute.0], out);
                    }
                    let declared = self.schema().table(fields.table).attribute(*attribute);
                    encoder::value::<E>(declared, row.cell(*column), walk.zone, out);
                }
                PlanField::Related { relation, many, key, plan } => {
                    if named {
                        E::member(&names.relations[relation.0], out);
                    }
                    let start = out.len();
                    if let Some(keys) = walk.keys {
                        let table = self.schema().table(fields.table);
                        let relation = table.relation(*relation);
                        keys.joined(relation, table.attribute(relation.local), row.cell(*key));
                    }
                    self.related::<E::Nested>(walk, plan, row.cell(*key), *many, out)?;
                    E::end_nested(start, out);
                }
            }
        }
        match fields.shape {
            Shape::Object => {
                undeclared.write::<E>(out);
                E::end_object(out);
            }
            Shape::Array => E::end_array(out),
            Shape::Value => {}
        }
        Ok(())
    }

    /// The fields that are declared, and the undeclared members of a row of an open table, which stand in its last one.
    fn split<'p>(&self, fields: &'p PlanFields, row: &Record<'_>) -> (&'p [PlanField], Undeclared) {
        let open = self.schema().table(fields.table).open;
        match fields.fields.split_last() {
            Some((PlanField::Column { attribute, column }, declared)) if Some(*attribute) == open => {
                (declared, Undeclared::of(row.cell(*column)))
            }
            _ => (&fields.fields, Undeclared::default()),
        }
    }

    /// Writes the records that a relation shows for a key: all of them, or the one.
    fn related<E: Encoder<Nested = E>>(
        &self,
        walk: Walk<'_>,
        plan: &Plan,
        key: Cell<'_>,
        many: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let (start, mut count) = (out.len(), 0);
        if many {
            E::begin_rows(out);
        }
        if key != Cell::Null {
            walk.reader.each(plan, Some(key), &mut |joined| {
                if count > 0 {
                    E::separate(out);
                }
                count += 1;
                self.row_with::<E>(walk, &plan.fields, joined, out)?;
                Ok(Flow::Continue)
            })?;
        }
        match (many, count) {
            (true, _) => E::end_rows(start, count, out),
            (false, 0) => E::null(out),
            (false, _) => {}
        }
        Ok(())
    }

    fn values_with<E: Encoder>(&self, table: TableId, values: &[Value], zone: Option<&Zone>, out: &mut Vec<u8>) {
        let names = self.tables[table.0].attributes.iter();
        let declared = self.schema().table(table).attributes.iter();
        let shown = declared.zip(values).zip(names).filter(|((attribute, _), _)| !attribute.hidden);
        let open = self.schema().table(table).open.map(|id| Undeclared::of(Cell::from(&values[id.0])));
        let undeclared = open.unwrap_or_default();
        E::begin_object(shown.clone().count() + undeclared.len(), out);
        for (at, ((attribute, stored), name)) in shown.enumerate() {
            if at > 0 {
                E::separate(out);
            }
            E::member(name, out);
            encoder::value::<E>(attribute, Cell::from(stored), zone, out);
        }
        undeclared.write::<E>(out);
        E::end_object(out);
    }

    fn value_with<E: Encoder>(&self, attribute: &Attribute, cell: Cell<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) {
        encoder::value::<E>(attribute, cell, zone, out);
    }
}

fn header<'a>(format: Format, names: impl Iterator<Item = &'a Name>, out: &mut Vec<u8>) {
    if format != Format::Csv {
        return;
    }
    for (at, name) in names.enumerate() {
        if at > 0 {
            Csv::separate(out);
        }
        Csv::text(&name.plain, out);
    }
    format.end_record(out);
}
