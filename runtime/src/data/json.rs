//! Records → JSON, the only place where it is made: numbers keep every bit, instants are shown in the asked zone.

use std::sync::Arc;
use stoa_schema::model::{Attribute, AttributeId, Kind, RelationId, Schema, TableId};
use stoa_schema::query::Shape;
use stoa_schema::time::{Instant, Zone};
use stoa_schema::value::Value;
use stoa_sync::Catalog;
use stoa_sync::sql::{PlanField, PlanFields};
use stoa_sync::store::{Cell, Flow, ReadError, Reader, Record};

/// The members' names of every table, escaped and ready: `"name":`.
#[derive(Debug)]
pub struct Renderer {
    catalog: Arc<Catalog>,
    tables: Vec<Names>,
}

#[derive(Debug)]
struct Names {
    attributes: Vec<Box<[u8]>>,
    relations: Vec<Box<[u8]>>,
}

impl Renderer {
    /// The renderer of a catalog's records.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let member = |name: &str| format!("{}:", serde_json::Value::from(name)).into_bytes().into_boxed_slice();
        let tables = catalog.schema.tables.iter().map(|table| Names {
            attributes: table.attributes.iter().map(|attribute| member(&attribute.name)).collect(),
            relations: table.relations.iter().map(|relation| member(&relation.name)).collect(),
        });
        Self { tables: tables.collect(), catalog }
    }

    /// What is declared.
    pub fn schema(&self) -> &Schema {
        &self.catalog.schema
    }

    /// Writes a row of a plan, and the rows of its relations, in the shape that was selected.
    ///
    /// # Errors
    /// A relation could not be read.
    pub fn row(
        &self,
        reader: &Reader,
        fields: &PlanFields,
        row: &Record<'_>,
        zone: Option<&Zone>,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let (open, close) = match fields.shape {
            Shape::Object => (b"{".as_slice(), b"}".as_slice()),
            Shape::Array => (b"[".as_slice(), b"]".as_slice()),
            Shape::Value => (b"".as_slice(), b"".as_slice()),
        };
        out.extend_from_slice(open);
        for (at, field) in fields.fields.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match field {
                PlanField::Column { attribute, column } => {
                    self.attribute_name(fields, *attribute, out);
                    value(self.attribute(fields.table, *attribute), row.cell(*column), zone, out);
                }
                PlanField::Related { relation, many, key, plan } => {
                    self.relation_name(fields, *relation, out);
                    let (start, mut count) = (out.len(), 0);
                    out.extend_from_slice(if *many { b"[" } else { b"" });
                    let key = row.cell(*key);
                    if key != Cell::Null {
                        reader.each(plan, Some(key), &mut |joined| {
                            if count > 0 {
                                out.push(b',');
                            }
                            count += 1;
                            self.row(reader, &plan.fields, joined, zone, out)?;
                            Ok(Flow::Continue)
                        })?;
                    }
                    match (*many, count) {
                        (true, _) => out.push(b']'),
                        (false, 0) => {
                            out.truncate(start);
                            out.extend_from_slice(b"null");
                        }
                        (false, _) => {}
                    }
                }
            }
        }
        out.extend_from_slice(close);
        Ok(())
    }

    /// Writes a whole record from its values.
    pub fn values(&self, table: TableId, values: &[Value], zone: Option<&Zone>, out: &mut Vec<u8>) {
        let declared = self.schema().table(table);
        let mut separator = b'{';
        for (at, (attribute, stored)) in declared.attributes.iter().zip(values).enumerate() {
            if !attribute.hidden {
                out.push(separator);
                separator = b',';
                out.extend_from_slice(&self.tables[table.0].attributes[at]);
                value(attribute, Cell::from(stored), zone, out);
            }
        }
        out.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
    }

    fn attribute(&self, table: TableId, id: AttributeId) -> &Attribute {
        self.schema().table(table).attribute(id)
    }

    fn attribute_name(&self, fields: &PlanFields, id: AttributeId, out: &mut Vec<u8>) {
        if fields.shape == Shape::Object {
            out.extend_from_slice(&self.tables[fields.table.0].attributes[id.0]);
        }
    }

    fn relation_name(&self, fields: &PlanFields, id: RelationId, out: &mut Vec<u8>) {
        if fields.shape == Shape::Object {
            out.extend_from_slice(&self.tables[fields.table.0].relations[id.0]);
        }
    }
}

/// Writes one stored value of an attribute.
pub fn value(attribute: &Attribute, cell: Cell<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Int(number) if attribute.kind == Kind::Boolean => {
            out.extend_from_slice(if number == 0 { b"false" } else { b"true" })
        }
        Cell::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Cell::Real(number) => double(number, out),
        Cell::Text(list) if attribute.list => elements(attribute, list, zone, out),
        Cell::Text(content) => text(attribute, content, zone, out),
        Cell::Blob(bytes) => string(&String::from_utf8_lossy(bytes), out),
    }
}

/// The shortest digits that read back as the same double; a whole number has no fraction, as in ECMAScript.
fn double(number: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let digits = if number.is_finite() { buffer.format_finite(number) } else { "null" };
    out.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}

fn text(attribute: &Attribute, content: &str, zone: Option<&Zone>, out: &mut Vec<u8>) {
    if attribute.holds_instants()
        && let Some(instant) = Instant::parse_stored(content)
    {
        out.push(b'"');
        instant.write_shown(zone, out);
        out.push(b'"');
    } else {
        string(content, out);
    }
}

fn string(content: &str, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    _ = serde_json::to_writer(out, content);
}

/// A list is stored as canonical JSON; only its instants are shown otherwise than stored.
fn elements(attribute: &Attribute, list: &str, zone: Option<&Zone>, out: &mut Vec<u8>) {
    if !attribute.holds_instants() || memchr::memmem::find(list.as_bytes(), b"Z\"").is_none() {
        return out.extend_from_slice(list.as_bytes());
    }
    let Ok(texts) = serde_json::from_str::<Vec<Option<String>>>(list) else {
        return out.extend_from_slice(list.as_bytes());
    };
    out.push(b'[');
    for (at, element) in texts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match element {
            Some(content) => text(attribute, content, zone, out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn doubles_are_short_and_exact() {
        let shown = |number| {
            let mut out = Vec::new();
            double(number, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        assert_eq!(shown(249.0), "249");
        assert_eq!(shown(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(shown(1e21), "1e21");
        assert_eq!(shown(5e-324), "5e-324");
    }
}
