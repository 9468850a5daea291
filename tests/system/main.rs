//! Whole-system tests: the real binary, a real file, real requests.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends on the first surprise")]

mod bad_input;
mod browser;
mod cache;
mod cli;
mod catalogue;
mod corpus;
mod crash;
mod docs;
mod files;
mod fixtures;
mod formats;
mod hot;
mod image;
mod live;
mod metrics;
mod migrations;
mod openapi;
mod primary;
mod region;
mod repeated;
mod retention;
mod round_trip;
mod rules;
mod together;
mod tools;
mod world;
mod zones;
