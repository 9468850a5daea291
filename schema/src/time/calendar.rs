//! Days and dates of the proleptic Gregorian calendar, as plain arithmetic.
//!
//! Every text value of every record may be read as a date-time, so this stays free of allocation and of tables.
//! It does not know texts, times of day or zones.
//!
//! Invariant: [`days_of_date`] and [`date_of_days`] are inverse for every date of the years 0000 to 9999.

/// Milliseconds of a day without a leap second.
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;
/// Milliseconds of an hour.
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds of a minute without a leap second.
pub(super) const MINUTE_MS: i64 = 60_000;

/// The first millisecond of the year 0000, counted from 1970-01-01T00:00:00.
const FIRST_MS: i64 = days_of_date(0, 1, 1) * DAY_MS;
/// The last millisecond of the year 9999, counted from 1970-01-01T00:00:00.
const LAST_MS: i64 = days_of_date(10_000, 1, 1) * DAY_MS - 1;

/// Whether milliseconds since 1970-01-01T00:00:00 lie in the years 0000 to 9999, which four digits can write.
pub(super) fn has_four_digit_year(ms: i64) -> bool {
    (FIRST_MS..=LAST_MS).contains(&ms)
}

/// Days from 1970-01-01 to a date, which must be valid: see [`is_date`].
///
/// `days_from_civil` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"
/// (<https://howardhinnant.github.io/date_algorithms.html>): years begin in March, so that the leap day is the last.
pub(super) const fn days_of_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// `civil_from_days` of the same source as [`days_of_date`].
pub(super) const fn date_of_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// Whether year, month and day name a date of the calendar.
pub(super) const fn is_date(year: i64, month: i64, day: i64) -> bool {
    1 <= month && month <= 12 && 1 <= day && day <= days_in_month(year, month)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
