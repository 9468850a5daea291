//! Bytes as text: base64 in bodies, queries and answers (RFC 4648 §4, padded, no other spelling), and inside stored JSON
//! hexadecimal, whose order is that of the bytes.

use super::json;
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

/// The JSON for bytes from a format that has them, so that no text takes them: `{"$bytes":"aGk="}`.
pub fn marked_bytes(bytes: &[u8]) -> String {
    format!("{{\"{MARK}\":\"{}\"}}", base64(bytes))
}

const MARK: &str = "$bytes";

/// The base64 that [`marked_bytes`] wrote.
pub(super) fn marked(raw: &RawValue) -> Option<String> {
    let [(name, content)] = <[_; 1]>::try_from(json::members(raw.get()).ok()?).ok()?;
    (name == MARK).then(|| json::string(content)).flatten()
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
    use super::{base64, from_base64, from_hexadecimal, hexadecimal};

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
    fn hexadecimal_reads_what_it_writes() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hexadecimal(&hexadecimal(&all)), Some(all));
        assert_eq!(hexadecimal(&[0, 255, 16]), "00FF10");
        assert_eq!(from_hexadecimal("0"), None);
        assert_eq!(from_hexadecimal("0g"), None);
    }
}
