//! Bytes as text: base64 in bodies, queries and answers (RFC 4648 §4, padded, no other spelling), and inside stored JSON
//! hexadecimal, whose order is that of the bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

/// The bytes that a base64 text stands for.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Bytes as base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What a format beside JSON has and JSON has not, written as JSON: a text that begins with half a character, hence no
/// text, so that only an attribute that knows better takes it. No body that came as JSON may hold one ([`find_mark`]).
const MARK: &str = "\"\\udfff";

/// The JSON that stands for bytes: only `Bytes` take it.
pub fn marked_bytes(bytes: &[u8]) -> String {
    format!("{MARK}:{}\"", base64(bytes))
}

/// The JSON that stands for a value of a kind that has no place in a record: nothing takes it.
pub fn marked_foreign() -> String {
    format!("{MARK}\"")
}

/// The base64 that [`marked_bytes`] wrote.
pub(super) fn marked(raw: &RawValue) -> Option<&str> {
    raw.get().strip_prefix(MARK)?.strip_prefix(':')?.strip_suffix('"')
}

/// Whether this JSON text stands for what JSON has not.
pub(super) fn is_marked(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Where a text has something that stands for what JSON has not, or looks so.
pub(super) fn find_mark(text: &str) -> Option<usize> {
    text.find(MARK)
}

/// Bytes as they stand inside stored JSON; SQL's `hex` writes the same.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that [`hexadecimal`] wrote.
pub fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{base64, from_base64, from_hexadecimal, hexadecimal, marked, marked_bytes, marked_foreign};
    use serde_json::value::RawValue;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(from_base64("AP/+"), Some(vec![0, 255, 254]));
        assert_eq!(from_base64(""), Some(Vec::new()));
        for wrong in ["AP_-", "AP/", "AA", "AB==", "A===", "AA==\n", " AA==", "AA==AA=="] {
            assert_eq!(from_base64(wrong), None, "{wrong:?}");
        }
        assert_eq!(base64(&[0, 255]), "AP8=");
    }

    #[test]
    fn what_is_marked_is_valid_json_and_no_text() {
        for (json, base64) in
            [(marked_bytes(b"hi"), Some("aGk=")), (marked_bytes(b""), Some("")), (marked_foreign(), None)]
        {
            assert_eq!(serde_json::from_str::<&RawValue>(&json).ok().map(marked), Some(base64));
            assert!(serde_json::from_str::<String>(&json).is_err());
        }
    }

    #[test]
    fn hexadecimal_reads_what_it_writes() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hexadecimal(&hexadecimal(&all)), Some(all));
        assert_eq!(hexadecimal(&[0, 255, 16]), "00FF10");
        assert_eq!(from_hexadecimal("0"), None);
        assert_eq!(from_hexadecimal("0g"), None);
    }
}
