//! The records at every position of the change log, and when a position may have been there at the latest and not before.

use super::meaning::{REVISION, TABLES};
use super::write::Write;
use crate::world::{self, Change, World};
use std::collections::HashMap;
use std::path::Path;

pub(super) struct Positions {
    worlds: Vec<World>,
    /// At each position, for each table, the position of its last change.
    changed: Vec<[usize; TABLES.len()]>,
    /// The latest beginning of the writes up to each position: nobody can have seen it before.
    begun: Vec<u64>,
    /// Whether a position lies within a commit, where nobody can have looked.
    within: Vec<bool>,
}

impl Positions {
    /// Of a server's log. Each write leaves a stamp of its own in what it stores, so that its changes can be told.
    pub(super) fn of(data: &Path, writes: &[Write]) -> Self {
        let mut log = world::log(data);
        log.iter_mut().for_each(keep_revision);
        assert!(log.iter().zip(1..).all(|(change, seq)| change.seq == seq), "the log has a gap");
        let mut worlds = Vec::new();
        world::at_each(&log, |_, world| worlds.push(world.clone()));
        let mut changed = vec![[0; TABLES.len()]];
        for (change, position) in log.iter().zip(1..) {
            let mut now = changed[position - 1];
            now[table_number(&change.table)] = position;
            changed.push(now);
        }
        let spans = spans(&log);
        let mut positions = Self { begun: vec![0; worlds.len()], within: vec![false; worlds.len()], worlds, changed };
        for write in writes {
            let span = spans.get(write.stamp.as_str());
            write.holds(span.copied());
            if let Some((first, last)) = span {
                positions.begun[*first] = positions.begun[*first].max(write.begin);
                positions.within[*first..*last].fill(true);
            }
        }
        for at in 1..positions.begun.len() {
            positions.begun[at] = positions.begun[at].max(positions.begun[at - 1]);
        }
        positions
    }

    pub(super) fn last(&self) -> usize {
        self.worlds.len() - 1
    }

    pub(super) fn world(&self, at: usize) -> &World {
        &self.worlds[at]
    }

    pub(super) fn is_whole(&self, at: usize) -> bool {
        !self.within[at]
    }

    /// The last change, up to a position, of some tables.
    pub(super) fn version(&self, at: usize, tables: &[usize]) -> usize {
        tables.iter().map(|table| self.changed[at][*table]).max().unwrap_or_default()
    }

    /// The last position that may have been there at some time.
    pub(super) fn latest(&self, end: u64) -> usize {
        self.begun.partition_point(|begun| *begun <= end) - 1
    }
}

pub(super) fn table_number(name: &str) -> usize {
    TABLES.iter().position(|(table, _)| *table == name).expect("a table of ours")
}

fn keep_revision(change: &mut Change) {
    if let Some(after) = &mut change.after {
        after[REVISION] = change.revision.into();
    }
}

/// The first and the last change of each write, by its stamp. What a rule changes keeps the stamp that it has.
fn spans(log: &[Change]) -> HashMap<&str, (usize, usize)> {
    let mut spans = HashMap::new();
    for (change, position) in log.iter().zip(1..) {
        let stamped = change.before.as_ref().is_none_or(|before| before.get("stamp").is_some());
        let stamp = change.after.as_ref().filter(|_| stamped).and_then(|after| after["stamp"].as_str());
        if let Some(stamp) = stamp {
            spans.entry(stamp).or_insert((position, position)).1 = position;
        }
    }
    spans
}
