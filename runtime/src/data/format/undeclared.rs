//! The undeclared attributes of a record of an open table: members that follow the declared ones.

use super::encoder::{Encoder, Name};
use stoa_schema::value::json;
use stoa_sync::store::Cell;

/// Their names and the JSON of their values. Most records have none.
#[derive(Default)]
pub(super) struct Undeclared(Vec<(Name, String)>);

impl Undeclared {
    /// What the column of undeclared attributes holds.
    pub(super) fn of(cell: Cell<'_>) -> Self {
        let Cell::Text(object) = cell else { return Self::default() };
        let members = json::members(object).unwrap_or_default();
        Self(members.into_iter().map(|(name, raw)| (Name::new(&name), raw.get().to_owned())).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes them after the declared members, of which there is at least the key. A flat format has no place for them.
    pub(super) fn write<E: Encoder>(&self, out: &mut Vec<u8>) {
        for (name, value) in self.0.iter().filter(|_| E::TAKES_MEMBERS) {
            E::separate(out);
            E::member(name, out);
            E::json(value, out);
        }
    }
}
