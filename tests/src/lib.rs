//! What the system tests share: the real `stoa` binary as a child process, and a client for it.

pub mod client;
pub mod server;
pub mod fixture;
