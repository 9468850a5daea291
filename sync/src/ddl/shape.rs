//! The user's tables as a file was last made, and what of a new schema would lose or reinterpret what it holds.

use super::computed::{self, Generated};
use super::verify::{self, Verification};
use serde::{Deserialize, Serialize};
use stoa_schema::model::{Attribute, Kind, NestedType, Schema, TableId, UNDECLARED};

/// The user's tables as the file was last made, kept in `_meta`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    pub(super) tables: Vec<TableShape>,
    /// The types of nested values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<TypeShape>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableShape {
    pub(super) name: String,
    pub(super) key: String,
    /// Those that are stored.
    pub(super) attributes: Vec<AttributeShape>,
    /// The generated columns, each after those that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) computed: Vec<ComputedShape>,
    /// The rules that its rows are known to keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rules: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ComputedShape {
    pub(super) name: String,
    pub(super) column: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TypeShape {
    name: String,
    open: bool,
    attributes: Vec<AttributeShape>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttributeShape {
    pub(super) name: String,
    kind: String,
    pub(super) list: bool,
    pub(super) required: bool,
}

impl Shape {
    /// The shape that a schema asks for.
    pub fn of(schema: &Schema) -> Self {
        Self {
            tables: (0..schema.tables.len()).map(|at| TableShape::of(schema, TableId(at))).collect(),
            types: schema.types.iter().map(TypeShape::of).collect(),
        }
    }

    pub(super) fn table(&self, name: &str) -> Option<&TableShape> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// What the wanted shape would lose or reinterpret, a sentence each.
    pub(super) fn refusals(&self, wanted: &Self) -> Vec<String> {
        let mut refusals = Vec::new();
        for before in &self.tables {
            match wanted.table(&before.name) {
                Some(after) => before.refusals(after, &mut refusals),
                None => refusals.push(format!(
                    "the table {0} is no longer in the schema, and its records would be lost; put `type {0}` back",
                    before.name
                )),
            }
        }
        refusals.extend(self.type_refusals(wanted));
        refusals
    }

    /// The same, of the types of nested values alone.
    pub(super) fn type_refusals(&self, wanted: &Self) -> Vec<String> {
        let mut refusals = Vec::new();
        for before in &self.types {
            // Of a type that is gone, whether an attribute still has it is looked at with its table.
            if let Some(after) = wanted.types.iter().find(|after| after.name == before.name) {
                before.refusals(after, &mut refusals);
            }
        }
        refusals
    }
}

impl TableShape {
    fn of(schema: &Schema, id: TableId) -> Self {
        let table = schema.table(id);
        let stored = table.attributes.iter().filter(|attribute| attribute.computed.is_none());
        let computed = computed::generated(schema, id).into_iter();
        Self {
            name: table.name.clone(),
            key: table.key().name.clone(),
            attributes: stored.map(AttributeShape::of).collect(),
            computed: computed.map(|Generated { name, column }| ComputedShape { name, column }).collect(),
            rules: verify::verifications(schema, id).iter().map(Verification::identity).collect(),
        }
    }

    /// Whether undeclared attributes are kept.
    pub(super) fn open(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.name == UNDECLARED)
    }

    /// What the wanted table would lose or reinterpret, a sentence each.
    pub(super) fn refusals(&self, after: &Self, refusals: &mut Vec<String>) {
        let name = &self.name;
        if self.key != after.key {
            refusals.push(format!(
                "the primary key of {name} changed from {} to {}; put @primaryKey back to {}",
                self.key, after.key, self.key
            ));
        }
        let is_computed = |shape: &Self, name: &str| shape.computed.iter().any(|computed| computed.name == name);
        for attribute in self.attributes.iter().filter(|it| is_computed(after, &it.name)) {
            refusals.push(format!(
                "{name}.{0} is computed now, and its stored values would be lost; take @computed away from it",
                attribute.name
            ));
        }
        for computed in self.computed.iter().filter(|it| after.attributes.iter().any(|new| new.name == it.name)) {
            refusals.push(format!(
                "{name}.{0} is no longer computed, and its values would be lost; put @computed back, or give it another name",
                computed.name
            ));
        }
        // Whether undeclared attributes may go is decided by the rows.
        let declared = self.attributes.iter().filter(|it| it.name != UNDECLARED && !is_computed(after, &it.name));
        attributes_refused(name, declared, &after.attributes, refusals);
    }
}

impl TypeShape {
    fn of(nested: &NestedType) -> Self {
        let attributes = nested.attributes.iter().map(AttributeShape::of).collect();
        Self { name: nested.name.clone(), open: nested.open, attributes }
    }

    /// Stored values of the type stay as they are, so they must fit the new one.
    fn refusals(&self, after: &Self, refusals: &mut Vec<String>) {
        attributes_refused(&self.name, self.attributes.iter(), &after.attributes, refusals);
        if self.open && !after.open {
            refusals
                .push(format!("{0} is no longer @open, and stored values may hold more; put @open back", self.name));
        }
        for attribute in after.attributes.iter().filter(|attribute| attribute.required) {
            let known = self.attributes.iter().find(|known| known.name == attribute.name);
            if !known.is_some_and(|known| known.required) {
                refusals.push(format!(
                    "{0}.{1} is now required, and stored values may lack it; drop the `!`",
                    self.name, attribute.name
                ));
            }
        }
    }
}

fn attributes_refused<'a>(
    owner: &str,
    before: impl Iterator<Item = &'a AttributeShape>,
    after: &[AttributeShape],
    refusals: &mut Vec<String>,
) {
    for attribute in before {
        match after.iter().find(|new| new.name == attribute.name) {
            None => refusals.push(format!(
                "{owner}.{0} is no longer in the schema, and its values would be lost; put `{0}: {1}` back",
                attribute.name,
                attribute.shown()
            )),
            Some(new) if attribute.fits(new) => {}
            Some(new) => refusals.push(format!(
                "{owner}.{0} changed from {1} to {2}, and stored values would have to be converted; put `{0}: {1}` back",
                attribute.name,
                attribute.shown(),
                new.shown()
            )),
        }
    }
}

impl AttributeShape {
    pub(super) fn of(attribute: &Attribute) -> Self {
        Self {
            name: attribute.name.clone(),
            kind: attribute.kind.name().to_owned(),
            list: attribute.list,
            required: attribute.required && !attribute.server_set(),
        }
    }

    /// `Kind` of its values or its elements.
    pub(super) fn kind(&self) -> Kind {
        Kind::named(&self.kind).unwrap_or_else(|| Kind::Nested(self.kind.clone()))
    }

    pub(super) fn shown(&self) -> String {
        if self.list { format!("[{}]", self.kind) } else { self.kind.clone() }
    }

    /// Whether stored values can stay as they are. `Int` fits into `Long`.
    pub(super) fn fits(&self, new: &Self) -> bool {
        let widened = self.kind == Kind::Int.name() && new.kind == Kind::Long.name();
        self.list == new.list && (self.kind == new.kind || widened)
    }
}
