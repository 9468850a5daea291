//! The types of checked parts, and what becomes of text literals that meet attributes which keep instants.

use super::error::ExpressionError;
use super::{Function, Node, Type};
use crate::model::{Attribute, Kind};
use crate::time::Written;
use crate::value::stored_text;

/// A part whose names are resolved and whose operators fit.
pub(super) struct Checked {
    pub(super) node: Node,
    pub(super) found: Found,
    pub(super) position: usize,
}

/// What was found: a type, and of a text where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Null,
    Boolean,
    Integer,
    Float,
    Text(Origin),
}

/// Where a text comes from, which decides how a literal beside it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Literals alone; whether all of them are dates.
    Literal { dates: bool },
    /// From an `ID`, or made by an operator: never an instant in stored form.
    Plain,
    /// From a `String`, which keeps instants in stored form.
    Instants,
    /// From a `Date`.
    Dates,
}

impl Found {
    /// The type of an attribute's value, or of its elements. `None`: expressions cannot see into it.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Int | Kind::Long => Some(Self::Integer),
            Kind::Float => Some(Self::Float),
            Kind::Boolean => Some(Self::Boolean),
            Kind::Id => Some(Self::Text(Origin::Plain)),
            Kind::String => Some(Self::Text(Origin::Instants)),
            Kind::Date => Some(Self::Text(Origin::Dates)),
            Kind::BigInt | Kind::Bytes | Kind::Any | Kind::Nested(_) => None,
        }
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Boolean => Type::Boolean,
            Self::Integer => Type::Integer,
            Self::Float => Type::Float,
            Self::Text(_) => Type::Text,
        }
    }

    pub(super) fn literal(text: &str) -> Self {
        Self::Text(Origin::Literal { dates: is_date(text) })
    }

    /// In words, after "found".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer | Self::Float => "a number",
            Self::Text(_) => "a text",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The type that holds values of both.
    pub(super) fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Null, found) | (found, Self::Null) => Some(found),
            (Self::Integer | Self::Float, Self::Float) | (Self::Float, Self::Integer) => Some(Self::Float),
            (Self::Text(origin), Self::Text(other)) => Some(Self::Text(origin.with(other))),
            (found, other) if found == other => Some(found),
            (Self::Boolean | Self::Integer | Self::Float | Self::Text(_), _) => None,
        }
    }
}

impl Origin {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Literal { dates }, Self::Literal { dates: other }) => Self::Literal { dates: dates && other },
            (Self::Literal { dates: true }, Self::Dates) | (Self::Dates, Self::Literal { dates: true }) => Self::Dates,
            (Self::Literal { .. }, Self::Plain) | (Self::Plain, Self::Literal { .. }) => Self::Plain,
            (origin, other) if origin == other => origin,
            (Self::Literal { .. } | Self::Plain | Self::Instants | Self::Dates, _) => Self::Instants,
        }
    }

    fn keeps_instants(self) -> bool {
        matches!(self, Self::Instants | Self::Dates)
    }
}

