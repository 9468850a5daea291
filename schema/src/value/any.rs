//! Any JSON value → its canonical text: no spaces, strings escaped only where JSON asks for it, numbers as written.
//!
//! A number keeps every digit, and a string that looks like a time stays what it is.

use super::bytes::is_marked;
use super::violation::ViolationCode;
use crate::limits;
use serde_json::value::RawValue;

/// The canonical text of a value. What JSON has not is refused (`type`), and a string that escapes half a surrogate pair,
/// which is no text (`format`).
pub(super) fn canonical(raw: &RawValue) -> Result<String, ViolationCode> {
    let text = raw.get();
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' { string_length(rest) } else { first.len_utf8() };
        let (piece, after) = rest.split_at(length);
        match first {
            '"' => push_string(piece, &mut out)?,
            ' ' | '\t' | '\r' | '\n' => {}
            other => out.push(other),
        }
        match first {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limits::NESTED_DEPTH {
            return Err(ViolationCode::Depth);
        }
        rest = after;
    }
    Ok(out)
}

/// The length of the JSON string at the start of valid JSON, with its quotes.
pub(super) fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn push_string(quoted: &str, out: &mut String) -> Result<(), ViolationCode> {
    if !quoted.contains('\\') {
        out.push_str(quoted);
        return Ok(());
    }
    if is_marked(quoted) {
        return Err(ViolationCode::Type);
    }
    let text: String = serde_json::from_str(quoted).map_err(|_| ViolationCode::Format)?;
    out.push_str(&serde_json::Value::from(text).to_string());
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{ViolationCode, canonical};
    use serde_json::value::RawValue;

    fn written(text: &str) -> Result<String, ViolationCode> {
        canonical(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn only_spaces_and_needless_escapes_go() {
        for (text, expected) in [
            (r#"{ "b" : [ 1.50 , -0 , 1e400 ] , "a" : "x  y" }"#, r#"{"b":[1.50,-0,1e400],"a":"x  y"}"#),
            (r#""\u00e9\/\"\\ \u0000\n""#, r#""é/\"\\ \u0000\n""#),
            ("  true", "true"),
            (r#""2024-08-15T10:30:00-04:00""#, r#""2024-08-15T10:30:00-04:00""#),
            (r#""[{""#, r#""[{""#),
        ] {
            assert_eq!(written(text.trim()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn half_a_character_and_endless_depth_are_refused() {
        assert_eq!(written(r#"["\ud800"]"#), Err(ViolationCode::Format));
        assert!(written(&format!("{}{}", "[".repeat(32), "]".repeat(32))).is_ok());
        assert_eq!(written(&format!("{}{}", "[".repeat(33), "]".repeat(33))), Err(ViolationCode::Depth));
    }
}
