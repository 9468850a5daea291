//! The expressions of rules and computed attributes: `@check(expr: "quantity <= product.stockQuantity")`,
//! `unless: "status in ('cancelled','declined')"`, `@computed(from: "stockQuantity > 0")`.
//!
//! Text → tokens (`lex`) → syntax tree (`parse`) → [`Expression`], in which every name is resolved and every operator
//! has operands of a type it works on (`check`). What the language lacks is an error at its place. Nothing is evaluated
//! here, and nothing here knows SQL.
//!
//! # Grammar
//!
//! Keywords and function names are read without regard to case, names with.
//!
//! ```ebnf
//! expression = all , { "or" , all } ;
//! all        = not , { "and" , not } ;
//! not        = "not" , not | comparison ;
//! comparison = joined , [ ( "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) , joined
//!                       | [ "not" ] , "in" , ( "(" , expression , { "," , expression } , ")" | path )
//!                       | [ "not" ] , "between" , joined , "and" , joined
//!                       | "is" , [ "not" ] , "null" ] ;
//! joined     = sum , { "||" , sum } ;
//! sum        = product , { ( "+" | "-" ) , product } ;
//! product    = sign , { ( "*" | "/" | "%" ) , sign } ;
//! sign       = "-" , sign | primary ;
//! primary    = number | text | "true" | "false" | "null" | path | call | "(" , expression , ")" ;
//! call       = word , "(" , expression , { "," , expression } , ")" ;
//! path       = name , { "." , name } ;
//! name       = word | "`" , word , "`" ;
//! word       = ( letter | "_" ) , { letter | digit | "_" } ;
//! number     = digits , [ "." , digits ] , [ ( "e" | "E" ) , [ "+" | "-" ] , digits ] ;
//! text       = "'" , { character | "''" } , "'" ;
//! ```
//!
//! The names in front of a path's last dot are to-one relations. A keyword is a name after a dot and between backticks.
//!
//! # Types
//!
//! Integer (`Int`, `Long`), Float, Text (`ID`, `String`, `Date`) and Boolean; integers are floats where one is wanted.
//! `/` always gives a Float, `%` takes integers, `||` joins texts and integers. Of other attributes (lists, `BigInt`,
//! `Bytes`, `Any`, nested types) an expression sees whether they are null, of a list also its `length` and its elements.
//!
//! # Null
//!
//! SQL's three-valued logic: an operator with a null operand gives null, except `is null`, `coalesce`, `false and …` and
//! `true or …`. A check holds unless it is false (as SQL's CHECK); an `unless` applies only if it is true. A literal
//! `null` stands only where it can mean something: in `coalesce`, in the branches of `if`, and after `is`.
//!
//! # Invariants
//!
//! An [`Expression`] is at most [`limits::EXPRESSION_DEPTH`] operators deep, so walking it needs little stack. No text
//! makes this module panic. A text literal that meets a `String` or `Date` attribute and is an RFC 3339 date-time stands
//! in its stored form ([`crate::value::stored_text`]).
//!
//! [`limits::EXPRESSION_DEPTH`]: crate::limits::EXPRESSION_DEPTH

mod call;
mod check;
mod error;
mod lex;
mod names;
mod parse;
mod syntax;
mod types;

pub use error::ExpressionError;
pub use syntax::{Arithmetic, Comparison};

use crate::model::{AttributeId, RelationId, Table, TableId};
use check::Checker;
use types::Checked;

/// How far an expression may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the values of the row itself, without searching: all that a generated column and a partial index can do.
    /// Paths through relations and `x in list` are refused.
    Row,
    /// Also at related records and into lists.
    Related,
}

/// The type of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Always null.
    Null,
    /// Truth.
    Boolean,
    /// A whole number; a result beyond 64 bits becomes a Float.
    Integer,
    /// A number.
    Float,
    /// A text.
    Text,
}

