//! The form of an instant that people see: UTC, or the local time of a zone with its offset.
//!
//! It stands above [`Zone`], so that [`Instant`] itself knows none. It does not know which zone an answer asked for.
//!
//! Invariant: the text denotes exactly the instant it was written from ([`Instant::parse`] gives it back).

use super::calendar::{MINUTE_MS, has_four_digit_year};
use super::instant::Instant;
use super::write;
use super::zone::Zone;

impl Instant {
    /// Appends the form people see: the fraction left out when it is zero, else three digits.
    ///
    /// Without a zone in UTC with `Z` (`2024-08-15T14:00:00Z`). With one, the local time and its offset
    /// (`2024-08-15T10:00:00-04:00`), for zones on UTC too (`+00:00`). An offset with seconds (local mean time) is
    /// rounded to the minute and the local time with it, as RFC 3339 §5.6 has no seconds there; where the local year
    /// would leave 0000 to 9999, the text is in UTC (`+00:00`).
    pub fn write_shown(self, zone: Option<&Zone>, out: &mut Vec<u8>) {
        match zone {
            None => {
                write::shown(self.millis(), out);
                out.push(b'Z');
            }
            Some(zone) => {
                let offset_minutes = minutes_nearest(zone.offset_seconds_at(self));
                write_with_offset(self.millis(), offset_minutes, out);
            }
        }
    }
}

fn write_with_offset(ms: i64, offset_minutes: i32, out: &mut Vec<u8>) {
    let local_ms = ms + i64::from(offset_minutes) * MINUTE_MS;
    if has_four_digit_year(local_ms) {
        write::shown(local_ms, out);
        write::offset(offset_minutes, out);
    } else {
        write::shown(ms, out);
        write::offset(0, out);
    }
}

fn minutes_nearest(seconds: i32) -> i32 {
    (seconds + 30).div_euclid(60)
}
