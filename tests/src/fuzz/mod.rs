//! What must hold of every input, however odd: one function for each door that bytes come in by.
//!
//! A function takes any bytes and panics if a promise is broken. `fuzz/` drives them with a coverage-guided fuzzer;
//! `tests/system/corpus.rs` runs them over the kept inputs in `tests/corpus` and over [`mutation`]s of these. They call
//! the libraries, not the binary, so that many thousands run in a second.

mod body;
mod cursor;
mod database;
mod expression;
pub mod mutation;
mod query;
mod sdl;
mod written;

pub use body::{cbor, csv, json, msgpack, ndjson};
pub use cursor::cursor;
pub use expression::expression;
pub use query::query;
pub use sdl::sdl;

use std::sync::{Arc, LazyLock};
use stoa_schema::model::{Schema, TableId};
use stoa_schema::sdl::{Source, load};
use stoa_sync::Catalog;

/// Bytes of the longest input that is looked at: beyond the limits that count bytes, below what takes long.
const INPUT_BYTES: usize = 32 << 10;

/// The schema that inputs meet: every type of value, relations both ways, an open table, a key of several parts.
static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| {
    let source = Source { name: "schema.graphql".into(), text: include_str!("schema.graphql").to_owned() };
    let loaded = load(&[source]).unwrap_or_else(|errors| panic!("{errors:?}"));
    Arc::new(Catalog::new(loaded.schema))
});

fn schema() -> &'static Schema {
    &CATALOG.schema
}

fn tables() -> impl Iterator<Item = TableId> {
    (0..schema().tables.len()).map(TableId)
}

/// The input as text, if it is one and not too long.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok().filter(|text| text.len() <= INPUT_BYTES)
}
