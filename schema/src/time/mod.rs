//! Instants, time zones, and local times: the reading and writing of every date-time in a record, a bound or an answer.
//!
//! An [`Instant`] is UTC to the millisecond and knows no zone. A [`Zone`] turns local times into instants and gives
//! the offset an instant is shown with. [`Written`] is what somebody typed: an instant, or a local time that needs a
//! zone before it means one.
//!
//! Governments change their clocks at short notice, so zone data is read where the program runs: it hands over a
//! [`ZoneSource`] of [`ZoneFile`]s at its start. What that source lacks, and everything if there is none, comes from
//! tables compiled in.
//!
//! It does not know the clock, records, attributes or queries; which values are date-times is decided by the caller.
//!
//! Invariants: an [`Instant`], a [`LocalDateTime`] and a [`LocalDate`] lie in the years 0000 to 9999; nothing here
//! reads a file, an environment variable or the current time, the program's [`ZoneSource`] aside; no input makes it panic.

mod calendar;
mod instant;
mod local;
mod nearest;
mod place;
mod read;
mod shown;
mod source;
mod tables;
mod tzif;
mod write;
mod zone;

pub use instant::Instant;
pub use local::{LocalDate, LocalDateTime, Written};
pub use source::{ReadZone, ZoneSource, set_zone_source, tzdata_version};
pub use tables::RELEASE as COMPILED_IN_RELEASE;
pub use tzif::{ZoneFile, ZoneFileError};
pub use zone::{UnknownZone, Zone};
