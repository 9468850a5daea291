//! Answers that are no problems, and the headers of all.

use super::{formats, object, reference};
use serde_json::{Map, Value as Json, json};

/// Each header: its component, its name, whether the answers that list it always carry it, what it says.
const HEADERS: &[(&str, &str, bool, &str)] = &[
    ("X-Request-Id", "X-Request-Id", true, "The id of this request, which the log repeats."),
    (
        "Stoa-Seq",
        "Stoa-Seq",
        true,
        "The position of the change log that this answer includes. Send it back and no answer is older.",
    ),
    ("ETag", "ETag", true, "The tag of what is shown, for If-Match and If-None-Match."),
    ("ETag.list", "ETag", false, "The tag of what is shown, for If-None-Match. A list that is streamed has none."),
    ("ETag.current", "ETag", false, "The tag of the record as it is, if there is one."),
    ("Cache-Control", "Cache-Control", true, "How long the answer may be kept."),
    ("Vary", "Vary", true, "The headers of the request that the answer depends on."),
    (
        "Content-Encoding",
        "Content-Encoding",
        false,
        "How the body is encoded, if Accept-Encoding asked: `zstd`, `br` or `gzip`.",
    ),
    ("Accept-Encoding", "Accept-Encoding", false, "The encodings that a body may have, if it had another."),
    ("Location", "Location", false, "The path of the new record."),
    ("Link", "Link", false, "The next page, with `rel=\"next\"`, if there may be one."),
    ("Content-Range", "Content-Range", false, "`items 0-19/345`: where the page lies, if `Prefer: count=exact` asked."),
    (
        "Server-Timing",
        "Server-Timing",
        false,
        "Whether the answer was kept in memory (`cache;desc=hit`), and what the database took in milliseconds (`db;dur=`). `stoa dev` names the index that a query lacks.",
    ),
    ("Preference-Applied", "Preference-Applied", false, "What of `Prefer` was done."),
    (
        "Idempotent-Replayed",
        "Idempotent-Replayed",
        false,
        "`true`: an earlier request with this Idempotency-Key did it, and this is its answer.",
    ),
    ("Allow", "Allow", true, "The methods that this path knows."),
    ("Accept-Patch", "Accept-Patch", true, "The formats of a PATCH body."),
    ("Retry-After", "Retry-After", true, "Seconds after which to try again."),
    ("Access-Control-Allow-Origin", "Access-Control-Allow-Origin", false, "The page that may use the answer."),
    ("Access-Control-Allow-Methods", "Access-Control-Allow-Methods", false, "What such a page may do."),
    (
        "Content-Security-Policy",
        "Content-Security-Policy",
        true,
        "What the page may load: only what this server sends.",
    ),
];

/// The components of all headers.
pub(super) fn headers() -> Map<String, Json> {
    object(HEADERS.iter().map(|(component, _, always, description)| {
        let header = json!({"description": description, "required": always, "schema": {"type": "string"}});
        ((*component).to_owned(), header)
    }))
}

/// References to headers, by the names of their components, and to those of every answer.
fn carried(components: &[&str]) -> Json {
    let all = ["X-Request-Id"].iter().chain(components);
    Json::Object(object(all.filter_map(|component| {
        let (_, name, _, _) = HEADERS.iter().find(|(known, _, _, _)| known == component)?;
        Some(((*name).to_owned(), reference("headers", component)))
    })))
}

/// The headers of a problem with this status.
pub(super) fn of_problem(status: u16) -> Json {
    let own: &[&str] = match status {
        405 => &["Allow"],
        412 => &["ETag.current"],
        415 => &["Accept-Encoding"],
        503 | 429 => &["Retry-After"],
        _ => &[],
    };
    carried(&[own, ENCODED].concat())
}

/// Data that is read.
pub(super) fn read(description: &str, tag: &str, schema: Option<&Json>) -> Json {
    answer(description, &[tag, "Stoa-Seq", "Cache-Control", "Vary"], schema.map(formats::records))
}

/// A list that is read.
pub(super) fn list(description: &str, tag: &str, schema: Option<&Json>) -> Json {
    let paging = ["Link", "Content-Range", "Preference-Applied", "Server-Timing"];
    let headers = [[tag, "Stoa-Seq", "Cache-Control", "Vary"].as_slice(), &paging].concat();
    answer(description, &headers, schema.map(formats::records))
}

/// Data that is read and has no tag.
pub(super) fn untagged(description: &str, schema: Option<&Json>) -> Json {
    answer(description, &["Stoa-Seq", "Cache-Control", "Vary"], schema.map(formats::json))
}

/// The answer to a write that shows what is stored now.
pub(super) fn written(description: &str, headers: &[&str], schema: Option<&Json>) -> Json {
    answer(description, &[WRITTEN, headers].concat(), schema.map(formats::records))
}

/// The answer to a write that tells how many records it met.
pub(super) fn counted(description: &str, schema: &Json) -> Json {
    answer(description, WRITTEN, Some(formats::json(schema)))
}

/// Headers of whatever has a body.
const ENCODED: &[&str] = &["Content-Encoding"];

const WRITTEN: &[&str] = &["Stoa-Seq", "Preference-Applied", "Idempotent-Replayed"];

/// Nothing but what the path takes.
pub(super) fn options(patch: bool) -> Json {
    let patch = if patch { ["Accept-Patch"].as_slice() } else { &[] };
    let fixed = ["Allow", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"];
    answer("What this path takes.", &[fixed.as_slice(), patch].concat(), None)
}

/// An answer about the server; `content` is left out for HEAD.
pub(super) fn page(description: &str, headers: &[&str], content: Option<Json>) -> Json {
    answer(description, headers, content)
}

fn answer(description: &str, headers: &[&str], content: Option<Json>) -> Json {
    match content {
        Some(content) => {
            json!({"description": description, "headers": carried(&[headers, ENCODED].concat()), "content": content})
        }
        None => json!({"description": description, "headers": carried(headers)}),
    }
}
