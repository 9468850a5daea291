//! What a source of zone data answers about a local time.
//!
//! It does not know the sources, nor what becomes of a time that does not exist.

/// Where a local time lies in time; all in seconds since 1970-01-01T00:00:00Z.
pub(super) enum Place {
    /// It exists: its first occurrence.
    At {
        /// The instant.
        seconds: i64,
    },
    /// The clock went past it.
    Skipped {
        /// The instant it would be with the offset before the gap.
        as_before_seconds: i64,
        /// The first instant after the gap.
        end_seconds: i64,
    },
}
