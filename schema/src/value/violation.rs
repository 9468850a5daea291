//! What is wrong in a body that is JSON, and where.

use super::number::Misfit;
use super::wanted;
use crate::limits;
use crate::model::{Attribute, Kind};

/// One thing that is wrong in a body that is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The kind of fault, for programs.
    pub code: ViolationCode,
    /// What is wrong, for people.
    pub message: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationCode {
    /// The value has another type than the attribute.
    Type,
    /// The number is beyond the type's range.
    Range,
    /// The text has not the form that the type needs.
    Format,
    /// The attribute may not be null.
    Required,
    /// The type does not declare it.
    UnknownAttribute,
    /// A relation is not stored.
    Relation,
    /// `__op__` where there is nothing to apply it to, or an unknown one.
    Operator,
    /// The id is empty or too long, or there is too much of something.
    Length,
    /// Values nest too deep.
    Depth,
    /// The body's id is not the URL's.
    Mismatch,
    /// The line has more or fewer fields than the header.
    Fields,
    /// `$ref` to an operation that gives no id here.
    Reference,
    /// A member that is not known where it stands.
    UnknownMember,
}

impl ViolationCode {
    /// Its name in problem documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Range => "range",
            Self::Format => "format",
            Self::Required => "required",
            Self::UnknownAttribute => "unknown-attribute",
            Self::Relation => "relation",
            Self::Operator => "operator",
            Self::Length => "length",
            Self::Depth => "depth",
            Self::Mismatch => "mismatch",
            Self::Fields => "fields",
            Self::Reference => "reference",
            Self::UnknownMember => "unknown-member",
        }
    }
}

impl Violation {
    pub(super) fn new(pointer: &str, code: ViolationCode, message: String) -> Self {
        Self { pointer: pointer.to_owned(), code, message }
    }

    pub(super) fn wrong(pointer: &str, attribute: &Attribute, code: impl Into<ViolationCode>) -> Self {
        Self::new(pointer, code.into(), format!("{} must be {}", attribute.name, wanted(attribute)))
    }

    /// A value that is none of the attribute's kind.
    pub(super) fn of_value(pointer: &str, attribute: &Attribute, code: ViolationCode) -> Self {
        match attribute.kind == Kind::Any && code != ViolationCode::Operator {
            true => Self::unkept(pointer, &attribute.name, code),
            false => Self::wrong(pointer, attribute, code),
        }
    }

    /// A value of any kind that has something in it which cannot be stored.
    pub(super) fn unkept(pointer: &str, name: &str, code: ViolationCode) -> Self {
        let reason = match code {
            ViolationCode::Depth => format!("it nests deeper than {}", limits::NESTED_DEPTH),
            ViolationCode::Type => "it has a byte string, or another value that JSON has not".to_owned(),
            _ => "it has a text that is not Unicode".to_owned(),
        };
        Self::new(pointer, code, format!("{name:?} cannot be kept: {reason}"))
    }

    /// A member that the type `owner` does not declare.
    pub(super) fn undeclared(pointer: &str, owner: &str, name: &str, near: Option<&str>) -> Self {
        let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Self::new(pointer, ViolationCode::UnknownAttribute, format!("{owner} has no attribute {name:?}{hint}"))
    }

    /// A required attribute without a value.
    pub fn required(attribute: &Attribute) -> Self {
        Self::new(&pointer(&attribute.name), ViolationCode::Required, format!("{} is required", attribute.name))
    }

    /// A line whose fields are not those of the header.
    pub fn fields(found: usize, named: usize) -> Self {
        let message = format!("the line has {found} fields, the header names {named}");
        Self::new("", ViolationCode::Fields, message)
    }

    /// A body that gives an id to all records that a query meets.
    pub fn common_key(key: &Attribute) -> Self {
        let message = format!("{} stays as it is: leave it out of a body for many records", key.name);
        Self::new(&pointer(&key.name), ViolationCode::Mismatch, message)
    }

    /// A body whose id is not the one in the URL.
    pub fn mismatch(key: &Attribute) -> Self {
        let message = format!("{} differs from the one in the URL", key.name);
        Self::new(&pointer(&key.name), ViolationCode::Mismatch, message)
    }
}

impl From<Misfit> for ViolationCode {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Type => ViolationCode::Type,
            Misfit::Range => ViolationCode::Range,
        }
    }
}

/// The JSON Pointer of a member (RFC 6901 §3: `~` and `/` are escaped).
pub fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
