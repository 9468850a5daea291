//! JSON (RFC 8259).

use super::encoder::{Encoder, Name};
use stoa_schema::time::{Instant, Zone};
use stoa_schema::value::base64;

pub(super) struct Json;

impl Encoder for Json {
    type Nested = Self;

    fn begin_object(_: usize, out: &mut Vec<u8>) {
        out.push(b'{');
    }

    fn member(name: &Name, out: &mut Vec<u8>) {
        out.extend_from_slice(&name.json);
    }

    fn end_object(out: &mut Vec<u8>) {
        out.push(b'}');
    }

    fn begin_array(_: usize, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn end_array(out: &mut Vec<u8>) {
        out.push(b']');
    }

    fn separate(out: &mut Vec<u8>) {
        out.push(b',');
    }

    fn begin_rows(out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn end_rows(_: usize, _: usize, out: &mut Vec<u8>) {
        out.push(b']');
    }

    fn end_nested(_: usize, _: &mut Vec<u8>) {}

    fn null(out: &mut Vec<u8>) {
        out.extend_from_slice(b"null");
    }

    fn boolean(flag: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    fn integer(number: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// The shortest digits that read back as the same double; a whole number has no fraction, as in ECMAScript.
    fn double(number: f64, out: &mut Vec<u8>) {
        let mut buffer = ryu::Buffer::new();
        let digits = if number.is_finite() { buffer.format_finite(number) } else { "null" };
        out.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
    }

    fn text(content: &str, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        _ = serde_json::to_writer(out, content);
    }

    fn instant(instant: Instant, zone: Option<&Zone>, out: &mut Vec<u8>) {
        out.push(b'"');
        instant.write_shown(zone, out);
        out.push(b'"');
    }

    fn bytes(content: &[u8], out: &mut Vec<u8>) {
        Self::text(&base64(content), out);
    }

    fn big_integer(digits: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(digits.as_bytes());
    }

    fn json(shown: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(shown.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoder, Json};

    #[test]
    fn doubles_are_short_and_exact() {
        let shown = |number| {
            let mut out = Vec::new();
            Json::double(number, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        assert_eq!(shown(249.0), "249");
        assert_eq!(shown(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(shown(1e21), "1e21");
        assert_eq!(shown(5e-324), "5e-324");
    }
}
