//! What is wrong in a schema file, where, and what to write instead.

use super::Source;
use crate::model::Position;
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The schema cannot be served.
    Error,
    /// It can, but probably not as meant.
    Warning,
}

/// One finding in a schema file. Its `Display` is `file:line:column: error: message`, then the hint on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub position: Position,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { file, line, column } = &self.position;
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{file}:{line}:{column}: {severity}: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Report {
    findings: Vec<Diagnostic>,
}

impl Report {
    pub(super) fn error(&mut self, position: &Position, message: impl Into<String>, hint: Option<String>) {
        self.add(Severity::Error, position, message.into(), hint);
    }

    pub(super) fn warning(&mut self, position: &Position, message: impl Into<String>, hint: Option<String>) {
        self.add(Severity::Warning, position, message.into(), hint);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    fn add(&mut self, severity: Severity, position: &Position, message: String, hint: Option<String>) {
        self.findings.push(Diagnostic { severity, position: position.clone(), message, hint });
    }

    /// The warnings, if there are no errors; otherwise everything.
    pub(super) fn finish(mut self, sources: &[Source]) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.findings.sort_by_key(|finding| {
            let file = sources.iter().position(|source| source.name == finding.position.file);
            (file, finding.position.line, finding.position.column)
        });
        if self.has_errors() { Err(self.findings) } else { Ok(self.findings) }
    }
}

/// "did you mean `name`?", if one of the candidates is near.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    crate::nearest::nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}
