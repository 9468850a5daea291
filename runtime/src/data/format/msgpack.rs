//! MessagePack: integers in their shortest form, a `Float` always as a float 64, instants as text. An array begins with
//! its length, so that of rows is written with a header of fixed size that is filled in at the end.

use super::encoder::{Encoder, Name, big_integer_item, items, shown};
use rmp::encode;
use stoa_schema::time::{Instant, Zone};

/// Bytes of the header of an array 32.
pub(super) const ARRAY_HEADER_BYTES: usize = 5;

pub(super) struct MessagePack;

/// The header of an array 32. The format knows no array of more than 2³² − 1 elements.
pub(super) fn array_header(length: u64) -> [u8; ARRAY_HEADER_BYTES] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [rmp::Marker::Array32.to_u8(), a, b, c, d]
}

fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

// Writing to a Vec cannot fail: the results say nothing.
impl Encoder for MessagePack {
    type Nested = Self;

    fn begin_object(members: usize, out: &mut Vec<u8>) {
        _ = encode::write_map_len(out, length32(members));
    }

    fn member(name: &Name, out: &mut Vec<u8>) {
        out.extend_from_slice(&name.msgpack);
    }

    fn end_object(_: &mut Vec<u8>) {}

    fn begin_array(length: usize, out: &mut Vec<u8>) {
        _ = encode::write_array_len(out, length32(length));
    }

    fn end_array(_: &mut Vec<u8>) {}

    fn separate(_: &mut Vec<u8>) {}

    fn begin_rows(out: &mut Vec<u8>) {
        out.extend_from_slice(&array_header(0));
    }

    fn end_rows(start: usize, count: usize, out: &mut Vec<u8>) {
        out[start..start + ARRAY_HEADER_BYTES].copy_from_slice(&array_header(count as u64));
    }

    fn end_nested(_: usize, _: &mut Vec<u8>) {}

    fn null(out: &mut Vec<u8>) {
        _ = encode::write_nil(out);
    }

    fn boolean(flag: bool, out: &mut Vec<u8>) {
        _ = encode::write_bool(out, flag);
    }

    fn integer(number: i64, out: &mut Vec<u8>) {
        _ = encode::write_sint(out, number);
    }

    fn double(number: f64, out: &mut Vec<u8>) {
        _ = encode::write_f64(out, number);
    }

    fn text(content: &str, out: &mut Vec<u8>) {
        _ = encode::write_str(out, content);
    }

    fn instant(instant: Instant, zone: Option<&Zone>, out: &mut Vec<u8>) {
        Self::text(&String::from_utf8_lossy(&shown(instant, zone)), out);
    }

    fn bytes(content: &[u8], out: &mut Vec<u8>) {
        _ = encode::write_bin(out, content);
    }

    fn big_integer(digits: &str, out: &mut Vec<u8>) {
        big_integer_item::<Self>(digits, out);
    }

    fn json(shown: &str, out: &mut Vec<u8>) {
        items::<Self>(shown, out);
    }
}
