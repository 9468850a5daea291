//! One record → its bytes in some format, and its tag.

use super::format::Renderer;
use super::representation::{Accepted, Representation};
use super::tag::Tag;
use std::sync::Arc;
use stoa_schema::model::{AttributeId, TableId};
use stoa_schema::query::{RecordQuery, Select};
use stoa_schema::time::Zone;
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::sql::{Plan, record_plan};
use stoa_sync::store::{Cell, Flow, ReadError, Reader};

/// A representation: its bytes and its tag.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Not encoded yet.
    pub body: Vec<u8>,
    /// Its strong tag.
    pub tag: Tag,
    /// The form in which it is to be sent.
    pub sent_as: Representation,
}

impl Shown {
    /// A body with its tag: that of the revision for a whole record in plain JSON.
    pub fn new(revision: i64, body: Vec<u8>, whole: bool, accepted: Accepted) -> Self {
        let sent_as = accepted.for_length(body.len());
        let tag = match whole && sent_as == Representation::PLAIN {
            true => Tag::revision(revision),
            false => Tag::variant(revision, &body, sent_as),
        };
        Self { body, tag, sent_as }
    }
}

/// What of a record is asked for.
#[derive(Clone, Debug)]
pub enum Part {
    /// All of it, plain.
    Whole,
    /// What `select` and `timezone` say.
    Selected(RecordQuery),
    /// The bare value of one attribute.
    Attribute(AttributeId, Option<Zone>),
}

/// The plans for reading whole records, one for each table.
#[derive(Debug)]
pub struct RecordPlans(Vec<Plan>);

impl RecordPlans {
    /// The plans of a renderer's tables.
    pub fn new(renderer: &Renderer) -> Self {
        let schema = renderer.schema();
        let plan = |at| record_plan(schema, TableId(at), &Select::all(schema, TableId(at)));
        Self((0..schema.tables.len()).map(plan).collect())
    }
}

/// How to read records: the renderer and its plans.
#[derive(Clone, Debug)]
pub struct Records {
    renderer: Arc<Renderer>,
    plans: Arc<RecordPlans>,
}

impl Records {
    /// For the tables of a renderer.
    pub fn new(renderer: Arc<Renderer>) -> Self {
        Self { plans: Arc::new(RecordPlans::new(&renderer)), renderer }
    }

    /// The renderer.
    pub fn renderer(&self) -> &Arc<Renderer> {
        &self.renderer
    }

    /// Reads one record; `None` if there is none with this id.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn read(
        &self,
        store: &Store,
        table: TableId,
        id: Value,
        part: Part,
        accepted: Accepted,
    ) -> Result<Option<Shown>, ReadError> {
        if !matches!(part, Part::Selected(_))
            && let Some(shown) = store.read_here(|reader| self.read_with(reader, table, &id, &part, accepted))
        {
            return shown;
        }
        let records = self.clone();
        store.read(move |reader| records.read_with(reader, table, &id, &part, accepted)).await?
    }

    fn read_with(
        &self,
        reader: &Reader,
        table: TableId,
        id: &Value,
        part: &Part,
        accepted: Accepted,
    ) -> Result<Option<Shown>, ReadError> {
        let plan = &self.plans.0[table.0];
        match part {
            Part::Whole => self.shown(reader, plan, id, None, true, accepted),
            Part::Selected(RecordQuery { select: None, zone, .. }) => {
                self.shown(reader, plan, id, zone.as_ref(), zone.is_none(), accepted)
            }
            Part::Selected(RecordQuery { select: Some(select), zone, .. }) => {
                let plan = record_plan(self.renderer.schema(), table, select);
                self.shown(reader, &plan, id, zone.as_ref(), false, accepted)
            }
            Part::Attribute(attribute, zone) => self.bare(reader, table, id, *attribute, zone.as_ref(), accepted),
        }
    }

    fn shown(
        &self,
        reader: &Reader,
        plan: &Plan,
        id: &Value,
        zone: Option<&Zone>,
        whole: bool,
        accepted: Accepted,
    ) -> Result<Option<Shown>, ReadError> {
        let mut shown = None;
        reader.each(plan, Some(Cell::from(id)), &mut |row| {
            let mut body = Vec::with_capacity(512);
            self.renderer.header(accepted.format, &plan.fields, &mut body);
            self.renderer.row(accepted.format, reader, &plan.fields, row, zone, &mut body)?;
            shown = Some(Shown::new(row.revision(), body, whole, accepted));
            Ok(Flow::Stop)
        })?;
        Ok(shown)
    }

    fn bare(
        &self,
        reader: &Reader,
        table: TableId,
        id: &Value,
        attribute: AttributeId,
        zone: Option<&Zone>,
        accepted: Accepted,
    ) -> Result<Option<Shown>, ReadError> {
        let schema = self.renderer.schema();
        let column = 1 + Select::all(schema, table)
            .fields
            .iter()
            .position(|field| matches!(field, stoa_schema::query::Field::Attribute(known) if *known == attribute))
            .unwrap_or_default();
        let mut shown = None;
        reader.each(&self.plans.0[table.0], Some(Cell::from(id)), &mut |row| {
            let mut body = Vec::new();
            self.renderer.value_header(accepted.format, table, attribute, &mut body);
            let declared = schema.table(table).attribute(attribute);
            self.renderer.value(accepted.format, declared, row.cell(column), zone, &mut body);
            shown = Some(Shown::new(row.revision(), body, false, accepted));
            Ok(Flow::Stop)
        })?;
        Ok(shown)
    }
}
