//! What the user declared, and what a request asks of it, as data.
//!
//! This crate turns GraphQL SDL into a checked [`model::Schema`], JSON text into typed values, and a URL's query string
//! into a [`query::Query`]. It does no IO, writes no SQL and never asks the clock.
//!
//! Modules stand in the order of their dependencies: each uses only those below it.

pub mod query;
pub mod sdl;
pub mod expression;
pub mod value;
pub mod model;
pub mod nearest;
pub mod time;
pub mod limits;
