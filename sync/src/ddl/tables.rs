//! A table of the schema → its SQL objects.

use super::computed;
use super::image;
use crate::expiry;
use crate::ident::{REVISION, index_of, literal, quoted};
use crate::row::Row;
use crate::rules::{self, BROKEN, CheckKind, LENIENT};
use stoa_schema::limits::RECORD_BYTES;
use stoa_schema::model::{Attribute, AttributeId, Kind, OnDelete, Schema, Storage, Table, TableId};

/// An index, a list's element table or a trigger: something that can be made again from what the tables hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// `index`, `table` or `trigger`, as in `sqlite_master`.
    pub kind: &'static str,
    /// Its name, unquoted.
    pub name: String,
    /// The statement that makes it, exactly as `sqlite_master` keeps it.
    pub create: String,
    /// Fills it from the rows that are there.
    pub fill: Option<String>,
}

/// The statement that makes the table itself.
pub(super) fn create(schema: &Schema, id: TableId) -> String {
    create_as(schema, id, &quoted(&schema.table(id).name))
}

/// The same under another name, which is quoted.
pub(super) fn create_as(schema: &Schema, id: TableId, name: &str) -> String {
    let table = schema.table(id);
    let columns: Vec<String> = table
        .attributes
        .iter()
        .filter(|attribute| attribute.computed.is_none())
        .map(|attribute| match attribute.name == table.key().name {
            true => format!("{} PRIMARY KEY NOT NULL", column(attribute)),
            false => column(attribute),
        })
        .chain([format!("{REVISION} INTEGER NOT NULL")])
        .chain(computed::generated(schema, id).into_iter().map(|generated| generated.column))
        .collect();
    format!("CREATE TABLE {name}({}) STRICT", columns.join(","))
}

/// A column as it stands in `CREATE TABLE` and `ALTER TABLE … ADD COLUMN`.
pub(super) fn column(attribute: &Attribute) -> String {
    format!("{} {}", quoted(&attribute.name), storage(attribute))
}

fn storage(attribute: &Attribute) -> &'static str {
    match attribute.kind.storage() {
        _ if attribute.list => "TEXT",
        Storage::Integer => "INTEGER",
        Storage::Real => "REAL",
        Storage::Text => "TEXT",
        Storage::Blob => "BLOB",
    }
}

/// How the elements of a list come out of its JSON. Bytes are hexadecimal there.
fn element_storage(attribute: &Attribute) -> &'static str {
    match attribute.kind.storage() {
        Storage::Integer => "INTEGER",
        Storage::Real => "REAL",
        Storage::Text | Storage::Blob => "TEXT",
    }
}

/// Whether the elements of this list are kept in a table of their own.
pub fn has_elements(schema: &Schema, id: TableId, attribute: &Attribute) -> bool {
    let joined =
        || {
            schema.tables.iter().flat_map(|table| &table.relations).any(|relation| {
                relation.target == id && schema.table(id).attribute(relation.remote).name == attribute.name
            })
        };
    attribute.list && (attribute.indexed || joined() || refers(schema.table(id), attribute))
}

/// Whether a delete elsewhere looks for records by this attribute (`onDelete:`).
fn refers(table: &Table, attribute: &Attribute) -> bool {
    let mut relations = table.relations.iter().filter(|relation| relation.on_delete != OnDelete::Nothing);
    relations.any(|relation| table.attribute(relation.local).name == attribute.name)
}

/// Everything beside the table itself.
pub fn objects(schema: &Schema, id: TableId) -> Vec<Object> {
    let table = schema.table(id);
    let lists: Vec<&Attribute> =
        table.attributes.iter().filter(|attribute| has_elements(schema, id, attribute)).collect();
    let mut objects: Vec<Object> = lists.iter().map(|list| elements(table, list)).collect();
    objects.extend(
        table
            .attributes
            .iter()
            .filter(|attribute| plain_index(table, attribute))
            .map(|attribute| index(table, attribute)),
    );
    objects.extend(rule_objects(schema, id));
    objects.extend(triggers(schema, id, &lists));
    objects
}

/// What rules keep beside the table: indexes that find equal records, tables of occupied intervals, indexes by expiry.
fn rule_objects(schema: &Schema, id: TableId) -> Vec<Object> {
    let table = schema.table(id);
    let index = |name: String, columns: &[String]| {
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let create = format!("CREATE INDEX {} ON {}({})", quoted(&name), quoted(&table.name), columns.join(","));
        Object { kind: "index", name, create, fill: None }
    };
    let uniques = rules::uniques(schema, id).into_iter().filter_map(|unique| unique.index());
    let mut objects: Vec<Object> = uniques.map(|(name, columns)| index(name, &columns)).collect();
    objects.extend(expiry::indexes(table).into_iter().map(|(name, column)| index(name, &[column])));
    for overlap in rules::overlaps(schema, id) {
        if let Some(name) = overlap.longest() {
            let create = format!(
                "CREATE TABLE {}(\"key\" ANY NOT NULL PRIMARY KEY,\"seconds\" INTEGER NOT NULL) STRICT,WITHOUT ROWID",
                quoted(&name)
            );
            objects.push(Object { kind: "table", name, create, fill: overlap.fill_longest() });
        }
        let create = overlap.create(storage(table.key()));
        objects.push(Object { kind: "table", name: overlap.occupied(), create, fill: Some(overlap.fill()) });
    }
    objects
}

