//! The running backend: records as JSON over HTTP, the app folder, configuration and the command line.
//!
//! A request enters through [`http`], becomes a query or a commit in [`data`], and leaves as bytes. This crate knows no
//! SQL.
//!
//! Modules stand in the order of their dependencies: each uses only those below it.

pub mod cli;
pub mod config;
pub mod http;
pub mod app;
pub mod live;
pub mod cache;
pub mod data;
pub mod interests;
pub mod zones;
pub mod limits;
pub mod openapi;
