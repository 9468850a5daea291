//! Syntax tree → checked parts: names resolved, operands of types that their operators work on.

use super::call;
use super::error::ExpressionError;
use super::names::{Names, Resolved};
use super::syntax::{Arithmetic, Comparison, Name, Syntax, SyntaxKind};
use super::types::{Checked, Found, Origin, make_comparable};
use super::{Node, Path, Reach};
use crate::model::{AttributeId, RelationId, Table, TableId};

type Check<T = Checked> = Result<T, ExpressionError>;

/// Checks one expression.
pub(super) struct Checker<'s> {
    names: Names<'s>,
}

impl<'s> Checker<'s> {
    pub(super) fn new(tables: &'s [&'s Table], table: TableId, reach: Reach) -> Self {
        Self { names: Names::new(tables, table, reach) }
    }

    /// The attributes and relations of the table that were read.
    pub(super) fn finish(self) -> (Vec<AttributeId>, Vec<RelationId>) {
        self.names.used()
    }

    pub(super) fn check(&mut self, syntax: &Syntax) -> Check {
        let (node, found) = match &syntax.kind {
            SyntaxKind::Null => (Node::Null, Found::Null),
            SyntaxKind::Boolean(flag) => (Node::Boolean(*flag), Found::Boolean),
            SyntaxKind::Integer(number) => (Node::Integer(*number), Found::Integer),
            SyntaxKind::Float(number) => (Node::Float(*number), Found::Float),
            SyntaxKind::Text(text) => (Node::Text(text.clone()), Found::literal(text)),
            SyntaxKind::Path(names) => self.attribute(syntax.position, names)?,
            SyntaxKind::Negated(inner) => self.negated(inner)?,
            SyntaxKind::Arithmetic { first, rest } => self.arithmetic(first, rest)?,
            SyntaxKind::Joined(parts) => self.joined(parts)?,
            SyntaxKind::Compared { left, operator, right } => self.compared(left, *operator, right)?,
            SyntaxKind::In { item, values, negated } => self.one_of(item, values, *negated)?,
            SyntaxKind::Element { item, list, negated } => self.element(item, list, *negated)?,
            SyntaxKind::Between { item, ends, negated } => self.between(item, ends, *negated)?,
            SyntaxKind::IsNull { item, negated } => self.is_null(item, *negated)?,
            SyntaxKind::Not(inner) => (Node::Not(Box::new(self.condition(inner)?)), Found::Boolean),
            SyntaxKind::All(parts) => (Node::All(self.conditions(parts)?), Found::Boolean),
            SyntaxKind::Any(parts) => (Node::Any(self.conditions(parts)?), Found::Boolean),
            SyntaxKind::Call { name, arguments } => call::check(self, syntax.position, name, arguments)?,
        };
        Ok(Checked { node, found, position: syntax.position })
    }

    pub(super) fn condition(&mut self, syntax: &Syntax) -> Check<Node> {
        let checked = self.check(syntax)?;
        checked.expect_boolean()?;
        Ok(checked.node)
    }

    /// The list attribute that this names, if it names one.
    pub(super) fn list(&mut self, syntax: &Syntax) -> Check<Option<Resolved<'s>>> {
        let SyntaxKind::Path(names) = &syntax.kind else { return Ok(None) };
        let resolved = self.names.resolve(names)?;
        Ok(resolved.attribute.list.then_some(resolved))
    }

    fn conditions(&mut self, parts: &[Syntax]) -> Check<Vec<Node>> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn attribute(&mut self, position: usize, names: &[Name]) -> Check<(Node, Found)> {
        let Resolved { path, attribute } = self.names.resolve(names)?;
        if attribute.list {
            let error = ExpressionError::new(position, format!("`{}` is a list", attribute.name));
            return Err(error.hint(format!("write `length({0})` or `… in {0}`", attribute.name)));
        }
        match Found::of(&attribute.kind) {
            Some(found) => Ok((Node::Attribute(path), found)),
            None => {
                let message = format!("an expression cannot read `{}` ({})", attribute.name, attribute.kind.name());
                let hint = "it reads ID, String, Int, Long, Float, Boolean and Date; of others, whether they are null";
                Err(ExpressionError::new(position, message).hint(hint))
            }
        }
    }

    fn negated(&mut self, inner: &Syntax) -> Check<(Node, Found)> {
        let inner = self.check(inner)?;
        inner.expect_number()?;
        Ok((Node::Negated(Box::new(inner.node)), inner.found))
    }

    fn arithmetic(&mut self, first: &Syntax, rest: &[(Arithmetic, Syntax)]) -> Check<(Node, Found)> {
        let mut left = self.check(first)?;
        left.expect_number()?;
        let mut checked = Vec::with_capacity(rest.len());
        let node = std::mem::replace(&mut left.node, Node::Null);
        for (operator, operand) in rest {
            let right = self.check(operand)?;
            right.expect_number()?;
            left.found = match (operator, left.found) {
                (Arithmetic::Divide, _) => Found::Float,
                (Arithmetic::Remainder, _) => {
                    left.expect_integer()?;
                    right.expect_integer()?;
                    Found::Integer
                }
                (Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply, Found::Integer) => right.found,
                (Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply, found) => found,
            };
            checked.push((*operator, right.node));
        }
        Ok((Node::Arithmetic { first: Box::new(node), rest: checked }, left.found))
    }

    fn joined(&mut self, parts: &[Syntax]) -> Check<(Node, Found)> {
        let mut nodes = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.check(part)?;
            match part.found {
                Found::Text(_) | Found::Integer => nodes.push(part.node),
                Found::Boolean => {
                    return Err(part.refuse("`||` joins texts, found true or false").hint("write `or`"));
                }
                Found::Float => {
                    let error = part.refuse("`||` joins texts and integers, found a Float");
                    return Err(error.hint("write round(…)"));
                }
                Found::Null => return Err(part.refuse("`||` joins texts, found null")),
            }
        }
        Ok((Node::Joined(nodes), Found::Text(Origin::Plain)))
    }

    fn compared(&mut self, left: &Syntax, operator: Comparison, right: &Syntax) -> Check<(Node, Found)> {
        let mut sides = [self.check(left)?, self.check(right)?];
        let found = make_comparable(&mut sides)?;
        let ordered = !matches!(operator, Comparison::Equal | Comparison::NotEqual);
        if ordered && found == Found::Boolean {
            return Err(sides[1].refuse("true and false have no order"));
        }
        let [left, right] = sides.map(|side| Box::new(side.node));
        Ok((Node::Compared { left, operator, right }, Found::Boolean))
    }

    fn one_of(&mut self, item: &Syntax, values: &[Syntax], negated: bool) -> Check<(Node, Found)> {
        let mut parts = vec![self.check(item)?];
        for value in values {
            parts.push(self.check(value)?);
        }
        make_comparable(&mut parts)?;
        let mut nodes = parts.into_iter().map(|part| part.node);
        let item = Box::new(nodes.next().unwrap_or(Node::Null));
        Ok((Node::In { item, values: nodes.collect(), negated }, Found::Boolean))
    }

    fn element(&mut self, item: &Syntax, list: &Syntax, negated: bool) -> Check<(Node, Found)> {
        let Some(Resolved { path, attribute }) = self.list(list)? else {
            let error = ExpressionError::new(list.position, "after `in` stands a list attribute or a bracket");
            return Err(error.hint("write `=` to compare with one value"));
        };
        let refuse = |message: String| ExpressionError::new(list.position, message);
        if self.names.reach() == Reach::Row {
            let message = format!("`in {}` searches a list, which is not possible here", attribute.name);
            return Err(refuse(message).hint("`length(…)` of a list is"));
        }
        let Some(found) = Found::of(&attribute.kind) else {
            let message = format!("an expression cannot see into `{}` ([{}])", attribute.name, attribute.kind.name());
            return Err(refuse(message));
        };
        let elements = Checked { node: Node::Count(path.clone()), found, position: list.position };
        let mut parts = [self.check(item)?, elements];
        make_comparable(&mut parts)?;
        let [item, _] = parts.map(|part| Box::new(part.node));
        Ok((Node::Element { item, list: path, negated }, Found::Boolean))
    }

    fn between(&mut self, item: &Syntax, [low, high]: &[Syntax; 2], negated: bool) -> Check<(Node, Found)> {
        let mut parts = [self.check(item)?, self.check(low)?, self.check(high)?];
        if make_comparable(&mut parts)? == Found::Boolean {
            return Err(parts[0].refuse("true and false have no order"));
        }
        let [item, low, high] = parts.map(|part| Box::new(part.node));
        Ok((Node::Between { item, low, high, negated }, Found::Boolean))
    }

    /// Every attribute can be asked, also those of which an expression sees nothing else.
    fn is_null(&mut self, item: &Syntax, negated: bool) -> Check<(Node, Found)> {
        let node = match &item.kind {
            SyntaxKind::Path(names) => {
                let path: Path = self.names.resolve(names)?.path;
                Node::Attribute(path)
            }
            _ => self.check(item)?.node,
        };
        Ok((Node::IsNull { item: Box::new(node), negated }, Found::Boolean))
    }
}
