//! The `stoa` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    stoa_runtime::cli::run()
}
