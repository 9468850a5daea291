//! What is to be written, as data: the one way in.

use crate::catalog::Catalog;
use crate::rules::CheckKind;
use std::sync::Arc;
use stoa_schema::model::{AttributeId, TableId};
use stoa_schema::query::Filter;
use stoa_schema::value::{Change, Changes, Value};

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
    /// Whether somebody is shown the records that it stores; else [`Outcome::Written`] may stand for [`Outcome::Stored`].
    pub shown: bool,
    /// A name remembered for ever; a commit whose name is already there does nothing. Not for independent writes.
    pub once: Option<String>,
    /// Under which name the client may ask for the same again, and get what it got the first time.
    pub request: Option<RequestKey>,
    /// Attributes that take the id of a record that an earlier write of this commit stores, in the order of the writes.
    pub references: Vec<Reference>,
}

impl Commit {
    /// These writes, all or none.
    pub fn new(catalog: Arc<Catalog>, writes: Vec<Write>) -> Self {
        Self { catalog, writes, independent: false, shown: true, once: None, request: None, references: Vec::new() }
    }
}

/// An idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// As the client gave it.
    pub key: String,
    /// What the request was: another one with the same key is refused.
    pub fingerprint: String,
}

/// An attribute of a write that takes the id of a record which an earlier one stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The position of the write.
    pub write: usize,
    /// Its attribute.
    pub attribute: AttributeId,
    /// The position of the earlier one.
    pub made_by: usize,
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
    /// Attributes whose new text does not have the `pattern` that the schema asks for. SQL has no such patterns, so they were
    /// looked for before; the write is refused, together with whatever else is wrong with it.
    pub unmatched: Vec<AttributeId>,
}

impl Write {
    /// A write without conditions.
    pub fn new(table: TableId, kind: WriteKind) -> Self {
        Self { table, kind, precondition: Precondition::default(), unmatched: Vec::new() }
    }
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
    /// A new record, or the changes of the one that has its id or, for some `@unique`, its values.
    Merge {
        /// The record, if it is new.
        record: Vec<Value>,
        /// What becomes of the attributes of the one that is there.
        changes: Changes,
    },
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

impl WriteKind {
    /// Gives an attribute a value, in what is stored or changed.
    pub fn set(&mut self, attribute: AttributeId, value: Value) {
        match self {
            Self::Insert(record) | Self::InsertMissing(record) | Self::Put(record) | Self::PutChanged(record) => {
                record[attribute.0] = value;
            }
            Self::Patch { changes, .. } | Self::PatchMatching { changes, .. } => set(changes, attribute, value),
            Self::Merge { record, changes } => {
                record[attribute.0] = value.clone();
                set(changes, attribute, value);
            }
            Self::Delete { .. } | Self::DeleteMatching { .. } => {}
        }
    }
}

impl WriteKind {
    /// About how many bytes its values have.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Insert(record) | Self::InsertMissing(record) | Self::Put(record) | Self::PutChanged(record) => {
                record.iter().map(Value::bytes).sum()
            }
            Self::Merge { record, changes } => record.iter().map(Value::bytes).sum::<usize>() + bytes(changes),
            Self::Patch { changes, .. } | Self::PatchMatching { changes, .. } => bytes(changes),
            Self::Delete { .. } | Self::DeleteMatching { .. } => 0,
        }
    }
}

fn bytes(changes: &Changes) -> usize {
    let of = |change: &Change| match change {
        Change::Set(value) | Change::Add(value) | Change::Include(value) | Change::Exclude(value) => value.bytes(),
        Change::Merge(members) => {
            members.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len)).sum()
        }
    };
    changes.iter().map(|(_, change)| of(change)).sum()
}

fn set(changes: &mut Changes, attribute: AttributeId, value: Value) {
    changes.retain(|(id, _)| *id != attribute);
    changes.push((attribute, Change::Set(value)));
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
    /// Whether an earlier commit with the same key did it.
    pub replayed: bool,
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
    /// The record would not be what the schema asks of each: everything that is wrong with it.
    Broken(Vec<CheckKind>),
    /// A number that was added to would leave the bounds of its `@check`.
    Insufficient {
        /// The attribute.
        attribute: AttributeId,
        /// How much was asked, without its sign, in all writes of the commit on that record.
        requested: Value,
        /// How much is possible; `None` if the check does not tell.
        available: Option<Value>,
    },
    /// Another record has the same values.
    Unique {
        /// The attributes.
        fields: Vec<AttributeId>,
        /// The key of the other record.
        id: Value,
    },
    /// Other records occupy the interval.
    Overlap {
        /// The position of the rule among the table's.
        rule: usize,
        /// The key they share.
        key: Value,
        /// Some of them; none, if the records are those of the write itself.
        conflicts: Vec<Conflict>,
    },
    /// Other records refer to the record.
    Referenced {
        /// The table that refers.
        table: TableId,
        /// The name of its relation.
        relation: String,
        /// The keys of some of them.
        ids: Vec<Value>,
    },
}

/// A record that occupies an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Its key.
    pub id: Value,
    /// Where it begins, as stored.
    pub start: String,
    /// Where it ends, as stored.
    pub end: String,
}
