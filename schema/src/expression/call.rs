//! Functions: which there are, what they take and what they give.

use super::check::Checker;
use super::error::{ExpressionError, did_you_mean};
use super::names::Resolved;
use super::syntax::{Syntax, SyntaxKind};
use super::types::{Checked, Found, Origin, unite};
use super::{Function, Node};

type Call = Result<(Node, Found), ExpressionError>;

const NAMES: [&str; 10] = ["lower", "upper", "length", "trim", "abs", "round", "coalesce", "min", "max", "if"];

/// Digits that `round` keeps at most; a double has not many more.
const DIGITS: i64 = 15;

/// Checks `name(arguments)`.
pub(super) fn check(checker: &mut Checker<'_>, position: usize, name: &str, arguments: &[Syntax]) -> Call {
    let called = name.to_ascii_lowercase();
    match (called.as_str(), arguments) {
        ("lower", [text]) => of_text(checker, Function::Lower, text),
        ("upper", [text]) => of_text(checker, Function::Upper, text),
        ("trim", [text]) => of_text(checker, Function::Trim, text),
        ("length", [of]) => length(checker, of),
        ("abs", [number]) => abs(checker, number),
        ("round", [number]) => round(checker, Function::Round, number),
        ("round", [number, digits]) => round(checker, Function::RoundTo(round_digits(digits)?), number),
        ("coalesce", [_, _, ..]) => coalesce(checker, arguments),
        ("min", [_, _, ..]) => extreme(checker, Function::Min, arguments),
        ("max", [_, _, ..]) => extreme(checker, Function::Max, arguments),
        ("if", [condition, then, otherwise]) => choice(checker, condition, [then, otherwise]),
        (called, _) => Err(refuse(position, called, name, arguments.len())),
    }
}

fn refuse(position: usize, called: &str, name: &str, given: usize) -> ExpressionError {
    let takes = match called {
        "lower" | "upper" | "trim" | "length" | "abs" => "1 argument",
        "round" => "1 or 2 arguments",
        "coalesce" | "min" | "max" => "2 or more arguments",
        "if" => "3 arguments: a condition, the value if it is true, the value if not",
        _ => {
            let error = ExpressionError::new(position, format!("there is no function `{name}`"));
            return error.hint(did_you_mean(name, NAMES).unwrap_or_else(|| format!("there are {}", NAMES.join(", "))));
        }
    };
    ExpressionError::new(position, format!("{called} takes {takes}; {given} given"))
}

fn called(function: Function, arguments: Vec<Node>) -> Node {
    Node::Call { function, arguments }
}

fn of_text(checker: &mut Checker<'_>, function: Function, text: &Syntax) -> Call {
    let text = checker.check(text)?;
    text.expect_text()?;
    Ok((called(function, vec![text.node]), Found::Text(Origin::Plain)))
}

fn length(checker: &mut Checker<'_>, of: &Syntax) -> Call {
    if let Some(Resolved { path, .. }) = checker.list(of)? {
        return Ok((Node::Count(path), Found::Integer));
    }
    let text = checker.check(of)?;
    text.expect_text()?;
    Ok((called(Function::Length, vec![text.node]), Found::Integer))
}

fn abs(checker: &mut Checker<'_>, number: &Syntax) -> Call {
    let number = checker.check(number)?;
    number.expect_number()?;
    let function = if number.found == Found::Integer { Function::AbsInteger } else { Function::AbsFloat };
    Ok((called(function, vec![number.node]), number.found))
}

fn round(checker: &mut Checker<'_>, function: Function, number: &Syntax) -> Call {
    let number = checker.check(number)?;
    number.expect_number()?;
    // A double in between would lose digits.
    if number.found == Found::Integer && function == Function::Round {
        return Ok((number.node, Found::Integer));
    }
    let found = if function == Function::Round { Found::Integer } else { Found::Float };
    Ok((called(function, vec![number.node]), found))
}

fn round_digits(digits: &Syntax) -> Result<u8, ExpressionError> {
    match digits.kind {
        SyntaxKind::Integer(digits @ 0..=DIGITS) => Ok(u8::try_from(digits).unwrap_or_default()),
        _ => Err(ExpressionError::new(digits.position, format!("round takes a literal from 0 to {DIGITS} digits"))),
    }
}

fn coalesce(checker: &mut Checker<'_>, arguments: &[Syntax]) -> Call {
    let mut parts = check_all(checker, arguments)?;
    let found = unite(&mut parts)?;
    Ok((called(Function::Coalesce, nodes(parts)), found))
}

fn extreme(checker: &mut Checker<'_>, function: Function, arguments: &[Syntax]) -> Call {
    let mut parts = check_all(checker, arguments)?;
    for part in &parts {
        part.expect_value()?;
    }
    let found = unite(&mut parts)?;
    if found == Found::Boolean {
        return Err(parts[0].refuse("true and false have no order"));
    }
    Ok((called(function, nodes(parts)), found))
}

fn choice(checker: &mut Checker<'_>, condition: &Syntax, [then, otherwise]: [&Syntax; 2]) -> Call {
    let condition = Box::new(checker.condition(condition)?);
    let mut branches = [checker.check(then)?, checker.check(otherwise)?];
    let found = unite(&mut branches)?;
    let [then, otherwise] = branches.map(|branch| Box::new(branch.node));
    Ok((Node::If { condition, then, otherwise }, found))
}

fn check_all(checker: &mut Checker<'_>, parts: &[Syntax]) -> Result<Vec<Checked>, ExpressionError> {
    parts.iter().map(|part| checker.check(part)).collect()
}

fn nodes(parts: Vec<Checked>) -> Vec<Node> {
    parts.into_iter().map(|part| part.node).collect()
}
