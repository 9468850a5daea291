//! A database that is only read: no lock keeps others out, and nothing is made or migrated.

use super::file::{self, OpenError};
use super::migrate;
use super::reader::{self, Reader};
use crate::ddl;
use std::path::Path;
use stoa_schema::model::Schema;

/// Opens the database of a folder for reading alone, also while another process writes it. Its tables must be those of the
/// schema.
pub(super) fn open(folder: &Path, schema: &Schema) -> Result<Reader, OpenError> {
    let path = folder.join(file::DATABASE_NAME);
    if !path.is_file() {
        return Err(OpenError::Missing { folder: folder.to_owned() });
    }
    let damaged = |error: rusqlite::Error| OpenError::Damaged { path: path.clone(), detail: error.to_string() };
    let reader = reader::connect_alone(&path).map_err(damaged)?;
    let connection = reader.connection();
    let format = file::meta(connection, "format").map_err(damaged)?.and_then(|format| format.parse().ok());
    let found = format.unwrap_or(u32::MAX);
    if found > ddl::FORMAT {
        return Err(OpenError::Newer { path, found, known: ddl::FORMAT });
    }
    match migrate::is_at(connection, schema)? {
        true => Ok(reader),
        false => Err(OpenError::Behind { folder: folder.to_owned() }),
    }
}
