//! An app whose data a command works on by itself, without a server.

use super::running::told;
use crate::app::AppFolder;
use crate::config;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stoa_schema::model::{Schema, TableId};
use stoa_sync::store::{OpenError, Options};
use stoa_sync::{Catalog, Store};

/// An app and where its data lies.
pub(super) struct Offline {
    pub(super) schema: Schema,
    pub(super) data: PathBuf,
}

impl Offline {
    /// Reads the app.
    ///
    /// # Errors
    /// The schema or the settings are wrong, in words.
    pub(super) fn load(app: &Path, data: Option<PathBuf>) -> Result<Self, String> {
        let loaded = AppFolder::new(app).schema().map_err(told)?;
        let file = config::File::of(app).map_err(|error| error.to_string())?;
        let data = config::data_folder(app, data, &file);
        Ok(Self { schema: loaded.schema, data })
    }

    /// The table that the command line names, by its type or by its path.
    ///
    /// # Errors
    /// There is none, in words.
    pub(super) fn table(&self, name: &str) -> Result<TableId, String> {
        let exported =
            || self.schema.tables.iter().position(|table| table.export.as_deref() == Some(name)).map(TableId);
        self.schema.named(name).or_else(exported).ok_or_else(|| {
            let names: Vec<&str> = self.schema.tables.iter().map(|table| table.name.as_str()).collect();
            format!("the schema has no table {name}; it has {}", names.join(", "))
        })
    }

    /// Opens the database for writing, for this process alone. What expires or is beyond the bounds of the change log is
    /// left to the server, which alone knows how it is told.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub(super) fn open(&self) -> Result<(Store, Arc<Catalog>), OpenError> {
        let options = Options { folder: self.data.clone(), readers: 1, sweep: false, retention: None };
        Store::open(&options, self.schema.clone())
    }
}
