//! The commands beside the server: those that work on an app's data without it, and the one that follows it.

mod folder;
mod export;
mod import;
mod migrate;
mod version;
mod watch;
