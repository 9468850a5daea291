//! The examples on a page of the docs, run in order as a reader would.
//!
//! | block | what happens |
//! |---|---|
//! | ```` ```graphql ```` | is loaded as a schema without warnings, and serves the requests that follow; if a ```` ```text ```` block of diagnostics follows, these are what `stoa check` says of it instead |
//! | ```` ```toml ```` | is the `stoa.toml` of an app that starts |
//! | ```` ```http ```` with `--- STATUS` | cases of [`crate::fixture`] |
//! | ```` ```sh ```` that begins with `curl` | is pasted into bash, in one folder for the whole page; the block that follows is what it prints |
//!
//! Requests go to the app of `<!-- example NAME -->` or `dev examples/NAME`, whatever stood last, or of the last schema.
//! In what curl prints `…` stands for anything (also `… 3 more`), and spaces and line ends do not count; a ```` ```http ````
//! block shows a status line, some of the headers, and the body. Where nothing follows, the answer is no problem.

use crate::fixture;
use crate::server::Server;
use std::path::Path;
use std::process::Command;
use stoa_schema::sdl::{Source, load};

/// Runs the examples on a page; reports all that fail.
pub fn run(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let parts = parts(&text);
    let mut page = Page { folder: folder.path(), app: None, server: None, run: 0, failures: Vec::new() };
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Example(name) => page.serve(App::Example(name)),
            Part::Block(block) => {
                let shown = parts.get(at + 1).and_then(Part::block);
                page.block(block, shown);
            }
            Part::Text => {}
        }
    }
    let (run, failures) = (page.run, page.failures);
    assert!(run > 0, "{} has no example", path.display());
    assert!(failures.is_empty(), "{}: {} failed\n\n{}", path.display(), failures.len(), failures.join("\n\n"));
}

/// A page in order.
enum Part<'a> {
    /// Names the example whose app answers from here on.
    Example(&'a str),
    Block(Block<'a>),
    /// Words between two blocks.
    Text,
}

impl<'a> Part<'a> {
    fn block(&self) -> Option<&Block<'a>> {
        if let Self::Block(block) = self { Some(block) } else { None }
    }
}

struct Block<'a> {
    language: &'a str,
    /// The line of its first line, from 1.
    line: usize,
    text: String,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (at, line) in text.lines().enumerate() {
        match (open.take(), line.strip_prefix("```")) {
            (Some(block), Some("")) => parts.extend(example(&block).into_iter().chain([Part::Block(block)])),
            (Some(mut block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, Some(language)) => open = Some(Block { language, line: at + 2, text: String::new() }),
            (None, None) => match line.strip_prefix("<!-- example ").and_then(|rest| rest.strip_suffix(" -->")) {
                Some(name) => parts.push(Part::Example(name)),
                None if line.is_empty() => {}
                None => parts.push(Part::Text),
            },
        }
    }
    assert!(open.is_none(), "a block is not closed");
    parts
}

/// The example that a command starts.
fn example<'a>(block: &Block<'a>) -> Option<Part<'a>> {
    let started = block.text.split_once(" dev examples/")?.1;
    ["storefront", "calendar"].into_iter().find(|name| started.trim() == *name).map(Part::Example)
}

/// What requests are sent to.
enum App<'a> {
    Example(&'a str),
    Schema(&'a str),
}

struct Page<'a> {
    /// Where commands run.
    folder: &'a Path,
    app: Option<App<'a>>,
    /// Its server, once a request was sent to it.
    server: Option<Server>,
    /// Examples so far.
    run: usize,
    failures: Vec<String>,
}

impl<'a> Page<'a> {
    fn serve(&mut self, app: App<'a>) {
        self.app = Some(app);
        self.server = None;
    }

