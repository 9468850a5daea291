//! From what a file holds to what the schema wants: additive steps, or the reasons why not; and, if that is allowed, the
//! steps that lose or convert values.

use super::computed;
use super::rebuild::{self, Conversion, Loss};
use super::shape::{AttributeShape, ComputedShape, Shape, TableShape};
use super::tables::{self, Object};
use super::verify::{self, Verification};
use crate::ident::quoted;
use std::collections::HashMap;
use stoa_schema::model::{Attribute, Schema, Table, TableId, UNDECLARED};

/// A change of the schema that would lose or reinterpret data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", refusals.join("\n"))]
pub struct MigrationError {
    /// One sentence for each.
    pub refusals: Vec<String>,
    /// The statements that would do it all the same; none if it cannot be done.
    pub plan: Vec<String>,
}

/// The statements that lead to the wanted schema, in order.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Numbers that are computed in another way, or for another type: no stored row may have one that the type cannot hold.
    pub newly_computed: Vec<ComputedRange>,
    /// Rules that are new: no stored row may break one.
    pub verifications: Vec<Verification>,
    /// What is lost.
    pub losses: Vec<Loss>,
    /// What is converted: no stored row may hold a value that cannot be.
    pub conversions: Vec<Conversion>,
}

impl Steps {
    /// Whether values are lost or converted.
    pub fn are_destructive(&self) -> bool {
        !self.losses.is_empty() || !self.conversions.is_empty()
    }
}

/// A computed attribute and the numbers it cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedRange {
    /// The table.
    pub table: String,
    /// The attribute.
    pub attribute: String,
    /// What holds for a row whose number its type cannot hold.
    pub beyond: String,
}

/// Plans the way from `held` (with the indexes, element tables and triggers in `existing`: name → statement) to `schema`.
///
/// # Errors
/// Tables or attributes would be dropped or change their type.
pub fn steps(held: &Shape, existing: &HashMap<String, String>, schema: &Schema) -> Result<Steps, MigrationError> {
    let refusals = held.refusals(&Shape::of(schema));
    if !refusals.is_empty() {
        let plan = destructive_steps(held, existing, schema).map(|steps| steps.statements).unwrap_or_default();
        return Err(MigrationError { refusals, plan });
    }
    Ok(planned(held, existing, schema))
}

/// As [`steps`], where values may be lost and converted.
///
/// # Errors
/// Types of nested values would lose something, or records their keys.
pub fn destructive_steps(
    held: &Shape,
    existing: &HashMap<String, String>,
    schema: &Schema,
) -> Result<Steps, MigrationError> {
    let refusals = rebuild::impossible(held, &Shape::of(schema));
    if !refusals.is_empty() {
        return Err(MigrationError { refusals, plan: Vec::new() });
    }
    let mut steps = planned(held, existing, schema);
    steps.losses.extend(std::mem::take(&mut steps.sealed).iter().map(|table| rebuild::undeclared_loss(table)));
    Ok(steps)
}

fn planned(held: &Shape, existing: &HashMap<String, String>, schema: &Schema) -> Steps {
    let shape = Shape::of(schema);
    let wanted: Vec<Object> = (0..schema.tables.len()).flat_map(|at| tables::objects(schema, TableId(at))).collect();
    let mut steps = Steps::default();
    let mut kept = existing.clone();
    let anew = |before: &TableShape| shape.table(&before.name).is_some_and(|after| rebuild::is_needed(before, after));
    let rebuilt: Vec<&str> = held.tables.iter().filter(|it| anew(it)).map(|it| it.name.as_str()).collect();
    let mut going = columns_going(held, schema, &shape);
    going.retain(|(table, _)| !rebuilt.contains(table));
    steps.statements.extend(drops(&mut kept, &wanted, &going, &rebuilt));
    for (at, (table, after)) in schema.tables.iter().zip(&shape.tables).enumerate() {
        match held.table(&table.name) {
            None => steps.statements.push(tables::create(schema, TableId(at))),
            Some(before) => {
                if rebuilt.contains(&table.name.as_str()) {
                    rebuild::rebuild(schema, TableId(at), before, after, &mut steps);
                } else {
                    change_columns(before, &shape, table, &mut steps);
                }
                let rules = verify::verifications(schema, TableId(at)).into_iter();
                steps.verifications.extend(rules.filter(|rule| !before.rules.contains(&rule.identity())));
                if is_judged_anew(table, &kept, &wanted) {
                    steps.newly_computed.extend(table.attributes.iter().filter_map(|it| computed_range(table, it)));
                }
            }
        }
    }
    for before in held.tables.iter().filter(|before| shape.table(&before.name).is_none()) {
        rebuild::drop_table(before, &mut steps);
    }
    for object in &wanted {
        if kept.get(&object.name) != Some(&object.create) {
            steps.statements.push(object.create.clone());
            steps.statements.extend(object.fill.clone());
        }
    }
    steps
}

