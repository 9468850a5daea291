//! The raw query string → its items: groups, conditions and controls, each with its place. Nothing is decoded here, so
//! only raw characters can be structure.

use super::QueryError;
use super::operator::{Comparison, Operator, Spelling};
use crate::limits;
use crate::nearest::nearest;

/// What joins an item to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    And,
    Or,
}

/// An item and what stands before it (`None`: it is the first).
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) separator: Option<Separator>,
    pub(super) position: usize,
    pub(super) item: Item<'a>,
}

#[derive(Debug)]
pub(super) enum Item<'a> {
    /// `( … )` or `[ … ]`.
    Group(Vec<Entry<'a>>),
    /// `name operator value`; an empty name means the one before.
    Comparison { name: &'a str, operator: Operator, value: Raw<'a> },
    /// `name(arguments)`.
    Call { name: &'a str, arguments: Raw<'a> },
}

/// A piece of the raw text and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) text: &'a str,
    pub(super) position: usize,
}

impl<'a> Raw<'a> {
    /// The parts between raw commas that stand in no bracket.
    pub(super) fn split_commas(self) -> Vec<Raw<'a>> {
        let mut parts = Vec::new();
        let (mut depth, mut start) = (0_usize, 0);
        for (at, byte) in self.text.bytes().enumerate() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => {
                    parts.push(self.part(start, at));
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(self.part(start, self.text.len()));
        parts
    }

    /// Without the brackets around it, if `open … close` encloses the whole.
    pub(super) fn inside(self, open: char, close: char) -> Option<Raw<'a>> {
        let inner = self.text.strip_prefix(open)?.strip_suffix(close)?;
        Some(Raw { text: inner, position: self.position + 1 })
    }

    pub(super) fn part(self, start: usize, end: usize) -> Raw<'a> {
        Raw { text: &self.text[start..end], position: self.position + start }
    }
}

/// Splits a query string.
pub(super) fn scan(raw: &str) -> Result<Vec<Entry<'_>>, QueryError> {
    let mut scanner = Scanner { raw, at: 0, conditions: 0 };
    let entries = scanner.entries(None, 0)?;
    if scanner.at < raw.len() {
        return Err(QueryError::syntax(scanner.at, format!("unexpected {:?}", char::from(raw.as_bytes()[scanner.at]))));
    }
    Ok(entries)
}

