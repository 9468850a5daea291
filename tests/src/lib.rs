//! What the system tests share: the real `stoa` binary as a child process, and a client for it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends on the first surprise")]

pub mod client;
pub mod server;
pub mod fixture;
