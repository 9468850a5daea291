//! Cursors: where the next page of a query begins, signed, so that only what this database gave out is taken back.
//!
//! A cursor is base64url of a MAC (HMAC-SHA-256, cut to 16 bytes, RFC 2104 §5) and of the keys of the last record shown, as
//! JSON. The MAC covers the query too: a cursor made for another one is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value as Json;
use sha2::Sha256;
use stoa_schema::model::Table;
use stoa_schema::query::Query;
use stoa_schema::value::Value;

const MAC_BYTES: usize = 16;

/// The cursor of the page after the record with these keys.
pub fn write(secret: &[u8], table: &Table, query: &Query, keys: &[Value]) -> String {
    let keys = Json::Array(keys.iter().map(to_json).collect()).to_string();
    let mut token = sign(secret, table, query, &keys);
    token.extend_from_slice(keys.as_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

/// The keys in a cursor; `None` if it was not given out for this query.
pub fn read(secret: &[u8], table: &Table, query: &Query, cursor: &str) -> Option<Vec<Value>> {
    let token = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (mac, keys) = token.split_at_checked(MAC_BYTES)?;
    let keys = std::str::from_utf8(keys).ok()?;
    signature(secret, table, query, keys).verify_truncated_left(mac).ok()?;
    let Json::Array(keys) = serde_json::from_str(keys).ok()? else { return None };
    keys.into_iter().map(from_json).collect()
}

fn sign(secret: &[u8], table: &Table, query: &Query, keys: &str) -> Vec<u8> {
    signature(secret, table, query, keys).finalize().into_bytes()[..MAC_BYTES].to_vec()
}

/// What is shown and how many at a time may differ from page to page; which records and in which order may not.
fn signature(secret: &[u8], table: &Table, query: &Query, keys: &str) -> Hmac<Sha256> {
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    };
    mac.update(format!("{}\n{:?}\n{:?}\n", table.name, query.filter, query.sort).as_bytes());
    mac.update(keys.as_bytes());
    mac
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::from(i64::from(*flag)),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Text(text) | Value::List(text) | Value::Json(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::Array(vec![URL_SAFE_NO_PAD.encode(bytes).into()]),
    }
}

fn from_json(json: Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Null),
        Json::Number(number) => number.as_i64().map(Value::Int).or(number.as_f64().map(Value::Float)),
        Json::String(text) => Some(Value::Text(text)),
        // Bytes stand in brackets, apart from texts.
        Json::Array(bytes) => URL_SAFE_NO_PAD.decode(bytes.first()?.as_str()?).ok().map(Value::Bytes),
        Json::Bool(_) | Json::Object(_) => None,
    }
}
