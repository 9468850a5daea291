//! The JSON of one value → the value, as its attribute's type stores it.

use super::number::{self, Misfit};
use super::violation::ViolationCode;
use super::{Value, any, big_integer, bytes, is_date, json, stored_text};
use crate::model::{Attribute, Kind};
use serde_json::value::RawValue;

/// One value of the attribute's kind; `null` only where it stands inside a list.
pub(super) fn scalar(attribute: &Attribute, raw: &RawValue) -> Result<Value, ViolationCode> {
    let text = raw.get();
    if text.starts_with('{') && operator(raw) {
        return Err(ViolationCode::Operator);
    }
    match &attribute.kind {
        _ if text == "null" => Ok(Value::Null),
        Kind::Id | Kind::String => {
            json::string(raw).map(|it| Value::Text(stored_text(&attribute.kind, it))).ok_or(ViolationCode::Type)
        }
        Kind::Date => {
            let text = json::string(raw).ok_or(ViolationCode::Type)?;
            if is_date(&text) { Ok(Value::Text(stored_text(&Kind::Date, text))) } else { Err(ViolationCode::Format) }
        }
        Kind::Int => number::integer32(text).map(Value::Int).map_err(Misfit::into),
        Kind::Long => number::integer(text).map(Value::Int).map_err(Misfit::into),
        Kind::Float => number::double(text).map(Value::Float).map_err(Misfit::into),
        Kind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(ViolationCode::Type),
        },
        // Also as a text: many JSON libraries cannot write the number, and binary formats have none so large.
        Kind::BigInt => match json::string(raw) {
            Some(digits) => big_integer::stored(&digits),
            None => big_integer::stored(text),
        }
        .map(Value::Text)
        .map_err(Misfit::into),
        Kind::Bytes => {
            let text = match bytes::marked(raw) {
                Some(base64) => base64.to_owned(),
                None => json::string(raw).ok_or(ViolationCode::Type)?,
            };
            bytes::from_base64(&text).map(Value::Bytes).ok_or(ViolationCode::Format)
        }
        Kind::Any => any::canonical(raw).map(Value::Json),
        Kind::Nested(_) => Err(ViolationCode::Type),
    }
}

pub(super) fn operator(raw: &RawValue) -> bool {
    json::members(raw.get()).is_ok_and(|members| members.iter().any(|(name, _)| name == "__op__"))
}
