//! A condition on a value inside a nested one → SQL over the stored JSON. No index helps here.

use super::filter;
use super::text::Text;
use crate::ident::{literal, quoted};
use stoa_schema::model::Table;
use stoa_schema::query::{InsideCondition, Test};

/// Writes the condition. Each list on the way becomes a `json_each`, of which some row has to pass.
pub(super) fn push(text: &mut Text, table: &Table, alias: &str, condition: &InsideCondition) {
    let attribute = table.attribute(condition.attribute);
    let mut walk = Walk { at: format!("{alias}.{}", quoted(&attribute.name)), path: "$".into(), sources: Vec::new() };
    if attribute.list {
        walk.each(text);
    }
    for (at, step) in condition.path.iter().enumerate() {
        walk.path.push_str(&format!(".\"{}\"", step.name));
        let asks_for_absence = condition.test == Test::Null && at + 1 == condition.path.len();
        if step.list && !asks_for_absence {
            walk.each(text);
        }
    }
    let value = walk.value();
    if walk.sources.is_empty() {
        return filter::test(text, &value, &condition.test, condition.negated);
    }
    let not = if condition.negated { "NOT " } else { "" };
    text.push(&format!("{not}EXISTS(SELECT 1 FROM {} WHERE ", walk.sources.join(",")));
    filter::test(text, &value, &condition.test, false);
    text.push(")");
}

/// How far the path has been followed.
struct Walk {
    /// The JSON that the path starts from.
    at: String,
    path: String,
    sources: Vec<String>,
}

impl Walk {
    fn value(&self) -> String {
        match self.path.as_str() {
            "$" => self.at.clone(),
            path => format!("json_extract({},{})", self.at, literal(path)),
        }
    }

    /// Goes on from each element of the list that has been reached.
    fn each(&mut self, text: &mut Text) {
        let elements = text.alias();
        self.sources.push(match self.path.as_str() {
            "$" => format!("json_each({}) AS {elements}", self.at),
            path => format!("json_each({},{}) AS {elements}", self.at, literal(path)),
        });
        self.at = format!("{elements}.value");
        self.path = "$".into();
    }
}
