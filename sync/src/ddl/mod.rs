//! What exists in the database: internal tables, the user's tables, their indexes and triggers, and the steps from one
//! schema to the next.

mod migrate;
mod shape;
mod tables;
mod computed;
mod image;
mod internal;

pub use internal::{FORMAT, INTERNAL};
pub use migrate::{ComputedRange, MigrationError, Steps, steps};
pub use shape::Shape;
pub use tables::{Object, has_elements, objects};
