//! The arguments of a directive, typed: a wrong value is an error at the directive, an unknown argument a warning.

use super::diagnostic::{Report, did_you_mean};
use super::syntax::SdlDirective;
use crate::model::{Literal, Position};
use graphql_parser::schema::Value;

/// The arguments of one directive. Each is taken at most once; what nobody took is reported by [`Arguments::finish`].
pub(super) struct Arguments<'a> {
    directive: &'a SdlDirective,
    position: Position,
    known: Vec<&'static str>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(directive: &'a SdlDirective, position: Position) -> Self {
        Self { directive, position, known: Vec::new() }
    }

    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    fn take(&mut self, name: &'static str) -> Option<&'a Value<'static, String>> {
        self.known.push(name);
        self.directive.arguments.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// A text, written as a string or as a bare word.
    pub(super) fn text(&mut self, name: &'static str, report: &mut Report) -> Option<String> {
        let value = self.take(name)?;
        let text = text_of(value);
        if text.is_none() {
            self.wrong(name, "a text", value, report);
        }
        text
    }

    /// A list of texts, or a single one.
    pub(super) fn texts(&mut self, name: &'static str, report: &mut Report) -> Option<Vec<String>> {
        let value = self.take(name)?;
        let texts = match value {
            Value::List(items) => items.iter().map(text_of).collect(),
            single => text_of(single).map(|text| vec![text]),
        };
        if texts.is_none() {
            self.wrong(name, "a list of names", value, report);
        }
        texts
    }

    /// A number of seconds above zero, also written as a string.
    pub(super) fn seconds(&mut self, name: &'static str, report: &mut Report) -> Option<u64> {
        let value = self.take(name)?;
        let seconds = match value {
            Value::Int(number) => number.as_i64().and_then(|number| u64::try_from(number).ok()),
            Value::String(text) | Value::Enum(text) => text.parse().ok(),
            _ => None,
        };
        let seconds = seconds.filter(|seconds| *seconds > 0);
        if seconds.is_none() {
            self.wrong(name, "a whole number of seconds above 0", value, report);
        }
        seconds
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &'static str, report: &mut Report) -> Option<bool> {
        let value = self.take(name)?;
        let flag = match value {
            Value::Boolean(flag) => Some(*flag),
            _ => None,
        };
        if flag.is_none() {
            self.wrong(name, "true or false", value, report);
        }
        flag
    }

    /// A number, text or truth value.
    pub(super) fn literal(&mut self, name: &'static str, report: &mut Report) -> Option<Literal> {
        let value = self.take(name)?;
        let literal = literal_of(value);
        if literal.is_none() {
            self.wrong(name, "a number or a text", value, report);
        }
        literal
    }

    /// A list of numbers, texts or truth values.
    pub(super) fn literals(&mut self, name: &'static str, report: &mut Report) -> Option<Vec<Literal>> {
        let value = self.take(name)?;
        let literals = match value {
            Value::List(items) => items.iter().map(literal_of).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let literals = literals.filter(|literals| !literals.is_empty());
        if literals.is_none() {
            self.wrong(name, "a list of values", value, report);
        }
        literals
    }

    /// Reports what was not asked for, and arguments given twice.
    pub(super) fn finish(self, report: &mut Report) {
        for (at, (name, _)) in self.directive.arguments.iter().enumerate() {
            let directive = &self.directive.name;
            if !self.known.contains(&name.as_str()) {
                let hint = did_you_mean(name, self.known.iter().copied());
                report.warning(&self.position, format!("@{directive} has no argument `{name}`; it is ignored"), hint);
            }
            if self.directive.arguments[..at].iter().any(|(earlier, _)| earlier == name) {
                report.error(&self.position, format!("@{directive} has the argument `{name}` twice"), None);
            }
        }
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value<'static, String>, report: &mut Report) {
        let message = format!("@{}({name}: {value}): expected {wanted}", self.directive.name);
        report.error(&self.position, message, None);
    }
}

fn text_of(value: &Value<'static, String>) -> Option<String> {
    match value {
        Value::String(text) | Value::Enum(text) => Some(text.clone()),
        _ => None,
    }
}

fn literal_of(value: &Value<'static, String>) -> Option<Literal> {
    match value {
        Value::Int(number) => number.as_i64().map(Literal::Int),
        Value::Float(number) => Some(Literal::Float(*number)),
        Value::String(text) | Value::Enum(text) => Some(Literal::Text(text.clone())),
        Value::Boolean(flag) => Some(Literal::Bool(*flag)),
        _ => None,
    }
}
