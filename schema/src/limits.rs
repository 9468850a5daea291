//! Every bound of this crate, with what happens beyond it.

/// Conditions in one query; more are refused (400).
pub const QUERY_CONDITIONS: usize = 100;

/// Groups or nested selections inside each other; deeper ones are refused (400).
pub const QUERY_DEPTH: usize = 12;

/// Values in one `in=(…)`; more are refused (400).
pub const IN_VALUES: usize = 1_000;

/// Bytes of a record's id; longer ones are refused (422).
pub const ID_BYTES: usize = 1_024;

/// Attributes of one type; more are a schema error.
pub const ATTRIBUTES: usize = 400;

/// Tables of one schema; more are a schema error.
pub const TABLES: usize = 400;

/// Bytes of one schema file; a larger one is a schema error.
pub const SCHEMA_BYTES: usize = 4 << 20;

/// Bytes of one record as JSON; a larger one is refused (413).
pub const RECORD_BYTES: usize = 1 << 20;
