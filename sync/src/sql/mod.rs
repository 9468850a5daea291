//! Requests → SQL text with parameters. Nothing here touches a database.

mod page;
mod drive;
mod select;
mod write;
mod merge;
mod filter;
mod inside;
mod text;

pub use page::{ListPlan, list_plan};
pub use select::{Plan, PlanField, PlanFields, record_plan};
pub use write::{Moment, Step, Wanted, steps, subject};
