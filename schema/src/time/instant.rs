//! The instant: a point in time, UTC to the millisecond, as a number and as text.
//!
//! It reads RFC 3339 date-times and writes the form kept in the store. It does not know zones, nor what a text without
//! an offset could mean.
//!
//! Invariants: the year is 0000 to 9999; the order of instants is the order of their stored texts.

use super::calendar::{DAY_MS, has_four_digit_year};
use super::{read, write};

/// A point in time, UTC, to the millisecond, in the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The instant that many milliseconds after 1970-01-01T00:00:00Z (negative: before), `None` outside the years
    /// 0000 to 9999.
    pub fn from_millis(ms: i64) -> Option<Instant> {
        has_four_digit_year(ms).then_some(Instant(ms))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX time).
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Reads a `date-time` of RFC 3339 §5.6, and nothing else: `2024-08-15T10:30:00.5-04:00`, `2024-08-15t14:30:00z`.
    ///
    /// A fraction may have any number of digits and is cut to the millisecond, never rounded. Second 60 is the first
    /// instant of the next minute, in any minute and with any fraction: a table of leap seconds would age.
    /// `None` for every other text, for a date or time that does not exist, and outside the years 0000 to 9999 in UTC.
    pub fn parse(text: &str) -> Option<Instant> {
        let (date, time) = read::split_date_time(text.as_bytes())?;
        let (ms_of_day, offset) = read::time_of_day_ms(time)?;
        let local_ms = read::date(date)? * DAY_MS + ms_of_day;
        Instant::from_millis(local_ms - read::offset_ms(offset)?)
    }

    /// Reads exactly what [`Instant::stored`] writes; `None` for every other spelling of an instant.
    pub fn parse_stored(text: &str) -> Option<Instant> {
        let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
        // At this length only three digits of fraction fit between second and `Z`. Second 60 is read, but never stored.
        let spelled_as_stored = bytes[10] == b'T' && bytes[17] != b'6' && bytes[23] == b'Z';
        spelled_as_stored.then(|| Instant::parse(text)).flatten()
    }

    /// The form kept in the store, `2024-08-15T14:00:00.000Z`: always 24 characters, so that the order of the texts is
    /// the order in time.
    pub fn stored(self) -> String {
        let mut text = String::new();
        self.write_stored(&mut text);
        text
    }

    /// The form that is shown in UTC: without a fraction of zero, `2024-08-15T14:00:00Z`.
    pub fn shown(self) -> String {
        let stored = self.stored();
        stored.strip_suffix(".000Z").map_or_else(|| stored.clone(), |seconds| format!("{seconds}Z"))
    }

    /// Appends [`Instant::stored`] to `out`.
    pub fn write_stored(self, out: &mut String) {
        // Digits and separators are ASCII, so this borrows and loses nothing.
        out.push_str(&String::from_utf8_lossy(&write::stored(self.0)));
    }
}
