//! Items of a binary format → the JSON text of each record. Nothing is recursive, so that a body nested a million levels
//! deep costs no stack; a length that a body claims reserves nothing.
//!
//! What JSON cannot say is written so that no other attribute takes it: a number beyond all ranges for infinities and NaN,
//! a text that is none for bytes.

use super::error::BodyError;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;
use stoa_schema::limits::RECORD_BYTES;
use stoa_schema::value::{marked_bytes, marked_foreign};

/// Arrays and maps inside each other; deeper ones are refused (400).
const DEPTH: usize = 128;

/// A step of a body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    /// Wide enough for both formats.
    Int(i128),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// A value of a kind that has no place in a record.
    Opaque,
    /// With its length; `None` if [`Item::Break`] ends it.
    Array(Option<u64>),
    Map(Option<u64>),
    Break,
}

/// A body in a binary format, read step by step.
pub(super) trait Source<'a> {
    /// The next step.
    fn next(&mut self) -> Result<Item<'a>, BodyError>;

    /// The byte that is read next.
    fn position(&self) -> usize;

    /// Whether nothing follows.
    fn at_end(&self) -> bool;
}

/// What [`records`] found.
pub(super) enum Items<T> {
    One(T),
    Many(Vec<T>),
}

/// Gives the JSON text of a body's record, or of each in its array, to `read`, with the byte where it begins.
pub(super) fn records<'a, T>(
    source: &mut impl Source<'a>,
    read: &mut dyn FnMut(&str, usize) -> T,
) -> Result<Items<T>, BodyError> {
    let mut text = String::new();
    let found = match source.next()? {
        Item::Array(length) => {
            let (mut records, mut left) = (Vec::new(), length);
            while left != Some(0) {
                let begin = source.position();
                match source.next()? {
                    Item::Break if length.is_none() => break,
                    first => record(first, source, &mut text, records.len())?,
                }
                left = left.map(|left| left - 1);
                records.push(read(&text, begin));
            }
            Items::Many(records)
        }
        first => {
            value(first, source, &mut text)?;
            Items::One(read(&text, 0))
        }
    };
    if source.at_end() { Ok(found) } else { Err(BodyError::syntax("something follows its end", source.position())) }
}

fn record<'a>(first: Item<'a>, source: &mut impl Source<'a>, text: &mut String, index: usize) -> Result<(), BodyError> {
    text.clear();
    value(first, source, text).map_err(|error| match error {
        BodyError::TooLarge { .. } => BodyError::TooLarge { index: Some(index) },
        other => other,
    })
}

/// An array or a map that is being written.
struct Open<'a> {
    left: Option<u64>,
    empty: bool,
    /// Of a map: those it has had.
    names: Option<HashSet<Cow<'a, str>>>,
}

/// Writes one value as JSON.
fn value<'a>(first: Item<'a>, source: &mut impl Source<'a>, text: &mut String) -> Result<(), BodyError> {
    let mut open: Vec<Open<'a>> = Vec::new();
    let mut item = Some(first);
    while let Some(now) = item {
        match now {
            Item::Array(left) => {
                text.push('[');
                open.push(Open { left, empty: true, names: None });
            }
            Item::Map(left) => {
                text.push('{');
                open.push(Open { left, empty: true, names: Some(HashSet::new()) });
            }
            Item::Break => return Err(unexpected_break(source)),
            scalar => push_scalar(&scalar, text),
        }
        if open.len() > DEPTH {
            return Err(BodyError::syntax(format!("it is nested deeper than {DEPTH} levels"), source.position()));
        }
        if text.len() > RECORD_BYTES {
            return Err(BodyError::TooLarge { index: None });
        }
        item = next_value(&mut open, source, text)?;
    }
    Ok(())
}

/// The item of the next value; before it, what has ended is closed and a member's name is written.
fn next_value<'a>(
    open: &mut Vec<Open<'a>>,
    source: &mut impl Source<'a>,
    text: &mut String,
) -> Result<Option<Item<'a>>, BodyError> {
    while let Some(inner) = open.last_mut() {
        let item = if inner.left == Some(0) { Item::Break } else { source.next()? };
        if item == Item::Break {
            if inner.left.is_some_and(|left| left > 0) {
                return Err(unexpected_break(source));
            }
            text.push(if inner.names.is_some() { '}' } else { ']' });
            open.pop();
            continue;
        }
        inner.left = inner.left.map(|left| left - 1);
        if !std::mem::take(&mut inner.empty) {
            text.push(',');
        }
        let Some(names) = &mut inner.names else { return Ok(Some(item)) };
        push_name(item, names, source.position(), text)?;
        return source.next().map(Some);
    }
    Ok(None)
}

fn push_name<'a>(
    item: Item<'a>,
    names: &mut HashSet<Cow<'a, str>>,
    position: usize,
    text: &mut String,
) -> Result<(), BodyError> {
    let Item::Text(name) = item else { return Err(BodyError::syntax("the name of a member is no text", position)) };
    push_text(&name, text);
    text.push(':');
    match names.replace(name) {
        None => Ok(()),
        Some(name) => Err(BodyError::syntax(format!("the name {name:?} stands twice"), position)),
    }
}

fn push_scalar(item: &Item<'_>, text: &mut String) {
    match item {
        Item::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        // Writing to a String cannot fail.
        Item::Int(number) => _ = write!(text, "{number}"),
        Item::Float(number) if number.is_finite() => text.push_str(ryu::Buffer::new().format_finite(*number)),
        Item::Float(_) => text.push_str("1e999"),
        Item::Text(content) => push_text(content, text),
        Item::Bytes(content) => text.push_str(&marked_bytes(content)),
        Item::Opaque => text.push_str(&marked_foreign()),
        Item::Null | Item::Array(_) | Item::Map(_) | Item::Break => text.push_str("null"),
    }
}

fn push_text(content: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(content).to_string());
}

fn unexpected_break<'a>(source: &impl Source<'a>) -> BodyError {
    BodyError::syntax("a break where a value is expected", source.position())
}
