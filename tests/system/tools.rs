//! The commands that work on an app's data without a server.

mod folder;
mod export;
mod import;
mod migrate;
mod version;
