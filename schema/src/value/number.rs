//! The text of a JSON number → a number, with nothing lost or a reason.

/// Why a number does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is no number, or has a fraction where an integer is wanted.
    Type,
    /// It is beyond what the type holds.
    Range,
}

/// An integer of 64 bits. `1.0` and `1e2` are integers too (as in JSON Schema), as far as a double is exact.
pub(super) fn integer(text: &str) -> Result<i64, Misfit> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(number);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Range);
    }
    let number = double(text)?;
    if number.fract() != 0.0 {
        return Err(Misfit::Type);
    }
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.abs() > EXACT {
        return Err(Misfit::Range);
    }
    #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
    Ok(number as i64)
}

/// A finite double, the nearest to the decimal text.
pub(super) fn double(text: &str) -> Result<f64, Misfit> {
    let starts_like_json = text.strip_prefix('-').unwrap_or(text).starts_with(|first: char| first.is_ascii_digit());
    if !starts_like_json {
        return Err(Misfit::Type);
    }
    let number: f64 = text.parse().map_err(|_| Misfit::Type)?;
    if number.is_finite() { Ok(number) } else { Err(Misfit::Range) }
}

/// An integer of 32 bits.
pub(super) fn integer32(text: &str) -> Result<i64, Misfit> {
    let number = integer(text)?;
    if i32::try_from(number).is_ok() { Ok(number) } else { Err(Misfit::Range) }
}

#[cfg(test)]
mod tests {
    use super::{Misfit, double, integer, integer32};

    #[test]
    fn integers_are_exact_or_refused() {
        assert_eq!(integer("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer("9223372036854775808"), Err(Misfit::Range));
        assert_eq!(integer("1.0"), Ok(1));
        assert_eq!(integer("1e2"), Ok(100));
        assert_eq!(integer("1.5"), Err(Misfit::Type));
        assert_eq!(integer("1e300"), Err(Misfit::Range));
        assert_eq!(integer("\"1\""), Err(Misfit::Type));
        assert_eq!(integer("true"), Err(Misfit::Type));
        assert_eq!(integer32("2147483648"), Err(Misfit::Range));
        assert_eq!(integer32("-2147483648"), Ok(-2_147_483_648));
    }

    #[test]
    fn doubles_are_finite() {
        assert_eq!(double("1e309"), Err(Misfit::Range));
        assert_eq!(double("5e-324"), Ok(5e-324));
        assert_eq!(double("NaN"), Err(Misfit::Type));
        assert_eq!(double("inf"), Err(Misfit::Type));
        assert_eq!(double("-infinity"), Err(Misfit::Type));
    }
}
