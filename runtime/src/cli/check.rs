//! `stoa check`.

use super::running::told;
use crate::app::AppFolder;
use crate::config;
use std::path::Path;

/// Checks an app; the error is for people.
pub(super) fn run(app: &Path) -> Result<(), String> {
    let folder = AppFolder::new(app);
    let loaded = folder.schema().map_err(told)?;
    config::File::of(app).map_err(|error| error.to_string())?;
    for warning in &loaded.warnings {
        println!("{warning}");
    }
    for table in &loaded.schema.tables {
        let attributes = table.attributes.len();
        let indexed = table.attributes.iter().filter(|attribute| attribute.indexed).count();
        let relations = table.relations.len();
        let path = table.export.as_ref().map_or_else(|| "not exported".to_owned(), |export| format!("/{export}/"));
        println!("{:<20} {path:<20} {attributes} attributes, {indexed} indexed, {relations} relations", table.name);
    }
    Ok(())
}
