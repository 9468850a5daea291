//! What is to be written, as data: the one way in.

use crate::catalog::Catalog;
use std::sync::Arc;
use stoa_schema::model::{AttributeId, TableId};
use stoa_schema::query::Filter;
use stoa_schema::value::{Changes, Value};

/// Writes that happen together or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The schema that the ids in the writes refer to.
    pub catalog: Arc<Catalog>,
    /// The writes, carried out in order.
    pub writes: Vec<Write>,
    /// Whether each write stands for itself: one that is forbidden is an [`Outcome::Refused`] among the others, and other
    /// commits may come in between.
    pub independent: bool,
    /// A name remembered for ever; a commit whose name is already there does nothing. Not for independent writes.
    pub once: Option<String>,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Write {
    /// Where.
    pub table: TableId,
    /// What.
    pub kind: WriteKind,
    /// What must hold of the record before.
    pub precondition: Precondition,
}

/// What is written.
#[derive(Clone, Debug)]
pub enum WriteKind {
    /// A new record, by [`AttributeId`]; refused when its id exists. Time stamps are set by the writer.
    Insert(Vec<Value>),
    /// A new record, unless its id exists: then nothing.
    InsertMissing(Vec<Value>),
    /// The whole record, new or not; an existing one keeps its creation time.
    Put(Vec<Value>),
    /// As [`WriteKind::Put`], but a record that is there exactly so is left alone, revision, times and all; what is stored
    /// is not shown ([`Outcome::Written`]).
    PutChanged(Vec<Value>),
    /// Changes of one record, which must exist.
    Patch {
        /// Which.
        id: Value,
        /// What becomes of its attributes.
        changes: Changes,
    },
    /// The end of one record, which must exist.
    Delete {
        /// Which.
        id: Value,
    },
    /// Changes of every record that matches.
    PatchMatching {
        /// Which.
        filter: Filter,
        /// What becomes of their attributes.
        changes: Changes,
    },
    /// The end of every record that matches.
    DeleteMatching {
        /// Which.
        filter: Filter,
    },
}

/// What must hold of a record before it is written (RFC 9110 §13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`.
    pub matches: Option<Tags>,
    /// `If-None-Match`.
    pub none_matches: Option<Tags>,
}

impl Precondition {
    /// Whether anything is asked.
    pub fn is_empty(&self) -> bool {
        self.matches.is_none() && self.none_matches.is_none()
    }
}

/// The revisions that a precondition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: whichever, as long as the record exists.
    Any,
    /// One of these.
    Revisions(Vec<i64>),
}

/// A commit that happened.
#[derive(Clone, Debug)]
pub struct Committed {
    /// A position of the change log that includes it.
    pub seq: u64,
    /// What each write did, in order.
    pub outcomes: Vec<Outcome>,
}

/// What a write did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The record as it now stands.
    Stored {
        /// Its revision.
        revision: i64,
        /// Its values, by [`AttributeId`].
        record: Vec<Value>,
        /// Whether it is new.
        created: bool,
    },
    /// The record stands as it was given ([`WriteKind::PutChanged`]).
    Written {
        /// Whether it is new.
        created: bool,
    },
    /// A record that was already there was left as it is.
    Kept,
    /// The record is gone.
    Deleted,
    /// It was forbidden, and did nothing ([`Commit::independent`]).
    Refused(Reason),
    /// So many records were changed or deleted.
    Counted(u64),
}

/// A commit that did nothing, because of one of its writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// The position of that write.
    pub index: usize,
    /// What forbids it.
    pub reason: Reason,
}

/// What forbids a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A record with this id exists.
    Exists,
    /// There is no such record.
    Missing,
    /// The record's revision (`None`: it does not exist) does not meet the precondition.
    Precondition {
        /// The revision it has.
        current: Option<i64>,
    },
    /// The record would become larger than a record may be.
    TooLarge,
    /// A number would leave the range of its type.
    Range {
        /// The attribute.
        attribute: AttributeId,
        /// What it holds, if the write was about one record.
        current: Option<Value>,
    },
}
