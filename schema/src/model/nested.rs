//! Types without `@table`: the shapes of values that are stored inside records.

use super::{Attribute, Kind, Position};

/// All nested types of a schema. They refer to each other, and to themselves, by name.
#[derive(Clone, Debug, Default)]
pub struct NestedTypes(Vec<NestedType>);

/// A type without `@table`.
#[derive(Clone, Debug)]
pub struct NestedType {
    /// Its name.
    pub name: String,
    /// What the schema says above it.
    pub description: Option<String>,
    /// Its attributes, in the order of declaration.
    pub attributes: Vec<Attribute>,
    /// `@open`: undeclared attributes are kept.
    pub open: bool,
    /// Whether some value inside, at any depth, is stored in another form than it is shown in: a `BigInt` or `Bytes`.
    pub encoded: bool,
    /// Where it is declared.
    pub position: Position,
}

impl NestedTypes {
    /// The set of these types; [`NestedType::encoded`] is found out here.
    pub fn new(mut types: Vec<NestedType>) -> Self {
        let encodes = |known: &[NestedType], attribute: &Attribute| match &attribute.kind {
            Kind::BigInt | Kind::Bytes => true,
            Kind::Nested(name) => known.iter().any(|nested| nested.name == *name && nested.encoded),
            Kind::Id | Kind::String | Kind::Int | Kind::Long | Kind::Float | Kind::Boolean | Kind::Date | Kind::Any => {
                false
            }
        };
        while let Some(at) =
            types.iter().position(|nested| !nested.encoded && nested.attributes.iter().any(|it| encodes(&types, it)))
        {
            types[at].encoded = true;
        }
        Self(types)
    }

    /// The type with this name.
    pub fn named(&self, name: &str) -> Option<&NestedType> {
        self.0.iter().find(|nested| nested.name == name)
    }

    /// All of them, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = &NestedType> {
        self.0.iter()
    }

    /// The types that a value of `kind` can hold, itself first, each once.
    pub fn reached_from<'t>(&'t self, kind: &Kind) -> Vec<&'t NestedType> {
        let mut reached: Vec<&NestedType> = Vec::new();
        let mut next = vec![kind];
        while let Some(kind) = next.pop() {
            let Kind::Nested(name) = kind else { continue };
            if let Some(nested) = self.named(name)
                && !reached.iter().any(|known| known.name == *name)
            {
                reached.push(nested);
                next.extend(nested.attributes.iter().rev().map(|attribute| &attribute.kind));
            }
        }
        reached
    }
}

impl NestedType {
    /// The attribute with this name.
    pub fn attribute_named(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}
