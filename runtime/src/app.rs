//! The app folder: its schema files and its seeds.

use crate::data::write;
use crate::limits;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stoa_schema::sdl::{self, Diagnostic, Loaded, Source};
use stoa_schema::value::read_record;
use stoa_sync::commit::{Commit, WriteKind};
use stoa_sync::store::CommitError;
use stoa_sync::{Catalog, Store};

/// A folder that holds an app.
#[derive(Clone, Debug)]
pub struct AppFolder {
    path: PathBuf,
}

/// Why an app cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no schema.
    #[error("{} has no schema: write schema.graphql (or schema/*.graphql) in it, for example\n\n  type Product @table @export {{\n    id: ID @primaryKey\n    name: String @indexed\n  }}\n", path.display())]
    NoSchema {
        /// The folder.
        path: PathBuf,
    },
    /// The schema has errors.
    #[error("the schema has errors")]
    Schema(Vec<Diagnostic>),
    /// A seed file is wrong.
    #[error("{}: {detail}", path.display())]
    Seed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and in which record.
        detail: String,
    },
}

impl AppFolder {
    /// The app in this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and checks the schema: `schema.graphql`, then `schema/*.graphql` by name.
    ///
    /// # Errors
    /// A file cannot be read, there is none, or they have errors.
    pub fn schema(&self) -> Result<Loaded, AppError> {
        let single = self.path.join("schema.graphql");
        let mut files: Vec<PathBuf> = if single.is_file() { vec![single] } else { Vec::new() };
        files.extend(self.files_in("schema", "graphql")?);
        if files.is_empty() {
            return Err(AppError::NoSchema { path: self.path.clone() });
        }
        let sources = files.into_iter().map(|path| {
            let text =
                std::fs::read_to_string(&path).map_err(|source| AppError::File { path: path.clone(), source })?;
            let shown = path.strip_prefix(&self.path).unwrap_or(&path);
            Ok(Source { name: Arc::from(shown.to_string_lossy()), text })
        });
        let sources: Vec<Source> = sources.collect::<Result<_, AppError>>()?;
        sdl::load(&sources).map_err(AppError::Schema)
    }

    /// Loads `data/*.json` by name: each file once in the life of the database, and of its records those that are missing.
    ///
    /// # Errors
    /// A file cannot be read, or holds what the schema does not declare; the files before it are loaded.
    pub async fn load_seeds(&self, store: &Store, catalog: &Arc<Catalog>) -> Result<(), AppError> {
        for path in self.files_in("data", "json")? {
            let commit = seed(&path, catalog)?;
            store.commit(commit).await.map_err(|error| AppError::Seed {
                detail: match error {
                    CommitError::Rejected(rejected) => {
                        format!("record {} cannot be stored: {:?}", rejected.index, rejected.reason)
                    }
                    other => other.to_string(),
                },
                path,
            })?;
        }
        Ok(())
    }

    fn files_in(&self, folder: &str, extension: &str) -> Result<Vec<PathBuf>, AppError> {
        let folder = self.path.join(folder);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let failed = |source| AppError::File { path: folder.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// `{"table": "Product", "records": [ … ]}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFile<'a> {
    table: String,
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

fn seed(path: &Path, catalog: &Arc<Catalog>) -> Result<Commit, AppError> {
    let wrong = |detail: String| AppError::Seed { path: path.to_owned(), detail };
    let failed = |source| AppError::File { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.len() > limits::SEED_BYTES {
        return Err(wrong(format!("a seed file may have {} MiB", limits::SEED_BYTES >> 20)));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let file: SeedFile<'_> = serde_json::from_str(&text)
        .map_err(|error| wrong(format!("expected {{\"table\": …, \"records\": […]}}: {error}")))?;
    let table =
        catalog.schema.named(&file.table).ok_or_else(|| wrong(format!("the schema has no table {}", file.table)))?;
    let writes = file.records.iter().enumerate().map(|(at, raw)| {
        let record =
            read_record(catalog.table(table), raw.get()).map_err(|error| wrong(format!("record {at}: {error}")))?;
        let record = record.map_err(|violations| {
            let first = violations.first().map(|it| format!("{}: {}", it.pointer, it.message)).unwrap_or_default();
            wrong(format!("record {at}: {first}"))
        })?;
        let key = catalog.table(table).key();
        if key.list && record[catalog.table(table).key.0].is_none() {
            return Err(wrong(format!("record {at}: {} is required", key.name)));
        }
        Ok(write::new_record(catalog, table, record, WriteKind::InsertMissing))
    });
    let writes = writes.collect::<Result<_, AppError>>()?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Commit { once: Some(format!("seed:{name}")), ..Commit::new(Arc::clone(catalog), writes) })
}
