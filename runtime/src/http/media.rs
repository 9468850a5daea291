//! Media types: which of them name which format.

use super::problem::{Problem, ProblemKind};
use crate::data::format::Format;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A name of a format.
pub(super) struct MediaType {
    pub(super) format: Format,
    /// `application/json`
    pub(super) essence: &'static str,
    /// The header of an answer that is given under this name.
    pub(super) content_type: &'static str,
}

macro_rules! types {
    ($($format:ident $essence:literal $($parameters:literal)?;)*) => {
        /// All names, the preferred format and the preferred name of each format first.
        pub(super) const TYPES: &[MediaType] = &[$(MediaType {
            format: Format::$format,
            essence: $essence,
            content_type: concat!($essence, $($parameters)?),
        }),*];
    };
}

types! {
    Json "application/json";
    Ndjson "application/x-ndjson";
    Ndjson "application/ndjson";
    Ndjson "application/jsonl";
    // Said aloud, as there are clients that take a text without it for Latin-1.
    Csv "text/csv" "; charset=utf-8";
    Cbor "application/cbor";
    MessagePack "application/msgpack";
    MessagePack "application/x-msgpack";
    MessagePack "application/vnd.msgpack";
}

/// Every format, for answers and for bodies that hold records.
pub(super) const ALL: &[Format] = &[Format::Json, Format::Ndjson, Format::Csv, Format::Cbor, Format::MessagePack];

/// The format that a raw suffix of a path names, and the path before it.
pub(super) fn suffixed(raw: &str) -> (&str, Option<Format>) {
    let found = raw.rsplit_once('.').and_then(|(path, extension)| Some((path, Format::named(extension)?)));
    found.map_or((raw, None), |(path, format)| (path, Some(format)))
}

/// The preferred names of formats, for people.
pub(super) fn listed(formats: &[Format]) -> String {
    let name = |format: &Format| TYPES.iter().find(|it| it.format == *format).map_or("", |it| it.essence);
    formats.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The format of a request's body, if it is one of these (415 otherwise). Texts are in UTF-8.
pub(super) fn of_body(headers: &HeaderMap, taken: &[Format]) -> Result<Format, Box<Problem>> {
    let text = match headers.get(CONTENT_TYPE) {
        None => return Err(refused("the body has no type", taken)),
        Some(value) => value.to_str().unwrap_or_default(),
    };
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let format = TYPES.iter().find(|it| it.essence == essence).map(|it| it.format);
    let utf8 = parts
        .all(|part| !part.starts_with("charset=") || matches!(part.as_str(), "charset=utf-8" | "charset=\"utf-8\""));
    format
        .filter(|format| utf8 && taken.contains(format))
        .ok_or_else(|| refused(&format!("{text:?} cannot be read here"), taken))
}

/// Whether the body is a merge patch (RFC 7396) or plain JSON; 415 otherwise.
pub(super) fn patches(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let essence = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    if essence.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/merge-patch+json")) {
        return Ok(());
    }
    of_body(headers, &[Format::Json]).map(|_| ())
}

fn refused(what: &str, taken: &[Format]) -> Box<Problem> {
    let names = listed(taken);
    let (first, others) = names.split_once(", ").unwrap_or((&names, ""));
    let others = if others.is_empty() { String::new() } else { format!(" (or {others})") };
    Problem::new(ProblemKind::MEDIA_TYPE, format!("{what}; send the header Content-Type: {first}{others}"))
}

#[cfg(test)]
mod tests {
    use super::{Format, suffixed};

    #[test]
    fn a_suffix_is_cut_once() {
        assert_eq!(suffixed("a.csv.json"), ("a.csv", Some(Format::Json)));
        assert_eq!(suffixed(".ndjson"), ("", Some(Format::Ndjson)));
        assert_eq!(suffixed("a.JSON"), ("a.JSON", None));
        assert_eq!(suffixed("a%2Ejson"), ("a%2Ejson", None));
    }
}
