//! The outside: requests are routed, checked in a fixed order, carried out and answered. Rules of HTTP live here and
//! nowhere else; `problem.rs` alone knows which failure has which status.

mod body;
mod describe;
mod headers;
mod origin;
mod problem;
mod read;
mod request_body;
mod respond;
mod route;
mod server;
mod service;
mod write;

pub use origin::Origins;
pub use server::serve;
pub use service::{Service, Tables};
