//! Tokens → syntax tree, by the grammar at the top of [`super`]: one function per line of it.

use super::error::ExpressionError;
use super::lex::{Symbol, Token, tokens};
use super::syntax::{Arithmetic, Comparison, Name, Syntax, SyntaxKind, too_deep};
use crate::limits;

type Parsed<T = Syntax> = Result<T, ExpressionError>;

/// Words that are never names.
const KEYWORDS: [&str; 9] = ["and", "or", "not", "in", "between", "is", "null", "true", "false"];

const COMPARISONS: [(Symbol, Comparison); 6] = [
    (Symbol::Equal, Comparison::Equal),
    (Symbol::NotEqual, Comparison::NotEqual),
    (Symbol::Less, Comparison::Less),
    (Symbol::LessOrEqual, Comparison::LessOrEqual),
    (Symbol::Greater, Comparison::Greater),
    (Symbol::GreaterOrEqual, Comparison::GreaterOrEqual),
];

const SUMS: [(Symbol, Arithmetic); 2] = [(Symbol::Plus, Arithmetic::Add), (Symbol::Minus, Arithmetic::Subtract)];

const PRODUCTS: [(Symbol, Arithmetic); 3] = [
    (Symbol::Times, Arithmetic::Multiply),
    (Symbol::Divide, Arithmetic::Divide),
    (Symbol::Remainder, Arithmetic::Remainder),
];

