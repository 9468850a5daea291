//! Instants, time zones, and local times: the reading and writing of every date-time in a record, a bound or an answer.
//!
//! An [`Instant`] is UTC to the millisecond and knows no zone. A [`Zone`] turns local times into instants and gives
//! the offset an instant is shown with. [`Written`] is what somebody typed: an instant, or a local time that needs a
//! zone before it means one.
//!
//! It does not know the clock, records, attributes or queries; which values are date-times is decided by the caller.
//!
//! Invariants: an [`Instant`], a [`LocalDateTime`] and a [`LocalDate`] lie in the years 0000 to 9999; nothing here
//! reads a file, an environment variable or the current time; no input makes it panic.

mod calendar;
mod instant;
mod local;
mod nearest;
mod read;
mod shown;
mod tables;
mod write;
mod zone;

pub use instant::Instant;
pub use local::{LocalDate, LocalDateTime, Written};
pub use zone::{UnknownZone, Zone};

/// The release of the IANA Time Zone Database in the compiled-in zone tables, such as `2025b`.
pub fn tzdata_version() -> &'static str {
    chrono_tz::IANA_TZDB_VERSION
}
