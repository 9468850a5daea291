//! Every bound of this crate, with what happens beyond it.

/// Conditions in one query; more are refused (400).
pub const QUERY_CONDITIONS: usize = 100;

/// Groups or nested selections inside each other; deeper ones are refused (400).
pub const QUERY_DEPTH: usize = 12;

/// Relations that the conditions of one query follow, all together; more are refused (400). SQLite takes statements whose
/// expressions nest 1,000 deep, and following a list of ids can cost three levels for each condition.
pub const QUERY_RELATIONS: usize = 200;

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

/// Bytes of one expression; a longer one is a schema error.
pub const EXPRESSION_BYTES: usize = 2_000;

/// Operators and brackets of an expression inside each other; deeper ones are a schema error. The parser of SQLite 3.45,
/// which primaries run, keeps 100 tokens of unfinished SQL, and one level can cost it six.
pub const EXPRESSION_DEPTH: usize = 10;

/// Values in one bracket of an expression; more are a schema error. SQLite's functions take at most 127.
pub const EXPRESSION_ARGUMENTS: usize = 100;

/// Digits of a `BigInt`; more are refused (422). At most 9,998, or its stored form would lose its order.
pub const BIG_INT_DIGITS: usize = 1_000;

/// Nested values inside each other, and objects and arrays inside each other in an `Any` or an undeclared attribute;
/// deeper ones are refused (422). SQLite reads 1,000 levels, common JSON libraries 128.
pub const NESTED_DEPTH: usize = 32;

/// Undeclared attributes that one body may name; more are refused (422).
pub const UNDECLARED_ATTRIBUTES: usize = 1_000;

/// Bytes of the name of an undeclared attribute; longer ones are refused (422).
pub const UNDECLARED_NAME_BYTES: usize = 256;

/// Bytes that a compiled `pattern` may take; a larger one is an error of the schema.
pub const PATTERN_BYTES: usize = 1 << 20;
