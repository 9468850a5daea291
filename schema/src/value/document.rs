//! Values that are stored as JSON text: lists, and values of nested types. A body's JSON → the canonical text.
//!
//! Inside stored JSON every value stands in a form that JSON functions of SQL can compare: instants in stored form,
//! shortest exact numbers, a `BigInt` as its ordered text, `Bytes` as hexadecimal. Attributes stand in the order of
//! declaration, those that a body leaves out are left out.

use super::any;
use super::bytes::hexadecimal;
use super::number::Misfit;
use super::scalar::{operator, scalar};
use super::violation::{Violation, ViolationCode, pointer};
use super::{Value, json};
use crate::limits;
use crate::model::{Attribute, Kind, NestedType, NestedTypes};
use crate::nearest::nearest;
use serde_json::value::RawValue;

/// The stored value of an attribute that is kept as JSON; `raw` is not null.
pub(super) fn canonical(attribute: &Attribute, raw: &RawValue, pointer: &str) -> Result<Value, Vec<Violation>> {
    let text = written(attribute, attribute.list, raw, pointer)?;
    Ok(if attribute.list { Value::List(text) } else { Value::Json(text) })
}

/// One element of a list, as it is compared with those of the stored list.
pub(super) fn element(attribute: &Attribute, raw: &RawValue, pointer: &str) -> Result<Value, Vec<Violation>> {
    if matches!(attribute.kind, Kind::Any | Kind::Nested(_)) && raw.get() != "null" {
        return written(attribute, false, raw, pointer).map(Value::Json);
    }
    match scalar(attribute, raw) {
        Ok(value) => Ok(value.inside_json()),
        Err(code) => Err(vec![Violation::of_value(pointer, attribute, code)]),
    }
}

fn written(attribute: &Attribute, list: bool, raw: &RawValue, pointer: &str) -> Result<String, Vec<Violation>> {
    let mut writer =
        Writer { types: &attribute.types, text: String::with_capacity(raw.get().len()), violations: Vec::new() };
    writer.value(attribute, list, raw, Place::Value(pointer), 0);
    if writer.violations.is_empty() { Ok(writer.text) } else { Err(writer.violations) }
}

/// Where a value stands; the pointer is only made for a violation.
#[derive(Clone, Copy)]
enum Place<'a> {
    Value(&'a str),
    Element(&'a Place<'a>, usize),
    Member(&'a Place<'a>, &'a str),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Value(pointer) => (*pointer).to_owned(),
            Self::Element(list, at) => format!("{}/{at}", list.pointer()),
            Self::Member(object, name) => format!("{}{}", object.pointer(), pointer(name)),
        }
    }
}

struct Writer<'t> {
    types: &'t NestedTypes,
    text: String,
    violations: Vec<Violation>,
}

impl<'t> Writer<'t> {
    fn value(&mut self, attribute: &Attribute, list: bool, raw: &RawValue, place: Place<'_>, depth: usize) {
        if raw.get() == "null" {
            self.text.push_str("null");
        } else if list {
            self.list(attribute, raw, place, depth);
        } else if let Kind::Nested(name) = &attribute.kind
            && let Some(nested) = self.types.named(name)
        {
            self.object(attribute, nested, raw, place, depth);
        } else {
            match scalar(attribute, raw) {
                Ok(value) => push(&value, &mut self.text),
                Err(code) => self.violations.push(Violation::of_value(&place.pointer(), attribute, code)),
            }
        }
    }

    fn list(&mut self, attribute: &Attribute, raw: &RawValue, place: Place<'_>, depth: usize) {
        let Ok(elements) = json::elements(raw.get()) else {
            return self.violations.push(Violation::wrong(&place.pointer(), attribute, Misfit::Type));
        };
        self.text.push('[');
        for (at, element) in elements.into_iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            self.value(attribute, false, element, Place::Element(&place, at), depth);
        }
        self.text.push(']');
    }

    fn object(&mut self, attribute: &Attribute, nested: &NestedType, raw: &RawValue, place: Place<'_>, depth: usize) {
        if depth == limits::NESTED_DEPTH {
            let message = format!("{} nests deeper than {}", nested.name, limits::NESTED_DEPTH);
            return self.violations.push(Violation::new(&place.pointer(), ViolationCode::Depth, message));
        }
        let Ok(members) = json::members(raw.get()) else {
            return self.violations.push(Violation::wrong(&place.pointer(), attribute, ViolationCode::Type));
        };
        if operator(raw) {
            return self.violations.push(Violation::wrong(&place.pointer(), attribute, ViolationCode::Operator));
        }
        let mut separator = '{';
        for declared in &nested.attributes {
            let given = members.iter().find(|(name, _)| *name == declared.name).map(|(_, raw)| *raw);
            let place = Place::Member(&place, &declared.name);
            if declared.required && given.is_none_or(|raw| raw.get() == "null") {
                let message = format!("{} is required", declared.name);
                self.violations.push(Violation::new(&place.pointer(), ViolationCode::Required, message));
            } else if let Some(raw) = given {
                self.name(&mut separator, &declared.name);
                self.value(declared, declared.list, raw, place, depth + 1);
            }
        }
        for (name, raw) in &members {
            if nested.attribute_named(name).is_none() {
                self.undeclared(nested, &mut separator, name, raw, Place::Member(&place, name));
            }
        }
        self.text.push_str(if separator == '{' { "{}" } else { "}" });
    }

    fn undeclared(&mut self, nested: &NestedType, separator: &mut char, name: &str, raw: &RawValue, place: Place<'_>) {
        if !nested.open {
            let known = nested.attributes.iter().map(|attribute| attribute.name.as_str());
            let violation = Violation::undeclared(&place.pointer(), &nested.name, name, nearest(name, known));
            return self.violations.push(violation);
        }
        match any::canonical(raw) {
            Ok(text) => {
                self.name(separator, name);
                self.text.push_str(&text);
            }
            Err(code) => self.violations.push(Violation::unkept(&place.pointer(), name, code)),
        }
    }

    fn name(&mut self, separator: &mut char, name: &str) {
        self.text.push(std::mem::replace(separator, ','));
        push_text(name, &mut self.text);
        self.text.push(':');
    }
}

/// Appends a value as it stands inside stored JSON.
pub fn push(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) => {
            text.push_str(&serde_json::Number::from_f64(*number).map_or_else(|| "null".into(), |it| it.to_string()))
        }
        Value::Text(value) => push_text(value, text),
        Value::Bytes(bytes) => push_text(&hexadecimal(bytes), text),
        Value::List(json) | Value::Json(json) => text.push_str(json),
    }
}

fn push_text(content: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(content).to_string());
}
