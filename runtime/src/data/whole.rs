//! Answers that are whole: read to their end before the first byte leaves.

use super::list::Place;
use stoa_schema::model::TableId;

/// What was read.
#[derive(Debug)]
pub struct Whole {
    /// The table whose records it shows.
    pub table: TableId,
    /// Under which name its format is given: a number that means something to whoever sends it.
    pub name: u8,
    /// Not encoded.
    pub body: Vec<u8>,
    /// Of an answer that shows one record, its revision.
    pub revision: Option<i64>,
    /// Whether that is all that the tag says: the answer is the whole record in plain JSON.
    pub plain: bool,
    /// Of a page, the URL of the next one.
    pub next: Option<String>,
    /// Of a page, where it lies, if that was asked.
    pub place: Option<Place>,
    /// What the one who writes the app should know of it.
    pub advice: Option<String>,
}

impl Whole {
    /// A body that says nothing beside its records.
    pub fn new(table: TableId, body: Vec<u8>) -> Self {
        Self { table, name: 0, body, revision: None, plain: false, next: None, place: None, advice: None }
    }
}

/// What a reading led to.
#[derive(Debug)]
pub enum Read<T> {
    /// An answer that can be kept.
    Whole(Whole),
    /// There is no such record.
    Nothing,
    /// An answer for the one who asked alone.
    Own(T),
}
