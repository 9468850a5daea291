//! A page of a query's records: what leads the search for it, and its seeks run in turn.

use super::choice::Chosen;
use super::reader::{Flow, ReadError, Reader, Record};
use crate::limits;
use crate::sql::{Lead, Plan, Probe, is_counted, list_plan, probes};
use std::sync::Arc;
use stoa_schema::model::Schema;
use stoa_schema::query::Query;
use stoa_schema::value::Value;

impl Reader {
    /// Plans a list; see [`list_plan`].
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn plan(&self, schema: &Schema, query: &Query, after: Option<&[Value]>) -> Result<Chosen, ReadError> {
        if !is_counted(schema, query) {
            return Ok(Chosen { plan: list_plan(schema, query, after, Lead::Form), text: None });
        }
        let walk = list_plan(schema, query, after, Lead::Order);
        let Some(text) = walk.seeks.first().map(|seek| Arc::clone(&seek.sql)) else {
            return Ok(Chosen { plan: walk, text: None });
        };
        let known = self.choices.borrow().lead(&text);
        let lead = match known {
            Some(lead) => lead,
            None => {
                let lead = self.narrowest(schema, query)?;
                self.choices.borrow_mut().chosen(&text, lead);
                lead
            }
        };
        let plan = if lead == Lead::Order { walk } else { list_plan(schema, query, after, lead) };
        Ok(Chosen { plan, text: Some(text) })
    }

    /// Runs the seeks of a list and shows each record of the page to `visit`. When records remain behind the page, the
    /// keys of its last one are returned: where the next page begins.
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn page(
        &self,
        chosen: &Chosen,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<Flow, ReadError>,
    ) -> Result<Option<Vec<Value>>, ReadError> {
        let list = &chosen.plan;
        if list.limit == Some(0) {
            return Ok(None);
        }
        let mut room = list.limit.unwrap_or(u64::MAX);
        let (mut last, mut beyond) = (None, false);
        let (mut flow, mut steps) = (Flow::Continue, 0);
        for (at, seek) in list.seeks.iter().enumerate() {
            if flow == Flow::Stop {
                break;
            }
            let offset = if at == 0 { list.offset } else { 0 };
            steps += self.steps(&bounded_seek(seek, list.limit.map(|_| room), offset), None, &mut |record| {
                if room == 0 {
                    (beyond, flow) = (true, Flow::Stop);
                    return Ok(flow);
                }
                room -= 1;
                flow = visit(record)?;
                if room == 0 {
                    last = Some(record.values(&list.keys));
                }
                Ok(flow)
            })?;
        }
        self.took(chosen, steps);
        // Only a record beyond the page proves that there is a next one.
        Ok(last.filter(|_| beyond))
    }

    /// Says how many steps the plan took.
    fn took(&self, chosen: &Chosen, steps: u64) {
        if let Some(text) = chosen.text.as_deref().filter(|_| steps > limits::FEW_STEPS) {
            self.choices.borrow_mut().failed(text);
        }
    }

    /// The part that the fewest records meet, if they are fewer than the walk would look at.
    fn narrowest(&self, schema: &Schema, query: &Query) -> Result<Lead, ReadError> {
        let table = &schema.table(query.table).name;
        let page = query.limit.unwrap_or(u64::MAX).saturating_add(query.offset);
        let mut bound =
            page.saturating_mul(self.rows_at_most(table)?).isqrt().clamp(limits::PROBE_ROWS.0, limits::PROBE_ROWS.1);
        let mut lead = Lead::Order;
        for Probe { part, mut count } in probes(schema, query) {
            if let Some(place) = count.params.last_mut() {
                *place = Value::Int(i64::try_from(bound).unwrap_or(i64::MAX));
            }
            let found = self.number(&count)?;
            if found < bound {
                (lead, bound) = (Lead::Part(part), found);
            }
        }
        Ok(lead)
    }
}

/// A seek whose last two parameters are its bounds; one record more than there is room for tells whether others follow.
fn bounded_seek(seek: &Plan, room: Option<u64>, offset: u64) -> Plan {
    let mut seek = seek.clone();
    let count = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    if let [.., limit, skipped] = seek.params.as_mut_slice() {
        *limit = room.map_or(Value::Int(-1), |room| count(room.saturating_add(1)));
        *skipped = count(offset);
    }
    seek
}
