//! The change log read from the file: replaying it must give exactly the tables' rows.

use super::item::Item;
use crate::image;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// What the log says up to a position.
#[derive(Default)]
pub(super) struct Log {
    pub(super) seq: i64,
    records: BTreeMap<String, (i64, Item)>,
    /// The last revision of every record there ever was.
    revisions: HashMap<String, i64>,
}

struct Change {
    seq: i64,
    table: String,
    id: String,
    operation: i64,
    revision: i64,
    at_ms: i64,
    after: Option<Map<String, Json>>,
    before: Option<Map<String, Json>>,
}

impl Log {
    /// Follows the log from where it was left, then compares with the tables. It reads one snapshot and writes nothing.
    pub(super) fn check(&mut self, data: &Path) {
        let file =
            Connection::open_with_flags(stoa_tests::server::database(data), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        file.execute_batch("BEGIN").unwrap();
        for change in changes(&file, self.seq) {
            assert_eq!(change.table, "Item");
            assert!(change.seq > self.seq);
            self.seq = change.seq;
            self.follow(change);
        }
        assert_eq!(self.records, rows(&file));
        assert_eq!(elements_of(&self.records), elements(&file));
        let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    fn follow(&mut self, change: Change) {
        let Change { seq, id, operation, revision, .. } = change;
        let last = self.revisions.insert(id.clone(), revision);
        let raised = last.is_none_or(|last| revision > last);
        match (operation, change.after, change.before, self.records.remove(&id)) {
            (1, Some(after), None, None) => {
                assert!(raised && change.at_ms == revision / 1_000, "{seq}: revision {revision} after {last:?}");
                self.keep(id, revision, after);
            }
            (2, Some(after), Some(before), Some((_, held))) => {
                assert!(raised && change.at_ms == revision / 1_000, "{seq}: revision {revision} after {last:?}");
                let mut undone = after.clone();
                for (name, value) in before {
                    assert_ne!(undone[&name], value, "{seq}: {name} did not change");
                    undone[&name] = value;
                }
                assert_eq!(Item::read(&undone.into()), held, "{seq}: what was before");
                self.keep(id, revision, after);
            }
            (3, None, Some(before), Some((held_revision, held))) => {
                assert_eq!((revision, Item::read(&before.into())), (held_revision, held), "{seq}: what was deleted");
            }
            (operation, after, before, held) => {
                panic!("{seq}: operation {operation} of {held:?}, after {after:?}, before {before:?}")
            }
        }
    }

    fn keep(&mut self, id: String, revision: i64, after: Map<String, Json>) {
        let item = Item::read(&after.into());
        assert_eq!(item.id, id);
        self.records.insert(id, (revision, item));
    }
}

fn changes(file: &Connection, since: i64) -> Vec<Change> {
    let sql = "SELECT seq,tbl,id,op,rev,at,after,before FROM _changes WHERE seq>?1 ORDER BY seq";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([since], |row| {
        let image = |at| row.get::<_, Option<String>>(at).map(|text| text.as_deref().map(image::read));
        Ok(Change {
            seq: row.get(0)?,
            table: row.get(1)?,
            id: row.get(2)?,
            operation: row.get(3)?,
            revision: row.get(4)?,
            at_ms: row.get(5)?,
            after: image(6)?,
            before: image(7)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn rows(file: &Connection) -> BTreeMap<String, (i64, Item)> {
    let mut statement = file.prepare("SELECT \"$rev\",id,name,stock,big,price,tags,notes FROM Item").unwrap();
    let list = |row: &Row<'_>, at| {
        row.get::<_, Option<String>>(at).map(|text| text.map(|text| serde_json::from_str(&text).unwrap()))
    };
    let rows = statement.query_map([], |row| {
        let item = Item {
            id: row.get(1)?,
            name: row.get(2)?,
            stock: row.get(3)?,
            big: row.get(4)?,
            price: row.get(5)?,
            tags: list(row, 6)?,
            notes: list(row, 7)?,
        };
        Ok((item.id.clone(), (row.get(0)?, item)))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn elements_of(records: &BTreeMap<String, (i64, Item)>) -> BTreeSet<(String, String)> {
    let tags = |item: &Item| item.tags.clone().unwrap_or_default();
    records.values().flat_map(|(_, item)| tags(item).into_iter().map(|tag| (tag, item.id.clone()))).collect()
}

fn elements(file: &Connection) -> BTreeSet<(String, String)> {
    let mut statement = file.prepare("SELECT value,id FROM \"Item:tags\"").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
