//! Bodies of every format.

use super::{CATALOG, INPUT_BYTES, schema, tables};
use std::sync::{Arc, LazyLock};
use stoa_runtime::data::format::{Format, Renderer};
use stoa_runtime::data::input::{Body, BodyError, Line, Lines, Records, records};
use stoa_schema::model::{Table, TableId};
use stoa_schema::value::{Record, Value};

static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(Arc::clone(&CATALOG)));

/// A JSON body.
pub fn json(input: &[u8]) {
    body(Format::Json, input);
}

/// Lines of JSON, read in pieces of any size.
pub fn ndjson(input: &[u8]) {
    body(Format::Ndjson, input);
    tables().for_each(|table| is_the_same_in_pieces(schema().table(table), input, Lines::ndjson));
}

/// Lines of CSV, read in pieces of any size.
pub fn csv(input: &[u8]) {
    body(Format::Csv, input);
    tables().for_each(|table| is_the_same_in_pieces(schema().table(table), input, Lines::csv));
}

/// A CBOR body.
pub fn cbor(input: &[u8]) {
    body(Format::Cbor, input);
}

/// A MessagePack body.
pub fn msgpack(input: &[u8]) {
    body(Format::MessagePack, input);
}

/// A body is refused at a place inside it, with violations that can be shown, or holds records that are the same after
/// they were written and read in every format.
fn body(format: Format, input: &[u8]) {
    if input.len() > INPUT_BYTES {
        return;
    }
    for table in tables() {
        let read = records(schema().table(table), &Body { format, bytes: input.to_vec() });
        let all = match read {
            Ok(Records::One(record)) => vec![Ok(record)],
            Ok(Records::Many(many)) => many,
            Err(error) => vec![Err(error)],
        };
        for record in all {
            match record {
                Ok(record) => survives_every_format(table, &record),
                Err(error) => can_be_told(&error, input),
            }
        }
    }
}

fn can_be_told(error: &BodyError, input: &[u8]) {
    match error {
        BodyError::Syntax { detail, position } => {
            assert!(*position <= input.len() && !detail.is_empty(), "{error:?}");
        }
        BodyError::TooLarge { .. } => panic!("{} bytes are no record that is too large", input.len()),
        BodyError::Invalid { violations, .. } => {
            let told =
                |pointer: &str, message: &str| (pointer.is_empty() || pointer.starts_with('/')) && !message.is_empty();
            assert!(!violations.is_empty());
            assert!(violations.iter().all(|it| told(&it.pointer, &it.message)), "{violations:?}");
        }
    }
}

fn survives_every_format(table: TableId, record: &Record) {
    let stored = stored(schema().table(table), record);
    for format in [Format::Json, Format::Ndjson] {
        assert_eq!(again(format, table, &stored), stored, "{format:?}");
    }
    let flat = without_undeclared(schema().table(table), stored.clone());
    assert_eq!(again(Format::Csv, table, &flat), flat);
    // In binary formats a number of an `Any` is a number, not its spelling.
    for format in [Format::Cbor, Format::MessagePack] {
        let once = again(format, table, &stored);
        assert_eq!(again(format, table, &once), once, "{format:?}");
        let plain = |values: &[Value]| {
            let declared = &schema().table(table).attributes;
            let pairs = declared.iter().zip(values).filter(|(attribute, _)| !attribute.stored_as_json());
            pairs.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(plain(&once), plain(&stored), "{format:?}");
    }
}

/// What a whole record holds that was made of this one: absent is null, and what answers do not show is left out.
fn stored(table: &Table, record: &Record) -> Vec<Value> {
    let pairs = table.attributes.iter().enumerate().zip(record);
    pairs
        .map(|((at, attribute), value)| match value {
            Some(value) if !attribute.hidden || table.open.is_some_and(|open| open.0 == at) => value.clone(),
            _ => Value::Null,
        })
        .collect()
}

fn without_undeclared(table: &Table, mut values: Vec<Value>) -> Vec<Value> {
    if let Some(open) = table.open {
        values[open.0] = Value::Null;
    }
    values
}

/// The record after it was written and read.
fn again(format: Format, table: TableId, values: &[Value]) -> Vec<Value> {
    let mut bytes = Vec::new();
    RENDERER.values_header(format, table, &mut bytes);
    RENDERER.values(format, table, values, None, &mut bytes);
    let shown = bytes.escape_ascii().to_string();
    let read = records(schema().table(table), &Body { format, bytes });
    let record = match read {
        Ok(Records::One(record)) => record,
        Ok(Records::Many(mut many)) if many.len() == 1 => {
            many.remove(0).unwrap_or_else(|error| panic!("{error:?}: {shown}"))
        }
        other => panic!("{other:?}: {shown}"),
    };
    stored(schema().table(table), &record)
}

fn is_the_same_in_pieces(table: &Table, input: &[u8], lines: fn() -> Lines) {
    let whole = read_in_pieces(table, input, lines(), input.len().max(1));
    for piece in [1, 7, 64] {
        assert_eq!(read_in_pieces(table, input, lines(), piece), whole, "in pieces of {piece}");
    }
}

type Read = (Vec<(u64, Result<Record, BodyError>)>, Option<BodyError>);

fn read_in_pieces(table: &Table, input: &[u8], mut lines: Lines, piece: usize) -> Read {
    let mut found = Vec::new();
    for piece in input.chunks(piece).map(Some).chain([None]) {
        match piece {
            Some(piece) => lines.feed(piece),
            None => lines.end(),
        }
        loop {
            match lines.next(table) {
                Ok(Some(Line { number, record })) => found.push((number, record)),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}
