//! What a schema says must never happen does not happen: with many clients at once, as time passes, across crashes and
//! when the schema changes.
//!
//! `STOA_LONG=1` makes many rounds; `STOA_SEED=n` repeats the cases of one seed, which a failure prints.

mod adopted;
mod bookings;
mod history;
mod holds;
mod restarts;
mod stock;

use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::{Duration, Instant};
use stoa_tests::client::{Answer, Client};
use stoa_tests::dice::{Seed, count, seeds};

/// How many answers have the status.
fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Asks until the answer is as wanted; at most ten seconds, for a clock must pass.
pub(super) fn poll(client: &Client, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let began = Instant::now();
    loop {
        let answer = client.get(path);
        if wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "GET {path} still says {} {}", answer.status, answer.text());
    }
}

/// Opens the database of a server, which may be running.
pub(super) fn open(data: &Path) -> Connection {
    Connection::open_with_flags(stoa_tests::server::database(data), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// A line of the change log: what was done (1 insert, 2 update, 3 delete, 4 delete of what had expired), to which record.
type Change = (i64, String);

/// The change log of a table.
fn changes(data: &Path, table: &str) -> Vec<Change> {
    let file = open(data);
    let mut statement = file.prepare("SELECT op,id FROM _changes WHERE tbl=?1 ORDER BY seq").unwrap();
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The change log of a record.
fn changes_of(data: &Path, table: &str, id: &str) -> Vec<i64> {
    changes(data, table).into_iter().filter(|(_, of)| of == id).map(|(operation, _)| operation).collect()
}