impl Checked {
    pub(super) fn refuse(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.position, message)
    }

    fn expected(&self, wanted: &str) -> ExpressionError {
        self.refuse(format!("expected {wanted}, found {}", self.found.name()))
    }

    pub(super) fn expect_boolean(&self) -> Result<(), ExpressionError> {
        if self.found == Found::Boolean { Ok(()) } else { Err(self.expected("a condition")) }
    }

    pub(super) fn expect_number(&self) -> Result<(), ExpressionError> {
        if self.found.is_number() { Ok(()) } else { Err(self.expected("a number")) }
    }

    pub(super) fn expect_integer(&self) -> Result<(), ExpressionError> {
        match self.found {
            Found::Integer => Ok(()),
            Found::Float => Err(self.refuse("expected an integer, found a Float").hint("write round(…)")),
            Found::Null | Found::Boolean | Found::Text(_) => Err(self.expected("an integer")),
        }
    }

    pub(super) fn expect_text(&self) -> Result<(), ExpressionError> {
        if self.found.is_text() { Ok(()) } else { Err(self.expected("a text")) }
    }

    /// Refuses what is always null, where that makes the whole null.
    pub(super) fn expect_value(&self) -> Result<(), ExpressionError> {
        match self.found {
            Found::Null => Err(self.refuse("null makes the whole null here").hint("write `is null` or `is not null`")),
            Found::Boolean | Found::Integer | Found::Float | Found::Text(_) => Ok(()),
        }
    }

    /// The value as this attribute stores it.
    pub(super) fn stored_in(mut self, attribute: &Attribute) -> Result<Self, ExpressionError> {
        let kind = &attribute.kind;
        let fits = match (kind, self.found) {
            (Kind::Id | Kind::String, Found::Text(_)) => true,
            (Kind::Date, Found::Text(origin)) => matches!(origin, Origin::Dates | Origin::Literal { dates: true }),
            (Kind::Int | Kind::Long, Found::Integer) | (Kind::Boolean, Found::Boolean) => true,
            (Kind::Float, found) => found.is_number(),
            _ => false,
        };
        if attribute.list || !fits {
            let (open, close) = if attribute.list { ("[", "]") } else { ("", "") };
            let message =
                format!("`{}` is {open}{}{close}, but this is {}", attribute.name, kind.name(), self.found.name());
            let error = ExpressionError::new(0, message);
            return Err(match (kind, self.found) {
                (Kind::Int | Kind::Long, Found::Float) if !attribute.list => {
                    error.hint("write round(…), or declare Float")
                }
                _ => error,
            });
        }
        if matches!(kind, Kind::String | Kind::Date) {
            store_instants(&mut self.node);
        }
        Ok(self)
    }
}

/// The type of parts of which one becomes the value, their literals stored alike.
pub(super) fn unite(parts: &mut [Checked]) -> Result<Found, ExpressionError> {
    let mut united = Found::Null;
    for part in parts.iter() {
        united = united.with(part.found).ok_or_else(|| {
            part.refuse(format!("this is {}, what stands before it {}", part.found.name(), united.name()))
        })?;
    }
    store_alike(parts, united);
    Ok(united)
}

/// Makes parts comparable: of one type, none always null, literals in the form of what they are compared with.
pub(super) fn make_comparable(parts: &mut [Checked]) -> Result<Found, ExpressionError> {
    let mut united = Found::Null;
    for part in parts.iter() {
        part.expect_value()?;
        united = united
            .with(part.found)
            .ok_or_else(|| part.refuse(format!("{} cannot be compared with {}", united.name(), part.found.name())))?;
    }
    if parts.iter().any(|part| part.found == Found::Text(Origin::Dates)) {
        refuse_no_dates(parts)?;
    }
    store_alike(parts, united);
    Ok(united)
}

fn refuse_no_dates(parts: &[Checked]) -> Result<(), ExpressionError> {
    match parts.iter().find(|part| part.found == Found::Text(Origin::Literal { dates: false })) {
        Some(part) => Err(part
            .refuse("a Date is compared with a text that is no date")
            .hint("write for example '2024-08-15' or '2024-08-15T10:30:00-04:00'")),
        None => Ok(()),
    }
}

fn store_alike(parts: &mut [Checked], united: Found) {
    if let Found::Text(origin) = united
        && origin.keeps_instants()
    {
        parts.iter_mut().for_each(|part| store_instants(&mut part.node));
    }
}

/// Puts the literals that can become the value of this part into stored form.
fn store_instants(node: &mut Node) {
    match node {
        Node::Text(text) => *text = stored_text(&Kind::String, std::mem::take(text)),
        Node::If { then, otherwise, .. } => {
            store_instants(then);
            store_instants(otherwise);
        }
        Node::Call { function: Function::Coalesce | Function::Min | Function::Max, arguments } => {
            arguments.iter_mut().for_each(store_instants);
        }
        _ => {}
    }
}

fn is_date(text: &str) -> bool {
    matches!(Written::parse(text), Some(Written::Instant(_) | Written::Date(_)))
}
