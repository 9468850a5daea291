//! NDJSON: a JSON value on each line.

use super::error::BodyError;
use super::lines::Line;
use stoa_schema::limits::RECORD_BYTES;
use stoa_schema::model::Table;
use stoa_schema::value::{Record, read_record};

#[derive(Default)]
pub(super) struct Ndjson {
    buffer: Vec<u8>,
    /// Where the line that is read next begins in the buffer.
    begin: usize,
    /// Up to where the buffer is known to hold no end of it.
    searched: usize,
    /// Bytes of the body before the buffer.
    before: usize,
    lines: u64,
    ended: bool,
    /// The line is too long to be kept: its beginning is gone.
    cut: bool,
}

impl Ndjson {
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.before += self.begin;
        self.buffer.drain(..self.begin);
        self.searched -= self.begin;
        self.begin = 0;
        self.buffer.extend_from_slice(piece);
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn next(&mut self, table: &Table) -> Option<Line> {
        while let Some(end) = self.line_end() {
            let begin = std::mem::replace(&mut self.begin, (end + 1).min(self.buffer.len()));
            self.searched = self.begin;
            self.lines += 1;
            let line = &self.buffer[begin..end];
            let cut = std::mem::take(&mut self.cut);
            if cut || !line.trim_ascii().is_empty() {
                let record = if cut { Err(BodyError::TooLarge { index: None }) } else { read(table, line) };
                let begin = self.before + begin;
                return Some(Line { number: self.lines, record: record.map_err(|error| error.after(begin)) });
            }
        }
        None
    }

    /// Where the line ends, if it ends in what is there.
    fn line_end(&mut self) -> Option<usize> {
        if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            return Some(self.searched + found);
        }
        self.searched = self.buffer.len();
        if self.ended {
            return (self.begin < self.buffer.len() || self.cut).then_some(self.buffer.len());
        }
        if self.searched - self.begin > RECORD_BYTES {
            self.cut = true;
            self.begin = self.searched;
        }
        None
    }
}

fn read(table: &Table, line: &[u8]) -> Result<Record, BodyError> {
    super::json_record(table, super::text(line)?, read_record)
}
