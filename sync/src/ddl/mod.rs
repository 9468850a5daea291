//! What exists in the database: internal tables, the user's tables, their indexes and triggers, and the steps from one
//! schema to the next.

mod migrate;
mod rebuild;
mod convert;
mod shape;
mod verify;
mod tables;
mod computed;
mod image;
mod internal;

pub use internal::{FORMAT, INTERNAL};
pub use migrate::{ComputedRange, MigrationError, Steps, destructive_steps, steps};
pub use rebuild::{Conversion, Loss};
pub use shape::Shape;
pub use tables::{Object, has_elements, objects};
pub use verify::Verification;
