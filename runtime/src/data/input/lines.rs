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
    Csv(Box<Csv>),
}

impl Lines {
    /// A body of JSON values, one on each line. Empty lines are passed over.
    pub fn ndjson() -> Self {
        Self { syntax: Syntax::Ndjson(Ndjson::default()) }
    }

    /// A body of CSV (RFC 4180) with a header. Empty lines are passed over.
    pub fn csv() -> Self {
        Self { syntax: Syntax::Csv(Box::default()) }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{BodyError, Lines};
    use stoa_schema::model::Schema;
    use stoa_schema::sdl::{Source, load};
    use stoa_schema::value::Value;

    fn schema() -> Schema {
        let text = "type Item @table @export { id: ID @primaryKey name: String count: Int }".to_owned();
        load(&[Source { name: "schema.graphql".into(), text }]).unwrap().schema
    }

    /// The lines as texts, whatever pieces they come in.
    fn read(mut lines: Lines, body: &[u8], piece: usize) -> Vec<String> {
        let (schema, mut shown) = (schema(), Vec::new());
        let table = schema.table(schema.named("Item").unwrap());
        let mut pieces = body.chunks(piece);
        let mut ended = false;
        while !ended {
            match pieces.next() {
                Some(piece) => lines.feed(piece),
                None => {
                    lines.end();
                    ended = true;
                }
            }
            while let Some(line) = lines.next(table).unwrap() {
                let record = match line.record {
                    Ok(record) => format!("{:?}", record.into_iter().map(shown_value).collect::<Vec<_>>()),
                    Err(BodyError::Syntax { position, .. }) => format!("syntax at {position}"),
                    Err(BodyError::TooLarge { .. }) => "too large".to_owned(),
                    Err(BodyError::Invalid { violations, .. }) => violations[0].code.name().to_owned(),
                };
                shown.push(format!("{} {record}", line.number));
            }
        }
        shown
    }

    fn shown_value(value: Option<Value>) -> String {
        match value {
            None => "-".to_owned(),
            Some(Value::Text(text)) => text,
            Some(Value::Int(number)) => number.to_string(),
            Some(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn csv_is_the_same_in_pieces_of_any_size() {
        let body =
            "\u{feff}id,name,count\r\na,\"two\nlines, é\"\"\",1\r\n\r\nb,\"\",\nc,d\ne,f,x\n\"g\",,\"7\"".as_bytes();
        let expected = [
            r#"2 ["a", "two\nlines, é\"", "1"]"#,
            r#"5 ["b", "", "Null"]"#,
            "6 fields",
            "7 type",
            r#"8 ["g", "Null", "7"]"#,
        ];
        for piece in 1..=body.len() {
            assert_eq!(read(Lines::csv(), body, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn ndjson_is_the_same_in_pieces_of_any_size() {
        let body = "{\"id\":\"a\",\"name\":\"é\"}\r\n\n  \n{\"id\":\n{\"id\":\"b\"}".as_bytes();
        let expected = [r#"1 ["a", "é", "-"]"#, "4 syntax at 34", r#"5 ["b", "-", "-"]"#];
        for piece in 1..=body.len() {
            assert_eq!(read(Lines::ndjson(), body, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept() {
        let long = "x".repeat(3 << 20);
        let ndjson = format!("{{\"id\":\"{long}\"}}\n{{\"id\":\"b\"}}\n");
        let csv = format!("id,name,count\n{long},,\nb,,\n");
        for piece in [1_000, 64 << 10, 8 << 20] {
            assert_eq!(read(Lines::ndjson(), ndjson.as_bytes(), piece), ["1 too large", r#"2 ["b", "-", "-"]"#]);
            assert_eq!(read(Lines::csv(), csv.as_bytes(), piece), ["2 too large", r#"3 ["b", "Null", "Null"]"#]);
        }
    }

    #[test]
    fn a_quote_without_end_is_told() {
        assert_eq!(read(Lines::csv(), b"id,name\na,\"b\n", 5), ["2 syntax at 8"]);
    }
}
