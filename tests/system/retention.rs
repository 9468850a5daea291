//! How far back the change log of a running server reaches: the file stays small while it is written to, and SIGKILL
//! while the log is trimmed harms nothing.

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::time::{Duration, Instant};
use stoa_tests::client::Client;
use stoa_tests::server::{Server, Start, long};

const SCHEMA: &str = "type Item @table @export { id: ID @primaryKey round: Int text: String }";
const ITEMS: usize = 500;
const MEGABYTE: u64 = 1_000_000;

fn app() -> tempfile::TempDir {
    let app = tempfile::tempdir().unwrap();
    std::fs::write(app.path().join("schema.graphql"), SCHEMA).unwrap();
    std::fs::write(app.path().join("stoa.toml"), "log_megabytes = 1\n").unwrap();
    app
}

/// Changes every item: more than a megabyte of log, because a change holds the text before and after it.
fn change_all(client: &Client, round: usize) {
    let text = format!("{round:04}").repeat(300);
    let item = |id: usize| json!({"id": format!("i{id}"), "round": round, "text": text});
    client.json("PUT", "/Item/", &Json::Array((0..ITEMS).map(item).collect())).expect(200);
}

struct Log {
    first: u64,
    last: u64,
    rows: u64,
    bytes: u64,
}

fn log(data: &Path) -> Log {
    let file =
        Connection::open_with_flags(stoa_tests::server::database(data), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql =
        "SELECT min(seq),max(seq),count(*),sum(octet_length(after)+coalesce(octet_length(before),0)) FROM _changes";
    let number = |number: i64| number.unsigned_abs();
    let found = file.query_row(sql, [], |row| {
        Ok(Log {
            first: number(row.get(0)?),
            last: number(row.get(1)?),
            rows: number(row.get(2)?),
            bytes: number(row.get(3)?),
        })
    });
    let found = found.unwrap();
    assert_eq!(found.last - found.first + 1, found.rows, "a gap");
    found
}

/// Waits until the log is as it should be.
fn wait_for_log(data: &Path, wanted: impl Fn(&Log) -> bool) -> Log {
    let began = Instant::now();
    loop {
        let log = log(data);
        if wanted(&log) {
            return log;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{} bytes from {} to {}", log.bytes, log.first, log.last);
        std::thread::yield_now();
    }
}

fn file_bytes(data: &Path) -> u64 {
    std::fs::metadata(stoa_tests::server::database(data)).unwrap().len()
}

#[test]
fn a_file_that_is_written_to_does_not_grow_without_end() {
    let app = app();
    let server = Server::start(app.path(), Start::default());
    let client = Client::new(&server.base);
    let mut settled = 0;
    for round in 0..12 {
        change_all(&client, round);
        let kept = wait_for_log(server.data(), |log| log.bytes < MEGABYTE);
        assert!(kept.bytes > MEGABYTE / 2, "more was taken than is beyond: {} bytes are left", kept.bytes);
        if round == 5 {
            settled = file_bytes(server.data());
        }
    }
    let data = server.data().to_owned();
    assert!(server.stop().success());
    assert!(file_bytes(&data) < settled + MEGABYTE, "{settled} bytes became {}", file_bytes(&data));
    assert_eq!(log(&data).last, 12 * ITEMS as u64);
}

#[test]
fn sigkill_while_the_log_is_trimmed_harms_nothing() {
    let app = app();
    let rounds = if long() { 40 } else { 6 };
    let mut changes = 0;
    for round in 0..rounds {
        let server = Server::start(app.path(), Start::default());
        let data = server.data().to_owned();
        let client = Client::new(&server.base);
        for step in 0..4 {
            change_all(&client, 4 * round + step);
        }
        changes += 4 * ITEMS as u64;
        let before = log(&data).first;
        wait_for_log(&data, |log| log.first > before);
        server.kill();
        let left = log(&data);
        assert_eq!(left.last, changes, "the log goes on where it was");
        let file =
            Connection::open_with_flags(stoa_tests::server::database(&data), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
    let server = Server::start(app.path(), Start::default());
    wait_for_log(server.data(), |log| log.bytes < MEGABYTE);
    let last = format!("/Item/?round={}&select(id)", 4 * rounds - 1);
    assert_eq!(Client::new(&server.base).get(&last).expect(200).body_json().as_array().unwrap().len(), ITEMS);
}
