//! Why a query string was refused.

/// A query that cannot be carried out as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It breaks a rule of the syntax, or a value does not fit.
    #[error("{detail}")]
    Syntax {
        /// What is wrong.
        detail: String,
        /// The byte of the query string, from 0.
        position: usize,
    },
    /// It names an attribute that the type does not declare.
    #[error("{table} has no attribute {name:?}{}", nearest.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    UnknownAttribute {
        /// The type.
        table: String,
        /// The name as written.
        name: String,
        /// The declared name nearest to it.
        nearest: Option<String>,
        /// The byte of the query string, from 0.
        position: usize,
    },
    /// There is no such time zone.
    #[error("{0}")]
    UnknownZone(#[from] crate::time::UnknownZone),
}

impl QueryError {
    pub(super) fn syntax(position: usize, detail: impl Into<String>) -> Self {
        Self::Syntax { detail: detail.into(), position }
    }
}
