//! The commands that work on an app's data without a server.

mod folder;
mod import;
mod migrate;
mod version;
