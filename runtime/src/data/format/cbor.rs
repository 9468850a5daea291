//! CBOR (RFC 8949): integers in their shortest form, a `Float` always as a double, instants as text.

use super::encoder::{Encoder, Name, big_integer_item, items, shown};
use minicbor::encode::Error;
use std::convert::Infallible;
use stoa_schema::time::{Instant, Zone};

/// The first byte of an array of indefinite length (§3.2.2).
pub(super) const ARRAY_WITHOUT_LENGTH: u8 = 0x9f;
/// The last one.
pub(super) const BREAK: u8 = 0xff;

pub(super) struct Cbor;

/// Writing to a Vec cannot fail.
fn write(out: &mut Vec<u8>, item: impl FnOnce(&mut minicbor::Encoder<&mut Vec<u8>>) -> Result<(), Error<Infallible>>) {
    _ = item(&mut minicbor::Encoder::new(out));
}

impl Encoder for Cbor {
    type Nested = Self;

    fn begin_object(members: usize, out: &mut Vec<u8>) {
        write(out, |to| to.map(members as u64).map(|_| ()));
    }

    fn member(name: &Name, out: &mut Vec<u8>) {
        out.extend_from_slice(&name.cbor);
    }

    fn end_object(_: &mut Vec<u8>) {}

    fn begin_array(length: usize, out: &mut Vec<u8>) {
        write(out, |to| to.array(length as u64).map(|_| ()));
    }

    fn end_array(_: &mut Vec<u8>) {}

    fn separate(_: &mut Vec<u8>) {}

    fn begin_rows(out: &mut Vec<u8>) {
        out.push(ARRAY_WITHOUT_LENGTH);
    }

    fn end_rows(_: usize, _: usize, out: &mut Vec<u8>) {
        out.push(BREAK);
    }

    fn end_nested(_: usize, _: &mut Vec<u8>) {}

    fn null(out: &mut Vec<u8>) {
        write(out, |to| to.null().map(|_| ()));
    }

    fn boolean(flag: bool, out: &mut Vec<u8>) {
        write(out, |to| to.bool(flag).map(|_| ()));
    }

    fn integer(number: i64, out: &mut Vec<u8>) {
        write(out, |to| to.i64(number).map(|_| ()));
    }

    fn double(number: f64, out: &mut Vec<u8>) {
        write(out, |to| to.f64(number).map(|_| ()));
    }

    fn text(content: &str, out: &mut Vec<u8>) {
        write(out, |to| to.str(content).map(|_| ()));
    }

    fn instant(instant: Instant, zone: Option<&Zone>, out: &mut Vec<u8>) {
        Self::text(&String::from_utf8_lossy(&shown(instant, zone)), out);
    }

    fn bytes(content: &[u8], out: &mut Vec<u8>) {
        write(out, |to| to.bytes(content).map(|_| ()));
    }

    fn big_integer(digits: &str, out: &mut Vec<u8>) {
        big_integer_item::<Self>(digits, out);
    }

    fn json(shown: &str, out: &mut Vec<u8>) {
        items::<Self>(shown, out);
    }
}
