//! The syntax tree: what was written, with places, names still unresolved.

use super::error::ExpressionError;
use crate::limits;

/// A part of an expression as written.
#[derive(Debug)]
pub(super) struct Syntax {
    /// The byte at which it begins.
    pub(super) position: usize,
    pub(super) kind: SyntaxKind,
    depth: usize,
}

#[derive(Debug)]
pub(super) enum SyntaxKind {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Path(Vec<Name>),
    Negated(Box<Syntax>),
    Arithmetic { first: Box<Syntax>, rest: Vec<(Arithmetic, Syntax)> },
    Joined(Vec<Syntax>),
    Compared { left: Box<Syntax>, operator: Comparison, right: Box<Syntax> },
    In { item: Box<Syntax>, values: Vec<Syntax>, negated: bool },
    Element { item: Box<Syntax>, list: Box<Syntax>, negated: bool },
    Between { item: Box<Syntax>, ends: Box<[Syntax; 2]>, negated: bool },
    IsNull { item: Box<Syntax>, negated: bool },
    Not(Box<Syntax>),
    All(Vec<Syntax>),
    Any(Vec<Syntax>),
    Call { name: String, arguments: Vec<Syntax> },
}

/// One name of a path.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) position: usize,
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: always a Float; null if the divisor is 0.
    Divide,
    /// `%`: of integers, with the sign of the dividend; null if the divisor is 0.
    Remainder,
}

/// How two values are compared. Texts by their UTF-8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`, `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Syntax {
    /// A part that begins at `position`.
    pub(super) fn new(position: usize, kind: SyntaxKind) -> Result<Self, ExpressionError> {
        let depth = 1 + kind.depth_inside();
        if depth > limits::EXPRESSION_DEPTH {
            return Err(too_deep(position));
        }
        Ok(Self { position, kind, depth })
    }
}

pub(super) fn too_deep(position: usize) -> ExpressionError {
    let message = format!("operators and brackets nest deeper than {}", limits::EXPRESSION_DEPTH);
    ExpressionError::new(position, message).hint("write two rules, or compute a part in an attribute with @computed")
}

impl SyntaxKind {
    fn depth_inside(&self) -> usize {
        let deepest = |parts: &[Syntax]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
        match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Float(_) | Self::Text(_) => 0,
            Self::Path(names) => names.len() - 1,
            Self::Negated(inner) | Self::Not(inner) | Self::IsNull { item: inner, .. } => inner.depth,
            Self::Arithmetic { first, rest } => rest.iter().map(|(_, part)| part.depth).fold(first.depth, usize::max),
            Self::Compared { left, right, .. } => left.depth.max(right.depth),
            Self::In { item, values, .. } => item.depth.max(deepest(values)),
            Self::Element { item, list, .. } => item.depth.max(list.depth),
            Self::Between { item, ends, .. } => item.depth.max(deepest(&ends[..])),
            Self::Joined(parts) | Self::All(parts) | Self::Any(parts) | Self::Call { arguments: parts, .. } => {
                deepest(parts)
            }
        }
    }
}
