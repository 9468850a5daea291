//! Requests → SQL text with parameters. Nothing here touches a database.

mod select;
mod filter;
mod write;
mod text;

pub use select::{Plan, PlanField, PlanFields, plan, record_plan};
pub use write::{Moment, Step, Wanted, steps, subject};
