//! Cursors.

use super::{database, schema};
use rusqlite::Connection;
use std::sync::LazyLock;
use stoa_runtime::data::cursor;
use stoa_schema::model::{Table, TableId};
use stoa_schema::query::Query;
use stoa_schema::value::Value;

const SECRET: &[u8] = b"a secret of this database";

/// No two of these may take each other's cursors.
static QUERIES: LazyLock<Vec<Query>> = LazyLock::new(|| {
    let queries = [
        (0, ""),
        (0, "sort=name"),
        (0, "sort=-name"),
        (0, "sort=name,price"),
        (0, "name=a"),
        (0, "name=a&sort=owner.sort"),
        (0, "name=b&sort=owner.sort"),
        (0, "name!=a"),
        (0, "home.city=a"),
        (0, "home.geo.lat=1"),
        (1, ""),
        (1, "items.name=a"),
        (2, ""),
        (3, ""),
    ];
    let parsed = queries.map(|(table, raw)| Query::parse(schema(), TableId(table), raw));
    parsed.into_iter().map(|query| query.expect("a query")).collect()
});

thread_local! {
    static DATABASE: Connection = database::open(schema());
}

/// A cursor gives back its keys to the query that it was made for, and nothing to another; one that was changed, or made
/// by somebody else, gives nothing to any.
pub fn cursor(input: &[u8]) {
    let mut input = Bytes(input);
    let query = &QUERIES[usize::from(input.byte()) % QUERIES.len()];
    let change = (input.byte(), input.byte(), input.byte());
    if let Ok(text) = std::str::from_utf8(input.0) {
        assert!(QUERIES.iter().all(|query| read(query, text).is_none()), "made by somebody else");
    }
    let keys = input.keys();
    let token = cursor::write(SECRET, table(query), query, &keys);
    let found = read(query, &token).unwrap_or_else(|| panic!("{keys:?} are lost in {token}"));
    assert_eq!(found, keys);
    DATABASE.with(|database| database::prepares(database, query, Some(&found)));
    let others = QUERIES.iter().filter(|other| !std::ptr::eq(*other, query));
    others.for_each(|other| assert!(read(other, &token).is_none(), "{:?} takes it", other.without_page));
    assert!(cursor::read(b"another", table(query), query, &token).is_none());
    let changed = changed(&token, change);
    assert!(changed == token || read(query, &changed).is_none(), "{changed} instead of {token}");
}

fn table(query: &Query) -> &'static Table {
    schema().table(query.table)
}

fn read(query: &Query, token: &str) -> Option<Vec<Value>> {
    cursor::read(SECRET, table(query), query, token)
}

/// The token with a character replaced, put in or taken out, or cut short.
fn changed(token: &str, (how, at, new): (u8, u8, u8)) -> String {
    let mut chars: Vec<char> = token.chars().collect();
    let at = usize::from(at) * chars.len() / 256;
    match how % 4 {
        0 => chars[at] = char::from(new),
        1 => chars.insert(at, char::from(new)),
        2 => _ = chars.remove(at),
        _ => chars.truncate(at),
    }
    chars.into_iter().collect()
}

/// The rest of an input.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn keys(&mut self) -> Vec<Value> {
        let mut keys = Vec::new();
        while !self.0.is_empty() && keys.len() < 5 {
            keys.push(self.key());
        }
        keys
    }

    /// A value as a row shows it, where truth is a number and JSON a text.
    fn key(&mut self) -> Value {
        match self.byte() % 5 {
            0 => Value::Null,
            1 => Value::Int(self.number().cast_signed()),
            2 => Value::Float(Some(f64::from_bits(self.number())).filter(|it| it.is_finite()).unwrap_or_default()),
            3 => {
                let length = usize::from(self.byte());
                Value::Text(String::from_utf8_lossy(self.take(length)).into_owned())
            }
            _ => {
                let length = usize::from(self.byte());
                Value::Bytes(self.take(length).to_vec())
            }
        }
    }
}
