//! What the server tells about itself: the OpenAPI document of the app, the page for it, the pages about problems,
//! the module that follows it from a page.
//!
//! Pages load nothing but what this server sends, and no script that stands in the page: the policy they are sent with
//! forbids both.

use super::body::AnswerBody;
use super::headers;
use super::negotiate;
use super::problem::{self, Problem};
use super::respond::{self, Answer};
use crate::data::representation::Representation;
use crate::data::tag::Tag;
use crate::openapi;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::{Arc, OnceLock};
use stoa_sync::Catalog;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TYPES: &str = "application/typescript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = include_str!("docs/index.html");
const PROBLEM: &str = include_str!("docs/problem.html");

/// The files of the page for the document.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", STYLE, include_str!("docs/style.css")),
    ("main.js", SCRIPT, include_str!("docs/main.js")),
    ("form.js", SCRIPT, include_str!("docs/form.js")),
    ("schema.js", SCRIPT, include_str!("docs/schema.js")),
    ("text.js", SCRIPT, include_str!("docs/text.js")),
];

/// What a page imports to follow records.
const LIVE_MODULE: &[(&str, &str, &str)] =
    &[("live.js", SCRIPT, include_str!("live/live.js")), ("live.d.ts", TYPES, include_str!("live/live.d.ts"))];

/// The OpenAPI document of a schema, made when it is first asked for.
#[derive(Debug)]
pub(super) struct Document {
    catalog: Arc<Catalog>,
    made: OnceLock<(Bytes, Tag)>,
}

impl Document {
    pub(super) fn new(catalog: &Arc<Catalog>) -> Self {
        Self { catalog: Arc::clone(catalog), made: OnceLock::new() }
    }

    fn made(&self) -> &(Bytes, Tag) {
        self.made.get_or_init(|| {
            let text = openapi::document(&self.catalog.schema, &problem::all()).to_string().into_bytes();
            let tag = Tag::content(&text, Representation::PLAIN);
            (text.into(), tag)
        })
    }
}

/// `/openapi.json`
pub(super) fn openapi(document: &Document, headers: &HeaderMap) -> Result<Answer, Box<Problem>> {
    let (bytes, tag) = document.made();
    tagged(bytes.clone(), tag, "application/json", headers)
}

/// `/_stoa/docs`, and `/_stoa/docs/FILE`.
pub(super) fn docs(file: Option<&str>, headers: &HeaderMap) -> Result<Answer, Box<Problem>> {
    let (kind, content) = match file {
        None => (HTML, INDEX),
        Some(file) => {
            let known = FILES.iter().find(|(name, _, _)| *name == file);
            known
                .map(|(_, kind, content)| (*kind, *content))
                .ok_or_else(|| Problem::not_found("the docs have no such file"))?
        }
    };
    let tag = Tag::content(content.as_bytes(), Representation::PLAIN);
    let mut answer = tagged(Bytes::from_static(content.as_bytes()), &tag, kind, headers)?;
    protect(answer.headers_mut());
    Ok(answer)
}

/// `/_stoa/live.js`, `/_stoa/live.d.ts`.
pub(super) fn live_module(file: &str, headers: &HeaderMap) -> Result<Answer, Box<Problem>> {
    let known = LIVE_MODULE.iter().find(|(name, _, _)| *name == file);
    let (_, kind, content) = known.ok_or_else(|| Problem::not_found("the module is /_stoa/live.js"))?;
    let tag = Tag::content(content.as_bytes(), Representation::PLAIN);
    let mut answer = tagged(Bytes::from_static(content.as_bytes()), &tag, kind, headers)?;
    answer.headers_mut().insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

/// `/_stoa/problems/NAME`: for a browser a page, otherwise text.
pub(super) fn problem(name: &str, headers: &HeaderMap) -> Result<Answer, Box<Problem>> {
    let kinds: Vec<openapi::Problem> = problem::all().into_iter().filter(|kind| kind.name == name).collect();
    if kinds.is_empty() {
        return Err(Problem::not_found(format!("there is no problem called {name:?}")));
    }
    let (kind, content) = match negotiate::prefers_html(headers) {
        true => (HTML, problem_html(&kinds)),
        false => (TEXT, problem_text(&kinds)),
    };
    let tag = Tag::content(content.as_bytes(), Representation::PLAIN);
    let mut answer = tagged(content.into(), &tag, kind, headers)?;
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Origin"));
    protect(answer.headers_mut());
    Ok(answer)
}

fn problem_text(kinds: &[openapi::Problem]) -> String {
    let each = kinds.iter().map(|kind| format!("{} ({})\n\n{}\n", kind.title, kind.status, kind.explanation));
    each.collect::<Vec<String>>().join("\n")
}

fn problem_html(kinds: &[openapi::Problem]) -> String {
    let each = kinds.iter().map(|kind| {
        let (title, explanation) = (escaped(kind.title), escaped(kind.explanation));
        let explanation: String = explanation.split('`').enumerate().map(in_code).collect();
        format!("<h2>{title}</h2>\n  <p class=\"soft\">Status {}</p>\n  <p>{explanation}</p>", kind.status)
    });
    let answers = each.collect::<Vec<String>>().join("\n  ");
    let (title, name) = kinds.first().map_or(("", ""), |kind| (kind.title, kind.name));
    PROBLEM.replace("{title}", &escaped(title)).replace("{name}", name).replace("{answers}", &answers)
}

/// Every second piece stands between backticks.
fn in_code((at, piece): (usize, &str)) -> String {
    if at % 2 == 1 { format!("<code>{piece}</code>") } else { piece.to_owned() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page that may be kept and asked for again with its tag.
fn tagged(content: Bytes, tag: &Tag, kind: &'static str, asked: &HeaderMap) -> Result<Answer, Box<Problem>> {
    let mut answer = match headers::not_modified(asked, tag)? {
        true => respond::bare(StatusCode::NOT_MODIFIED, AnswerBody::EMPTY),
        false => respond::bare(StatusCode::OK, AnswerBody::Whole(Some(content))),
    };
    if answer.status() == StatusCode::OK {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    answer.headers_mut().insert(ETAG, respond::header(tag.quoted()));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
