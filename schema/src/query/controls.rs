//! The controls of a query: `limit`, `offset`, `sort`, `select`, `timezone`.

use super::scan::Raw;
use super::{QueryError, SortKey, bind, decode};
use crate::model::{Schema, TableId};
use crate::time::Zone;

/// A name that is a control wherever no attribute has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Limit,
    Offset,
    Sort,
    Select,
    Timezone,
    After,
    /// Of live updates only.
    Since,
    /// Of live updates only.
    Snapshot,
    /// Known, but not on this kind of request, or not yet.
    Reserved,
}

impl Control {
    /// Whether it belongs to live updates.
    pub(super) fn follows(self) -> bool {
        matches!(self, Self::Since | Self::Snapshot)
    }

    /// Whether it says where the page lies.
    pub(super) fn pages(self) -> bool {
        matches!(self, Self::Limit | Self::Offset | Self::After)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "limit" => Self::Limit,
            "offset" => Self::Offset,
            "sort" => Self::Sort,
            "select" => Self::Select,
            "timezone" => Self::Timezone,
            "after" => Self::After,
            "since" => Self::Since,
            "snapshot" => Self::Snapshot,
            "atomic" | "search" | "aggregate" | "group" => Self::Reserved,
            _ => return None,
        })
    }
}

/// A page: how many records are passed over, and how many follow at most.
pub(super) fn limit(raw: Raw<'_>) -> Result<(Option<u64>, u64), QueryError> {
    match raw.split_commas().as_slice() {
        [limit] => Ok((None, number(*limit)?)),
        [start, end] => {
            let (start, end_at) = (number(*start)?, number(*end)?);
            let length = end_at.checked_sub(start);
            let length = length
                .ok_or_else(|| QueryError::syntax(end.position, "limit(start,end): the end lies before the start"))?;
            Ok((Some(start), length))
        }
        _ => Err(QueryError::syntax(raw.position, "limit takes one number, or start and end")),
    }
}

/// A count of records.
pub(super) fn number(raw: Raw<'_>) -> Result<u64, QueryError> {
    let number = raw.text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok());
    let digits = !raw.text.is_empty() && raw.text.bytes().all(|byte| byte.is_ascii_digit());
    number
        .filter(|_| digits)
        .ok_or_else(|| QueryError::syntax(raw.position, format!("{:?} is no number of records", raw.text)))
}

/// `-price,name`, `+name`, `category.name`.
pub(super) fn sort(schema: &Schema, table: TableId, raw: Raw<'_>) -> Result<Vec<SortKey>, QueryError> {
    raw.split_commas().into_iter().map(|part| sort_key(schema, table, part)).collect()
}

fn sort_key(schema: &Schema, table: TableId, part: Raw<'_>) -> Result<SortKey, QueryError> {
    let written = decode::plain(part.text, part.position)?;
    let (descending, path) = match written.strip_prefix('-') {
        Some(path) => (true, path),
        None => (false, written.strip_prefix('+').unwrap_or(&written)),
    };
    let (through, table, attribute) = bind::path(schema, table, path, part.position)?;
    let attribute_of = schema.table(table).attribute(attribute);
    if attribute_of.list {
        return Err(QueryError::syntax(part.position, format!("{path} is a list and has no order")));
    }
    if attribute_of.stored_as_json() {
        let detail = format!("{path} is {} and has no order", attribute_of.kind.name());
        return Err(QueryError::syntax(part.position, detail));
    }
    if through.iter().any(|(owner, relation)| schema.table(*owner).relation(*relation).many) {
        let detail = format!("{path} follows a relation to many records, which has no single order");
        return Err(QueryError::syntax(part.position, detail));
    }
    Ok(SortKey { through: through.into_iter().map(|(_, relation)| relation).collect(), attribute, descending })
}

/// `true`, `false`.
pub(super) fn flag(raw: Raw<'_>) -> Result<bool, QueryError> {
    match raw.text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(QueryError::syntax(raw.position, format!("{other:?} is neither true nor false"))),
    }
}

/// `Europe/Paris`, `+05:30`.
pub(super) fn timezone(raw: Raw<'_>) -> Result<Zone, QueryError> {
    let name = match raw.text.strip_prefix('+') {
        Some(rest) => format!("+{}", decode::plain(rest, raw.position)?),
        None => decode::plain(raw.text, raw.position)?,
    };
    // `+05:30` that a client encoded as a form arrives with a space.
    let name = name.strip_prefix(' ').map_or(name.clone(), |rest| format!("+{rest}"));
    Ok(Zone::parse(&name)?)
}
