//! Text → tokens, each with the byte at which it begins.

use super::error::ExpressionError;
use crate::limits;

/// The smallest piece that means something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A keyword, a function or a name.
    Word(&'a str),
    /// A name between backticks.
    Name(&'a str),
    /// Digits, as written.
    Number(&'a str),
    /// A text without its quotes.
    Text(String),
    Symbol(Symbol),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Open,
    Close,
    Comma,
    Dot,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    Join,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Every symbol; one that begins like another stands before it.
const SYMBOLS: [(&str, Symbol); 18] = [
    ("||", Symbol::Join),
    ("!=", Symbol::NotEqual),
    ("<>", Symbol::NotEqual),
    ("<=", Symbol::LessOrEqual),
    (">=", Symbol::GreaterOrEqual),
    ("==", Symbol::Equal),
    ("=", Symbol::Equal),
    ("<", Symbol::Less),
    (">", Symbol::Greater),
    ("(", Symbol::Open),
    (")", Symbol::Close),
    (",", Symbol::Comma),
    (".", Symbol::Dot),
    ("+", Symbol::Plus),
    ("-", Symbol::Minus),
    ("*", Symbol::Times),
    ("/", Symbol::Divide),
    ("%", Symbol::Remainder),
];

impl Symbol {
    /// How it is written.
    pub(super) fn written(self) -> &'static str {
        SYMBOLS.iter().rfind(|(_, symbol)| *symbol == self).map_or("", |(written, _)| written)
    }
}

/// What other languages write, and what to write here.
const FOREIGN: [(&str, &str); 6] = [
    ("&&", "write `and`"),
    ("!", "write `not`"),
    ("|", "write `or`"),
    ("&", "write `and`"),
    ("\"", "texts stand in single quotes: 'cancelled'"),
    ("[", "a list of values stands in round brackets: status in ('open', 'paid')"),
];

/// Splits an expression. The last token is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, ExpressionError> {
    if text.len() > limits::EXPRESSION_BYTES {
        let message = format!("an expression has at most {} bytes, this one {}", limits::EXPRESSION_BYTES, text.len());
        return Err(ExpressionError::new(0, message));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += length_while(&text[at..], |byte| byte.is_ascii_whitespace());
        if at == text.len() {
            tokens.push((at, Token::End));
            return Ok(tokens);
        }
        let (token, length) = token(&text[at..], at)?;
        tokens.push((at, token));
        at += length;
    }
}

fn token(rest: &str, at: usize) -> Result<(Token<'_>, usize), ExpressionError> {
    match rest.as_bytes()[0] {
        b'\'' => quoted_text(rest, at),
        b'`' => quoted_name(rest, at),
        b'0'..=b'9' => number(rest, at),
        byte if begins_word(byte) => {
            let length = length_while(rest, in_word);
            Ok((Token::Word(&rest[..length]), length))
        }
        _ => symbol(rest, at),
    }
}

fn symbol(rest: &str, at: usize) -> Result<(Token<'_>, usize), ExpressionError> {
    if let Some((written, symbol)) = SYMBOLS.iter().find(|(written, _)| rest.starts_with(written)) {
        return Ok((Token::Symbol(*symbol), written.len()));
    }
    let foreign = FOREIGN.iter().find(|(written, _)| rest.starts_with(written));
    let shown: String = match foreign {
        Some((written, _)) => (*written).to_owned(),
        None => rest.chars().take(1).collect(),
    };
    let error = ExpressionError::new(at, format!("unexpected {shown:?}"));
    Err(match foreign {
        Some((_, hint)) => error.hint(*hint),
        None => error,
    })
}

fn quoted_text(rest: &str, at: usize) -> Result<(Token<'_>, usize), ExpressionError> {
    let mut text = String::new();
    let mut from = 1;
    while let Some(length) = rest[from..].find('\'') {
        text.push_str(&rest[from..from + length]);
        from += length + 1;
        if !rest[from..].starts_with('\'') {
            return match text.find('\0') {
                Some(_) => Err(ExpressionError::new(at, "a text cannot hold the character NUL")),
                None => Ok((Token::Text(text), from)),
            };
        }
        text.push('\'');
        from += 1;
    }
    Err(ExpressionError::new(at, "this text has no end").hint("a quote inside a text is written twice: 'it''s'"))
}

fn quoted_name(rest: &str, at: usize) -> Result<(Token<'_>, usize), ExpressionError> {
    let length = length_while(&rest[1..], in_word);
    if length == 0 || !rest[1 + length..].starts_with('`') {
        return Err(ExpressionError::new(at, "between backticks stands one name: `in`"));
    }
    Ok((Token::Name(&rest[1..=length]), length + 2))
}

fn number(rest: &str, at: usize) -> Result<(Token<'_>, usize), ExpressionError> {
    let digits = |from: usize| length_while(&rest[from..], |byte| byte.is_ascii_digit());
    let mut length = digits(0);
    if rest[length..].starts_with('.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if rest[length..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        length += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    if rest[length..].bytes().next().is_some_and(in_word) {
        return Err(ExpressionError::new(at, "this is neither a number nor a name"));
    }
    Ok((Token::Number(&rest[..length]), length))
}

fn length_while(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
