//! Visitors of a shop, measured from outside: see `tests/bench/README.md`. One thread, as wrk has, because the server
//! shares the machine.
//!
//! `arguments` says what is asked for, `connection` speaks HTTP, `catalogue` is what can be visited and how often each part
//! of it is, `tally` is what came of it; `zipf` and `open` are the two ways of visiting.

mod tally;
mod connection;
mod catalogue;
mod arguments;
mod zipf;
mod open;

use arguments::{Mode, USAGE, Wanted};
use std::process::ExitCode;
use tokio::task::LocalSet;

fn main() -> ExitCode {
    let mode = match arguments::read(std::env::args().skip(1)) {
        Ok(Wanted::Measurement(mode)) => mode,
        Ok(Wanted::Help) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("visitors: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match measured(mode) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("visitors: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the line of results; returns how many errors there were.
fn measured(mode: Mode) -> std::io::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    match mode {
        Mode::Zipf(options) => tasks.block_on(&runtime, zipf::run(options)),
        Mode::Open(options) => tasks.block_on(&runtime, open::run(options)),
    }
}
