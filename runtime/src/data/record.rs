//! One record → its bytes in some format.

use super::format::{Format, Renderer, Walk};
use super::keys::{self, Keys, Noted, Noting};
use super::whole::Whole;
use std::sync::Arc;
use stoa_schema::model::{AttributeId, TableId};
use stoa_schema::query::{Field, RecordQuery, Select};
use stoa_schema::time::Zone;
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::sql::{Plan, record_plan};
use stoa_sync::store::{Cell, Flow, ReadError, Reader};

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

/// Which record is asked for, and how it is to be shown.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its table.
    pub table: TableId,
    /// Its primary key.
    pub id: Value,
    /// What of it.
    pub part: Part,
    /// How it is written.
    pub format: Format,
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
        wanted: Wanted,
        noting: Noting,
    ) -> Result<(Option<Whole>, Noted), ReadError> {
        let further = matches!(&wanted.part, Part::Selected(RecordQuery { select: Some(_), .. }));
        if !further && let Some(read) = store.read_here(|reader| self.read_with(store, reader, &wanted, &noting)) {
            return read;
        }
        let (records, store_there) = (self.clone(), store.clone());
        store.read(move |reader| records.read_with(&store_there, reader, &wanted, &noting)).await?
    }

    fn read_with(
        &self,
        store: &Store,
        reader: &Reader,
        wanted: &Wanted,
        noting: &Noting,
    ) -> Result<(Option<Whole>, Noted), ReadError> {
        let expires_at_ms = noting.expires_at_ms(reader, self.renderer.schema(), Some(&wanted.id))?;
        let keys = noting.keys();
        let whole = self.whole(reader, wanted, keys.as_ref())?;
        let seen = keys::seen(store, reader)?;
        Ok((whole, Noted { keys: keys.map(Keys::into_found).unwrap_or_default(), expires_at_ms, seen }))
    }

    fn whole(&self, reader: &Reader, wanted: &Wanted, keys: Option<&Keys>) -> Result<Option<Whole>, ReadError> {
        let plan = &self.plans.0[wanted.table.0];
        let (zone, selected) = match &wanted.part {
            Part::Attribute(attribute, zone) => return self.bare(reader, wanted, *attribute, zone.as_ref()),
            Part::Whole => (None, None),
            Part::Selected(RecordQuery { select, zone, .. }) => (zone.as_ref(), select.as_ref()),
        };
        let walk = Walk { reader, zone, keys };
        match selected {
            Some(select) => {
                let plan = record_plan(self.renderer.schema(), wanted.table, select);
                self.shown(walk, &plan, wanted, false)
            }
            None => self.shown(walk, plan, wanted, zone.is_none() && wanted.format == Format::Json),
        }
    }

    fn shown(&self, walk: Walk<'_>, plan: &Plan, wanted: &Wanted, plain: bool) -> Result<Option<Whole>, ReadError> {
        let mut shown = None;
        walk.reader.each(plan, Some(Cell::from(&wanted.id)), &mut |row| {
            let mut body = Vec::with_capacity(512);
            self.renderer.header(wanted.format, &plan.fields, &mut body);
            self.renderer.row(wanted.format, walk, &plan.fields, row, &mut body)?;
            shown = Some(Whole { revision: Some(row.revision()), plain, ..Whole::new(wanted.table, body) });
            Ok(Flow::Stop)
        })?;
        Ok(shown)
    }

    fn bare(
        &self,
        reader: &Reader,
        wanted: &Wanted,
        attribute: AttributeId,
        zone: Option<&Zone>,
    ) -> Result<Option<Whole>, ReadError> {
        let (schema, format) = (self.renderer.schema(), wanted.format);
        let column = 1 + Select::all(schema, wanted.table)
            .fields
            .iter()
            .position(|field| matches!(field, Field::Attribute(known) if *known == attribute))
            .unwrap_or_default();
        let mut shown = None;
        reader.each(&self.plans.0[wanted.table.0], Some(Cell::from(&wanted.id)), &mut |row| {
            let mut body = Vec::new();
            self.renderer.value_header(format, wanted.table, attribute, &mut body);
            let declared = schema.table(wanted.table).attribute(attribute);
            self.renderer.value(format, declared, row.cell(column), zone, &mut body);
            shown = Some(Whole { revision: Some(row.revision()), ..Whole::new(wanted.table, body) });
            Ok(Flow::Stop)
        })?;
        Ok(shown)
    }
}
