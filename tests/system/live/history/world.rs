//! The records of all tables at each position of the change log.

use crate::rules::open;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use stoa_schema::time::Instant;

/// A change of a record.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) seq: u64,
    table: String,
    id: String,
    /// What it is; `None` if it is gone.
    after: Option<Json>,
}

/// The change log of a server.
pub(super) fn log(data: &Path) -> Vec<Change> {
    let file = open(data);
    let mut statement = file.prepare("SELECT seq,tbl,id,op,after FROM _changes ORDER BY seq").unwrap();
    let changes = statement.query_map([], |row| {
        let (operation, after): (i64, Option<String>) = (row.get(3)?, row.get(4)?);
        let after = after.filter(|_| operation < 3).map(|after| serde_json::from_str(&after).unwrap());
        Ok(Change { seq: row.get::<_, i64>(0)?.unsigned_abs(), table: row.get(1)?, id: row.get(2)?, after })
    });
    changes.unwrap().map(Result::unwrap).collect()
}

/// Shows the records at each position.
pub(super) fn at_each(log: &[Change], mut look: impl FnMut(u64, &World)) {
    let mut world = World::default();
    look(0, &world);
    for change in log {
        world.take(change);
        look(change.seq, &world);
    }
}

/// The records at one position, by table and id.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    tables: HashMap<String, BTreeMap<String, Json>>,
}

impl World {
    pub(super) fn of(log: &[Change]) -> Self {
        let mut world = Self::default();
        log.iter().for_each(|change| world.take(change));
        world
    }

    fn take(&mut self, change: &Change) {
        let table = self.tables.entry(change.table.clone()).or_default();
        match &change.after {
            Some(after) => _ = table.insert(change.id.clone(), after.clone()),
            None => _ = table.remove(&change.id),
        }
    }

    /// By primary key.
    pub(super) fn all(&self, table: &str) -> impl Iterator<Item = &Json> {
        self.tables.get(table).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn one(&self, table: &str, id: &Json) -> Option<&Json> {
        self.tables.get(table)?.get(id.as_str()?)
    }

    /// The ids of the holds that were over at some time.
    pub(super) fn expired(&self, at_ms: i64) -> BTreeSet<String> {
        let now = Instant::from_millis(at_ms).unwrap().stored();
        let over = |hold: &&Json| hold["until"].as_str().is_some_and(|until| until <= now.as_str());
        self.all("Hold").filter(over).map(|hold| hold["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Without some of the holds.
    pub(super) fn without(&self, holds: &BTreeSet<String>) -> Self {
        let mut world = self.clone();
        if let Some(table) = world.tables.get_mut("Hold") {
            table.retain(|id, _| !holds.contains(id));
        }
        world
    }
}

/// A value that shows none of some holds.
pub(super) fn without(value: &Json, holds: &BTreeSet<String>) -> Json {
    let mut value = value.clone();
    if let Some(Json::Array(shown)) = value.get_mut("holds") {
        shown.retain(|hold| hold["id"].as_str().is_none_or(|id| !holds.contains(id)));
    }
    value
}

pub(super) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