/// Reads the whole text.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let syntax = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(syntax),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    at: usize,
    /// Brackets and signs that are open.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn expression(&mut self) -> Parsed {
        self.deeper(|parser| parser.chain("or", Self::all, SyntaxKind::Any))
    }

    fn all(&mut self) -> Parsed {
        self.chain("and", Self::not, SyntaxKind::All)
    }

    fn not(&mut self) -> Parsed {
        let position = self.position();
        if !self.take_keyword("not") {
            return self.comparison();
        }
        let inner = self.deeper(Self::not)?;
        Syntax::new(position, SyntaxKind::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Parsed {
        let position = self.position();
        let left = self.joined()?;
        if let Some(operator) = self.take_one(&COMPARISONS) {
            return self.compared(position, left, operator);
        }
        if self.take_keyword("is") {
            let negated = self.take_keyword("not");
            if !self.take_keyword("null") {
                return Err(self.unexpected("null"));
            }
            return Syntax::new(position, SyntaxKind::IsNull { item: Box::new(left), negated });
        }
        let negated = self.take_keyword("not");
        if self.take_keyword("in") {
            self.set(position, left, negated)
        } else if self.take_keyword("between") {
            self.between(position, left, negated)
        } else if negated {
            Err(self.unexpected("in or between"))
        } else {
            Ok(left)
        }
    }

    fn compared(&mut self, position: usize, left: Syntax, operator: Comparison) -> Parsed {
        let right = self.joined()?;
        let again = self.position();
        if self.take_one(&COMPARISONS).is_some() {
            let error = ExpressionError::new(again, "comparisons cannot be chained");
            return Err(error.hint("write `a < b and b < c`, or `b between a and c`"));
        }
        Syntax::new(position, SyntaxKind::Compared { left: Box::new(left), operator, right: Box::new(right) })
    }

    fn set(&mut self, position: usize, item: Syntax, negated: bool) -> Parsed {
        let item = Box::new(item);
        if self.take(Symbol::Open) {
            let values = self.arguments()?;
            return Syntax::new(position, SyntaxKind::In { item, values, negated });
        }
        let at = self.position();
        let Some(name) = self.take_name() else { return Err(self.unexpected("( or a list attribute")) };
        let list = Box::new(self.path(at, name)?);
        Syntax::new(position, SyntaxKind::Element { item, list, negated })
    }

    fn between(&mut self, position: usize, item: Syntax, negated: bool) -> Parsed {
        let low = self.joined()?;
        if !self.take_keyword("and") {
            return Err(self.unexpected("and"));
        }
        let ends = Box::new([low, self.joined()?]);
        Syntax::new(position, SyntaxKind::Between { item: Box::new(item), ends, negated })
    }

    fn joined(&mut self) -> Parsed {
        let position = self.position();
        let mut parts = vec![self.sum()?];
        while self.take(Symbol::Join) {
            parts.push(self.sum()?);
        }
        several(position, parts, SyntaxKind::Joined)
    }

    fn sum(&mut self) -> Parsed {
        self.arithmetic(&SUMS, Self::product)
    }

    fn product(&mut self) -> Parsed {
        self.arithmetic(&PRODUCTS, Self::sign)
    }

    fn arithmetic(&mut self, operators: &[(Symbol, Arithmetic)], operand: fn(&mut Self) -> Parsed) -> Parsed {
        let position = self.position();
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.take_one(operators) {
            rest.push((operator, operand(self)?));
        }
        match rest.is_empty() {
            true => Ok(first),
            false => Syntax::new(position, SyntaxKind::Arithmetic { first: Box::new(first), rest }),
        }
    }

    fn sign(&mut self) -> Parsed {
        let position = self.position();
        if !self.take(Symbol::Minus) {
            return self.primary();
        }
        // The least integer has no positive counterpart, so the sign belongs to the number.
        if let Token::Number(digits) = *self.peek() {
            self.at += 1;
            return number(position, &format!("-{digits}"));
        }
        let inner = self.deeper(Self::sign)?;
        Syntax::new(position, SyntaxKind::Negated(Box::new(inner)))
    }

    fn primary(&mut self) -> Parsed {
        let position = self.position();
        if self.take(Symbol::Open) {
            let inner = self.expression()?;
            self.close()?;
            return Ok(inner);
        }
        if let Some(name) = self.take_name() {
            return self.path(position, name);
        }
        let token = self.peek().clone();
        let literal = match token {
            Token::Number(digits) => number(position, digits)?,
            Token::Text(text) => Syntax::new(position, SyntaxKind::Text(text))?,
            Token::Word(word) => self.word(position, word)?,
            Token::Name(_) | Token::Symbol(_) | Token::End => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(literal)
    }

    /// A keyword, or a function with its bracket still ahead.
    fn word(&mut self, position: usize, word: &str) -> Parsed {
        match word.to_ascii_lowercase().as_str() {
            "null" => Syntax::new(position, SyntaxKind::Null),
            "true" => Syntax::new(position, SyntaxKind::Boolean(true)),
            "false" => Syntax::new(position, SyntaxKind::Boolean(false)),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn path(&mut self, position: usize, first: &str) -> Parsed {
        if self.tokens[self.at - 1].1 == Token::Word(first) && self.take(Symbol::Open) {
            let arguments = if self.take(Symbol::Close) { Vec::new() } else { self.arguments()? };
            return Syntax::new(position, SyntaxKind::Call { name: first.to_owned(), arguments });
        }
        let mut names = vec![Name { text: first.to_owned(), position }];
        while self.take(Symbol::Dot) {
            let position = self.position();
            match *self.peek() {
                Token::Word(name) | Token::Name(name) => names.push(Name { text: name.to_owned(), position }),
                _ => return Err(self.unexpected("an attribute")),
            }
            self.at += 1;
        }
        Syntax::new(position, SyntaxKind::Path(names))
    }

    /// Expressions up to the closing bracket, which is taken.
    fn arguments(&mut self) -> Parsed<Vec<Syntax>> {
        let mut arguments = vec![self.expression()?];
        while self.take(Symbol::Comma) {
            let position = self.position();
            arguments.push(self.expression()?);
            if arguments.len() > limits::EXPRESSION_ARGUMENTS {
                let message = format!("more than {} values in one bracket", limits::EXPRESSION_ARGUMENTS);
                return Err(ExpressionError::new(position, message));
            }
        }
        self.close()?;
        Ok(arguments)
    }

    fn chain(&mut self, keyword: &str, part: fn(&mut Self) -> Parsed, kind: fn(Vec<Syntax>) -> SyntaxKind) -> Parsed {
        let position = self.position();
        let mut parts = vec![part(self)?];
        while self.take_keyword(keyword) {
            parts.push(part(self)?);
        }
        several(position, parts, kind)
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == limits::EXPRESSION_DEPTH {
            return Err(too_deep(self.position()));
        }
        self.depth += 1;
        let parsed = read(self);
        self.depth -= 1;
        parsed
    }

    /// The token ahead. The last one, which is never taken, is the end.
    fn peek(&self) -> &Token<'a> {
        &self.tokens[self.at].1
    }

    fn position(&self) -> usize {
        self.tokens[self.at].0
    }

    fn take(&mut self, symbol: Symbol) -> bool {
        let found = *self.peek() == Token::Symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn take_one<T: Copy>(&mut self, symbols: &[(Symbol, T)]) -> Option<T> {
        symbols.iter().find(|(symbol, _)| self.take(*symbol)).map(|(_, meaning)| *meaning)
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    fn take_name(&mut self) -> Option<&'a str> {
        let name = match *self.peek() {
            Token::Name(name) => name,
            Token::Word(word) if !KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) => word,
            Token::Word(_) | Token::Number(_) | Token::Text(_) | Token::Symbol(_) | Token::End => return None,
        };
        self.at += 1;
        Some(name)
    }

    fn close(&mut self) -> Result<(), ExpressionError> {
        if self.take(Symbol::Close) { Ok(()) } else { Err(self.unexpected("an operator or )")) }
    }

    fn unexpected(&self, wanted: &str) -> ExpressionError {
        let met = match self.peek() {
            Token::Word(word) => format!("`{word}`"),
            Token::Name(name) => format!("the name `{name}`"),
            Token::Number(digits) => format!("the number {digits}"),
            Token::Text(_) => "a text".to_owned(),
            Token::Symbol(symbol) => format!("`{}`", symbol.written()),
            Token::End => "the end".to_owned(),
        };
        ExpressionError::new(self.position(), format!("expected {wanted}, found {met}"))
    }
}

/// The only part, or all of them joined.
fn several(position: usize, mut parts: Vec<Syntax>, kind: fn(Vec<Syntax>) -> SyntaxKind) -> Parsed {
    match parts.len() {
        1 => Ok(parts.swap_remove(0)),
        _ => Syntax::new(position, kind(parts)),
    }
}

fn number(position: usize, digits: &str) -> Parsed {
    let refuse = |message: &str| ExpressionError::new(position, message);
    let kind = if digits.contains(['.', 'e', 'E']) {
        let number: f64 = digits.parse().map_err(|_| refuse("this is no number"))?;
        if !number.is_finite() {
            return Err(refuse("this number is beyond what a Float holds"));
        }
        SyntaxKind::Float(number)
    } else {
        let number = digits
            .parse()
            .map_err(|_| refuse("this integer is beyond 64 bits").hint(format!("write it as a Float: {digits}.0")))?;
        SyntaxKind::Integer(number)
    };
    Syntax::new(position, kind)
}
