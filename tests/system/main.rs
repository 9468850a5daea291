//! Whole-system tests: the real binary, a real file, real requests.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends on the first surprise")]

mod docs;
mod fixtures;
mod crash;
mod image;
mod primary;
