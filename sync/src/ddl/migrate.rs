//! From what a file holds to what the schema wants: additive steps, or the reasons why not.

use super::tables::{self, Object};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use stoa_schema::model::{Attribute, Kind, Schema, Table, TableId};

/// The user's tables as the file was last made, kept in `_meta`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    tables: Vec<TableShape>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TableShape {
    name: String,
    key: String,
    attributes: Vec<AttributeShape>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AttributeShape {
    name: String,
    kind: String,
    list: bool,
    required: bool,
}

impl Shape {
    /// The shape that a schema asks for.
    pub fn of(schema: &Schema) -> Self {
        Self { tables: schema.tables.iter().map(TableShape::of).collect() }
    }

    fn table(&self, name: &str) -> Option<&TableShape> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl TableShape {
    fn of(table: &Table) -> Self {
        let attributes = table.attributes.iter().map(AttributeShape::of).collect();
        Self { name: table.name.clone(), key: table.key().name.clone(), attributes }
    }
}

impl AttributeShape {
    fn of(attribute: &Attribute) -> Self {
        Self {
            name: attribute.name.clone(),
            kind: attribute.kind.name().to_owned(),
            list: attribute.list,
            required: attribute.required && !attribute.server_set(),
        }
    }

    fn shown(&self) -> String {
        if self.list { format!("[{}]", self.kind) } else { self.kind.clone() }
    }

    /// Whether stored values can stay as they are. `Int` fits into `Long`.
    fn fits(&self, new: &Self) -> bool {
        let widened = self.kind == Kind::Int.name() && new.kind == Kind::Long.name();
        self.list == new.list && (self.kind == new.kind || widened)
    }
}

/// A change of the schema that would lose or reinterpret data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", refusals.join("\n"))]
pub struct MigrationError {
    /// One sentence for each.
    pub refusals: Vec<String>,
}

/// The statements that lead to the wanted schema, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The statements.
    pub statements: Vec<String>,
    /// `(table, attribute)` that became `!`: no stored row may hold null there.
    pub newly_required: Vec<(String, String)>,
}

/// Plans the way from `held` (with the indexes, element tables and triggers in `existing`: name → statement) to `schema`.
///
/// # Errors
/// Tables or attributes would be dropped or change their type.
pub fn steps(held: &Shape, existing: &HashMap<String, String>, schema: &Schema) -> Result<Steps, MigrationError> {
    let refusals = refusals(held, &Shape::of(schema));
    if !refusals.is_empty() {
        return Err(MigrationError { refusals });
    }
    let wanted: Vec<Object> = (0..schema.tables.len()).flat_map(|at| tables::objects(schema, TableId(at))).collect();
    let mut steps = Steps::default();
    steps.statements.extend(drops(existing, &wanted));
    for table in &schema.tables {
        match held.table(&table.name) {
            None => steps.statements.push(tables::create(table)),
            Some(before) => add_columns(before, table, &mut steps),
        }
    }
    for object in &wanted {
        if existing.get(&object.name) != Some(&object.create) {
            steps.statements.push(object.create.clone());
            steps.statements.extend(object.fill.clone());
        }
    }
    Ok(steps)
}

fn add_columns(before: &TableShape, table: &Table, steps: &mut Steps) {
    for attribute in &table.attributes {
        let known = before.attributes.iter().find(|known| known.name == attribute.name);
        if known.is_none() {
            let (on, column) = (crate::ident::quoted(&table.name), tables::column(attribute));
            steps.statements.push(format!("ALTER TABLE {on} ADD COLUMN {column}"));
        }
        if AttributeShape::of(attribute).required && !known.is_some_and(|known| known.required) {
            steps.newly_required.push((table.name.clone(), attribute.name.clone()));
        }
    }
}

/// What is there and no longer wanted as it is. Triggers go first: they name columns and element tables.
fn drops(existing: &HashMap<String, String>, wanted: &[Object]) -> Vec<String> {
    let mut drops: Vec<(u8, String)> = existing
        .iter()
        .filter(|(name, create)| !wanted.iter().any(|object| object.name == **name && object.create == **create))
        .map(|(name, create)| {
            let kind = create.split_ascii_whitespace().nth(1).unwrap_or("TRIGGER");
            (u8::from(kind != "TRIGGER"), format!("DROP {kind} {}", crate::ident::quoted(name)))
        })
        .collect();
    drops.sort();
    drops.into_iter().map(|(_, statement)| statement).collect()
}

fn refusals(held: &Shape, wanted: &Shape) -> Vec<String> {
    let mut refusals = Vec::new();
    for before in &held.tables {
        let name = &before.name;
        let Some(after) = wanted.table(name) else {
            refusals.push(format!(
                "the table {name} is no longer in the schema, and its records would be lost; put `type {name}` back"
            ));
            continue;
        };
        if before.key != after.key {
            refusals.push(format!(
                "the primary key of {name} changed from {} to {}; put @primaryKey back to {}",
                before.key, after.key, before.key
            ));
        }
        for attribute in &before.attributes {
            match after.attributes.iter().find(|new| new.name == attribute.name) {
                None => refusals.push(format!(
                    "{name}.{0} is no longer in the schema, and its values would be lost; put `{0}: {1}` back",
                    attribute.name,
                    attribute.shown()
                )),
                Some(new) if attribute.fits(new) => {}
                Some(new) => refusals.push(format!(
                    "{name}.{0} changed from {1} to {2}, and stored values would have to be converted; put `{0}: {1}` back",
                    attribute.name,
                    attribute.shown(),
                    new.shown()
                )),
            }
        }
    }
    refusals
}
