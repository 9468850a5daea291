//! Requests → SQL text with parameters. Nothing here touches a database.

mod filter;
mod select;
mod text;
mod write;

pub use select::{Plan, PlanField, PlanFields, plan, record_plan};
pub use write::{Moment, Step, Wanted, steps, subject};
