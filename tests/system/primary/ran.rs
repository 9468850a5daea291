//! What a statement did, said alike for both engines.

/// A stored value; doubles by their bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Real(u64),
    Text(String),
    /// As base64.
    Blob(String),
}

/// What a step of a batch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// It returned rows.
    Rows(Vec<Vec<Cell>>),
    /// It has no columns to return; so many rows were written.
    Changed(u64),
    /// It failed.
    Refused(String),
    /// Its condition did not hold.
    Skipped,
}
