//! Names → attributes, along to-one relations.

use super::error::{ExpressionError, did_you_mean};
use super::syntax::Name;
use super::{Path, Reach};
use crate::model::{Attribute, AttributeId, RelationId, Table, TableId};

/// An attribute that a path leads to.
pub(super) struct Resolved<'s> {
    pub(super) path: Path,
    pub(super) attribute: &'s Attribute,
}

/// The names an expression may use, and what it has used so far.
pub(super) struct Names<'s> {
    tables: &'s [&'s Table],
    table: TableId,
    reach: Reach,
    attributes: Vec<AttributeId>,
    relations: Vec<RelationId>,
}

impl<'s> Names<'s> {
    pub(super) fn new(tables: &'s [&'s Table], table: TableId, reach: Reach) -> Self {
        Self { tables, table, reach, attributes: Vec::new(), relations: Vec::new() }
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    /// The attributes and relations of the table that were used.
    pub(super) fn used(self) -> (Vec<AttributeId>, Vec<RelationId>) {
        (self.attributes, self.relations)
    }

    pub(super) fn resolve(&mut self, names: &[Name]) -> Result<Resolved<'s>, ExpressionError> {
        let Some((last, through)) = names.split_last() else {
            return Err(ExpressionError::new(0, "a name is missing"));
        };
        let mut table = self.tables[self.table.0];
        let mut relations = Vec::with_capacity(through.len());
        for name in through {
            let (relation, target) = self.follow(table, name)?;
            relations.push(relation);
            table = target;
        }
        let id = attribute(table, last)?;
        self.note(&relations, id);
        Ok(Resolved { path: Path { relations, attribute: id }, attribute: table.attribute(id) })
    }

    fn follow(&self, table: &'s Table, name: &Name) -> Result<(RelationId, &'s Table), ExpressionError> {
        let Some(id) = table.relation_named(&name.text) else {
            return Err(match table.attribute_named(&name.text) {
                Some(_) => refuse(name, format!("`{}` is no relation, nothing follows it", name.text)),
                None => unknown(table, name, "relation", table.relations.iter().map(|it| it.name.as_str())),
            });
        };
        let relation = table.relation(id);
        if relation.many {
            let message = format!("`{}` leads to many records; a path follows relations to one", name.text);
            return Err(refuse(name, message));
        }
        match self.reach {
            Reach::Related => Ok((id, self.tables[relation.target.0])),
            Reach::Row => {
                let message = format!("`{}` leads to another record; only this one can be read here", name.text);
                Err(refuse(name, message))
            }
        }
    }

    fn note(&mut self, relations: &[RelationId], end: AttributeId) {
        let read = match relations.first() {
            Some(first) => {
                add(&mut self.relations, *first);
                self.tables[self.table.0].relation(*first).local
            }
            None => end,
        };
        add(&mut self.attributes, read);
    }
}

fn add<T: PartialEq>(known: &mut Vec<T>, new: T) {
    if !known.contains(&new) {
        known.push(new);
    }
}

fn attribute(table: &Table, name: &Name) -> Result<AttributeId, ExpressionError> {
    if let Some(id) = table.attribute_named(&name.text) {
        return Ok(id);
    }
    if table.relation_named(&name.text).is_some() {
        let message = format!("`{}` is a relation, not a value", name.text);
        return Err(refuse(name, message).hint(format!("write `{}.` and one of its attributes", name.text)));
    }
    Err(unknown(table, name, "attribute", table.field_names()))
}

fn refuse(name: &Name, message: impl Into<String>) -> ExpressionError {
    ExpressionError::new(name.position, message)
}

fn unknown<'a>(table: &Table, name: &Name, what: &str, known: impl IntoIterator<Item = &'a str>) -> ExpressionError {
    let error = refuse(name, format!("type {} has no {what} `{}`", table.name, name.text));
    match did_you_mean(&name.text, known) {
        Some(hint) => error.hint(hint),
        None => error.hint("a text stands in single quotes: 'cancelled'"),
    }
}
