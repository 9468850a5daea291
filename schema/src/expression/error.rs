//! Why an expression was refused.

use crate::nearest::nearest;

/// An expression that cannot be used as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// The byte of the expression where it was noticed, from 0.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ExpressionError {
    pub(super) fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The column of `text`, the whole expression, where it was noticed: in characters, from 1.
    pub fn column(&self, text: &str) -> usize {
        text.char_indices().take_while(|(at, _)| *at < self.position).count() + 1
    }
}

/// "did you mean `name`?", if one of the candidates is near.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}
