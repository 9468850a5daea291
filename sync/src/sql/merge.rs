//! The undeclared attributes of an open table, merged by a PATCH: `json_set` and `json_remove`, a few members at a time.

use super::text::Text;
use crate::ident::literal;
use crate::limits::JSON_OBJECT_PAIRS;
use stoa_schema::value::Value;

/// Writes the new value of `column`: the object in it with these members set or removed; null when none is left.
pub(super) fn push(text: &mut Text, column: &str, members: &[(String, Option<String>)]) {
    let (set, removed): (Vec<_>, Vec<_>) = members.iter().partition(|(_, value)| value.is_some());
    let (sets, removals) = (set.chunks(JSON_OBJECT_PAIRS), removed.chunks(JSON_OBJECT_PAIRS));
    text.push("nullif(");
    text.push(&"json_remove(".repeat(removals.len()));
    text.push(&"json_set(".repeat(sets.len()));
    text.push(&format!("coalesce({column},'{{}}')"));
    for chunk in sets {
        for (name, value) in chunk {
            text.push(&format!(",{},json(", path(name)));
            text.param(Value::Json(value.clone().unwrap_or_default()));
            text.push(")");
        }
        text.push(")");
    }
    for chunk in removals {
        for (name, _) in chunk {
            text.push(&format!(",{}", path(name)));
        }
        text.push(")");
    }
    text.push(",'{}')");
}

/// The names that a body may give need no escapes between the quotes.
fn path(name: &str) -> String {
    literal(&format!("$.\"{name}\""))
}
