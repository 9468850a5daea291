//! What is asked, as far as the answer depends on it: the URL as it was written, and the manner of the answer. Two
//! spellings of one question are two questions: the second costs one read more, and no lookup costs any reading of the URL.

use crate::data::format::Format;
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    url: &'r str,
    manner: u8,
    format: Format,
    hash: u64,
}

/// Nobody outside can tell which questions have the same hash.
static SEED: LazyLock<u64> = LazyLock::new(|| xxh3_64_with_seed(uuid::Uuid::new_v4().as_bytes(), 0));
const COUNTED: u8 = 0x80;

impl<'r> Asked<'r> {
    /// Path and query, as they were written; under which name which format is to be given (below 128); and whether the
    /// place of a page is wanted.
    pub fn new(url: &'r str, name: u8, format: Format, counted: bool) -> Self {
        let manner = if counted { name | COUNTED } else { name };
        Self { url, manner, format, hash: Self::hash_of(url, manner) }
    }

    pub(super) fn hash_of(url: &str, manner: u8) -> u64 {
        xxh3_64_with_seed(url.as_bytes(), *SEED ^ u64::from(manner))
    }

    /// The format of the answer.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same in another format: a suffix of the path says so.
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    pub(super) fn url(&self) -> &'r str {
        self.url
    }

    pub(super) fn manner(&self) -> u8 {
        self.manner
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}
