//! What a format must be able to write. The walk over rows is compiled once for each, so that none pays for the others.

use super::cbor::Cbor;
use super::msgpack::MessagePack;
use stoa_schema::model::{Attribute, Kind};
use stoa_schema::time::{Instant, Zone};
use stoa_schema::value::{Value, list_elements};
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
    /// A list attribute, from its canonical JSON.
    fn list(attribute: &Attribute, stored: &str, zone: Option<&Zone>, out: &mut Vec<u8>);
}

/// Writes one stored value of an attribute.
pub(super) fn value<E: Encoder>(attribute: &Attribute, cell: Cell<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => E::null(out),
        Cell::Int(number) if attribute.kind == Kind::Boolean => E::boolean(number != 0, out),
        Cell::Int(number) => E::integer(number, out),
        Cell::Real(number) => E::double(number, out),
        Cell::Text(list) if attribute.list => E::list(attribute, list, zone, out),
        Cell::Text(content) => text::<E>(attribute, content, zone, out),
        Cell::Blob(bytes) => E::text(&String::from_utf8_lossy(bytes), out),
    }
}

/// Writes a stored text: the instant that it is, if the attribute holds instants.
pub(super) fn text<E: Encoder>(attribute: &Attribute, content: &str, zone: Option<&Zone>, out: &mut Vec<u8>) {
    match attribute.holds_instants().then(|| Instant::parse_stored(content)).flatten() {
        Some(instant) => E::instant(instant, zone, out),
        None => E::text(content, out),
    }
}

/// Writes a list attribute element by element, each as its type.
pub(super) fn elements<E: Encoder>(attribute: &Attribute, stored: &str, zone: Option<&Zone>, out: &mut Vec<u8>) {
    let elements = list_elements(attribute, stored);
    E::begin_array(elements.len(), out);
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            E::separate(out);
        }
        match element {
            Value::Null => E::null(out),
            Value::Bool(flag) => E::boolean(*flag, out),
            Value::Int(number) => E::integer(*number, out),
            Value::Float(number) => E::double(*number, out),
            Value::Text(content) => text::<E>(attribute, content, zone, out),
            Value::List(inner) => E::text(inner, out),
        }
    }
    E::end_array(out);
}

/// The text of an instant, for formats whose texts begin with their length.
pub(super) fn shown(instant: Instant, zone: Option<&Zone>) -> Vec<u8> {
    let mut shown = Vec::with_capacity(32);
    instant.write_shown(zone, &mut shown);
    shown
}
