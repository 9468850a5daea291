//! Local dates and times, and the texts of a bound: with an offset, without one, or a bare date.
//!
//! It does not know zones: a local time becomes an instant in [`Zone`](super::Zone) only.
//!
//! Invariant: the year of a local date or time is 0000 to 9999.

use super::calendar::{DAY_MS, has_four_digit_year};
use super::instant::Instant;
use super::read;

/// A day of the calendar in no particular zone, in the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDate {
    days: i64,
}

impl LocalDate {
    /// The time that day begins with on the clock, 00:00; in a zone that skips it there is no such instant.
    pub(super) fn midnight(self) -> LocalDateTime {
        LocalDateTime { ms: self.days * DAY_MS }
    }

    fn parse(text: &[u8]) -> Option<LocalDate> {
        let days = read::date(text.try_into().ok()?)?;
        Some(LocalDate { days })
    }
}

/// A date and a time of day in no particular zone, to the millisecond, in the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDateTime {
    ms: i64,
}

impl LocalDateTime {
    /// Milliseconds since the local time 1970-01-01T00:00:00, every day counted as 24 hours.
    pub(super) fn millis(self) -> i64 {
        self.ms
    }

    fn parse(text: &[u8]) -> Option<LocalDateTime> {
        let (date, time) = read::split_date_time(text)?;
        let ms = read::date(date)? * DAY_MS + local_time_ms(time)?;
        has_four_digit_year(ms).then_some(LocalDateTime { ms })
    }
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff` and nothing else, as milliseconds of the day.
fn local_time_ms(text: &[u8]) -> Option<i64> {
    read::minute_of_day_ms(text).or_else(|| {
        let (ms_of_day, rest) = read::time_of_day_ms(text)?;
        rest.is_empty().then_some(ms_of_day)
    })
}

/// A time as somebody wrote it, in a bound for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// A date-time with an offset: means the same everywhere.
    Instant(Instant),
    /// A date and time without an offset: needs a zone ([`Zone::instant_of`](super::Zone::instant_of)).
    Local(LocalDateTime),
    /// A bare date: needs a zone ([`Zone::day_start`](super::Zone::day_start)).
    Date(LocalDate),
}

impl Written {
    /// Reads a date-time with an offset (as [`Instant::parse`]), `YYYY-MM-DDTHH:MM[:SS[.f…]]` without one, or
    /// `YYYY-MM-DD`.
    ///
    /// Without an offset too, `t` stands for `T`, a fraction is cut to the millisecond and second 60 is the first of the
    /// next minute. `None` for every other text, for a date or time of day that does not exist, and outside the years
    /// 0000 to 9999.
    pub fn parse(text: &str) -> Option<Written> {
        let bytes = text.as_bytes();
        Instant::parse(text)
            .map(Written::Instant)
            .or_else(|| LocalDateTime::parse(bytes).map(Written::Local))
            .or_else(|| LocalDate::parse(bytes).map(Written::Date))
    }
}
