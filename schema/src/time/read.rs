//! The pieces of a date-time text: date, time of day, fraction, offset (RFC 3339 §5.6).
//!
//! Each function takes bytes and gives numbers, or `None` where the bytes are not exactly that piece. It does not know
//! which pieces make a whole, nor whether the result is still in range: the callers put them together.
//!
//! Invariant: bytes are read through patterns and checked splits only, so no text can index out of bounds.

use super::calendar::{HOUR_MS, MINUTE_MS, days_of_date, is_date};

/// The bytes before and after the `T` of a date-time. A quick no, by the length and three bytes, to texts that are none:
/// almost every text of a record is not.
pub(super) fn split_date_time(text: &[u8]) -> Option<(&[u8; 10], &[u8])> {
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't', time @ ..] = text else {
        return None;
    };
    Some((text.first_chunk()?, time))
}

/// `YYYY-MM-DD` as days since 1970-01-01.
pub(super) fn date(text: &[u8; 10]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return None;
    };
    let year = number([y1, y2, y3, y4])?;
    let month = number([m1, m2])?;
    let day = number([d1, d2])?;
    is_date(year, month, day).then(|| days_of_date(year, month, day))
}

/// `HH:MM:SS` with an optional fraction, as milliseconds of the day, and what follows it.
///
/// The fraction is cut to the millisecond. Second 60 (RFC 3339 §5.7) is the first millisecond of the next minute, with
/// or without a fraction: POSIX time has no place for a leap second.
pub(super) fn time_of_day_ms(text: &[u8]) -> Option<(i64, &[u8])> {
    let (&[h1, h2, b':', m1, m2, b':', s1, s2], rest) = text.split_first_chunk()? else {
        return None;
    };
    let minute_ms = hours_and_minutes_ms([h1, h2, m1, m2])?;
    let second = number([s1, s2])?;
    let (fraction_ms, rest) = fraction_ms(rest)?;
    match second {
        0..=59 => Some((minute_ms + second * 1_000 + fraction_ms, rest)),
        60 => Some((minute_ms + MINUTE_MS, rest)),
        _ => None,
    }
}

/// `HH:MM` and nothing else, as milliseconds of the day.
pub(super) fn minute_of_day_ms(text: &[u8]) -> Option<i64> {
    let &[h1, h2, b':', m1, m2] = text else {
        return None;
    };
    hours_and_minutes_ms([h1, h2, m1, m2])
}

/// `Z` or `±HH:MM` and nothing else, as milliseconds east of UTC.
pub(super) fn offset_ms(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        _ => numeric_offset_ms(text),
    }
}

/// `±HH:MM` and nothing else, as milliseconds east of UTC.
pub(super) fn numeric_offset_ms(text: &[u8]) -> Option<i64> {
    let &[sign, h1, h2, b':', m1, m2] = text else {
        return None;
    };
    let distance_ms = hours_and_minutes_ms([h1, h2, m1, m2])?;
    match sign {
        b'+' => Some(distance_ms),
        b'-' => Some(-distance_ms),
        _ => None,
    }
}

fn hours_and_minutes_ms([h1, h2, m1, m2]: [u8; 4]) -> Option<i64> {
    let hours = number([h1, h2])?;
    let minutes = number([m1, m2])?;
    (hours <= 23 && minutes <= 59).then_some(hours * HOUR_MS + minutes * MINUTE_MS)
}

/// An optional `.` with one or more digits, as whole milliseconds, and what follows it.
fn fraction_ms(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let weighed = [100, 10, 1].iter().zip(digits);
    let ms = weighed.map(|(weight, digit)| weight * i64::from(digit - b'0')).sum();
    (length > 0).then_some((ms, rest))
}

fn number<const N: usize>(digits: [u8; N]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        let is_digit = digit.is_ascii_digit();
        is_digit.then(|| number * 10 + i64::from(digit - b'0'))
    })
}
