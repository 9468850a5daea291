//! The records of all tables at each position of the change log.

use crate::rules::open;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use stoa_schema::time::Instant;

/// A change of a record.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) table: String,
    pub(crate) id: String,
    pub(crate) revision: u64,
    /// What it is; `None` if it is gone.
    pub(crate) after: Option<Json>,
    /// What it was, in what has changed; `None` if it is new.
    pub(crate) before: Option<Json>,
}

/// The change log of a server.
pub(crate) fn log(data: &Path) -> Vec<Change> {
    let file = open(data);
    let mut statement = file.prepare("SELECT seq,tbl,id,op,after,rev,before FROM _changes ORDER BY seq").unwrap();
    let changes = statement.query_map([], |row| {
        let (operation, after, before): (i64, Option<String>, Option<String>) = (row.get(3)?, row.get(4)?, row.get(6)?);
        let read = |text: String| serde_json::from_str(&text).unwrap();
        Ok(Change {
            seq: row.get::<_, i64>(0)?.unsigned_abs(),
            table: row.get(1)?,
            id: row.get(2)?,
            revision: row.get::<_, i64>(5)?.unsigned_abs(),
            after: after.filter(|_| operation < 3).map(read),
            before: before.map(read),
        })
    });
    changes.unwrap().map(Result::unwrap).collect()
}

/// Shows the records at each position.
pub(crate) fn at_each(log: &[Change], mut look: impl FnMut(u64, &World)) {
    let mut world = World::default();
    look(0, &world);
    for change in log {
        world.take(change);
        look(change.seq, &world);
    }
}

/// The records at one position, by table and id. Clones share what they have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    tables: HashMap<String, Arc<BTreeMap<String, Arc<Json>>>>,
}

impl World {
    pub(crate) fn of(log: &[Change]) -> Self {
        let mut world = Self::default();
        log.iter().for_each(|change| world.take(change));
        world
    }

    fn take(&mut self, change: &Change) {
        let table = Arc::make_mut(self.tables.entry(change.table.clone()).or_default());
        match &change.after {
            Some(after) => _ = table.insert(change.id.clone(), Arc::new(after.clone())),
            None => _ = table.remove(&change.id),
        }
    }

    /// By primary key.
    pub(crate) fn all(&self, table: &str) -> impl Iterator<Item = &Json> {
        self.tables.get(table).into_iter().flat_map(|table| table.values()).map(Arc::as_ref)
    }

    pub(crate) fn one(&self, table: &str, id: &Json) -> Option<&Json> {
        self.tables.get(table)?.get(id.as_str()?).map(Arc::as_ref)
    }

    /// The ids of the holds that were over at some time.
    pub(crate) fn expired(&self, at_ms: i64) -> BTreeSet<String> {
        let now = Instant::from_millis(at_ms).unwrap().stored();
        let over = |hold: &&Json| hold["until"].as_str().is_some_and(|until| until <= now.as_str());
        self.all("Hold").filter(over).map(|hold| hold["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Without some of the holds.
    pub(crate) fn without(&self, holds: &BTreeSet<String>) -> Self {
        let mut world = self.clone();
        if let Some(table) = world.tables.get_mut("Hold") {
            Arc::make_mut(table).retain(|id, _| !holds.contains(id));
        }
        world
    }
}

/// A value that shows none of some holds.
pub(crate) fn without(value: &Json, holds: &BTreeSet<String>) -> Json {
    let mut value = value.clone();
    if let Some(Json::Array(shown)) = value.get_mut("holds") {
        shown.retain(|hold| hold["id"].as_str().is_none_or(|id| !holds.contains(id)));
    }
    value
}

pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
