//! The characters of a date-time: the stored form, and the shown form in UTC or with an offset.
//!
//! It does not know zones: the caller says which offset.
//!
//! Invariant: milliseconds passed here lie in the years 0000 to 9999, so that four digits hold the year.

use super::calendar::{DAY_MS, HOUR_MS, MINUTE_MS, date_of_days};

/// `YYYY-MM-DDTHH:MM:SS.mmmZ` of milliseconds since 1970-01-01T00:00:00.
pub(super) fn stored(ms: i64) -> [u8; 24] {
    let (year, month, day) = date_of_days(ms.div_euclid(DAY_MS));
    let ms_of_day = ms.rem_euclid(DAY_MS);
    let [y1, y2, y3, y4] = digits(year);
    let [mo1, mo2] = digits(month);
    let [d1, d2] = digits(day);
    let [h1, h2] = digits(ms_of_day / HOUR_MS);
    let [mi1, mi2] = digits(ms_of_day / MINUTE_MS % 60);
    let [s1, s2] = digits(ms_of_day / 1_000 % 60);
    let [f1, f2, f3] = digits(ms_of_day % 1_000);
    [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2, b'.', f1, f2, f3, b'Z']
}

/// `YYYY-MM-DDTHH:MM:SS`, and `.mmm` after it unless that is zero, of milliseconds since 1970-01-01T00:00:00.
pub(super) fn shown(ms: i64, out: &mut Vec<u8>) {
    let text = stored(ms);
    let length = if ms.rem_euclid(1_000) == 0 { 19 } else { 23 };
    out.extend_from_slice(&text[..length]);
}

/// `±HH:MM` of minutes east of UTC, less than a day.
pub(super) fn offset(minutes: i32, out: &mut Vec<u8>) {
    let sign = if minutes < 0 { b'-' } else { b'+' };
    let distance = i64::from(minutes.abs());
    let [h1, h2] = digits(distance / 60);
    let [m1, m2] = digits(distance % 60);
    out.extend_from_slice(&[sign, h1, h2, b':', m1, m2]);
}

/// The last `N` decimal digits of a number that is not negative.
fn digits<const N: usize>(number: i64) -> [u8; N] {
    // 32 bits hold every field, and are quicker to divide.
    let mut number = number as u32;
    let mut out = [b'0'; N];
    for digit in out.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    out
}
