//! The pages of the examples in real browsers: live updates seen by those who look on.

use std::process::Command;
use stoa_tests::server::{binary, root};

/// `node tests/browser/NAME.mjs`, with what it serves.
fn run(name: &str) {
    let script = root().join("tests/browser").join(name);
    let output = Command::new("node").arg(script).arg(binary()).arg(root().join("examples")).output().expect("node");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} ended with {}\n{said}", output.status);
}

#[test]
fn the_storefront_is_live() {
    run("shop.mjs");
}

#[test]
fn the_calendar_is_live() {
    run("week.mjs");
}

/// `node --test`: what the module for pages makes of messages.
#[test]
fn states_are_folded() {
    let script = root().join("tests/browser/state.test.mjs");
    let output = Command::new("node").arg("--test").arg(script).output().expect("node");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
