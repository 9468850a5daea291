//! What a table is, as JSON: `GET /T`.

use super::service::Tables;
use serde_json::{Value as Json, json};
use stoa_schema::model::{Attribute, Relation, Stamp, Table, TableId};

/// The description of a table that holds `records` records.
pub(super) fn table(tables: &Tables, id: TableId, records: u64) -> Json {
    let table = tables.catalog.table(id);
    let attributes: Vec<Json> =
        table.attributes.iter().filter(|it| !it.hidden).map(|it| attribute(table, it)).collect();
    let relations: Vec<Json> = table.relations.iter().map(|it| relation(tables, table, it)).collect();
    json!({
        "table": table.name,
        "path": format!("/{}/", table.export.as_deref().unwrap_or_default()),
        "description": table.description,
        "primaryKey": table.key().name,
        "attributes": attributes,
        "relations": relations,
        "records": records,
    })
}

fn attribute(table: &Table, attribute: &Attribute) -> Json {
    let kind = attribute.kind.name();
    let stamp = attribute.stamp.map(|stamp| match stamp {
        Stamp::Created => "createdTime",
        Stamp::Updated => "updatedTime",
    });
    json!({
        "name": attribute.name,
        "type": if attribute.list { format!("[{kind}]") } else { kind.to_owned() },
        "description": attribute.description,
        "required": attribute.required || attribute.name == table.key().name,
        "indexed": attribute.indexed || attribute.name == table.key().name,
        "setBy": stamp,
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
