//! `stoa serve`.

use super::ServerArgs;
use super::running::{Mode, Running};

/// Serves until the process is told to stop.
pub(super) fn run(arguments: &ServerArgs) -> Result<(), String> {
    Running::start(&arguments.app, arguments.given(), Mode::Serve, async |_, stop| stop.received().await)
}
