//! Query strings.

use super::{database, schema, tables, text, written};
use rusqlite::Connection;
use stoa_schema::model::TableId;
use stoa_schema::query::{Query, QueryError, RecordQuery};

thread_local! {
    static DATABASE: Connection = database::open(schema());
}

/// A query string is refused at a place inside it, or means the same when it is written anew, has the page that
/// [`Query::without_page`] promises, and becomes SQL that can be run.
pub fn query(input: &[u8]) {
    let Some(raw) = text(input) else { return };
    for table in tables() {
        match Query::parse(schema(), table, raw) {
            Ok(query) => {
                is_written_anew(table, &query);
                has_pages(table, &query);
                DATABASE.with(|database| database::prepares(database, &query, None));
            }
            Err(error) => points_inside(&error, raw),
        }
        if let Err(error) = RecordQuery::parse(schema(), table, raw) {
            points_inside(&error, raw);
        }
    }
}

fn points_inside(error: &QueryError, raw: &str) {
    match error {
        QueryError::Syntax { position, .. } | QueryError::UnknownAttribute { position, .. } => {
            assert!(raw.is_char_boundary(*position), "{error} at {position}");
        }
        QueryError::UnknownZone(_) => {}
    }
}

fn parsed(table: TableId, raw: &str) -> Query {
    Query::parse(schema(), table, raw).unwrap_or_else(|error| panic!("{raw:?} is refused: {error:?}"))
}

fn is_written_anew(table: TableId, query: &Query) {
    let raw = written::query(schema(), query);
    let again = parsed(table, &raw);
    assert_eq!(written::simple(&again.filter), written::simple(&query.filter), "{raw}");
    assert_eq!(again.sort, query.sort, "{raw}");
}

fn has_pages(table: TableId, query: &Query) {
    let again = parsed(table, &query.without_page);
    assert_eq!((again.limit, again.offset, &again.after), (None, 0, &None), "{}", query.without_page);
    assert_eq!(again.filter, query.filter, "{}", query.without_page);
    assert_eq!(again.sort, query.sort, "{}", query.without_page);
    assert_eq!(again.select, query.select, "{}", query.without_page);
    assert_eq!(again.without_page, query.without_page);
}