fn plain_index(table: &Table, attribute: &Attribute) -> bool {
    (attribute.indexed || refers(table, attribute)) && !attribute.list && attribute.name != table.key().name
}

/// Every index ends in the id, so that order, ties and cursors are one walk. An integer key is the rowid, with which
/// SQLite ends every index by itself.
fn index(table: &Table, attribute: &Attribute) -> Object {
    let key = table.key();
    let (on, column) = (quoted(&table.name), quoted(&attribute.name));
    let columns = match key.kind {
        Kind::Int | Kind::Long if !key.list => column,
        _ => format!("{column},{}", quoted(&key.name)),
    };
    let create = format!("CREATE INDEX {} ON {on}({columns})", index_of(&table.name, &attribute.name));
    Object { kind: "index", name: format!("{}:{}", table.name, attribute.name), create, fill: None }
}

fn elements(table: &Table, list: &Attribute) -> Object {
    let (name, key) = (index_of(&table.name, &list.name), storage(table.key()));
    let create = format!(
        "CREATE TABLE {name}(\"value\" {} NOT NULL,\"id\" {key} NOT NULL,PRIMARY KEY(\"value\",\"id\")) STRICT,WITHOUT ROWID",
        element_storage(list)
    );
    let fill = format!(
        "INSERT INTO {name} SELECT DISTINCT e.value,t.{} FROM {} AS t,json_each(t.{}) AS e WHERE e.value IS NOT NULL",
        quoted(&table.key().name),
        quoted(&table.name),
        quoted(&list.name)
    );
    Object { kind: "table", name: format!("{}:{}", table.name, list.name), create, fill: Some(fill) }
}

/// The triggers that enforce the rules, fill the change log and the element tables, and keep what STRICT does not.
fn triggers(schema: &Schema, id: TableId, lists: &[&Attribute]) -> [Object; 3] {
    let table = schema.table(id);
    let name = literal(&table.name);
    let key = quoted(&table.key().name);
    let add = |list: &&Attribute| add_elements(table, list);
    let remove = |list: &&Attribute| remove_elements(table, list);
    let log = format!(
        "INSERT INTO _changes(tbl,id,op,rev,at,after) VALUES({name},NEW.{key},1,NEW.{REVISION},NEW.{REVISION}/1000,{})",
        image::whole(table, "NEW")
    );
    let insert = guard_made(table).into_iter().chain(enforced(schema, id, false)).chain([log]);
    let log = format!(
        "INSERT INTO _changes(tbl,id,op,rev,at,after,before) VALUES({name},NEW.{key},2,NEW.{REVISION},NEW.{REVISION}/1000,{},{})",
        image::whole(table, "NEW"),
        image::changed(table)
    );
    let update = [guard(table)].into_iter().chain(enforced(schema, id, true)).chain([log]);
    // What has expired is deleted for that reason, whoever deletes it.
    let operation =
        expiry::expired(table, Row::Old).map_or("3".into(), |it| format!("CASE WHEN {it} THEN 4 ELSE 3 END"));
    let log = format!(
        "INSERT INTO _changes(tbl,id,op,rev,at,before) VALUES({name},OLD.{key},{operation},OLD.{REVISION},\
         CAST(round(1000*unixepoch('now','subsec')) AS INTEGER),{})",
        image::whole(table, "OLD")
    );
    let vacate = rules::overlaps(schema, id).into_iter().map(|overlap| overlap.after_delete());
    let references = rules::references(schema, id).into_iter().map(|references| references.after_delete());
    let delete = [log].into_iter().chain(lists.iter().map(remove)).chain(vacate).chain(references);
    // What stays as it was is not touched. No `OR IGNORE` here: a trigger's statements take the conflict policy of the
    // statement that fired it, and that of an upsert is to fail.
    let replace = lists.iter().flat_map(|list| {
        let changed = format!("AND OLD.{0} IS NOT NEW.{0}", quoted(&list.name));
        [format!("{} {changed}", remove(list)), format!("{} {changed}", add(list))]
    });
    [
        trigger(table, "insert", insert.chain(lists.iter().map(add))),
        trigger(table, "update", update.chain(replace)),
        trigger(table, "delete", delete),
    ]
}

/// What refuses a row that breaks a rule.
fn enforced(schema: &Schema, id: TableId, updating: bool) -> Vec<String> {
    let mut statements: Vec<String> = checks(schema, id, updating).into_iter().collect();
    statements.extend(rules::uniques(schema, id).iter().flat_map(|unique| unique.enforce(updating)));
    for overlap in rules::overlaps(schema, id) {
        statements.extend(if updating { overlap.after_update() } else { overlap.after_insert() });
    }
    statements
}

