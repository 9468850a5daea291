//! Tests that are text: requests and the answers expected, in one file that anyone can read.
//!
//! ```text
//! schema
//! | type Product @table @export { id: ID @primaryKey name: String }
//!
//! # What this shows
//! POST /Product/
//! content-type: application/json
//!
//! {"id":"a","name":"A"}
//! --- 201
//! location: /Product/a
//! etag: *
//!
//! {"id":"a","name":"A"}
//! ```
//!
//! A file begins with `schema` and the lines of it after `| `, with `example NAME`, or with both: the example's data in that
//! schema. A case begins with `# `; it has a
//! request (line, headers, empty line, body), `--- STATUS`, and what is expected of the answer: headers (`*`: any value;
//! `-`: absent) and, after an empty line, the body: JSON compared as a value, in which `"*"` stands for anything and
//! `"...": "..."` in an object for members not named. `{etag}`, `{location}`, `{seq}` and `{next}` (of `Link`) in a request stand for
//! those of the answer before; Without a body part the body is not looked at; `(empty)` says that there
//! is none. `hex:` before a body stands for its bytes, in hexadecimal digits.

use crate::client::{Answer, Client};
use crate::server::Server;
use serde_json::Value as Json;
use std::path::Path;

/// Runs all cases of a file, in order, against one server; reports every case that fails.
pub fn run(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    run_text(&name, &text);
}

fn run_text(name: &str, text: &str) {
    let (head, _) = split(text);
    let failed = run_cases(&start(&head), text);
    failed.unwrap_or_else(|failures| panic!("{name}: {failures}"));
}

/// Runs the cases of a text, in order, against a server; what failed of all of them.
pub(crate) fn run_cases(server: &Server, text: &str) -> Result<(), String> {
    let (_, cases) = split(text);
    assert!(!cases.is_empty(), "no case in {text}");
    let client = Client::new(&server.base);
    let mut last = None;
    let failures: Vec<String> = cases.iter().filter_map(|case| case.run(&client, &mut last).err()).collect();
    if failures.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {} cases failed\n\n{}", failures.len(), cases.len(), failures.join("\n\n")))
}

fn start(head: &str) -> Server {
    let schema: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix('|')).collect();
    let example = head.lines().find_map(|line| line.strip_prefix("example "));
    match (example, schema.is_empty()) {
        (Some(name), true) => Server::with_example(name.trim()),
        (Some(name), false) => Server::with_example_data(name.trim(), &schema.join("\n")),
        (None, _) => Server::with_schema(&schema.join("\n")),
    }
}

struct Case<'a> {
    title: &'a str,
    line: usize,
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: String,
    status: u16,
    expected_headers: Vec<(&'a str, &'a str)>,
    expected_body: Option<String>,
}

fn split(text: &str) -> (String, Vec<Case<'_>>) {
    let mut head = String::new();
    let mut cases: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("# "), cases.last_mut()) {
            (Some(title), _) => cases.push((at + 1, title, Vec::new())),
            (None, Some((_, _, lines))) => lines.push(line),
            (None, None) => head.push_str(&format!("{line}\n")),
        }
    }
    (head, cases.into_iter().map(|(line, title, lines)| Case::parse(line, title, &lines)).collect())
}

