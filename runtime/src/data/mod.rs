//! Records between the store and the network: queries become JSON, JSON becomes commits. Knows no HTTP.

pub mod list;
pub mod record;
pub mod write;
pub mod cursor;
pub mod json;
pub mod tag;
