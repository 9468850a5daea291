//! A zone read from a TZif file (RFC 9636, versions 1 to 4): the offset at an instant, the place of a local time in time.
//!
//! The `jiff` crate reads the bytes, and continues behind the last listed transition with the rule of the file's footer.
//! It does not know where the bytes come from, milliseconds, the rule for gaps and folds, or how zones are named.
//!
//! Invariants: whatever the bytes, reading them gives a zone or an error, and a zone answers every question with an offset
//! that four digits can write; seconds passed here lie in the years 0000 to 9999, give or take a day.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::calendar::days_of_date;
use super::place::Place;

const DAY_SECONDS: i64 = 86_400;
/// The calendar, and with it every rule of a footer, repeats after 400 years, which are whole weeks.
const CYCLE_SECONDS: i64 = 146_097 * DAY_SECONDS;
/// 9999-01-01T00:00:00 in seconds since 1970. `jiff` ends with that year, a day before we do.
const CYCLE_BEGINS: i64 = days_of_date(9999, 1, 1) * DAY_SECONDS;
/// Offsets reach 23:59 (RFC 3339 §5.6). The farthest ever in force was 15:56:08; a TZif file can hold 25:59:59.
const FARTHEST_OFFSET_SECONDS: i32 = 86_340;

/// A zone's offsets through time, as a TZif file gives them.
#[derive(Clone, Debug)]
pub struct ZoneFile(TimeZone);

/// Bytes from which no zone can be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ZoneFileError {
    /// They are not TZif, or damaged.
    #[error("no TZif file: {0}")]
    Damaged(jiff::Error),
    /// The file counts leap seconds, as those under `right/` do: its times are not POSIX times.
    #[error("the file counts leap seconds")]
    LeapSeconds,
}

impl ZoneFile {
    /// Reads a TZif file.
    ///
    /// # Errors
    ///
    /// [`ZoneFileError`]: the bytes are no TZif file, or one that counts leap seconds.
    pub fn parse(bytes: &[u8]) -> Result<ZoneFile, ZoneFileError> {
        // The name is for `jiff`'s own texts, which nobody sees.
        let zone = TimeZone::tzif("file", bytes).map_err(ZoneFileError::Damaged)?;
        if counts_leap_seconds(bytes) {
            return Err(ZoneFileError::LeapSeconds);
        }
        Ok(ZoneFile(zone))
    }

    /// The offset in force, in seconds east of UTC.
    pub(super) fn offset_seconds_at(&self, seconds: i64) -> i32 {
        seconds_east(self.0.to_offset(timestamp(seconds - distance_from_cycle(seconds))))
    }

    /// The place of a local time, given in seconds since the local time 1970-01-01T00:00:00.
    pub(super) fn place(&self, local_seconds: i64) -> Place {
        let distance = distance_from_cycle(local_seconds);
        let local_seconds = local_seconds - distance;
        let clock = Offset::UTC.to_datetime(timestamp(local_seconds));
        match self.0.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                Place::At { seconds: local_seconds - i64::from(seconds_east(offset)) + distance }
            }
            AmbiguousOffset::Gap { before, after } => {
                let as_before_seconds = local_seconds - i64::from(seconds_east(before));
                let as_after_seconds = local_seconds - i64::from(seconds_east(after));
                Place::Skipped {
                    as_before_seconds: as_before_seconds + distance,
                    end_seconds: self.end_of(before, as_after_seconds, as_before_seconds) + distance,
                }
            }
        }
    }

    /// The first second without the offset `before`: it was in force at `from`, no longer at `to`.
    fn end_of(&self, before: Offset, from: i64, to: i64) -> i64 {
        let (mut last_before, mut end) = (from, to);
        while end - last_before > 1 {
            let middle = last_before + (end - last_before) / 2;
            if self.0.to_offset(timestamp(middle)) == before {
                last_before = middle;
            } else {
                end = middle;
            }
        }
        end
    }
}

/// How many seconds to go back to find a time that `jiff` can look up; zero before [`CYCLE_BEGINS`].
fn distance_from_cycle(seconds: i64) -> i64 {
    if seconds < CYCLE_BEGINS { 0 } else { CYCLE_SECONDS }
}

fn timestamp(seconds: i64) -> Timestamp {
    // Seconds are in range, as the module's invariant and the cycle have it.
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

fn seconds_east(offset: Offset) -> i32 {
    offset.seconds().clamp(-FARTHEST_OFFSET_SECONDS, FARTHEST_OFFSET_SECONDS)
}

/// Whether a file, already found to be well-formed, has records of leap seconds (RFC 9636 §3.1 and §3.2).
fn counts_leap_seconds(bytes: &[u8]) -> bool {
    let in_force = match bytes.get(4) {
        Some(0) => Some(bytes),
        // Since version 2 a second header and block follow the first, and only they count.
        _ => block_length(bytes).and_then(|length| bytes.get(HEADER_LENGTH + length..)),
    };
    in_force.and_then(|header| count(header, 2)) != Some(0)
}

const HEADER_LENGTH: usize = 44;

/// The length of the version 1 block behind its header.
fn block_length(header: &[u8]) -> Option<usize> {
    let [ut, standard, leap, transitions, types, characters] = [0, 1, 2, 3, 4, 5].map(|place| count(header, place));
    Some(ut? + standard? + leap? * 8 + transitions? * 5 + types? * 6 + characters?)
}

/// One of the six counts of a header: `isutcnt`, `isstdcnt`, `leapcnt`, `timecnt`, `typecnt`, `charcnt`.
fn count(header: &[u8], place: usize) -> Option<usize> {
    let bytes = header.get(20 + place * 4..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*bytes)).ok()
}