impl<'a> Case<'a> {
    fn parse(line: usize, title: &'a str, lines: &[&'a str]) -> Self {
        let wrong = |what: &str| -> ! { panic!("line {line} ({title}): {what}") };
        let Some(middle) = lines.iter().position(|line| line.starts_with("--- ")) else { wrong("no `--- STATUS`") };
        let (request, expected) = (&lines[..middle], &lines[middle + 1..]);
        let first = request.iter().position(|line| !line.trim().is_empty()).unwrap_or_else(|| wrong("no request"));
        let Some((method, path)) = request[first].split_once(' ') else { wrong("a request is METHOD PATH") };
        let (headers, body) = part(&request[first + 1..]);
        let (expected_headers, expected_body) = part(expected);
        let status = lines[middle][4..].trim().parse().unwrap_or_else(|_| wrong("no status"));
        Self {
            title,
            line,
            method,
            path,
            headers,
            body: body.unwrap_or_default(),
            status,
            expected_headers,
            expected_body,
        }
    }

    fn run(&self, client: &Client, last: &mut Option<Answer>) -> Result<(), String> {
        let before = last.take();
        let fill = |text: &str| match &before {
            None => text.to_owned(),
            Some(last) => {
                let filled = [("{etag}", "etag"), ("{location}", "location"), ("{seq}", "stoa-seq")]
                    .iter()
                    .fold(text.to_owned(), |text, (place, header)| {
                        text.replace(place, last.header(header).unwrap_or_default())
                    });
                let link = last.header("link").unwrap_or_default();
                filled.replace("{next}", link.trim_start_matches('<').split('>').next().unwrap_or_default())
            }
        };
        let headers: Vec<(&str, String)> = self.headers.iter().map(|(name, value)| (*name, fill(value))).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = client.send(self.method, &fill(self.path), &headers, &bytes(&fill(&self.body)));
        let checked = self.check(&answer);
        let shown = format!("{} {:#?}\n{}", answer.status, answer.headers, answer.text());
        *last = Some(answer);
        checked.map_err(|why| format!("line {}: {}\n  {why}\n  the answer was {shown}", self.line, self.title))
    }

    fn check(&self, answer: &Answer) -> Result<(), String> {
        if answer.status != self.status {
            return Err(format!("status {} instead of {}", answer.status, self.status));
        }
        for (name, expected) in &self.expected_headers {
            let name = name.to_ascii_lowercase();
            let found = answer.header(&name);
            let fits = match (*expected, found) {
                ("-", found) => found.is_none(),
                ("*", found) => found.is_some(),
                (expected, found) => found == Some(expected),
            };
            if !fits {
                return Err(format!("{name}: {found:?} instead of {expected:?}"));
            }
        }
        match self.expected_body.as_deref() {
            None => Ok(()),
            Some("(empty)") if answer.body.is_empty() => Ok(()),
            Some("(empty)") => Err("the body is not empty".into()),
            Some(expected) if expected.starts_with("hex:") => match bytes(expected) == answer.body {
                true => Ok(()),
                false => Err(format!(
                    "the body is hex: {}",
                    answer.body.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                )),
            },
            Some(expected) => compare_text(expected, &answer.text()),
        }
    }
}

/// Headers up to an empty line, then a body.
fn part<'a>(lines: &[&'a str]) -> (Vec<(&'a str, &'a str)>, Option<String>) {
    let end = lines.iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len());
    let headers = lines[..end].iter().map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no header"));
        (name.trim(), value.trim())
    });
    let body = lines.get(end + 1..).map(|lines| lines.join("\n").trim().to_owned()).filter(|body| !body.is_empty());
    (headers.collect(), body)
}

/// The bytes of a body: its text, or what its hexadecimal digits say.
fn bytes(body: &str) -> Vec<u8> {
    let Some(digits) = body.strip_prefix("hex:") else { return body.as_bytes().to_vec() };
    let digits: Vec<char> = digits.chars().filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| {
        u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap_or_else(|_| panic!("{pair:?} is no byte"))
    };
    digits.chunks(2).map(byte).collect()
}

fn compare_text(expected: &str, found: &str) -> Result<(), String> {
    let Ok(expected_json) = serde_json::from_str::<Json>(expected) else {
        return if expected == found.replace("\r\n", "\n").trim() { Ok(()) } else { Err("the body differs".into()) };
    };
    let found: Json = serde_json::from_str(found).map_err(|error| format!("the body is no JSON: {error}"))?;
    compare(&expected_json, &found, "")
}

fn compare(expected: &Json, found: &Json, at: &str) -> Result<(), String> {
    match (expected, found) {
        (Json::String(any), _) if any == "*" => Ok(()),
        (Json::Array(expected), Json::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.try_for_each(|(index, (expected, found))| compare(expected, found, &format!("{at}/{index}")))
        }
        (Json::Object(expected), Json::Object(found)) => {
            let open = expected.contains_key("...");
            for (name, expected) in expected.iter().filter(|(name, _)| *name != "...") {
                let found = found.get(name).ok_or_else(|| format!("{at}/{name} is missing"))?;
                compare(expected, found, &format!("{at}/{name}"))?;
            }
            match found.keys().find(|name| !expected.contains_key(*name)) {
                Some(more) if !open => Err(format!("{at}/{more} is too much")),
                _ => Ok(()),
            }
        }
        (expected, found) if expected == found => Ok(()),
        (expected, found) => Err(format!("{at} is {found} instead of {expected}")),
    }
}
