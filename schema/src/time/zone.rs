//! The time zone: an IANA name or a fixed offset, and the way from local times to instants.
//!
//! It knows the rule for local times that do not exist or exist twice. It does not know how a zone's offsets
//! are kept: [`Rules`] names the kinds, each answers the same two questions (the offset at an instant, the place of a
//! local time).
//!
//! Invariant: a [`Zone`] is complete when parsed; using it cannot fail other than by leaving the years 0000 to 9999.

use chrono_tz::Tz;

use super::instant::Instant;
use super::local::{LocalDate, LocalDateTime};
use super::place::Place;
use super::tzif::ZoneFile;
use super::{nearest, read, source, tables};

/// A time zone, by its IANA name or a fixed offset from UTC.
#[derive(Clone, Debug)]
pub struct Zone {
    name: Box<str>,
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    Fixed { offset_seconds: i32 },
    File(ZoneFile),
    Table(Tz),
}

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {name:?}{}", hint(nearest.as_deref()))]
pub struct UnknownZone {
    /// The text as given.
    pub name: String,
    /// The zone whose name is spelled most alike, if any is close enough to have been meant.
    pub nearest: Option<String>,
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!(" (did you mean {name:?}?)"),
        None => " (expected an IANA name such as \"Europe/Paris\", or an offset such as \"+05:30\")".to_owned(),
    }
}

impl Zone {
    /// Finds a zone by its IANA name, links such as `US/Eastern` included, spelled exactly as IANA does, in the
    /// program's [`ZoneSource`](super::ZoneSource) or else the compiled-in tables; or makes a fixed one from `±HH:MM`
    /// (hours to 23, minutes to 59) or `Z`.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] for every other text, with the name that was probably meant.
    pub fn parse(name: &str) -> Result<Zone, UnknownZone> {
        let rules = fixed(name).or_else(|| named(name));
        match rules {
            Some(rules) => Ok(Zone { name: name.into(), rules }),
            None => Err(UnknownZone { name: name.to_owned(), nearest: nearest::zone_name(name).map(str::to_owned) }),
        }
    }

    /// A zone with the offsets of a file.
    pub fn of_file(name: &str, file: ZoneFile) -> Zone {
        Zone { name: name.into(), rules: Rules::File(file) }
    }

    /// The name it was parsed from: a link keeps its own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The offset in force at an instant, in seconds east of UTC; less than a day.
    pub fn offset_seconds_at(&self, at: Instant) -> i32 {
        let seconds = at.millis().div_euclid(1_000);
        match &self.rules {
            Rules::Fixed { offset_seconds } => *offset_seconds,
            Rules::File(file) => file.offset_seconds_at(seconds),
            Rules::Table(zone) => tables::offset_seconds_at(*zone, seconds),
        }
    }

    /// The instant of a local time, by RFC 5545 §3.3.5: a time that occurs twice is its first occurrence, a time that
    /// was skipped is read with the offset before the gap. `None` only outside the years 0000 to 9999 in UTC.
    pub fn instant_of(&self, local: LocalDateTime) -> Option<Instant> {
        let seconds = match self.place(local)? {
            Place::At { seconds } | Place::Skipped { as_before_seconds: seconds, .. } => seconds,
        };
        Instant::from_millis(seconds * 1_000 + local.millis().rem_euclid(1_000))
    }

    /// The first instant that belongs to a local day. Where midnight was skipped that is the end of the gap, also when
    /// the gap swallowed the whole day. `None` only outside the years 0000 to 9999 in UTC.
    ///
    /// The end of a day is the start of the next.
    pub fn day_start(&self, date: LocalDate) -> Option<Instant> {
        let seconds = match self.place(date.midnight())? {
            Place::At { seconds } | Place::Skipped { end_seconds: seconds, .. } => seconds,
        };
        Instant::from_millis(seconds * 1_000)
    }

    fn place(&self, local: LocalDateTime) -> Option<Place> {
        let local_seconds = local.millis().div_euclid(1_000);
        match &self.rules {
            Rules::Fixed { offset_seconds } => Some(Place::At { seconds: local_seconds - i64::from(*offset_seconds) }),
            Rules::File(file) => Some(file.place(local_seconds)),
            Rules::Table(zone) => tables::place(*zone, local_seconds),
        }
    }
}

/// A zone with an IANA name.
fn named(name: &str) -> Option<Rules> {
    source::find(name).map(Rules::File).or_else(|| name.parse().ok().map(Rules::Table))
}

/// `±HH:MM` or `Z`. `UTC` is an IANA name.
fn fixed(name: &str) -> Option<Rules> {
    let offset_ms = match name {
        "Z" => 0,
        _ => read::numeric_offset_ms(name.as_bytes())?,
    };
    Some(Rules::Fixed { offset_seconds: i32::try_from(offset_ms / 1_000).ok()? })
}
