//! What a format must be able to write. The walk over rows is compiled once for each, so that none pays for the others.

use super::cbor::Cbor;
use super::msgpack::MessagePack;
use stoa_schema::model::{Attribute, Kind};
use stoa_schema::time::{Instant, Zone};
use stoa_schema::value::{json, shown_big_integer, write_shown};
use stoa_sync::store::Cell;

/// The name of a member, ready in every format.
#[derive(Debug)]
pub(super) struct Name {
    /// `"name":`
    pub(super) json: Box<[u8]>,
    pub(super) cbor: Box<[u8]>,
    pub(super) msgpack: Box<[u8]>,
    pub(super) plain: Box<str>,
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        let (mut cbor, mut msgpack) = (Vec::new(), Vec::new());
        Cbor::text(name, &mut cbor);
        MessagePack::text(name, &mut msgpack);
        Self {
            json: format!("{}:", serde_json::Value::from(name)).into_bytes().into(),
            cbor: cbor.into(),
            msgpack: msgpack.into(),
            plain: name.into(),
        }
    }
}

/// Writes values, one after the other, to the end of a buffer.
pub(super) trait Encoder {
    /// What related records are written with: a flat format holds them as text of another.
    type Nested: Encoder<Nested = Self::Nested>;
    /// Whether a record may have members that no other has.
    const TAKES_MEMBERS: bool = true;

    fn begin_object(members: usize, out: &mut Vec<u8>);
    fn member(name: &Name, out: &mut Vec<u8>);
    fn end_object(out: &mut Vec<u8>);
    fn begin_array(length: usize, out: &mut Vec<u8>);
    fn end_array(out: &mut Vec<u8>);
    /// Stands between members and between elements.
    fn separate(out: &mut Vec<u8>);

    /// Begins an array whose length is not known yet.
    fn begin_rows(out: &mut Vec<u8>);
    /// Ends the array that began at `start` and has `count` elements.
    fn end_rows(start: usize, count: usize, out: &mut Vec<u8>);
    /// Ends what [`Encoder::Nested`] has written from `start` on.
    fn end_nested(start: usize, out: &mut Vec<u8>);

    fn null(out: &mut Vec<u8>);
    fn boolean(flag: bool, out: &mut Vec<u8>);
    fn integer(number: i64, out: &mut Vec<u8>);
    fn double(number: f64, out: &mut Vec<u8>);
    fn text(content: &str, out: &mut Vec<u8>);
    fn instant(instant: Instant, zone: Option<&Zone>, out: &mut Vec<u8>);
    fn bytes(content: &[u8], out: &mut Vec<u8>);
    /// An integer of any size, from its digits.
    fn big_integer(digits: &str, out: &mut Vec<u8>);
    /// What is stored as JSON, as it is shown.
    fn json(shown: &str, out: &mut Vec<u8>);
}

/// Writes one stored value of an attribute.
pub(super) fn value<E: Encoder>(attribute: &Attribute, cell: Cell<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => E::null(out),
        Cell::Int(number) if attribute.kind == Kind::Boolean => E::boolean(number != 0, out),
        Cell::Int(number) => E::integer(number, out),
        Cell::Real(number) => E::double(number, out),
        Cell::Text(json) if attribute.stored_as_json() => {
            let mut shown = Vec::with_capacity(json.len());
            write_shown(attribute, json, zone, &mut shown);
            E::json(&String::from_utf8_lossy(&shown), out);
        }
        Cell::Text(stored) if attribute.kind == Kind::BigInt => E::big_integer(&shown_big_integer(stored), out),
        Cell::Text(content) => text::<E>(attribute, content, zone, out),
        Cell::Blob(bytes) => E::bytes(bytes, out),
    }
}

/// Writes a stored text: the instant that it is, if the attribute holds instants.
pub(super) fn text<E: Encoder>(attribute: &Attribute, content: &str, zone: Option<&Zone>, out: &mut Vec<u8>) {
    match attribute.holds_instants().then(|| Instant::parse_stored(content)).flatten() {
        Some(instant) => E::instant(instant, zone, out),
        None => E::text(content, out),
    }
}

/// Writes JSON as items of a binary format. A number with a fraction or an exponent is a double, as is an integer beyond
/// 64 bits.
pub(super) fn items<E: Encoder>(shown: &str, out: &mut Vec<u8>) {
    match shown.as_bytes().first() {
        Some(b'{') => {
            let members = json::members(shown).unwrap_or_default();
            E::begin_object(members.len(), out);
            for (name, raw) in members {
                E::text(&name, out);
                items::<E>(raw.get(), out);
            }
            E::end_object(out);
        }
        Some(b'[') => {
            let elements = json::elements(shown).unwrap_or_default();
            E::begin_array(elements.len(), out);
            for raw in elements {
                items::<E>(raw.get(), out);
            }
            E::end_array(out);
        }
        Some(b'"') => E::text(&serde_json::from_str::<String>(shown).unwrap_or_default(), out),
        Some(b't' | b'f') => E::boolean(shown == "true", out),
        Some(b'-' | b'0'..=b'9') => match shown.parse() {
            Ok(number) => E::integer(number, out),
            Err(_) => E::double(shown.parse().unwrap_or(f64::NAN), out),
        },
        Some(_) | None => E::null(out),
    }
}

/// An integer of any size in a format that has 64 bits: beyond them its digits are a text.
pub(super) fn big_integer_item<E: Encoder>(digits: &str, out: &mut Vec<u8>) {
    match digits.parse() {
        Ok(number) => E::integer(number, out),
        Err(_) => E::text(digits, out),
    }
}

/// The text of an instant, for formats whose texts begin with their length.
pub(super) fn shown(instant: Instant, zone: Option<&Zone>) -> Vec<u8> {
    let mut shown = Vec::with_capacity(32);
    instant.write_shown(zone, &mut shown);
    shown
}

#[cfg(test)]
mod tests {
    use super::{Encoder, big_integer_item, items};
    use crate::data::format::cbor::Cbor;
    use crate::data::format::msgpack::MessagePack;

    #[test]
    fn json_becomes_items_of_its_types() {
        let mut cbor = Vec::new();
        items::<Cbor>(r#"{"a":[1,-0.5,"\u00e9",null,true,{}]}"#, &mut cbor);
        let double = [0xfb, 0xbf, 0xe0, 0, 0, 0, 0, 0, 0];
        let expected = [&[0xa1, 0x61, b'a', 0x86, 1][..], &double, &[0x62, 0xc3, 0xa9, 0xf6, 0xf5, 0xa0]].concat();
        assert_eq!(cbor, expected);
    }

    #[test]
    fn bytes_are_bytes_and_long_integers_their_digits() {
        let mut out = Vec::new();
        Cbor::bytes(&[0, 255], &mut out);
        MessagePack::bytes(&[0, 255], &mut out);
        big_integer_item::<Cbor>("-2", &mut out);
        big_integer_item::<MessagePack>("9223372036854775808", &mut out);
        assert_eq!(out[..8], [0x42, 0, 255, 0xc4, 2, 0, 255, 0x21]);
        assert_eq!(out[8..], [&[0xb3][..], b"9223372036854775808"].concat());
    }
}
