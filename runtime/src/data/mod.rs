//! Records between the store and the network: queries become JSON, JSON becomes commits. Knows no HTTP.

pub mod json;
pub mod list;
pub mod record;
pub mod tag;
pub mod write;
