//! What a body of an open table says beside the declared attributes. Null is absence: it is not kept.

use super::any;
use super::scalar::operator;
use super::violation::{Violation, ViolationCode, pointer};
use super::{Change, Value};
use crate::limits;
use serde_json::value::RawValue;

/// The undeclared attributes of a body: name and canonical JSON, `None` for null.
#[derive(Default)]
pub(super) struct Undeclared(Vec<(String, Option<String>)>);

impl Undeclared {
    pub(super) fn take(&mut self, name: &str, raw: &RawValue) -> Result<(), Violation> {
        let refuse = |code, message| Err(Violation::new(&pointer(name), code, message));
        if !can_be_name(name) {
            let message = format!(
                "{name:?} cannot name an attribute: up to {} bytes without quotes, backslashes and control characters can",
                limits::UNDECLARED_NAME_BYTES
            );
            return refuse(ViolationCode::UnknownAttribute, message);
        }
        if self.0.len() == limits::UNDECLARED_ATTRIBUTES {
            let message = format!("more than {} undeclared attributes", limits::UNDECLARED_ATTRIBUTES);
            return refuse(ViolationCode::Length, message);
        }
        if raw.get().starts_with('{') && operator(raw) {
            return refuse(ViolationCode::Operator, format!("{name}: __op__ works on declared attributes"));
        }
        match any::canonical(raw) {
            Ok(text) => self.0.push((name.to_owned(), Some(text).filter(|text| text != "null"))),
            Err(code) => return Err(Violation::unkept(&pointer(name), name, code)),
        }
        Ok(())
    }

    /// All of it as one object; null if there is nothing.
    pub(super) fn value(self) -> Value {
        object(&self.0)
    }

    /// The change that it makes to what is stored; `None` if it says nothing.
    pub(super) fn change(self) -> Option<Change> {
        if self.0.is_empty() { None } else { Some(Change::Merge(self.0)) }
    }
}

/// Undeclared attributes as one object; null if there is none.
pub(super) fn object(members: &[(String, Option<String>)]) -> Value {
    let members = members.iter().filter_map(|(name, text)| {
        let name = serde_json::Value::from(name.as_str());
        Some(format!("{name}:{}", text.as_deref()?))
    });
    let members: Vec<String> = members.collect();
    if members.is_empty() { Value::Null } else { Value::Json(format!("{{{}}}", members.join(","))) }
}

/// Such a name stands in JSON as it is and can be quoted in a path (`$."name"`) of every SQLite.
fn can_be_name(name: &str) -> bool {
    let plain = |char: char| !char.is_control() && char != '"' && char != '\\';
    !name.is_empty() && name.len() <= limits::UNDECLARED_NAME_BYTES && name.chars().all(plain)
}
