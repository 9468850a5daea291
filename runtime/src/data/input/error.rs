//! What can be wrong with a body.

use stoa_schema::value::{Violation, json};

/// Why a body is no write.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyError {
    /// It is not in the format that was expected.
    Syntax {
        /// What is wrong.
        detail: String,
        /// At which byte.
        position: usize,
    },
    /// A record is larger than a record may be.
    TooLarge {
        /// Its position, if the body holds several.
        index: Option<usize>,
    },
    /// It can be read, but is not a record of the table.
    Invalid {
        /// All that is wrong.
        violations: Vec<Violation>,
        /// The position of the first faulty record, if the body holds several.
        index: Option<usize>,
    },
}

impl BodyError {
    pub(super) fn syntax(detail: impl Into<String>, position: usize) -> Self {
        Self::Syntax { detail: detail.into(), position }
    }

    pub(super) fn invalid(violations: Vec<Violation>) -> Self {
        Self::Invalid { violations, index: None }
    }

    /// The same, of a part that begins at this byte of the body.
    pub fn after(self, begin: usize) -> Self {
        match self {
            Self::Syntax { detail, position } => Self::Syntax { detail, position: begin + position },
            other => other,
        }
    }

    /// The same, but only known to be in the part that begins at this byte of the body.
    pub fn at(self, begin: usize) -> Self {
        match self {
            Self::Syntax { detail, .. } => Self::Syntax { detail, position: begin },
            other => other,
        }
    }
}

impl From<json::JsonError> for BodyError {
    fn from(error: json::JsonError) -> Self {
        Self::Syntax { detail: error.detail, position: error.position }
    }
}
