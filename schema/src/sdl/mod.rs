//! Schema files → checked [`Schema`].
//!
//! All errors of all files are reported at once (of a file that does not parse: its first syntax error), each with file,
//! line, column and, where it can be known, what to write instead. Unknown directives and arguments are warnings, so that
//! a schema written for another server still loads; a wrong value is an error.

mod conditions;
mod computed;
mod rules;
mod relations;
mod types;
mod nested;
mod fields;
mod arguments;
mod syntax;
mod diagnostic;

pub use diagnostic::{Diagnostic, Severity};

use crate::model::Schema;
use diagnostic::Report;
use std::sync::Arc;

/// One schema file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, as shown in errors.
    pub name: Arc<str>,
    /// Its text.
    pub text: String,
}

/// A schema that can be served, with what its author should know about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The checked schema.
    pub schema: Schema,
    /// Warnings, in the order of the files.
    pub warnings: Vec<Diagnostic>,
}

/// Reads schema files.
///
/// # Errors
/// Every error of every file, and the warnings found beside them, in the order of files and lines.
pub fn load(sources: &[Source]) -> Result<Loaded, Vec<Diagnostic>> {
    let mut report = Report::default();
    let objects = syntax::objects(sources, &mut report);
    let (drafts, nested) = types::drafts(&objects, &mut report);
    let tables = relations::resolve(drafts, &mut report);
    let tables = rules::attach(tables, &mut report);
    computed::check(&tables, &mut report);
    conditions::check(&tables, &mut report);
    let finished: Vec<_> = tables.into_iter().map(|draft| draft.table).collect();
    if finished.is_empty() && !report.has_errors() {
        let file = sources.first().map_or_else(|| Arc::from("schema.graphql"), |source| Arc::clone(&source.name));
        report.error(
            &crate::model::Position { file, line: 1, column: 1 },
            "the schema declares no table",
            Some("write for example: type Product @table @export { id: ID @primaryKey name: String }".into()),
        );
    }
    report.finish(sources).map(|warnings| Loaded { schema: Schema::new(finished, nested), warnings })
}
