//! A schema together with the SQL that does not depend on the request.

use crate::expiry;
use crate::ident::{REVISION, quoted};
use crate::row::Row;
use crate::rules;
use stoa_schema::model::{AttributeId, Schema, Stamp, Table, TableId};

/// A schema and its fixed statements.
#[derive(Debug)]
pub struct Catalog {
    /// What the user declared.
    pub schema: Schema,
    statements: Vec<Statements>,
}

/// The statements of one table. Columns stand in the order of the attributes.
#[derive(Debug)]
pub struct Statements {
    /// All columns, quoted, separated by commas.
    pub columns: String,
    /// The end of a statement that returns what it has written: the revision and all columns.
    pub returning: String,
    /// What stands behind `VALUES` in the statements that store a record.
    pub row: String,
    /// Inserts a record: its values without those that are computed, then its revision. If some are, it returns what is stored.
    pub insert: String,
    /// The same, unless the id is there.
    pub insert_missing: String,
    /// Inserts or replaces: as `insert`; returns what is stored.
    pub put: String,
    /// The same, unless the record is there exactly so; returns nothing.
    pub put_changed: String,
    /// The revision of the record with id `?1`.
    pub revision: String,
    /// Deletes the record with id `?1`.
    pub delete: String,
    /// Deletes the record with id `?1` if it has expired; `None` if records of the table never do.
    pub clear: Option<String>,
    /// The revision and all columns of the record with id `?1`.
    pub record: String,
    /// For each unique set, how to find the record that has the values of another.
    pub same: Vec<Same>,
}

/// How to find the record that has the values of another where they are unique.
#[derive(Debug)]
pub struct Same {
    /// The attributes that are read of the other.
    pub reads: Vec<AttributeId>,
    /// The condition on the record `u`; the other is the row `t`.
    pub condition: String,
}

impl Catalog {
    /// The catalog of a schema.
    pub fn new(schema: Schema) -> Self {
        let statements = (0..schema.tables.len()).map(|at| Statements::of(&schema, TableId(at))).collect();
        Self { schema, statements }
    }

    /// A table of the schema.
    pub fn table(&self, id: TableId) -> &Table {
        self.schema.table(id)
    }

    /// The statements of a table.
    pub fn statements(&self, id: TableId) -> &Statements {
        &self.statements[id.0]
    }
}

impl Statements {
    /// A statement that stores a record, for many at once: the parameters of each, so many, follow those of the one before.
    pub fn of_many(&self, statement: &str, params: usize, records: usize) -> Option<String> {
        let (begin, end) = statement.split_once(&self.row)?;
        let rows: Vec<String> = (0..records).map(|record| shifted(&self.row, record * params)).collect();
        Some(format!("{begin}{}{end}", rows.join(",")))
    }

    fn of(schema: &Schema, id: TableId) -> Self {
        let table = schema.table(id);
        let (name, key) = (quoted(&table.name), quoted(&table.key().name));
        let names: Vec<String> = table.attributes.iter().map(|attribute| quoted(&attribute.name)).collect();
        let columns = names.join(",");
        let given = || table.attributes.iter().filter(|attribute| attribute.computed.is_none());
        let written: Vec<String> = given().map(|attribute| quoted(&attribute.name)).chain([REVISION.into()]).collect();
        let given_value = |at: usize, id: AttributeId| {
            let place = format!("?{}", at + 1);
            expiry::lifetime(table, id, &place).unwrap_or(place)
        };
        let stored = table.stored().into_iter().enumerate();
        let values: Vec<String> = stored.map(|(at, id)| given_value(at, id)).collect();
        let revision = format!("?{}", written.len());
        let places: Vec<String> = values.into_iter().chain([revision]).collect();
        let row = format!("({})", places.join(","));
        let insert = format!("INSERT INTO {name}({}) VALUES{row}", written.join(","));
        let returning = format!(" RETURNING {REVISION},{columns}");
        let shown = if table.computes() { returning.as_str() } else { "" };
        let values = || given().filter(|attribute| attribute.name != table.key().name);
        let replaced: Vec<String> = values()
            .filter(|attribute| attribute.stamp != Some(Stamp::Created))
            .map(|attribute| format!("{0}=excluded.{0}", quoted(&attribute.name)))
            .chain([format!("{REVISION}=max({name}.{REVISION}+1,excluded.{REVISION})")])
            .collect();
        let upsert = format!("{insert} ON CONFLICT({key}) DO UPDATE SET {}", replaced.join(","));
        let differs = values()
            .filter(|attribute| attribute.stamp.is_none())
            .map(|attribute| format!("{name}.{0} IS NOT excluded.{0}", quoted(&attribute.name)));
        // `WHERE` begins with something that any number of columns can follow.
        let differs = differs.fold("0".to_owned(), |all, column| format!("{all} OR {column}"));
        Self {
            insert_missing: format!("{insert} ON CONFLICT DO NOTHING{shown}"),
            insert: format!("{insert}{shown}"),
            put: format!("{upsert}{returning}"),
            put_changed: format!("{upsert} WHERE {differs}"),
            revision: format!("SELECT {REVISION} FROM {name} WHERE {key}=?1"),
            delete: format!("DELETE FROM {name} WHERE {key}=?1"),
            clear: expiry::delete_expired(table, &format!("{key}=?1")),
            record: format!("SELECT {REVISION},{columns} FROM {name} WHERE {key}=?1"),
            same: rules::uniques(schema, id)
                .iter()
                .map(|unique| Same { reads: unique.reads(), condition: unique.same(Row::Alias("t")) })
                .collect(),
            columns,
            returning,
            row,
        }
    }
}

/// SQL with the numbers of its parameters raised.
fn shifted(sql: &str, by: usize) -> String {
    let mut parts = sql.split('?');
    let mut shifted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or_default();
        shifted.push_str(&format!("?{}{}", number + by, &part[digits..]));
    }
    shifted
}
