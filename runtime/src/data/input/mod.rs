//! Bodies → records of a table, in any format. Knows no HTTP.
//!
//! JSON stays text until an attribute's type is known; the binary formats are rewritten as such text record by record
//! ([`binary`]), so that all formats mean the same, are checked by the same rules and keep every digit. Formats with a
//! record on each line are read piece by piece ([`Lines`]), whoever brings the pieces.

mod binary;
mod cbor;
mod csv;
mod error;
mod lines;
mod msgpack;
mod ndjson;

pub use error::BodyError;
pub use lines::{Line, Lines};

use super::format::Format;
use binary::Source;
use stoa_schema::limits::RECORD_BYTES;
use stoa_schema::model::Table;
use stoa_schema::value::json::{self, JsonError};
use stoa_schema::value::{
    Merge, Record, Violation, read_merge, read_record, read_rewritten_merge, read_rewritten_record,
};

/// A body, decoded.
#[derive(Clone, Debug)]
pub struct Body {
    /// What it claims to be.
    pub format: Format,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// What a body holds: records, or what is merged into them.
#[derive(Debug)]
pub enum Records<T = Record> {
    /// A single record.
    One(T),
    /// An array or lines; each is a record or says what is wrong with it.
    Many(Vec<Result<T, BodyError>>),
}

/// Reads the JSON of one record.
type Reading<T> = fn(&Table, &str) -> Result<Result<T, Vec<Violation>>, JsonError>;

/// Reads a body of one record or of many.
///
/// # Errors
/// It is not in its format, or its only record is none of the table.
pub fn records(table: &Table, body: &Body) -> Result<Records, BodyError> {
    match body.format {
        Format::Json => json_records(table, text(&body.bytes)?, read_record),
        Format::Cbor => binary_records(table, cbor::Items::new(&body.bytes), read_rewritten_record),
        Format::MessagePack => binary_records(table, msgpack::Items::new(&body.bytes), read_rewritten_record),
        Format::Ndjson => lines(table, Lines::ndjson(), &body.bytes).map(Records::Many),
        Format::Csv => lines(table, Lines::csv(), &body.bytes).map(Records::Many),
    }
}

/// Reads a body of one record or of many, each to be merged into the one that is there.
///
/// # Errors
/// It is not in its format, has a record on each line, or its only record is none of the table.
pub fn merges(table: &Table, body: &Body) -> Result<Records<Merge>, BodyError> {
    match body.format {
        Format::Json => json_records(table, text(&body.bytes)?, read_merge),
        Format::Cbor => binary_records(table, cbor::Items::new(&body.bytes), read_rewritten_merge),
        Format::MessagePack => binary_records(table, msgpack::Items::new(&body.bytes), read_rewritten_merge),
        Format::Ndjson | Format::Csv => Err(BodyError::syntax("lines cannot be merged; send an array", 0)),
    }
}

/// Reads a body that must be one record.
///
/// # Errors
/// It is not in its format, not one record, or none of the table.
pub fn record(table: &Table, body: &Body) -> Result<Record, BodyError> {
    let one = || BodyError::syntax("one record is expected here", 0);
    if body.format == Format::Json {
        return json_record(table, text(&body.bytes)?, read_record);
    }
    match records(table, body)? {
        Records::One(record) => Ok(record),
        Records::Many(many) if matches!(body.format, Format::Ndjson | Format::Csv) => {
            let [record] = <[_; 1]>::try_from(many).map_err(|_| one())?;
            record
        }
        Records::Many(_) => Err(one()),
    }
}

/// The text of a body.
///
/// # Errors
/// It is not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, BodyError> {
    std::str::from_utf8(bytes).map_err(|error| BodyError::syntax("it is not UTF-8", error.valid_up_to()))
}

fn json_records<T>(table: &Table, body: &str, read: Reading<T>) -> Result<Records<T>, BodyError> {
    if !body.trim_start().starts_with('[') {
        return json_record(table, body, read).map(Records::One);
    }
    let elements = json::elements(body)?.into_iter().map(|element| {
        let position = element.get().as_ptr() as usize - body.as_ptr() as usize;
        json_record(table, element.get(), read).map_err(|error| error.at(position))
    });
    Ok(Records::Many(elements.collect()))
}

fn json_record<T>(table: &Table, text: &str, read: Reading<T>) -> Result<T, BodyError> {
    if text.len() > RECORD_BYTES {
        return Err(BodyError::TooLarge { index: None });
    }
    read(table, text)?.map_err(|violations| BodyError::Invalid { violations, index: None })
}

fn binary_records<'a, T>(
    table: &Table,
    mut source: impl Source<'a>,
    read: Reading<T>,
) -> Result<Records<T>, BodyError> {
    let mut read = |text: &str, position| json_record(table, text, read).map_err(|error| error.at(position));
    match binary::records(&mut source, &mut read)? {
        binary::Items::One(record) => record.map(Records::One),
        binary::Items::Many(records) => Ok(Records::Many(records)),
    }
}

fn lines(table: &Table, mut lines: Lines, body: &[u8]) -> Result<Vec<Result<Record, BodyError>>, BodyError> {
    lines.feed(body);
    lines.end();
    let mut records = Vec::new();
    while let Some(line) = lines.next(table)? {
        records.push(line.record);
    }
    Ok(records)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Body, Records, records};
    use crate::data::format::Format;
    use stoa_schema::sdl::{Source, load};
    use stoa_schema::value::Value;

    fn data(format: Format, body: &[u8]) -> Option<Value> {
        let text = "type T @table { id: ID @primaryKey data: Bytes name: String }".to_owned();
        let schema = load(&[Source { name: "s".into(), text }]).unwrap().schema;
        match records(&schema.tables[0], &Body { format, bytes: body.to_vec() }) {
            Ok(Records::One(record)) => record[1].clone(),
            Ok(Records::Many(_)) => panic!("many"),
            Err(_) => None,
        }
    }

    #[test]
    fn a_byte_string_is_read_as_bytes_and_never_as_text() {
        let bytes = Some(Value::Bytes(vec![0, 255]));
        assert_eq!(data(Format::Cbor, b"\xa1\x64data\x42\x00\xff"), bytes);
        assert_eq!(data(Format::Cbor, b"\xa1\x64data\x5f\x41\x00\x41\xff\xff"), bytes);
        assert_eq!(data(Format::MessagePack, b"\x81\xa4data\xc4\x02\x00\xff"), bytes);
        assert_eq!(data(Format::Cbor, b"\xa1\x64data\x64AP8="), bytes);
        assert_eq!(data(Format::Cbor, b"\xa1\x64name\x42\x00\xff"), None);
    }
}
