//! The compiled-in zone tables of `chrono-tz`: the offset at an instant, the place of a local time in time.
//!
//! It does not know milliseconds, the rule for gaps and folds, or how zones are named.
//!
//! The tables list transitions to the end of the year 2099 and then stop, where a TZif file goes on with its rule
//! (RFC 8536 §3.3). A time behind [`TABLES_END`] is therefore looked up at the same weekday, month and day of a listed
//! year: rules in force count weekdays in months, so they repeat with the calendar.
//!
//! Invariant: seconds passed here lie in the years 0000 to 9999, give or take a day; chrono's own range is far wider.

use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{GapInfo, Tz};

use super::calendar::{date_of_days, days_of_date};
use super::place::Place;

const DAY_SECONDS: i64 = 86_400;
/// 2098-03-01T00:00:00 in seconds since 1970: no zone changes its clock near the first of March.
const TABLES_END: i64 = days_of_date(2098, 3, 1) * DAY_SECONDS;
/// The first of the years whose rules stand for later ones. Until 2087 the tables of Morocco and Palestine follow the
/// Islamic calendar, which does not repeat with ours.
const FIRST_MODEL_YEAR: i64 = 2088;

/// The release of the IANA Time Zone Database in these tables, such as `2025b`.
pub const RELEASE: &str = chrono_tz::IANA_TZDB_VERSION;

/// Whether there is a table of that name.
pub(super) fn has(name: &str) -> bool {
    Tz::from_str(name).is_ok()
}

/// The offset in force, in seconds east of UTC.
pub(super) fn offset_seconds_at(zone: Tz, seconds: i64) -> i32 {
    let clock = clock_at(seconds - distance_from_model(seconds));
    zone.offset_from_utc_datetime(&clock).fix().local_minus_utc()
}

/// The place of a local time, given in seconds since the local time 1970-01-01T00:00:00.
///
/// `None` is a gap without a beginning, which a table cannot hold: its first offset applies to all time before.
pub(super) fn place(zone: Tz, local_seconds: i64) -> Option<Place> {
    let distance = distance_from_model(local_seconds);
    let clock = clock_at(local_seconds - distance);
    match zone.offset_from_local_datetime(&clock) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
            Some(Place::At { seconds: local_seconds - seconds_east(&offset) })
        }
        MappedLocalTime::None => {
            let (gap_clock, offset_before) = GapInfo::new(&clock, &zone)?.begin?;
            let before_seconds = seconds_east(&offset_before);
            Some(Place::Skipped {
                as_before_seconds: local_seconds - before_seconds,
                end_seconds: gap_clock.and_utc().timestamp() + distance - before_seconds,
            })
        }
    }
}

fn clock_at(seconds: i64) -> NaiveDateTime {
    DateTime::UNIX_EPOCH.naive_utc() + TimeDelta::seconds(seconds)
}

fn seconds_east(offset: &impl Offset) -> i64 {
    offset.fix().local_minus_utc().into()
}

/// How many seconds to go back to find a time in the tables; zero before [`TABLES_END`].
///
/// Years are taken from March to February: ten of them in a row begin on all seven weekdays, and a leap day, being the
/// last, moves nothing behind it.
fn distance_from_model(seconds: i64) -> i64 {
    if seconds < TABLES_END {
        return 0;
    }
    let (year, month, _) = date_of_days(seconds.div_euclid(DAY_SECONDS));
    let first_day = days_of_date(if month < 3 { year - 1 } else { year }, 3, 1);
    (FIRST_MODEL_YEAR..)
        .map(|model_year| first_day - days_of_date(model_year, 3, 1))
        .find(|days| days % 7 == 0)
        .map_or(0, |days| days * DAY_SECONDS)
}