/// Columns leave a table without loss: generated ones, all of which are made again when one of them has changed, since
/// they read each other, and that of undeclared attributes, once it is empty.
fn columns_going<'h>(held: &'h Shape, schema: &Schema, wanted: &Shape) -> Vec<(&'h str, &'h str)> {
    let mut going = Vec::new();
    for table in &schema.tables {
        let (Some(before), Some(after)) = (held.table(&table.name), wanted.table(&table.name)) else { continue };
        if before.computed != after.computed {
            going.extend(before.computed.iter().rev().map(|computed| (before.name.as_str(), computed.name.as_str())));
        }
        if before.open() && !after.open() {
            going.push((before.name.as_str(), UNDECLARED));
        }
    }
    going
}

fn change_columns(before: &TableShape, wanted: &Shape, table: &Table, steps: &mut Steps) {
    let Some(after) = wanted.table(&table.name) else { return };
    if before.open() && !after.open() {
        steps.sealed.push(table.name.clone());
    }
    add_columns(before, table, steps);
    if before.computed != after.computed {
        let on = quoted(&table.name);
        let add = |computed: &ComputedShape| format!("ALTER TABLE {on} ADD COLUMN {}", computed.column);
        steps.statements.extend(after.computed.iter().map(add));
    }
}

/// Whether the trigger that judges a table's rows is made anew.
fn is_judged_anew(table: &Table, kept: &HashMap<String, String>, wanted: &[Object]) -> bool {
    let name = format!("{}:update", table.name);
    wanted.iter().any(|object| object.name == name && kept.get(&name) != Some(&object.create))
}

fn computed_range(table: &Table, attribute: &Attribute) -> Option<ComputedRange> {
    attribute.computed.as_ref()?;
    let beyond = tables::beyond_range(attribute, &quoted(&attribute.name))?;
    Some(ComputedRange { table: table.name.clone(), attribute: attribute.name.clone(), beyond })
}

fn add_columns(before: &TableShape, table: &Table, steps: &mut Steps) {
    for attribute in table.attributes.iter().filter(|attribute| attribute.computed.is_none()) {
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

/// What is there and no longer wanted as it is, then the columns that go; `existing` keeps what stays. Triggers go first:
/// they name columns and element tables. A column goes only when no index and no trigger at all names it. All that belongs
/// to a table that is made anew goes.
fn drops(
    existing: &mut HashMap<String, String>,
    wanted: &[Object],
    columns: &[(&str, &str)],
    rebuilt: &[&str],
) -> Vec<String> {
    let of_rebuilt = |name: &str| name.split_once(':').is_some_and(|(table, _)| rebuilt.contains(&table));
    let names_column = |create: &str| {
        create.starts_with("CREATE TRIGGER")
            || create.starts_with("CREATE INDEX") && columns.iter().any(|(_, column)| create.contains(&quoted(column)))
    };
    let stays = |name: &str, create: &str| {
        let as_wanted = wanted.iter().any(|object| object.name == name && object.create == create);
        as_wanted && !of_rebuilt(name) && (columns.is_empty() || !names_column(create))
    };
    let mut drops: Vec<(u8, String)> = existing
        .iter()
        .filter(|(name, create)| !stays(name, create))
        .map(|(name, create)| {
            let kind = create.split_ascii_whitespace().nth(1).unwrap_or("TRIGGER");
            (u8::from(kind != "TRIGGER"), format!("DROP {kind} {}", quoted(name)))
        })
        .collect();
    drops.sort();
    existing.retain(|name, create| stays(name, create));
    let columns = columns.iter().map(|(table, column)| computed::drop_column(table, column));
    drops.into_iter().map(|(_, statement)| statement).chain(columns).collect()
}
