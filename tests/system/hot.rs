//! What a hot request costs, in instructions: the same on every machine and beside any load, so that a step back is seen
//! where a clock would show nothing. The request comes over a connection in memory; all that hyper, the route, the cache
//! and the answer do is counted, and the client's part, which does not change.
//!
//! A limit is what was counted when it was set, and a tenth. Whoever makes a request cheaper lowers it; whoever makes it
//! dearer says in the commit what that buys.

use std::process::Command;

/// More than the requests that are asked before anything counts as hot; the difference of both is counted.
const REQUESTS: [u64; 2] = [500, 2_500];

/// The instructions of one request of a kind.
fn instructions(kind: &str) -> u64 {
    let [few, many] = REQUESTS.map(|requests| counted(kind, requests));
    (many - few) / (REQUESTS[1] - REQUESTS[0])
}

fn counted(kind: &str, requests: u64) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = valgrind.arg(env!("CARGO_BIN_EXE_hot")).args([kind, &requests.to_string()]).output();
    let output = output.expect("tests/provide-valgrind installs it");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let collected =
        told.lines().find_map(|line| line.split_once("Collected :")).expect("callgrind says what it counted");
    collected.1.trim().parse().unwrap()
}

fn costs_at_most(kind: &str, limit: u64) {
    let counted = instructions(kind);
    println!("{kind}: {counted} instructions, the limit is {limit}");
    assert!(counted <= limit, "a hot {kind} takes {counted} instructions; the limit is {limit}");
}

#[test]
fn a_record() {
    costs_at_most("record", LIMIT_RECORD);
}

#[test]
fn a_record_that_the_client_has() {
    costs_at_most("revalidate", LIMIT_REVALIDATE);
}

#[test]
fn the_head_of_a_record() {
    costs_at_most("head", LIMIT_HEAD);
}

#[test]
fn a_list() {
    costs_at_most("list", LIMIT_LIST);
}

const LIMIT_RECORD: u64 = 19_900;
const LIMIT_REVALIDATE: u64 = 20_500;
const LIMIT_HEAD: u64 = 19_400;
const LIMIT_LIST: u64 = 21_600;
