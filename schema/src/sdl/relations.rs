//! Relation drafts → relations whose both ends exist and can be compared.

use super::diagnostic::{Report, did_you_mean};
use super::fields::RelationDraft;
use super::types::TableDraft;
use crate::model::{Attribute, AttributeId, Kind, Relation, TableId};

/// Resolves the relations of all tables.
pub(super) fn resolve(mut drafts: Vec<TableDraft>, report: &mut Report) -> Vec<TableDraft> {
    for at in 0..drafts.len() {
        let relations: Vec<_> = std::mem::take(&mut drafts[at].relations)
            .into_iter()
            .filter_map(|draft| relation(&drafts, at, draft, report))
            .collect();
        drafts[at].table.relations = relations;
    }
    drafts
}

fn relation(drafts: &[TableDraft], this: usize, draft: RelationDraft, report: &mut Report) -> Option<Relation> {
    let target = drafts.iter().position(|other| other.type_name == draft.target)?;
    let (here, there) = (&drafts[this], &drafts[target]);
    let local = match &draft.from {
        Some(name) => attribute(here, name, &draft, report)?,
        None => here.table.key,
    };
    let remote = match &draft.to {
        Some(name) => attribute(there, name, &draft, report)?,
        None => there.table.key,
    };
    let (local_end, remote_end) = (here.table.attribute(local), there.table.attribute(remote));
    check_ends(&draft, local_end, remote_end, report);
    for (end, id) in [(here, local), (there, remote)] {
        let key = end.table.attribute(id);
        if id == end.table.key && key.list {
            let hint = Some("give the type a key of one value, and make the parts attributes of their own".into());
            let message = format!("`{}` joins by {}.{}, a key of several parts", draft.name, end.type_name, key.name);
            report.error(&draft.position, message, hint);
        }
    }
    if draft.to.is_some() && remote != there.table.key && !remote_end.indexed {
        let message =
            format!("`{}` joins by {}.{}, which is not indexed", draft.name, there.type_name, remote_end.name);
        report.warning(&draft.position, message, Some(format!("add @indexed to `{}`", remote_end.name)));
    }
    Some(Relation {
        name: draft.name,
        local,
        target: TableId(target),
        remote,
        many: draft.many,
        from: draft.from.is_some(),
        on_delete: draft.on_delete,
        position: draft.position,
    })
}

fn attribute(draft: &TableDraft, name: &str, relation: &RelationDraft, report: &mut Report) -> Option<AttributeId> {
    let found = draft.table.attribute_named(name);
    if found.is_none() {
        let hint = did_you_mean(name, draft.table.attributes.iter().map(|attribute| attribute.name.as_str()));
        let message =
            format!("@relationship on `{}`: type {} has no attribute `{name}`", relation.name, draft.type_name);
        report.error(&relation.position, message, hint);
    }
    found
}

fn check_ends(draft: &RelationDraft, local: &Attribute, remote: &Attribute, report: &mut Report) {
    if !comparable(&local.kind, &remote.kind) {
        let message = format!(
            "`{}` compares `{}` ({}) with `{}` ({}): they can never be equal",
            draft.name,
            local.name,
            local.kind.name(),
            remote.name,
            remote.kind.name()
        );
        report.error(&draft.position, message, None);
    }
    if local.list && remote.list {
        let message = format!("`{}` joins two lists: one side must be a single value", draft.name);
        report.error(&draft.position, message, None);
    }
    if !draft.many && (local.list || remote.list) {
        let hint = Some(format!("write `{}: [{}]`", draft.name, draft.target));
        report.error(&draft.position, format!("`{}` joins many records but shows one", draft.name), hint);
    }
}

fn comparable(a: &Kind, b: &Kind) -> bool {
    let class = |kind: &Kind| match kind {
        Kind::Id | Kind::String | Kind::Date => 0,
        Kind::Int | Kind::Long => 1,
        Kind::BigInt => 2,
        Kind::Float => 3,
        Kind::Boolean => 4,
        Kind::Bytes | Kind::Any | Kind::Nested(_) => 5,
    };
    class(a) == class(b) && class(a) < 5
}
