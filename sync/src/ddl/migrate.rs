//! From what a file holds to what the schema wants: additive steps, or the reasons why not.

use super::shape::{AttributeShape, Shape, TableShape};
use super::tables::{self, Object};
use crate::ident::quoted;
use std::collections::HashMap;
use stoa_schema::model::{Schema, Table, TableId, UNDECLARED};

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
    /// Tables that are no longer open: no stored row may hold undeclared attributes. To be looked at first, as all that
    /// follows.
    pub sealed: Vec<String>,
    /// `(table, attribute)` that an open table declares from now on: no stored row may hold it undeclared.
    pub newly_declared: Vec<(String, String)>,
}

/// Plans the way from `held` (with the indexes, element tables and triggers in `existing`: name → statement) to `schema`.
///
/// # Errors
/// Tables or attributes would be dropped or change their type.
pub fn steps(held: &Shape, existing: &HashMap<String, String>, schema: &Schema) -> Result<Steps, MigrationError> {
    let refusals = held.refusals(&Shape::of(schema));
    if !refusals.is_empty() {
        return Err(MigrationError { refusals });
    }
    let wanted: Vec<Object> = (0..schema.tables.len()).flat_map(|at| tables::objects(schema, TableId(at))).collect();
    let mut steps = Steps::default();
    steps.statements.extend(drops(existing, &wanted));
    for table in &schema.tables {
        match held.table(&table.name) {
            None => steps.statements.push(tables::create(table)),
            Some(before) => {
                add_columns(before, table, &mut steps);
                seal(before, table, &mut steps);
            }
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
            let (on, column) = (quoted(&table.name), tables::column(attribute));
            steps.statements.push(format!("ALTER TABLE {on} ADD COLUMN {column}"));
            if before.open() && table.open.is_some() {
                steps.newly_declared.push((table.name.clone(), attribute.name.clone()));
            }
        }
        if AttributeShape::of(attribute).required && !known.is_some_and(|known| known.required) {
            steps.newly_required.push((table.name.clone(), attribute.name.clone()));
        }
    }
}

/// The column of undeclared attributes goes when the table is no longer open.
fn seal(before: &TableShape, table: &Table, steps: &mut Steps) {
    if before.open() && table.open.is_none() {
        steps.sealed.push(table.name.clone());
        steps.statements.push(format!("ALTER TABLE {} DROP COLUMN {}", quoted(&table.name), quoted(UNDECLARED)));
    }
}

/// What is there and no longer wanted as it is. Triggers go first: they name columns and element tables.
fn drops(existing: &HashMap<String, String>, wanted: &[Object]) -> Vec<String> {
    let mut drops: Vec<(u8, String)> = existing
        .iter()
        .filter(|(name, create)| !wanted.iter().any(|object| object.name == **name && object.create == **create))
        .map(|(name, create)| {
            let kind = create.split_ascii_whitespace().nth(1).unwrap_or("TRIGGER");
            (u8::from(kind != "TRIGGER"), format!("DROP {kind} {}", quoted(name)))
        })
        .collect();
    drops.sort();
    drops.into_iter().map(|(_, statement)| statement).collect()
}
