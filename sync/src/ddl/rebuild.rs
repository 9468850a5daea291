//! A table whose new shape loses or converts values: it is made anew beside the old one, filled from it, and takes its
//! place. What is lost is counted before, what does not convert refuses the whole migration.
//!
//! The change log does not tell of it, as it does not tell of a column that is added. The records get new revisions, since
//! they look different, and the log another identity, so that nobody goes on from a position before.

use super::convert::converted;
use super::migrate::Steps;
use super::shape::{AttributeShape, Shape, TableShape};
use super::tables;
use crate::ident::{REVISION, quoted};
use stoa_schema::model::{Schema, TableId, UNDECLARED};

/// Values that a migration loses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What they are: "values of Product.name", behind their number.
    pub what: String,
    /// The query that counts them.
    pub count: String,
}

/// Values that a migration converts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The table.
    pub table: String,
    /// The attribute.
    pub attribute: String,
    /// "from Int to String".
    pub types: String,
    /// The table's key, quoted.
    pub key: String,
    /// What holds for the rows that have a value which does not convert.
    pub fails: String,
}

/// What becomes of a stored attribute of the new table.
enum Source {
    /// It is as it was.
    Kept,
    /// It has another type.
    Converted(String),
    /// It has no values.
    Empty,
}

/// Whether a table must be made anew.
pub(super) fn is_needed(before: &TableShape, after: &TableShape) -> bool {
    let mut refusals = Vec::new();
    before.refusals(after, &mut refusals);
    !refusals.is_empty()
}

/// What cannot be done at all, a sentence each.
pub(super) fn impossible(held: &Shape, wanted: &Shape) -> Vec<String> {
    let mut sentences = held.type_refusals(wanted);
    for before in &held.tables {
        let Some(after) = wanted.table(&before.name).filter(|after| is_needed(before, after)) else { continue };
        let key = after.attributes.iter().find(|attribute| attribute.name == after.key);
        if key.is_none_or(|key| matches!(source(before, key), Source::Empty)) {
            sentences.push(format!(
                "the records of {0} have no value that could be their primary key {1}; keep the key {2} as it is",
                before.name, after.key, before.key
            ));
        }
    }
    sentences
}

/// The end of a table and all its records.
pub(super) fn drop_table(table: &TableShape, steps: &mut Steps) {
    let name = quoted(&table.name);
    let what = format!("records of {}, the whole table", table.name);
    steps.losses.push(Loss { what, count: format!("SELECT count(*) FROM {name}") });
    steps.statements.push(format!("DROP TABLE {name}"));
}

/// Makes a table anew.
pub(super) fn rebuild(schema: &Schema, id: TableId, before: &TableShape, after: &TableShape, steps: &mut Steps) {
    let (old, new) = (quoted(&before.name), quoted(&format!("{}:$new", before.name)));
    let (mut columns, mut values) = (vec![REVISION.to_owned()], vec![raised_revision()]);
    for attribute in &after.attributes {
        let column = quoted(&attribute.name);
        let known = before.attributes.iter().find(|known| known.name == attribute.name);
        let value = match source(before, attribute) {
            Source::Empty => None,
            Source::Kept => Some(column.clone()),
            Source::Converted(value) => {
                steps.conversions.extend(known.map(|known| conversion(before, known, attribute, &value)));
                Some(format!("CASE WHEN {column} IS NOT NULL THEN {value} END"))
            }
        };
        require(before, after, attribute, value.is_some(), steps);
        if let Some(value) = value {
            columns.push(column);
            values.push(value);
        }
    }
    steps.losses.extend(losses(before, after));
    if before.open() && !after.open() {
        steps.losses.push(undeclared_loss(&before.name));
    }
    steps.statements.extend([
        tables::create_as(schema, id, &new),
        format!("INSERT INTO {new}({}) SELECT {} FROM {old}", columns.join(","), values.join(",")),
        format!("DROP TABLE {old}"),
        format!("ALTER TABLE {new} RENAME TO {old}"),
    ]);
}

/// Greater than the record's and than every one that was given before.
fn raised_revision() -> String {
    format!("max({REVISION}+1,CAST(round(1000*unixepoch('now','subsec')) AS INTEGER)*1000)")
}

/// What the rows must be looked at for, as where a column is added.
fn require(before: &TableShape, after: &TableShape, attribute: &AttributeShape, filled: bool, steps: &mut Steps) {
    let known = before.attributes.iter().find(|known| known.name == attribute.name);
    let place = || (before.name.clone(), attribute.name.clone());
    if attribute.required && !(filled && known.is_some_and(|known| known.required)) {
        steps.newly_required.push(place());
    }
    if known.is_none() && before.open() && after.open() {
        steps.newly_declared.push(place());
    }
}

fn source(before: &TableShape, attribute: &AttributeShape) -> Source {
    let Some(known) = before.attributes.iter().find(|known| known.name == attribute.name) else { return Source::Empty };
    if known.fits(attribute) {
        return Source::Kept;
    }
    let scalars = !known.list && !attribute.list;
    let value = || converted(&known.kind(), &attribute.kind(), &quoted(&known.name));
    scalars.then(value).flatten().map_or(Source::Empty, Source::Converted)
}

fn conversion(before: &TableShape, known: &AttributeShape, new: &AttributeShape, value: &str) -> Conversion {
    Conversion {
        table: before.name.clone(),
        attribute: known.name.clone(),
        types: format!("from {} to {}", known.shown(), new.shown()),
        key: quoted(&before.key),
        fails: format!("{} IS NOT NULL AND ({value}) IS NULL", quoted(&known.name)),
    }
}

fn losses(before: &TableShape, after: &TableShape) -> Vec<Loss> {
    let stored = before.attributes.iter().filter(|known| known.name != UNDECLARED).filter(|known| {
        let new = after.attributes.iter().find(|new| new.name == known.name);
        new.is_none_or(|new| matches!(source(before, new), Source::Empty))
    });
    let computed = before.computed.iter().filter(|it| after.attributes.iter().any(|new| new.name == it.name));
    let names = stored.map(|known| &known.name).chain(computed.map(|computed| &computed.name));
    let loss = |name: &String| Loss {
        what: format!("values of {}.{name}", before.name),
        count: format!("SELECT count({}) FROM {}", quoted(name), quoted(&before.name)),
    };
    names.map(loss).collect()
}

/// The loss of what an open table holds undeclared.
pub(super) fn undeclared_loss(table: &str) -> Loss {
    Loss {
        what: format!("records' undeclared attributes in {table}"),
        count: format!("SELECT count({}) FROM {}", quoted(UNDECLARED), quoted(table)),
    }
}
