//! Writes as text, one commit per line, in the terms of the schema:
//!
//! ```text
//! ok                 POST    Product {"id":"a","price":1.5}
//! +                  DELETE  Product/b
//! 2                  PATCH   Product?price=lt=5 {"stock":{"__op__":"add","value":1}}
//! stoa:precondition  PUT     Product If-Match:7 {"id":"a"}
//! ```
//!
//! First what becomes of it: `ok`, the number of rows, or the message it is refused with (spaces as `_`). A line that
//! begins with `+` belongs to the commit before it. `SEED` inserts a record unless its id is there, `MERGE`
//! changes the one that is there.

use stoa_schema::model::{Schema, Table};
use stoa_schema::query::Query;
use stoa_schema::value::{Change, Value, key_of_path, read_changes, read_record};
use stoa_sync::commit::{Precondition, Tags, Write, WriteKind};

/// A commit and what becomes of it.
pub(super) struct Commit {
    pub(super) expected: String,
    pub(super) writes: Vec<Write>,
    pub(super) line: String,
}

pub(super) fn commits(schema: &Schema, script: &str) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (expected, request) = line.split_once(' ').unwrap_or_else(|| panic!("{line}: no request"));
        let write = write(schema, request.trim());
        match commits.last_mut() {
            Some(commit) if expected == "+" => {
                commit.writes.push(write);
                commit.line.push_str(line);
            }
            _ => commits.push(Commit {
                expected: expected.replace('_', " "),
                writes: vec![write],
                line: line.to_owned(),
            }),
        }
    }
    commits
}

fn write(schema: &Schema, request: &str) -> Write {
    let (head, body) = request.find('{').map_or((request, ""), |at| request.split_at(at));
    let mut words = head.split_ascii_whitespace();
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let name = target.split(['/', '?']).next().unwrap();
    let id = schema.named(name).unwrap_or_else(|| panic!("{request}: no table {name}"));
    let table = schema.table(id);
    let rest = &target[name.len()..];
    let record = || -> Vec<Value> {
        let record = read_record(table, body).unwrap().unwrap_or_else(|violations| panic!("{request}: {violations:?}"));
        record.into_iter().map(|value| value.unwrap_or(Value::Null)).collect()
    };
    let changes = || -> Vec<(_, Change)> {
        read_changes(table, body).unwrap().unwrap_or_else(|violations| panic!("{request}: {violations:?}"))
    };
    let filter = |raw| Query::parse(schema, id, raw).unwrap_or_else(|error| panic!("{request}: {error:?}")).filter;
    let kind = match (method, rest.chars().next()) {
        ("POST", None) => WriteKind::Insert(record()),
        ("SEED", None) => WriteKind::InsertMissing(record()),
        ("PUT", None) => WriteKind::Put(record()),
        ("MERGE", None) => WriteKind::Merge { record: record(), changes: changes() },
        ("KEEP", None) => WriteKind::PutChanged(record()),
        ("PATCH", Some('/')) => WriteKind::Patch { id: key(table, &rest[1..]), changes: changes() },
        ("PATCH", Some('?')) => WriteKind::PatchMatching { filter: filter(&rest[1..]), changes: changes() },
        ("DELETE", Some('/')) => WriteKind::Delete { id: key(table, &rest[1..]) },
        ("DELETE", Some('?')) => WriteKind::DeleteMatching { filter: filter(&rest[1..]) },
        _ => panic!("{request}: not a write"),
    };
    Write { precondition: precondition(words), ..Write::new(id, kind) }
}

fn key(table: &Table, text: &str) -> Value {
    let segments: Vec<String> = text.split('/').map(str::to_owned).collect();
    key_of_path(table.key(), &segments).unwrap_or_else(|| panic!("{text}: no key of {}", table.name))
}

fn precondition<'w>(words: impl Iterator<Item = &'w str>) -> Precondition {
    let mut precondition = Precondition::default();
    for word in words {
        let (name, tags) = word.split_once(':').unwrap();
        let tags = match tags {
            "*" => Tags::Any,
            tags => Tags::Revisions(tags.split(',').map(|tag| tag.parse().unwrap()).collect()),
        };
        match name {
            "If-Match" => precondition.matches = Some(tags),
            "If-None-Match" => precondition.none_matches = Some(tags),
            _ => panic!("{word}: not a precondition"),
        }
    }
    precondition
}
