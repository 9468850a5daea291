//! The outside: requests are routed, checked in a fixed order, carried out and answered. Rules of HTTP live here and
//! nowhere else; `problem.rs` alone knows which failure has which status.

mod server;
mod service;
mod live;
mod read;
mod kept;
mod commit;
mod queued;
mod operation;
mod write;
mod import;
mod condition;
mod idempotency;
mod route;
mod describe;
mod encode;
mod respond;
mod request_body;
mod headers;
mod media;
mod negotiate;
mod origin;
mod pages;
mod metrics;
mod files;
mod problem;
mod body;

pub(crate) use import::fault_messages;
pub use origin::Origins;
pub use server::{converse, serve};
pub use service::{Place, Service, Tables};
