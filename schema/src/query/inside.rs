//! Names that lead into nested values: `address.city`, `addresses.city`, `parent.address.city`.

use super::{PathStep, QueryError};
use crate::limits;
use crate::model::{Attribute, AttributeId, Kind, Table};
use crate::nearest::nearest;

/// The attribute that holds the nested value, the steps into it, and what stands at their end.
pub(super) type Place<'s> = (AttributeId, Vec<PathStep>, &'s Attribute);

/// Resolves `attribute.….attribute`; `None` if the name has no dot or does not begin with a nested value.
pub(super) fn place<'s>(table: &'s Table, name: &str, position: usize) -> Result<Option<Place<'s>>, QueryError> {
    let Some((first, rest)) = name.split_once('.') else { return Ok(None) };
    let Some(id) = table.shown_named(first) else { return Ok(None) };
    let root = table.attribute(id);
    let (mut at, mut path) = (root, Vec::new());
    for step in rest.split('.') {
        let nested = if let Kind::Nested(name) = &at.kind { root.types.named(name) } else { None };
        let Some(declared) = nested else {
            return Err(QueryError::syntax(position, format!("{} has nothing inside it to ask for", at.name)));
        };
        at = declared.attribute_named(step).ok_or_else(|| QueryError::UnknownAttribute {
            table: declared.name.clone(),
            name: step.to_owned(),
            nearest: nearest(step, declared.attributes.iter().map(|it| it.name.as_str())).map(str::to_owned),
            position,
        })?;
        path.push(PathStep { name: at.name.clone(), list: at.list });
        if path.len() > limits::NESTED_DEPTH {
            return Err(QueryError::syntax(position, "this path leads deeper than values nest"));
        }
    }
    Ok(Some((id, path, at)))
}
