//! Requests → SQL text with parameters. Nothing here touches a database.

mod page;
mod drive;
mod select;
mod write;
mod merge;
mod filter;
mod steer;
mod inside;
mod text;

pub use page::{Lead, ListPlan, Probe, is_counted, list_plan, probes};
pub use select::{Plan, PlanField, PlanFields, record_plan};
pub use write::{Moment, Step, Wanted, steps, subject};