/// An expression on the rows of one table, every name resolved and every type checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// The table on whose rows it is evaluated.
    pub table: TableId,
    /// What is evaluated.
    pub root: Node,
    /// The type of its value, which may always be null as well.
    pub kind: Type,
    /// The attributes of the table that it reads, each once, in order of appearance. A path reads the attribute that its
    /// first relation joins by.
    pub attributes: Vec<AttributeId>,
    /// The relations of the table that its paths begin with, each once, in order of appearance.
    pub relations: Vec<RelationId>,
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Null.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// A text without NUL.
    Text(String),
    /// The value of an attribute.
    Attribute(Path),
    /// `-x`.
    Negated(Box<Node>),
    /// `first + x - y …` or `first * x / y …`, from left to right.
    Arithmetic {
        /// The leftmost operand.
        first: Box<Node>,
        /// The others, each with the operator before it; all of one precedence.
        rest: Vec<(Arithmetic, Node)>,
    },
    /// `a || b …`.
    Joined(Vec<Node>),
    /// `a < b` and the like.
    Compared {
        /// The left side.
        left: Box<Node>,
        /// How.
        operator: Comparison,
        /// The right side.
        right: Box<Node>,
    },
    /// `item in (a, b …)`.
    In {
        /// What is looked for.
        item: Box<Node>,
        /// Where; at least one.
        values: Vec<Node>,
        /// `not in`.
        negated: bool,
    },
    /// `item in list`: some element of a list attribute equals the item.
    Element {
        /// What is looked for.
        item: Box<Node>,
        /// Where.
        list: Path,
        /// `not in`.
        negated: bool,
    },
    /// `item between low and high`, both ends included.
    Between {
        /// What is compared.
        item: Box<Node>,
        /// The least value that passes.
        low: Box<Node>,
        /// The greatest value that passes.
        high: Box<Node>,
        /// `not between`.
        negated: bool,
    },
    /// `item is null`.
    IsNull {
        /// What is tested.
        item: Box<Node>,
        /// `is not null`.
        negated: bool,
    },
    /// `not x`.
    Not(Box<Node>),
    /// `a and b …`; at least two.
    All(Vec<Node>),
    /// `a or b …`; at least two.
    Any(Vec<Node>),
    /// `if(condition, then, otherwise)`; a null condition counts as false.
    If {
        /// What decides.
        condition: Box<Node>,
        /// The value if it is true.
        then: Box<Node>,
        /// The value if it is false or null.
        otherwise: Box<Node>,
    },
    /// `length(list)`: how many elements a list attribute has.
    Count(Path),
    /// Another function.
    Call {
        /// Which.
        function: Function,
        /// As many as it takes.
        arguments: Vec<Node>,
    },
}

/// An attribute of the row, or of a record that to-one relations lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The relations to follow, each of the table that the one before leads to; none: the row's own attribute.
    pub relations: Vec<RelationId>,
    /// The attribute at the end.
    pub attribute: AttributeId,
}

/// A function, chosen by the types of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `lower(text)`: A to Z become a to z.
    Lower,
    /// `upper(text)`: a to z become A to Z.
    Upper,
    /// `trim(text)`: without the spaces around it.
    Trim,
    /// `length(text)`: its code points (up to the first NUL).
    Length,
    /// `abs(integer)`.
    AbsInteger,
    /// `abs(float)`.
    AbsFloat,
    /// `round(number)`: the nearest integer, halves away from zero.
    Round,
    /// `round(number, digits)`: the nearest number with that many decimal digits, at most 15.
    RoundTo(u8),
    /// `coalesce(a, b …)`: the first that is not null; at least two.
    Coalesce,
    /// `min(a, b …)`: the least; null if any is null; at least two.
    Min,
    /// `max(a, b …)`: the greatest; null if any is null; at least two.
    Max,
}

impl Expression {
    /// Reads an expression of any type on the rows of `table`, a position in `tables`, whose relations are resolved.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(tables: &[&Table], table: TableId, text: &str, reach: Reach) -> Result<Expression, ExpressionError> {
        let (expression, _) = read(tables, table, text, reach)?;
        Ok(expression)
    }

    /// Reads a condition, for `@check(expr:)` and `unless:`.
    ///
    /// # Errors
    /// As [`Expression::parse`]; also if it is not true or false.
    pub fn condition(
        tables: &[&Table],
        table: TableId,
        text: &str,
        reach: Reach,
    ) -> Result<Expression, ExpressionError> {
        let (expression, checked) = read(tables, table, text, reach)?;
        checked.expect_boolean()?;
        Ok(expression)
    }

    /// Reads the value of a computed attribute, which looks only at its own row.
    ///
    /// Whether computed attributes read each other in a circle is left to the caller, who knows them all.
    ///
    /// # Errors
    /// As [`Expression::parse`]; also if the attribute cannot hold its value, or it reads the attribute itself.
    pub fn computed(
        tables: &[&Table],
        table: TableId,
        attribute: AttributeId,
        text: &str,
    ) -> Result<Expression, ExpressionError> {
        let (mut expression, checked) = read(tables, table, text, Reach::Row)?;
        let declared = tables[table.0].attribute(attribute);
        if expression.attributes.contains(&attribute) {
            return Err(ExpressionError::new(0, format!("`{}` is computed from itself", declared.name)));
        }
        expression.root = checked.stored_in(declared)?.node;
        Ok(expression)
    }
}

fn read(tables: &[&Table], table: TableId, text: &str, reach: Reach) -> Result<(Expression, Checked), ExpressionError> {
    let syntax = parse::parse(text)?;
    let mut checker = Checker::new(tables, table, reach);
    let checked = checker.check(&syntax)?;
    let (attributes, relations) = checker.finish();
    let expression =
        Expression { table, root: checked.node.clone(), kind: checked.found.kind(), attributes, relations };
    Ok((expression, checked))
}

#[cfg(test)]
mod tests;