struct Scanner<'a> {
    raw: &'a str,
    at: usize,
    conditions: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.raw.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        &self.raw[self.at..]
    }

    /// Items up to `close`, which is left to the caller. Empty items between `&` are passed over.
    fn entries(&mut self, close: Option<u8>, depth: usize) -> Result<Vec<Entry<'a>>, QueryError> {
        if depth > limits::QUERY_DEPTH {
            return Err(QueryError::syntax(self.at, format!("groups nest deeper than {}", limits::QUERY_DEPTH)));
        }
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut separator = None;
        loop {
            match self.peek() {
                None => break,
                Some(byte) if Some(byte) == close => break,
                Some(b'&') => {
                    separator = separator.or(Some(Separator::And));
                    self.at += 1;
                }
                Some(b'|') => {
                    if entries.is_empty() || separator.is_some() {
                        return Err(QueryError::syntax(self.at, "a condition is missing before |"));
                    }
                    separator = Some(Separator::Or);
                    self.at += 1;
                }
                Some(_) => {
                    let position = self.at;
                    let item = self.item(close, depth)?;
                    let separator = if entries.is_empty() { None } else { separator.take() };
                    if !entries.is_empty() && separator.is_none() {
                        return Err(QueryError::syntax(position, "& or | is missing here"));
                    }
                    entries.push(Entry { separator, position, item });
                }
            }
        }
        if separator == Some(Separator::Or) {
            return Err(QueryError::syntax(self.at, "a condition is missing after |"));
        }
        Ok(entries)
    }

    fn item(&mut self, close: Option<u8>, depth: usize) -> Result<Item<'a>, QueryError> {
        match self.peek() {
            Some(b'(') => return self.group(b')', depth),
            Some(b'[') => return self.group(b']', depth),
            _ => {}
        }
        let name = self.name();
        if self.peek() == Some(b'(') {
            let arguments = self.value(close)?;
            let arguments =
                arguments.inside('(', ')').ok_or_else(|| QueryError::syntax(self.at, "& or | is missing here"))?;
            return Ok(Item::Call { name, arguments });
        }
        let operator = self.operator(name)?;
        self.conditions += 1;
        if self.conditions > limits::QUERY_CONDITIONS {
            return Err(QueryError::syntax(self.at, format!("more than {} conditions", limits::QUERY_CONDITIONS)));
        }
        let value = self.value(close)?;
        Ok(Item::Comparison { name, operator, value })
    }

    fn group(&mut self, close: u8, depth: usize) -> Result<Item<'a>, QueryError> {
        let opened = self.at;
        self.at += 1;
        let entries = self.entries(Some(close), depth + 1)?;
        if self.peek() != Some(close) {
            return Err(QueryError::syntax(opened, "this group is not closed"));
        }
        self.at += 1;
        if entries.is_empty() {
            return Err(QueryError::syntax(opened, "this group is empty"));
        }
        Ok(Item::Group(entries))
    }

    /// Everything up to a raw structural character, or an encoded `<` or `>`.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|(at, char)| "&|()[]{}=!<>,*".contains(*char) || angle(&rest[*at..]).is_some())
            .map_or(rest.len(), |(at, _)| at);
        self.at += end;
        &rest[..end]
    }

    fn operator(&mut self, name: &str) -> Result<Operator, QueryError> {
        let rest = self.rest();
        let spelled = [
            ("===", Operator::plain(Comparison::Equal, false)),
            ("==", Operator { comparison: Comparison::Equal, negated: false, spelling: Spelling::Double }),
            ("!==", Operator::plain(Comparison::Equal, true)),
            ("!=", Operator::plain(Comparison::Equal, true)),
        ];
        if let Some((text, operator)) = spelled.into_iter().find(|(text, _)| rest.starts_with(text)) {
            self.at += text.len();
            return Ok(operator);
        }
        if let Some((length, less)) = angle(rest) {
            self.at += length;
            let or_equal = self.peek() == Some(b'=');
            self.at += usize::from(or_equal);
            return Ok(Operator::plain(ordering(less, or_equal), false));
        }
        let Some(after) = rest.strip_prefix('=') else {
            let detail = if name.is_empty() {
                "a name is missing here".into()
            } else {
                format!("an operator is missing after {name:?}, for example =")
            };
            return Err(QueryError::syntax(self.at, detail));
        };
        self.at += 1;
        let word = after.bytes().take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'_').count();
        if word == 0 || after.as_bytes().get(word) != Some(&b'=') {
            return Ok(Operator::plain(Comparison::Equal, false));
        }
        let operator = Operator::named(&after[..word]).ok_or_else(|| {
            let near = nearest(&after[..word], Operator::names())
                .map(|near| format!("; did you mean ={near}=?"))
                .unwrap_or_default();
            QueryError::syntax(self.at, format!("unknown operator ={}={near}", &after[..word]))
        })?;
        self.at += word + 1;
        Ok(operator)
    }

    /// A value: up to a raw `&`, `|` or the closing bracket of the group around; balanced brackets inside belong to it.
    fn value(&mut self, close: Option<u8>) -> Result<Raw<'a>, QueryError> {
        let start = self.at;
        let mut open: Vec<(u8, usize)> = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'&' | b'|' if open.is_empty() => break,
                _ if open.is_empty() && Some(byte) == close => break,
                b'(' => open.push((b')', self.at)),
                b'[' => open.push((b']', self.at)),
                b'{' => open.push((b'}', self.at)),
                b')' | b']' | b'}' => match open.pop() {
                    Some((expected, _)) if expected == byte => {}
                    _ => return Err(QueryError::syntax(self.at, format!("unexpected {:?}", char::from(byte)))),
                },
                _ => {}
            }
            self.at += 1;
        }
        match open.pop() {
            Some((_, opened)) => {
                Err(QueryError::syntax(opened, "this bracket is not closed; as data write it percent-encoded"))
            }
            None => Ok(Raw { text: &self.raw[start..self.at], position: start }),
        }
    }
}

/// A raw or encoded `<` (true) or `>` at the start, and its length.
fn angle(text: &str) -> Option<(usize, bool)> {
    let bytes = text.as_bytes();
    match bytes {
        [b'<', ..] => Some((1, true)),
        [b'>', ..] => Some((1, false)),
        [b'%', b'3', b'C' | b'c', ..] => Some((3, true)),
        [b'%', b'3', b'E' | b'e', ..] => Some((3, false)),
        _ => None,
    }
}

fn ordering(less: bool, or_equal: bool) -> Comparison {
    match (less, or_equal) {
        (true, false) => Comparison::Less,
        (true, true) => Comparison::LessOrEqual,
        (false, false) => Comparison::Greater,
        (false, true) => Comparison::GreaterOrEqual,
    }
}