fn checks(schema: &Schema, id: TableId, updating: bool) -> Option<String> {
    let table = schema.table(id);
    let same = |id: AttributeId| format!(" AND OLD.{0} IS NOT NEW.{0}", quoted(&table.attribute(id).name));
    let arm = |check: rules::Check| match check.kind {
        // A record in the last moment of its life may change otherwise.
        CheckKind::Expired(id) if updating => format!(" WHEN {}{} THEN 1", check.broken, same(id)),
        _ => format!(" WHEN {} THEN 1", check.broken),
    };
    let arms: String = rules::checks(schema, id, Row::New).into_iter().map(arm).collect();
    (!arms.is_empty())
        .then(|| format!("SELECT RAISE(ABORT,{}) WHERE CASE{arms} END AND NOT {LENIENT}", literal(BROKEN)))
}

fn trigger(table: &Table, event: &'static str, statements: impl Iterator<Item = String>) -> Object {
    let name = format!("{}:{event}", table.name);
    let body: String = statements.map(|statement| format!("{statement};")).collect();
    let create = format!(
        "CREATE TRIGGER {} AFTER {} ON {} BEGIN {body} END",
        quoted(&name),
        event.to_ascii_uppercase(),
        quoted(&table.name)
    );
    Object { kind: "trigger", name, create, fill: None }
}

/// An update must raise the revision, keep the id, leave every number inside its type and the record inside its size. `x*0` is null for an infinity.
fn guard(table: &Table) -> String {
    let key = quoted(&table.key().name);
    let ranges = table.attributes.iter().filter_map(range);
    format!(
        "SELECT CASE WHEN NEW.{REVISION}<=OLD.{REVISION} THEN RAISE(ABORT,'stoa:revision') \
         WHEN NEW.{key} IS NOT OLD.{key} THEN RAISE(ABORT,'stoa:id') \
         WHEN {}>{RECORD_BYTES} THEN RAISE(ABORT,'stoa:size'){} END",
        size(table),
        ranges.collect::<String>()
    )
}

/// What a body gives an insert was checked when it was read. What the database makes was not: a key that was left open,
/// which is the largest one and 1, and what is computed.
fn guard_made(table: &Table) -> Option<String> {
    let made = table.attributes.iter().filter(|it| it.computed.is_some() || it.name == table.key().name);
    let ranges: String = made.filter_map(range).collect();
    (!ranges.is_empty()).then(|| format!("SELECT CASE{ranges} END"))
}

/// Refuses a number that its type cannot hold.
fn range(attribute: &Attribute) -> Option<String> {
    let beyond = beyond_range(attribute, &format!("NEW.{}", quoted(&attribute.name)))?;
    Some(format!(" WHEN {beyond} THEN RAISE(ABORT,{})", literal(&format!("stoa:range:{}", attribute.name))))
}

/// Whether a column holds a number that its attribute's type cannot hold. STRICT looks at the storage class of stored
/// columns only.
pub(super) fn beyond_range(attribute: &Attribute, column: &str) -> Option<String> {
    Some(match attribute.kind {
        _ if attribute.list => return None,
        Kind::Int => format!("{column} NOT BETWEEN -2147483648 AND 2147483647"),
        Kind::Long if attribute.computed.is_some() => format!("typeof({column})='real'"),
        Kind::Float => format!("{column} IS NOT NULL AND {column}*0 IS NULL"),
        Kind::Long
        | Kind::Id
        | Kind::String
        | Kind::BigInt
        | Kind::Boolean
        | Kind::Date
        | Kind::Bytes
        | Kind::Any
        | Kind::Nested(_) => return None,
    })
}

/// The bytes of a record's texts and lists; what else it holds is small.
fn size(table: &Table) -> String {
    let sizes: Vec<String> = table
        .attributes
        .iter()
        .filter(|attribute| matches!(storage(attribute), "TEXT" | "BLOB"))
        .map(|attribute| format!("coalesce(octet_length(NEW.{}),0)", quoted(&attribute.name)))
        .collect();
    if sizes.is_empty() { "0".to_owned() } else { sizes.join("+") }
}

fn add_elements(table: &Table, list: &Attribute) -> String {
    format!(
        "INSERT INTO {} SELECT DISTINCT e.value,NEW.{} FROM json_each(NEW.{}) AS e WHERE e.value IS NOT NULL",
        index_of(&table.name, &list.name),
        quoted(&table.key().name),
        quoted(&list.name)
    )
}

fn remove_elements(table: &Table, list: &Attribute) -> String {
    let (index, key, list) = (index_of(&table.name, &list.name), quoted(&table.key().name), quoted(&list.name));
    format!(
        "DELETE FROM {index} WHERE \"id\"=OLD.{key} AND \"value\" IN (SELECT e.value FROM json_each(OLD.{list}) AS e)"
    )
}
