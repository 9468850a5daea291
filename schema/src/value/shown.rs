//! Values stored as JSON → the JSON that is shown: instants in the asked zone, `BigInt` as a number, `Bytes` as base64.

use super::big_integer::shown_big_integer;
use super::bytes::{base64, from_hexadecimal};
use super::json;
use crate::model::{Attribute, Kind, NestedTypes};
use crate::time::{Instant, Zone};
use serde_json::value::RawValue;

/// Appends the stored JSON of an attribute as it is shown.
pub fn write_shown(attribute: &Attribute, stored: &str, zone: Option<&Zone>, out: &mut Vec<u8>) {
    if !shown_otherwise(attribute, stored) {
        return out.extend_from_slice(stored.as_bytes());
    }
    Shown { types: &attribute.types, zone, out }.value(attribute, attribute.list, stored);
}

/// Whether something in the text may be shown otherwise than it is stored. Every stored instant ends in `Z"`.
fn shown_otherwise(attribute: &Attribute, stored: &str) -> bool {
    match &attribute.kind {
        Kind::BigInt | Kind::Bytes => true,
        Kind::String | Kind::Date => stored.contains("Z\""),
        Kind::Nested(_) => attribute.nested().is_some_and(|nested| nested.encoded) || stored.contains("Z\""),
        Kind::Id | Kind::Int | Kind::Long | Kind::Float | Kind::Boolean | Kind::Any => false,
    }
}

struct Shown<'a> {
    types: &'a NestedTypes,
    zone: Option<&'a Zone>,
    out: &'a mut Vec<u8>,
}

impl Shown<'_> {
    fn value(&mut self, attribute: &Attribute, list: bool, stored: &str) {
        if stored == "null" {
            return self.verbatim(stored);
        }
        if list {
            return self.list(attribute, stored);
        }
        match &attribute.kind {
            Kind::String | Kind::Date => self.text(stored),
            Kind::BigInt => match text_of(stored) {
                Some(digits) => self.out.extend_from_slice(shown_big_integer(&digits).as_bytes()),
                None => self.verbatim(stored),
            },
            Kind::Bytes => match text_of(stored).and_then(|digits| from_hexadecimal(&digits)) {
                Some(bytes) => self.quoted(&base64(&bytes)),
                None => self.verbatim(stored),
            },
            Kind::Nested(name) => self.object(name, stored),
            Kind::Id | Kind::Int | Kind::Long | Kind::Float | Kind::Boolean | Kind::Any => self.verbatim(stored),
        }
    }

    fn list(&mut self, attribute: &Attribute, stored: &str) {
        let Ok(elements) = json::elements(stored) else { return self.verbatim(stored) };
        self.out.push(b'[');
        for (at, element) in elements.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.value(attribute, false, RawValue::get(element));
        }
        self.out.push(b']');
    }

    fn object(&mut self, name: &str, stored: &str) {
        let (Some(nested), Ok(members)) = (self.types.named(name), json::members(stored)) else {
            return self.verbatim(stored);
        };
        self.out.push(b'{');
        for (at, (name, raw)) in members.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.quoted(&name);
            self.out.push(b':');
            match nested.attribute_named(&name) {
                Some(attribute) => self.value(attribute, attribute.list, raw.get()),
                None => self.verbatim(raw.get()),
            }
        }
        self.out.push(b'}');
    }

    fn text(&mut self, stored: &str) {
        let content = stored.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        match Instant::parse_stored(content) {
            Some(instant) => {
                self.out.push(b'"');
                instant.write_shown(self.zone, self.out);
                self.out.push(b'"');
            }
            None => self.verbatim(stored),
        }
    }

    fn quoted(&mut self, content: &str) {
        self.out.extend_from_slice(serde_json::Value::from(content).to_string().as_bytes());
    }

    fn verbatim(&mut self, stored: &str) {
        self.out.extend_from_slice(stored.as_bytes());
    }
}

fn text_of(stored: &str) -> Option<String> {
    serde_json::from_str(stored).ok()
}
