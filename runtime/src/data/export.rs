//! A query → a file of all its records, written as they are read, in constant memory.

use super::format::{Format, Renderer, Walk};
use super::list;
use crate::limits;
use std::io::{self, Write};
use stoa_schema::model::{AttributeId, Schema, TableId};
use stoa_schema::query::{Field, Query, Select, Shape};
use stoa_sync::store::{Chosen, Flow, ReadError, Reader};

/// Why an export ended before its records did.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The records cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be written.
    #[error("it cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// All of a record, hidden attributes too.
pub fn with_hidden(schema: &Schema, table: TableId) -> Select {
    let fields = (0..schema.table(table).attributes.len()).map(|at| Field::Attribute(AttributeId(at)));
    Select { shape: Shape::Object, fields: fields.collect() }
}

/// The records of a query, found and counted.
pub struct Export<'a> {
    reader: &'a Reader,
    renderer: &'a Renderer,
    query: &'a Query,
    chosen: Chosen,
    /// How many records there are.
    pub records: u64,
}

impl<'a> Export<'a> {
    /// Plans the export and counts its records. Both this and [`Export::write`] belong into one snapshot.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn new(reader: &'a Reader, renderer: &'a Renderer, query: &'a Query) -> Result<Self, ReadError> {
        let chosen = reader.plan(renderer.schema(), query, None)?;
        let records = list::place(reader, &chosen.plan)?.length;
        Ok(Self { reader, renderer, query, chosen, records })
    }

    /// Writes the records; `watch` hears now and then how many are written.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub fn write(&self, format: Format, out: &mut dyn Write, watch: &mut dyn FnMut(u64)) -> Result<(), ExportError> {
        let mut buffer = Vec::with_capacity(limits::PAGE_BUFFER_BYTES + 4_096);
        let (mut count, mut written) = (0, Ok(()));
        let fields = self.chosen.plan.seeks.first().map(|seek| &seek.fields);
        if let Some(fields) = fields {
            self.renderer.header(format, fields, &mut buffer);
        }
        format.begin_list(&mut buffer);
        format.set_count(self.records, &mut buffer);
        let walk = Walk { reader: self.reader, zone: self.query.zone.as_ref(), keys: None };
        self.reader.page(&self.chosen, &mut |row| {
            let Some(fields) = fields else { return Ok(Flow::Stop) };
            if count > 0 {
                format.separate(&mut buffer);
            }
            count += 1;
            self.renderer.row(format, walk, fields, row, &mut buffer)?;
            if buffer.len() < limits::PAGE_BUFFER_BYTES {
                return Ok(Flow::Continue);
            }
            watch(count);
            written = out.write_all(&buffer);
            buffer.clear();
            Ok(if written.is_ok() { Flow::Continue } else { Flow::Stop })
        })?;
        written?;
        format.end_list(&mut buffer);
        out.write_all(&buffer)?;
        watch(count);
        Ok(())
    }
}
