//! CSV (RFC 4180): the header names attributes, each line holds their values as text. An empty field is null, `""` an
//! empty text.

use super::error::BodyError;
use super::lines::Line;
use csv_core::{ReadFieldResult, Reader};
use stoa_schema::limits::RECORD_BYTES;
use stoa_schema::model::{AttributeId, Table};
use stoa_schema::value::{Record, Violation, read_columns, read_fields};

const BYTE_ORDER_MARK_BYTES: usize = 3;

pub(super) struct Csv {
    reader: Reader,
    buffer: Vec<u8>,
    /// Up to where the buffer is read.
    read: usize,
    /// Bytes of the body before the buffer.
    before: usize,
    /// Line ends so far.
    lines: u64,
    /// Whether the reader has seen something.
    begun: bool,
    ended: bool,
    columns: Option<Vec<AttributeId>>,
    row: Row,
}

/// The line that is being read.
#[derive(Default)]
struct Row {
    /// The line and the byte where it begins; `None` between two.
    begin: Option<(u64, usize)>,
    /// Its fields, one after the other.
    text: Vec<u8>,
    /// Where each of them ends, and whether it is null.
    fields: Vec<(usize, bool)>,
    /// Quotes in the field that is being read.
    quotes: usize,
    /// It is too long: its text is not kept.
    cut: bool,
    /// A quoted field has no end.
    unclosed: bool,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            reader: Reader::new(),
            buffer: Vec::new(),
            read: 0,
            before: 0,
            lines: 0,
            begun: false,
            ended: false,
            columns: None,
            row: Row::default(),
        }
    }
}

impl Csv {
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.before += self.read;
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(piece);
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn next(&mut self, table: &Table) -> Result<Option<Line>, BodyError> {
        while let Some(row) = self.row() {
            match &self.columns {
                None => self.columns = Some(row.columns(table)?),
                Some(columns) => return Ok(Some(row.line(table, columns))),
            }
        }
        Ok(None)
    }

    /// The next line, if it ends in what is there.
    fn row(&mut self) -> Option<Row> {
        loop {
            if self.row.begin.is_none() {
                self.skip_line_ends();
            }
            let input = &self.buffer[self.read..];
            // The reader drops a byte order mark, if the first that it sees is all of it and a byte behind it.
            if !self.begun && input.len() <= BYTE_ORDER_MARK_BYTES && !self.ended {
                return None;
            }
            self.begun = true;
            if input.is_empty() && (!self.ended || self.row.begin.is_none()) {
                return None;
            }
            self.row.begin.get_or_insert((self.lines + 1, self.before + self.read));
            let mut piece = [0; 512];
            let (result, read, written) = self.reader.read_field(input, &mut piece);
            self.row.quotes += memchr::memchr_iter(b'"', &input[..read]).count();
            self.lines += memchr::memchr_iter(b'\n', &input[..read]).count() as u64;
            self.read += read;
            self.row.push(&piece[..written]);
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    self.row.end_field(read == 0 && self.ended);
                    if record_end {
                        return Some(std::mem::take(&mut self.row));
                    }
                }
                ReadFieldResult::End => return Some(std::mem::take(&mut self.row)),
            }
        }
    }

    fn skip_line_ends(&mut self) {
        let ends = self.buffer[self.read..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let skipped = &self.buffer[self.read..self.read + ends];
        self.lines += memchr::memchr_iter(b'\n', skipped).count() as u64;
        self.read += ends;
    }
}

impl Row {
    fn push(&mut self, piece: &[u8]) {
        if self.text.len() + piece.len() > RECORD_BYTES {
            self.cut = true;
            self.text = Vec::new();
            self.fields.clear();
        }
        if !self.cut {
            self.text.extend_from_slice(piece);
        }
    }

    /// Of an empty field, only its quotes say that it is a text.
    fn end_field(&mut self, at_end_of_body: bool) {
        let quotes = std::mem::take(&mut self.quotes);
        self.unclosed |= at_end_of_body && quotes % 2 == 1;
        if !self.cut {
            let begin = self.fields.last().map_or(0, |(end, _)| *end);
            self.fields.push((self.text.len(), begin == self.text.len() && quotes == 0));
        }
    }

    fn values(&self) -> Result<Vec<Option<&str>>, BodyError> {
        let (_, position) = self.begin.unwrap_or_default();
        if self.cut {
            return Err(BodyError::TooLarge { index: None });
        }
        if self.unclosed {
            return Err(BodyError::syntax("a field in quotes does not end", position));
        }
        let mut begin = 0;
        let fields = self.fields.iter().map(|(end, null)| {
            let bytes = &self.text[std::mem::replace(&mut begin, *end)..*end];
            let text = std::str::from_utf8(bytes).map_err(|_| BodyError::syntax("a field is not UTF-8", position))?;
            Ok((!null).then_some(text))
        });
        fields.collect()
    }

    fn columns(&self, table: &Table) -> Result<Vec<AttributeId>, BodyError> {
        let names: Vec<&str> = self.values()?.into_iter().map(Option::unwrap_or_default).collect();
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(BodyError::syntax(format!("the name {:?} stands twice in the header", twice.1), 0));
        }
        read_columns(table, &names).map_err(BodyError::invalid)
    }

    fn line(&self, table: &Table, columns: &[AttributeId]) -> Line {
        Line { number: self.begin.unwrap_or_default().0, record: self.record(table, columns) }
    }

    fn record(&self, table: &Table, columns: &[AttributeId]) -> Result<Record, BodyError> {
        let values = self.values()?;
        if values.len() != columns.len() {
            return Err(BodyError::invalid(vec![Violation::fields(values.len(), columns.len())]));
        }
        read_fields(table, columns, &values).map_err(BodyError::invalid)
    }
}
