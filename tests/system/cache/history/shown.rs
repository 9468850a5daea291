//! What an answer shows, whatever its form, and whether it is what was expected.

use super::ask::Form;
use super::meaning::{Expected, TABLES};
use super::query::{Item, Query, Wanted};
use super::read::Read;
use crate::cache::forms::unpacked;
use serde_json::Value as Json;

/// A body, decoded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    Value(Json),
    /// CSV has no types.
    Text(String),
}

/// What the answer to `read` shows, which has the body of `of`.
pub(super) fn of(read: &Read, of: &Read) -> Shown {
    let plain = unpacked(of.coding.as_deref(), &of.body);
    let broken = |error: &dyn std::fmt::Display| -> ! { panic!("{error} in the answer to {}", read.ask.url()) };
    match read.ask.form {
        Form::Json => Shown::Value(serde_json::from_slice(&plain).unwrap_or_else(|error| broken(&error))),
        Form::Cbor => Shown::Value(ciborium::from_reader(&plain[..]).unwrap_or_else(|error| broken(&error))),
        Form::Csv => Shown::Text(String::from_utf8(plain).unwrap_or_else(|error| broken(&error))),
    }
}

/// An answer's body, for people.
pub(super) fn text(read: &Read) -> String {
    if read.body.is_empty() { "nothing".to_owned() } else { format!("{:?}", of(read, read)) }
}

/// What was expected, for people.
pub(super) fn told(expected: &Expected) -> String {
    let body = expected.body.as_ref().map_or_else(|| "nothing".to_owned(), Json::to_string);
    format!("{body}, next page {}, {}", expected.more, expected.place)
}

/// Whether a page's place is the one expected, and told to those who ask for it.
pub(super) fn is_placed(read: &Read, expected: &Expected) -> bool {
    let counted = read.ask.count && expected.body.is_some();
    read.place.as_ref() == Some(&expected.place).filter(|_| counted)
}

/// Whether an answer is what was expected, but for a page's place; of a body that is not known, all but that.
pub(super) fn fits(read: &Read, body: Option<&Shown>, expected: &Expected) -> bool {
    let Some(value) = &expected.body else { return read.status == 404 };
    let plain = read.ask.form == Form::Json && (read.coding.is_none() || read.status == 304);
    let tag = match expected.revision.filter(|_| plain && !is_variant(read)) {
        Some(revision) => read.tag.as_deref() == Some(&format!("\"{}\"", base36(revision))),
        None => read.tag.is_some(),
    };
    let shown = body.is_none_or(|body| match body {
        Shown::Value(shown) => shown == value,
        Shown::Text(text) => *text == csv(&read.ask.wanted, value),
    });
    read.status != 404 && read.more == expected.more && tag && shown
}

/// Whether its tag is that of an encoded form.
fn is_variant(read: &Read) -> bool {
    read.tag.as_ref().is_some_and(|tag| tag.contains('-')) && read.ask.coding.is_some()
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit((number % 36) as u32, 36).expect("a digit"));
        number /= 36;
    }
    digits.iter().rev().collect()
}

/// A value as CSV (RFC 4180): a header, and a line for each record.
fn csv(wanted: &Wanted, value: &Json) -> String {
    let (table, select) = match wanted {
        Wanted::Record { table, select, .. } | Wanted::List(Query { table, select, .. }) => (table, select),
        Wanted::Attribute { .. } => panic!("bare values are asked for in other formats"),
    };
    let names: Vec<&str> = match select.as_slice() {
        [] => TABLES.iter().find(|(name, _)| name == table).expect("a table").1.to_vec(),
        items => items.iter().map(|(Item::Attribute(name) | Item::Related(name, _))| *name).collect(),
    };
    let records = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let lines =
        records.iter().map(|record| names.iter().map(|name| field(&record[name])).collect::<Vec<_>>().join(","));
    std::iter::once(names.join(",")).chain(lines).map(|line| line + "\r\n").collect()
}

fn field(value: &Json) -> String {
    let text = match value {
        Json::Null => return String::new(),
        Json::String(text) if text.is_empty() => return "\"\"".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}
