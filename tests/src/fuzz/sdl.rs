//! Schema files.

use super::{database, text};
use std::fmt::Write as _;
use stoa_runtime::openapi::document;
use stoa_schema::sdl::{Diagnostic, Loaded, Severity, Source, load};

/// A schema file is refused with an error at a place inside it, or becomes tables that can be made, and a description.
pub fn sdl(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let source = Source { name: "schema.graphql".into(), text: text.to_owned() };
    match load(&[source]) {
        Ok(Loaded { schema, warnings }) => {
            assert!(warnings.iter().all(|it| it.severity == Severity::Warning));
            warnings.iter().for_each(|warning| points_inside(warning, text));
            assert!(!schema.tables.is_empty());
            drop(database::open(&schema));
            drop(document(&schema, &[]));
        }
        Err(findings) => {
            assert!(findings.iter().any(|it| it.severity == Severity::Error));
            findings.iter().for_each(|finding| points_inside(finding, text));
        }
    }
}

fn points_inside(finding: &Diagnostic, text: &str) {
    let mut shown = String::new();
    write!(shown, "{finding}").expect("a String takes all");
    let (line, column) = (finding.position.line, finding.position.column);
    // The end of the file may lie behind its last line.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let length = text.split('\n').nth(line - 1).map(|line| line.chars().count());
    assert!(length.is_some_and(|length| (1..=length + 1).contains(&column)), "{shown}");
}
