//! Bodies with a record on each line, read as their pieces come in. A piece may end anywhere, in the middle of a
//! character too; what is kept between two pieces is the line that has not ended, hence at most one record.

use super::csv::Csv;
use super::error::BodyError;
use super::ndjson::Ndjson;
use stoa_schema::model::Table;
use stoa_schema::value::Record;

/// One record.
#[derive(Debug)]
pub struct Line {
    /// The line on which it begins, from 1; the header of CSV counts.
    pub number: u64,
    /// Its values, or what is wrong with it: the lines after it can be read all the same.
    pub record: Result<Record, BodyError>,
}

/// A body that comes in pieces.
pub struct Lines {
    syntax: Syntax,
}

enum Syntax {
    Ndjson(Ndjson),
    Csv(Csv),
}

impl Lines {
    /// A body of JSON values, one on each line. Empty lines are passed over.
    pub fn ndjson() -> Self {
        Self { syntax: Syntax::Ndjson(Ndjson::default()) }
    }

    /// A body of CSV (RFC 4180) with a header. Empty lines are passed over.
    pub fn csv() -> Self {
        Self { syntax: Syntax::Csv(Csv::default()) }
    }

    /// Takes the next piece of the body.
    pub fn feed(&mut self, piece: &[u8]) {
        match &mut self.syntax {
            Syntax::Ndjson(lines) => lines.feed(piece),
            Syntax::Csv(lines) => lines.feed(piece),
        }
    }

    /// Says that no piece follows.
    pub fn end(&mut self) {
        match &mut self.syntax {
            Syntax::Ndjson(lines) => lines.end(),
            Syntax::Csv(lines) => lines.end(),
        }
    }

    /// The next record; `None` if it needs another piece, or, after [`Lines::end`], if there is none.
    ///
    /// # Errors
    /// Nothing of the body can be read: its header is wrong.
    pub fn next(&mut self, table: &Table) -> Result<Option<Line>, BodyError> {
        match &mut self.syntax {
            Syntax::Ndjson(lines) => Ok(lines.next(table)),
            Syntax::Csv(lines) => lines.next(table),
        }
    }
}
