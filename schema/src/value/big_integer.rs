//! Integers of any size, as texts whose order is that of the numbers.
//!
//! The stored form is a sign (`0` below zero, else `1`), the number of digits in four digits, then the digits. Of a
//! negative number both are complements to nines, so that what is further below zero sorts first: 12 is `1000212`, −12 is
//! `0999787`.

use super::number::Misfit;
use crate::limits::BIG_INT_DIGITS;

/// Digits of the length. Ten to this power is above [`BIG_INT_DIGITS`].
const LENGTH_DIGITS: usize = 4;

/// The stored form of a JSON number. `1.0` and `1e2` are integers too (as in JSON Schema).
pub(super) fn stored(text: &str) -> Result<String, Misfit> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = digits(unsigned)?;
    let negative = negative && digits != "0";
    let length = format!("{:0LENGTH_DIGITS$}", digits.len());
    Ok(match negative {
        false => format!("1{length}{digits}"),
        true => format!("0{}", complement(&format!("{length}{digits}"))),
    })
}

/// The decimal digits of a stored number, with its sign; a text in another form as it is.
pub fn shown_big_integer(stored: &str) -> String {
    match stored.as_bytes() {
        [b'1', ..] if stored.len() > LENGTH_DIGITS + 1 => stored[LENGTH_DIGITS + 1..].to_owned(),
        [b'0', ..] if stored.len() > LENGTH_DIGITS + 1 => format!("-{}", complement(&stored[LENGTH_DIGITS + 1..])),
        _ => stored.to_owned(),
    }
}

/// Each digit subtracted from 9.
fn complement(digits: &str) -> String {
    digits.bytes().map(|digit| char::from(b'0' + b'9'.saturating_sub(digit))).collect()
}

/// The digits of an unsigned number that is whole, without leading zeros.
fn digits(unsigned: &str) -> Result<String, Misfit> {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if ![whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Misfit::Type);
    }
    let fraction = fraction.trim_end_matches('0');
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Ok("0".to_owned());
    }
    let shift = exponent - i64::try_from(fraction.len()).map_err(|_| Misfit::Range)?;
    let digits = shifted(significant, shift)?;
    if digits.len() > BIG_INT_DIGITS { Err(Misfit::Range) } else { Ok(digits) }
}

fn exponent(text: &str) -> Result<i64, Misfit> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Type);
    }
    text.parse::<i32>().map(i64::from).map_err(|_| Misfit::Range)
}

/// The digits times ten to the power of `places`.
fn shifted(digits: &str, places: i64) -> Result<String, Misfit> {
    let count = usize::try_from(places.unsigned_abs()).map_err(|_| Misfit::Range)?;
    if places >= 0 {
        return if count > BIG_INT_DIGITS { Err(Misfit::Range) } else { Ok(format!("{digits}{}", "0".repeat(count))) };
    }
    let (kept, cut) = digits.split_at(digits.len().saturating_sub(count));
    let whole = !kept.is_empty() && cut.bytes().all(|digit| digit == b'0');
    if whole { Ok(kept.to_owned()) } else { Err(Misfit::Type) }
}

#[cfg(test)]
mod tests {
    use super::{Misfit, shown_big_integer, stored};

    fn shown(text: &str) -> Result<String, Misfit> {
        stored(text).map(|stored| shown_big_integer(&stored))
    }

    #[test]
    fn every_spelling_of_an_integer_is_that_integer() {
        for (text, digits) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0e5", "0"),
            ("12.50e1", "125"),
            ("1E+3", "1000"),
            ("1200e-2", "12"),
            ("-1.0", "-1"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(digits), "{text}");
        }
        let longest = "9".repeat(1_000);
        assert_eq!(shown(&format!("-{longest}")), Ok(format!("-{longest}")));
    }

    #[test]
    fn what_is_no_integer_or_too_long_is_refused() {
        for text in ["", "-", "1.5", "1e-1", "12e-3", "x", "1e", "--1", "+1", "1.", ".5", "\"1\"", "1e1.5", "null"] {
            assert_eq!(stored(text), Err(Misfit::Type), "{text}");
        }
        for text in ["1e1000", "1e99999999999", &"9".repeat(1_001)] {
            assert_eq!(stored(text), Err(Misfit::Range), "{text}");
        }
    }
}
