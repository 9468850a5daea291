//! What leads the search for a page: what was learnt by counting.
//!
//! A walk in the order of the page looks at `page · rows / matches` rows until it is full, a search by a condition at
//! `matches`. They meet at `√(page · rows)`: a condition that fewer records meet leads. Counting stops there, and is left
//! out where a query of the same text has just shown that the choice holds: one whose page took few steps. A text whose
//! choice once failed is counted every time, since its values decide.

use crate::limits;
use crate::sql::{Lead, ListPlan};
use std::collections::HashMap;
use std::sync::Arc;

/// What was learnt about the texts of queries, on one connection.
#[derive(Default)]
pub(super) struct Choices {
    known: HashMap<Arc<str>, Known>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// This choice answers in few steps.
    Good(Lead),
    /// It depends on the values.
    Varies,
}

impl Choices {
    /// What led well before.
    pub(super) fn lead(&self, text: &str) -> Option<Lead> {
        match self.known.get(text) {
            Some(Known::Good(lead)) => Some(*lead),
            Some(Known::Varies) | None => None,
        }
    }

    /// Remembers a choice.
    pub(super) fn chosen(&mut self, text: &Arc<str>, lead: Lead) {
        if self.known.len() >= limits::KNOWN_CHOICES && !self.known.contains_key(text) {
            self.known.clear();
        }
        self.known.entry(Arc::clone(text)).or_insert(Known::Good(lead));
    }

    /// Remembers that a choice was not good for all values.
    pub(super) fn failed(&mut self, text: &str) {
        if let Some(known) = self.known.get_mut(text) {
            *known = Known::Varies;
        }
    }
}

/// A plan that was chosen among several.
#[derive(Debug)]
pub struct Chosen {
    /// The plan.
    pub plan: ListPlan,
    /// Which text the choice is known by; `None` if there was none.
    pub(super) text: Option<Arc<str>>,
}
