//! Records between the store and the network: queries become answers in some format, bodies become commits. Knows no
//! HTTP.

pub mod export;
pub mod record;
pub mod whole;
pub mod list;
pub mod import;
pub mod write;
pub mod reference;
pub mod input;
pub mod cursor;
pub mod format;
pub mod keys;
pub mod tag;
pub mod representation;
pub mod coding;
