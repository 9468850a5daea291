//! `stoa version`.

use crate::zones;
use stoa_schema::time::tzdata_version;
use stoa_sync::store;

/// Prints the version; `verbose` adds what it is made of.
pub(super) fn run(verbose: bool) -> Result<(), String> {
    println!("stoa {}", env!("CARGO_PKG_VERSION"));
    if verbose {
        zones::use_folder(None)?;
        println!("libSQL {} (SQLite {})", store::libsql_version(), store::sqlite_version());
        println!("tzdata {}", tzdata());
        println!("target {}", env!("STOA_TARGET"));
    }
    Ok(())
}

/// The release of the zone data, and where it is from.
fn tzdata() -> String {
    let release = tzdata_version();
    if release.ends_with("(compiled in)") { release } else { format!("{release} ({})", zones::SYSTEM_FOLDER) }
}
