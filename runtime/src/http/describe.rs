//! What a table is, as JSON: `GET /T`.

use super::service::Tables;
use serde_json::{Value as Json, json};
use stoa_schema::model::{Attribute, Kind, NestedType, Relation, Stamp, Table, TableId};

/// The description of a table that holds `records` records.
pub(super) fn table(tables: &Tables, id: TableId, records: u64) -> Json {
    let table = tables.catalog.table(id);
    let shown = || table.attributes.iter().filter(|it| !it.hidden);
    let attributes: Vec<Json> = shown().map(|it| attribute(table, it)).collect();
    let kinds: Vec<&Kind> = shown().map(|it| &it.kind).collect();
    let types: Vec<Json> = reached(tables, &kinds).into_iter().map(nested).collect();
    let relations: Vec<Json> = table.relations.iter().map(|it| relation(tables, table, it)).collect();
    json!({
        "table": table.name,
        "path": format!("/{}/", table.export.as_deref().unwrap_or_default()),
        "description": table.description,
        "primaryKey": table.key().name,
        "open": table.open.is_some(),
        "attributes": attributes,
        "types": types,
        "relations": relations,
        "records": records,
    })
}

/// The nested types that values of these kinds hold, each once.
fn reached<'t>(tables: &'t Tables, kinds: &[&Kind]) -> Vec<&'t NestedType> {
    let all = kinds.iter().flat_map(|kind| tables.catalog.schema.types.reached_from(kind));
    all.fold(Vec::new(), |mut known, nested| {
        if !known.iter().any(|it: &&NestedType| it.name == nested.name) {
            known.push(nested);
        }
        known
    })
}

fn nested(nested: &NestedType) -> Json {
    let attribute = |it: &Attribute| json!({"name": it.name, "type": type_of(it), "description": it.description, "required": it.required});
    let attributes: Vec<Json> = nested.attributes.iter().map(attribute).collect();
    json!({"name": nested.name, "description": nested.description, "open": nested.open, "attributes": attributes})
}

fn type_of(attribute: &Attribute) -> String {
    let kind = attribute.kind.name();
    if attribute.list { format!("[{kind}]") } else { kind.to_owned() }
}

fn attribute(table: &Table, attribute: &Attribute) -> Json {
    let stamp = attribute.stamp.map(|stamp| match stamp {
        Stamp::Created => "createdTime",
        Stamp::Updated => "updatedTime",
    });
    json!({
        "name": attribute.name,
        "type": type_of(attribute),
        "description": attribute.description,
        "required": attribute.required || attribute.name == table.key().name,
        "indexed": attribute.indexed || attribute.name == table.key().name,
        "setBy": stamp,
        "computed": attribute.computed.as_ref().map(|computed| &computed.from),
    })
}

fn relation(tables: &Tables, table: &Table, relation: &Relation) -> Json {
    let target = tables.catalog.table(relation.target);
    json!({
        "name": relation.name,
        "type": if relation.many { format!("[{}]", target.name) } else { target.name.clone() },
        "from": table.attribute(relation.local).name,
        "to": target.attribute(relation.remote).name,
    })
}