    fn block(&mut self, block: &'a Block<'_>, shown: Option<&Block<'_>>) {
        let failed = match block.language {
            "graphql" => self.schema(&block.text, shown.filter(|shown| shown.language == "text")),
            "toml" => settings(&block.text),
            "http" if block.text.contains("\n--- ") => self.requests(block),
            "sh" if block.text.starts_with("curl ") => self.command(&block.text, shown),
            _ => return,
        };
        self.run += 1;
        self.failures.extend(failed.err().map(|why| format!("line {}: {why}", block.line)));
    }

    fn schema(&mut self, text: &'a str, shown: Option<&Block<'_>>) -> Result<(), String> {
        let source = Source { name: "schema.graphql".into(), text: text.to_owned() };
        let findings = load(&[source]).map_or_else(|findings| findings, |loaded| loaded.warnings);
        let found: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
        let expected = shown.map_or("", |shown| shown.text.as_str());
        if expected.is_empty() {
            self.serve(App::Schema(text));
        }
        if found == expected { Ok(()) } else { Err(format!("the schema gives\n{found}instead of\n{expected}")) }
    }

    fn server(&mut self) -> &Server {
        let app = self.app.as_ref().expect("an app stands above its requests");
        self.server.get_or_insert_with(|| match app {
            App::Example(name) => Server::with_example(name),
            App::Schema(text) => Server::with_schema(text),
        })
    }

    /// Lines above stand as empty ones, so that a failure names the line of the page.
    fn requests(&mut self, block: &Block<'_>) -> Result<(), String> {
        let cases = "\n".repeat(block.line - 1) + &block.text;
        fixture::run_cases(self.server(), &cases)
    }

    fn command(&mut self, command: &str, shown: Option<&Block<'_>>) -> Result<(), String> {
        let folder = self.folder;
        let address = self.server().base.trim_start_matches("http://").to_owned();
        // What curl says of the transfer is not wanted, unless it fails.
        let command = command.replace("localhost:9926", &address).replace("curl ", "curl -sS ");
        let output = Command::new("bash").args(["-euo", "pipefail", "-c", &command]).current_dir(folder).output();
        let output = output.expect("bash");
        let (found, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return Err(format!("{command}{complaint}"));
        }
        let as_shown = match shown {
            Some(shown) if shown.language == "http" => is_answer(&shown.text, &found),
            Some(shown) if matches!(shown.language, "json" | "csv" | "text") => is_text(&shown.text, &found),
            _ => !found.contains("/_stoa/problems/"),
        };
        if as_shown { Ok(()) } else { Err(format!("{command}it prints\n{found}")) }
    }
}

fn settings(toml: &str) -> Result<(), String> {
    let schema = "type Item @table @export { id: ID @primaryKey }";
    drop(Server::with_app_files(&[("schema.graphql", schema), ("stoa.toml", toml)]));
    Ok(())
}

/// Whether an answer with its head is as shown: its status line, the headers that are shown, its body.
fn is_answer(shown: &str, found: &str) -> bool {
    let (head, body) = shown.split_once("\n\n").unwrap_or((shown, ""));
    let (found_head, found_body) = found.split_once("\r\n\r\n").unwrap_or((found, ""));
    let mut lines = head.lines();
    let status = lines.next().is_some_and(|status| found_head.starts_with(status));
    status && lines.all(|line| found_head.lines().any(|found| is_text(line, found))) && is_text(body, found_body)
}

/// Whether a text is as shown, where `…` stands for anything.
fn is_text(shown: &str, found: &str) -> bool {
    let (shown, found) = (without_spaces(shown), without_spaces(found));
    let mut pieces: Vec<&str> = shown.split('…').map(without_count).collect();
    let Some(last) = pieces.pop() else { return false };
    let Some((first, middle)) = pieces.split_first() else { return found == last };
    let between = found.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let left = middle.iter().try_fold(between, |rest, piece| Some(rest?.split_once(piece).map(|(_, rest)| rest)));
    left.flatten().is_some()
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What follows `… 3 more`.
fn without_count(piece: &str) -> &str {
    piece.trim_start_matches(|first: char| first.is_ascii_digit()).strip_prefix("more").unwrap_or(piece)
}
