//! The database: libSQL files, SQL text, commits and the change log.
//!
//! A [`Store`] is one database file with one writer and many readers. What is written enters as a [`commit::Commit`] and
//! is recorded in the change log by triggers in the same transaction; what is read is a [`sql::Plan`] made from a
//! [`stoa_schema::query::Query`]. This crate knows SQL and nothing of HTTP or JSON APIs.
//!
//! Modules stand in the order of their dependencies: each uses only those below it.

pub mod store;
pub mod primary;
pub mod sql;
pub mod ddl;
pub mod catalog;
pub mod commit;
pub mod image;
pub mod rules;
pub mod expression;
pub mod expiry;
pub mod row;
pub mod ident;
pub mod limits;

pub use catalog::Catalog;
pub use primary::Primary;
pub use store::Store;
