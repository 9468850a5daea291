//! `stoa backup`: the database → a file.

use super::BackupArgs;
use crate::config;
use indicatif::HumanBytes;
use stoa_sync::store;

/// Copies the database; the error is for people.
pub(super) fn run(arguments: &BackupArgs) -> Result<(), String> {
    let file = config::File::of(&arguments.app).map_err(|error| error.to_string())?;
    let data = config::data_folder(&arguments.app, arguments.data.clone(), &file);
    let backup = store::backup(&data, &arguments.out).map_err(|error| error.to_string())?;
    println!("{}: {}, with everything up to change {}", arguments.out.display(), HumanBytes(backup.bytes), backup.seq);
    Ok(())
}
