//! What the system tests share: the real `stoa` binary as a child process, a client for it, pages of the docs, and what
//! must hold of any input.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends on the first surprise")]

pub mod page;
pub mod fixture;
pub mod client;
pub mod server;
pub mod disk;
pub mod primary;
pub mod proxy;
pub mod at_once;
pub mod pace;
pub mod live;
pub mod fuzz;
pub mod dice;
