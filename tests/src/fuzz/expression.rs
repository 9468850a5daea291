//! The expressions of rules and computed attributes.

use super::{database, schema, text};
use rusqlite::Connection;
use rusqlite::types::Value;
use stoa_schema::expression::{Expression, ExpressionError, Reach, Type};
use stoa_schema::model::{AttributeId, Table, TableId};
use stoa_sync::expression::expression as sql;
use stoa_sync::ident::REVISION;
use stoa_sync::row::Row;

thread_local! {
    static DATABASE: Connection = {
        let connection = database::open(schema());
        connection.execute_batch(&ROWS.replace(":rev", REVISION)).unwrap_or_else(|error| panic!("{error}"));
        connection
    };
}

/// A row of nulls, one of ordinary values, two of the greatest and least; `:rev` is the column of revisions.
const ROWS: &str = r#"
INSERT INTO "Item"("id",:rev) VALUES('nulls',1);
INSERT INTO "Owner"("id","limit","sort",:rev) VALUES(7,-1,'x',1);
INSERT INTO "Item"("id","name","count","big","price","done","day","tags","flags","counts","prices","ownerId",:rev)
  VALUES('plain','it''s',3,12,2.5,1,'2024-08-15','["a","",null]','[true]','[1,2]','[0.5]',7,1),
  ('most','',1073741823,9223372036854775807,1.7e308,1,'9999-12-31T23:59:59.999Z','[]','[]','[]','[]',8,1),
  ('least','a' || char(0) || 'b',-1073741824,-9223372036854775808,-1.7e308,0,'','[]','[]','[]','[]',8,1);"#;

/// An expression is refused at a place inside it, or gives a value of its type on every row.
pub fn expression(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let tables: Vec<&Table> = schema().tables.iter().collect();
    for reach in [Reach::Row, Reach::Related] {
        match Expression::parse(&tables, TableId(0), text, reach) {
            Ok(parsed) => gives_its_type(&parsed),
            Err(error) => points_inside(&error, text),
        }
    }
    for at in 0..tables[0].attributes.len() {
        if let Err(error) = Expression::computed(&tables, TableId(0), AttributeId(at), text) {
            points_inside(&error, text);
        }
    }
}

fn points_inside(error: &ExpressionError, text: &str) {
    assert!(text.is_char_boundary(error.position), "{error:?}");
    assert!((1..=text.chars().count() + 1).contains(&error.column(text)), "{error:?}");
}

fn gives_its_type(parsed: &Expression) {
    let written = sql(schema(), parsed, Row::Alias("t1"));
    DATABASE.with(|database| {
        let statement = database.prepare(&format!("SELECT ({written}) FROM \"Item\" AS t1"));
        let mut statement = statement.unwrap_or_else(|error| panic!("{error}: {written}"));
        let mut rows = statement.query([]).expect("no parameters");
        while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{error}: {written}")) {
            let value: Value = row.get_unwrap(0);
            assert!(fits(&value, parsed.kind), "{value:?} is no {:?}: {written}", parsed.kind);
        }
    });
}

fn fits(value: &Value, kind: Type) -> bool {
    match (value, kind) {
        (Value::Null, _) => true,
        (Value::Integer(flag), Type::Boolean) => matches!(flag, 0 | 1),
        (Value::Integer(_) | Value::Real(_), Type::Integer | Type::Float) => true,
        (Value::Text(_), Type::Text) => true,
        _ => false,
    }
}
