//! `select`: which attributes and nested relations are shown, and in which shape.

use super::scan::Raw;
use super::{Field, Filter, QueryError, Select, Shape, bind, decode};
use crate::limits;
use crate::model::{Schema, TableId};

/// Reads `select=a,b{c}` (objects) or, as a call, `select(a)` (bare values), `select(a,)` (objects), `select([a,b])` (arrays).
pub(super) fn read(schema: &Schema, table: TableId, raw: Raw<'_>, call: bool) -> Result<Select, QueryError> {
    let (list, shape) = match raw.inside('[', ']') {
        Some(inner) => (inner, Shape::Array),
        None if call && !raw.text.contains(',') && !raw.text.contains('{') => (raw, Shape::Value),
        None => (raw, Shape::Object),
    };
    let select = fields(schema, table, list, shape, 0)?;
    if shape == Shape::Value && !matches!(select.fields.as_slice(), [Field::Attribute(_)]) {
        return Ok(Select { shape: Shape::Object, ..select });
    }
    Ok(select)
}

fn fields(schema: &Schema, table: TableId, list: Raw<'_>, shape: Shape, depth: usize) -> Result<Select, QueryError> {
    if depth > limits::QUERY_DEPTH {
        return Err(QueryError::syntax(list.position, format!("select nests deeper than {}", limits::QUERY_DEPTH)));
    }
    let mut select = Select { shape, fields: Vec::new() };
    let mut parts = list.split_commas();
    if parts.len() > 1 && parts.last().is_some_and(|last| last.text.is_empty()) {
        parts.pop();
    }
    for part in parts {
        let field = field(schema, table, part, depth)?;
        let again = select.fields.iter().any(|known| match (known, &field) {
            (Field::Attribute(known), Field::Attribute(new)) => known == new,
            (Field::Related { relation: known, .. }, Field::Related { relation: new, .. }) => known == new,
            _ => false,
        });
        if again {
            return Err(QueryError::syntax(part.position, format!("{:?} is selected twice", part.text)));
        }
        select.fields.push(field);
    }
    Ok(select)
}

fn field(schema: &Schema, table: TableId, part: Raw<'_>, depth: usize) -> Result<Field, QueryError> {
    let brace = part.text.find('{');
    let name = decode::plain(&part.text[..brace.unwrap_or(part.text.len())], part.position)?;
    if name.is_empty() {
        return Err(QueryError::syntax(part.position, "a name is missing in select"));
    }
    let declared = schema.table(table);
    if let Some(relation) = declared.relation_named(&name) {
        let target = declared.relation(relation).target;
        let select = match brace {
            None => Select::all(schema, target),
            Some(brace) => {
                let braced = part.part(brace, part.text.len());
                let inner =
                    braced.inside('{', '}').ok_or_else(|| QueryError::syntax(braced.position, "} is missing"))?;
                fields(schema, target, inner, Shape::Object, depth + 1)?
            }
        };
        return Ok(Field::Related { relation, select, filter: Filter::EVERYTHING });
    }
    match declared.shown_named(&name) {
        Some(id) if brace.is_none() => Ok(Field::Attribute(id)),
        Some(_) => Err(QueryError::syntax(part.position, format!("{name} is no relation"))),
        None => Err(bind::unknown(declared, &name, part.position)),
    }
}

/// Hands each selected to-many relation the conditions that the query itself puts on it.
pub(super) fn narrow(schema: &Schema, table: TableId, select: &mut Select, filter: &Filter) {
    let parts = match filter {
        Filter::All(parts) => parts.as_slice(),
        single @ Filter::Related { .. } => std::slice::from_ref(single),
        Filter::Any(_) | Filter::Key(_) | Filter::Is(_) | Filter::Inside(_) => return,
    };
    for field in &mut select.fields {
        let Field::Related { relation, select, filter } = field else { continue };
        let asked = parts.iter().find_map(|part| match part {
            Filter::Related { relation: on, filter } if on == relation => Some(filter),
            _ => None,
        });
        if let Some(asked) = asked {
            let joined = schema.table(table).relation(*relation);
            narrow(schema, joined.target, select, asked);
            if joined.many {
                *filter = (**asked).clone();
            }
        }
    }
}
