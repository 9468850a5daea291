//! Text → the object types it declares (graphql-parser), with the file each came from.

use super::{Source, diagnostic::Report};
use crate::{limits, model::Position};
use graphql_parser::Pos;
use graphql_parser::schema::{Definition, Directive, Field, ObjectType, TypeDefinition, parse_schema};
use std::sync::Arc;

pub(super) type SdlDirective = Directive<'static, String>;
pub(super) type SdlField = Field<'static, String>;

/// An object type and the file that declares it.
pub(super) struct Object {
    pub(super) file: Arc<str>,
    pub(super) definition: ObjectType<'static, String>,
}

impl Object {
    pub(super) fn at(&self, pos: Pos) -> Position {
        Position { file: Arc::clone(&self.file), line: pos.line, column: pos.column }
    }
}

/// The object types of all files; what else they define is ignored with a warning.
pub(super) fn objects(sources: &[Source], report: &mut Report) -> Vec<Object> {
    sources.iter().flat_map(|source| file_objects(source, report)).collect()
}

fn file_objects(source: &Source, report: &mut Report) -> Vec<Object> {
    let place = |pos: Pos| Position { file: Arc::clone(&source.name), line: pos.line, column: pos.column };
    if source.text.len() > limits::SCHEMA_BYTES {
        report.error(&place(Pos { line: 1, column: 1 }), "the file is larger than 4 MiB", None);
        return Vec::new();
    }
    if source.text.trim().is_empty() {
        return Vec::new();
    }
    let document = match parse_schema::<String>(&countable(&source.text)) {
        Ok(document) => document.into_static(),
        Err(error) => {
            let (pos, message) = syntax_error(&error.to_string());
            report.error(&place(pos), message, None);
            return Vec::new();
        }
    };
    let mut objects = Vec::new();
    for definition in document.definitions {
        match definition {
            Definition::TypeDefinition(TypeDefinition::Object(definition)) => {
                objects.push(Object { file: Arc::clone(&source.name), definition });
            }
            other => {
                let (pos, what) = ignored(&other);
                report.warning(&place(pos), format!("{what} is ignored"), Some("only `type` declares data".into()));
            }
        }
    }
    objects
}

/// The text in which the parser counts lines and columns as editors do: it takes the CRLF behind a comment for two line
/// ends, a tab for eight columns and a byte order mark for none. Line ends of a text in blocks are `\n` anyway (GraphQL
/// §2.9.4).
fn countable(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut counted = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let (piece, after) = rest.split_at(match first {
            '"' => quoted_length(rest),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            other => other.len_utf8(),
        });
        counted.push_str(if matches!(first, '\t' | '\u{feff}') { " " } else { piece });
        rest = after;
    }
    counted
}

/// The length of the text in quotes, one or three, that stands at the start.
fn quoted_length(text: &str) -> usize {
    let quotes = if text.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    let mut at = quotes.len();
    while let Some(next) = text[at..].chars().next() {
        if text[at..].starts_with(quotes) {
            return at + quotes.len();
        }
        let escaped = if next == '\\' { text[at + 1..].chars().next() } else { None };
        at += next.len_utf8() + escaped.map_or(0, char::len_utf8);
    }
    text.len()
}

fn ignored(definition: &Definition<'static, String>) -> (Pos, &'static str) {
    match definition {
        Definition::SchemaDefinition(it) => (it.position, "a `schema` definition"),
        Definition::TypeExtension(_) => (Pos { line: 1, column: 1 }, "an `extend` definition"),
        Definition::DirectiveDefinition(it) => (it.position, "a `directive` definition"),
        Definition::TypeDefinition(TypeDefinition::Scalar(it)) => (it.position, "a `scalar` definition"),
        Definition::TypeDefinition(TypeDefinition::Object(it)) => (it.position, "a `type` definition"),
        Definition::TypeDefinition(TypeDefinition::Interface(it)) => (it.position, "an `interface` definition"),
        Definition::TypeDefinition(TypeDefinition::Union(it)) => (it.position, "a `union` definition"),
        Definition::TypeDefinition(TypeDefinition::Enum(it)) => (it.position, "an `enum` definition"),
        Definition::TypeDefinition(TypeDefinition::InputObject(it)) => (it.position, "an `input` definition"),
    }
}

/// graphql-parser tells the place only in its message: `… Parse error at LINE:COLUMN`, then what it met and expected.
fn syntax_error(text: &str) -> (Pos, String) {
    let text = text.strip_prefix("schema parse error: ").unwrap_or(text);
    let mut lines = text.lines();
    let place = lines.next().and_then(|first| first.rsplit(' ').next()).and_then(|place| {
        let (line, column) = place.split_once(':')?;
        Some(Pos { line: line.parse().ok()?, column: column.parse().ok()? })
    });
    let rest: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    let message = if rest.is_empty() { text.to_owned() } else { rest.join("; ") };
    (place.unwrap_or(Pos { line: 1, column: 1 }), format!("syntax: {message}"))
}
