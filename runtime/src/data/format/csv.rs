//! CSV (RFC 4180): a line is a record, its fields are what was selected. Null is an empty field and an empty text is
//! `""`, so that the two are told apart; lists, nested values and related records are JSON in a field.

use super::encoder::{Encoder, Name};
use super::json::Json;
use stoa_schema::time::{Instant, Zone};
use stoa_schema::value::base64;

/// RFC 4180 §2.1.
pub(super) const LINE_END: &[u8] = b"\r\n";

pub(super) struct Csv;

impl Encoder for Csv {
    type Nested = Json;
    const TAKES_MEMBERS: bool = false;

    fn begin_object(_: usize, _: &mut Vec<u8>) {}

    fn member(_: &Name, _: &mut Vec<u8>) {}

    fn end_object(_: &mut Vec<u8>) {}

    fn begin_array(_: usize, _: &mut Vec<u8>) {}

    fn end_array(_: &mut Vec<u8>) {}

    fn separate(out: &mut Vec<u8>) {
        out.push(b',');
    }

    fn begin_rows(_: &mut Vec<u8>) {}

    fn end_rows(_: usize, _: usize, _: &mut Vec<u8>) {}

    fn end_nested(start: usize, out: &mut Vec<u8>) {
        if &out[start..] == b"null" {
            out.truncate(start);
        } else {
            quote(start, out);
        }
    }

    fn null(_: &mut Vec<u8>) {}

    fn boolean(flag: bool, out: &mut Vec<u8>) {
        Json::boolean(flag, out);
    }

    fn integer(number: i64, out: &mut Vec<u8>) {
        Json::integer(number, out);
    }

    fn double(number: f64, out: &mut Vec<u8>) {
        Json::double(number, out);
    }

    fn text(content: &str, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(content.as_bytes());
        quote(start, out);
    }

    fn instant(instant: Instant, zone: Option<&Zone>, out: &mut Vec<u8>) {
        instant.write_shown(zone, out);
    }

    fn bytes(content: &[u8], out: &mut Vec<u8>) {
        Self::text(&base64(content), out);
    }

    fn big_integer(digits: &str, out: &mut Vec<u8>) {
        Json::big_integer(digits, out);
    }

    fn json(shown: &str, out: &mut Vec<u8>) {
        Self::text(shown, out);
    }
}

/// Puts the field that begins at `start` in quotes, if it could be taken for something else without.
fn quote(start: usize, out: &mut Vec<u8>) {
    let field = &out[start..];
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    // A byte order mark at the beginning of a file is dropped by readers, this one too.
    if !field.is_empty() && !field.iter().any(special) && !field.starts_with("\u{feff}".as_bytes()) {
        return;
    }
    let plain = out.split_off(start);
    out.push(b'"');
    for part in plain.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::{Csv, Encoder};

    #[test]
    fn fields_are_quoted_where_needed() {
        let shown = |text: &str| {
            let mut out = b"x,".to_vec();
            Csv::text(text, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        assert_eq!(shown("plain text"), "x,plain text");
        assert_eq!(shown(""), "x,\"\"");
        assert_eq!(shown("a,b"), "x,\"a,b\"");
        assert_eq!(shown("say \"hi\""), "x,\"say \"\"hi\"\"\"");
        assert_eq!(shown("\""), "x,\"\"\"\"");
        assert_eq!(shown("two\nlines"), "x,\"two\nlines\"");
    }
}
