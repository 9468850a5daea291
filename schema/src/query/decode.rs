//! Percent-decoding, once. `+` is a space in query values, except where it is the sign of an offset or of a sort key.

use super::QueryError;
use percent_encoding::percent_decode_str;

/// Decodes `%XX` (RFC 3986 §2.1) and nothing else. `None` if an escape is cut short or the bytes are not UTF-8.
pub fn percent_decode(raw: &str) -> Option<String> {
    well_formed(raw).then(|| percent_decode_str(raw).decode_utf8().ok().map(Into::into)).flatten()
}

fn well_formed(raw: &str) -> bool {
    raw.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

/// A value of a query: `+` is a space unless it stands between a time of day and an offset.
pub(super) fn value(raw: &str, position: usize) -> Result<String, QueryError> {
    if !raw.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(raw.to_owned());
    }
    let spaced = match offset_sign(raw) {
        Some(sign) => format!("{}+{}", raw[..sign].replace('+', " "), raw[sign + 1..].replace('+', " ")),
        None => raw.replace('+', " "),
    };
    plain(&spaced, position)
}

/// A name or a signed thing: `+` stays what it is.
pub(super) fn plain(raw: &str, position: usize) -> Result<String, QueryError> {
    percent_decode(raw).ok_or_else(|| QueryError::syntax(position, "broken percent-encoding or UTF-8"))
}

/// The `+` of `…Thh:mm[:ss[.f]]+hh:mm` (RFC 3339 §5.6), colons also as `%3A`.
fn offset_sign(raw: &str) -> Option<usize> {
    let sign = raw.rfind('+')?;
    let unescaped = |text: &str| text.replace("%3A", ":").replace("%3a", ":");
    let (before, offset) = (unescaped(&raw[..sign]), unescaped(&raw[sign + 1..]));
    let time = &before[before.rfind(['T', 't'])? + 1..];
    let clock = |text: &str| {
        text.len() >= 5
            && text.bytes().enumerate().all(|(at, byte)| match at {
                2 | 5 => byte == b':',
                8 => byte == b'.',
                _ => byte.is_ascii_digit(),
            })
    };
    (clock(time) && offset.len() == 5 && clock(&offset)).then_some(sign)
}

#[cfg(test)]
mod tests {
    use super::{percent_decode, value};

    #[test]
    fn plus_is_a_space_but_not_before_an_offset() {
        let decoded = |raw| value(raw, 0).ok();
        assert_eq!(decoded("a+b%2Bc").as_deref(), Some("a b+c"));
        assert_eq!(decoded("2024-08-15T14:00:00+02:00").as_deref(), Some("2024-08-15T14:00:00+02:00"));
        assert_eq!(decoded("2024-08-15T14:00:00.25+02:00").as_deref(), Some("2024-08-15T14:00:00.25+02:00"));
        assert_eq!(decoded("2024-08-15T14%3A00%3A00+02%3A00").as_deref(), Some("2024-08-15T14:00:00+02:00"));
        assert_eq!(decoded("at+14:00+02:00").as_deref(), Some("at 14:00 02:00"));
    }

    #[test]
    fn broken_escapes_are_noticed() {
        for broken in ["%", "%4", "a%zz", "%ff", "%C3%28"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
        assert_eq!(percent_decode("%C3%A9%2f").as_deref(), Some("é/"));
    }
}
