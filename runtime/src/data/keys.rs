//! What is noted while an answer is read: by which keys it shows records, until when, and how new what was seen is.

use crate::interests::{Term, Terms};
use std::cell::RefCell;
use stoa_schema::model::{Attribute, AttributeId, Relation, Schema, TableId};
use stoa_schema::query::terms;
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::store::{Cell, ReadError, Reader};

/// A value of an attribute by which records of a table were looked for, whether or not there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table.
    pub table: TableId,
    /// The attribute.
    pub attribute: AttributeId,
    /// The value; `None` if no term stands for it.
    pub term: Option<Term>,
}

/// The keys of an answer, noted while it is made.
#[derive(Debug)]
pub struct Keys {
    terms: Terms,
    found: RefCell<Vec<Key>>,
}

impl Keys {
    /// None yet.
    pub fn new(terms: Terms) -> Self {
        Self { terms, found: RefCell::default() }
    }

    /// A record is shown.
    pub fn record(&self, table: TableId, attribute: AttributeId, id: Cell<'_>) {
        let term = self.terms.of_cell(attribute, id);
        self.found.borrow_mut().push(Key { table, attribute, term });
    }

    /// The records are shown that a relation joins with one whose attribute `local` has this value.
    pub fn joined(&self, relation: &Relation, local: &Attribute, value: Cell<'_>) {
        let (table, attribute) = (relation.target, relation.remote);
        match value {
            Cell::Text(list) if local.list => {
                let keys = terms(local, &Value::List(list.to_owned()));
                let keys = keys.iter().map(|key| Key { table, attribute, term: self.terms.of(attribute, key) });
                self.found.borrow_mut().extend(keys);
            }
            // Nothing is joined to what is absent.
            Cell::Null => {}
            value => self.record(table, attribute, value),
        }
    }

    /// All of them.
    pub fn into_found(self) -> Vec<Key> {
        self.found.into_inner()
    }
}

/// What is to be noted.
#[derive(Clone, Debug, Default)]
pub struct Noting {
    /// Makes the terms of keys, if these are wanted.
    pub terms: Option<Terms>,
    /// Whether the query's own records are to be noted too.
    pub records: bool,
    /// The tables of which it is to be noted when a record expires.
    pub expiring: Vec<TableId>,
}

/// What was noted.
#[derive(Debug, Default)]
pub struct Noted {
    /// By which keys records are shown.
    pub keys: Vec<Key>,
    /// When the next record expires, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// The position of the change log that the reading may have seen, if that is not reached yet.
    pub seen: Option<u64>,
}

impl Noting {
    /// Room for the keys.
    pub fn keys(&self) -> Option<Keys> {
        self.terms.clone().map(Keys::new)
    }

    /// When the next record expires: of a record alone its own end, otherwise that of any record of a table that is looked at.
    /// It is asked before anything is read: what expires meanwhile counts as expired.
    ///
    /// # Errors
    /// libSQL failed, or the deadline passed.
    pub fn expires_at_ms(
        &self,
        reader: &Reader,
        schema: &Schema,
        id: Option<&Value>,
    ) -> Result<Option<i64>, ReadError> {
        let mut earliest = None;
        // Whose keys are noted, that shows records of other tables, or others of its own.
        let alone = id.filter(|_| self.terms.is_none());
        for table in &self.expiring {
            let next = reader.expires_at_ms(schema.table(*table), alone)?;
            earliest = [earliest, next].into_iter().flatten().min();
        }
        Ok(earliest)
    }
}

/// The position that a reading may have seen, asked right after it, if that is not reached yet.
///
/// # Errors
/// libSQL failed, or the deadline passed.
pub fn seen(store: &Store, reader: &Reader) -> Result<Option<u64>, ReadError> {
    if store.is_settled() { Ok(None) } else { reader.position().map(Some) }
}
