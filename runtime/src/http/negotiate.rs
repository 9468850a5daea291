//! What a client takes (RFC 9110 §12.5): a format by the suffix of the path or by `Accept`, an encoding by
//! `Accept-Encoding`.

use super::media::{self, MediaType, TYPES};
use super::problem::{Problem, ProblemKind};
use crate::data::coding::Coding;
use crate::data::format::Format;
use crate::data::representation::Accepted;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName};

/// The form of an answer that the client will take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) accepted: Accepted,
    pub(super) content_type: &'static str,
    /// Its place among the types.
    pub(super) name: u8,
}

impl Chosen {
    /// JSON as it is.
    pub(super) const PLAIN: Self = Self { accepted: Accepted::PLAIN, content_type: TYPES[0].content_type, name: 0 };
}

/// Chooses among the formats that can be given; 406 if none of them is taken.
pub(super) fn choose(headers: &HeaderMap, suffix: Option<Format>, offered: &[Format]) -> Result<Chosen, Box<Problem>> {
    let name = match suffix {
        Some(format) => TYPES.iter().position(|it| it.format == format && offered.contains(&format)),
        None => accepted_type(headers, offered),
    };
    let found = name.and_then(|name| Some((u8::try_from(name).ok()?, &TYPES[name])));
    let (name, MediaType { format, content_type, .. }) = found.ok_or_else(|| {
        let detail = format!("this can be given as {}", media::listed(offered));
        Problem::new(ProblemKind::NOT_ACCEPTABLE, detail)
    })?;
    let (coding, plain_refused) = coding(headers)?;
    Ok(Chosen { accepted: Accepted { format: *format, coding, plain_refused }, content_type, name })
}

/// The place of the type that is given to whoever has no wish.
const PREFERRED: usize = 0;

/// The place of the type with the highest weight; among equals the one that is named more exactly, then the one preferred here.
fn accepted_type(headers: &HeaderMap, offered: &[Format]) -> Option<usize> {
    match headers.get(ACCEPT) {
        None => return Some(PREFERRED),
        Some(value) if value == "*/*" || value == "application/json" => return Some(PREFERRED),
        Some(_) => {}
    }
    let ranges: Vec<Weighted<'_>> = weighted(headers, &ACCEPT).collect();
    let mut best = None;
    for (name, media_type) in TYPES.iter().enumerate().filter(|(_, it)| offered.contains(&it.format)) {
        // The most specific range that covers a type decides about it.
        let covering =
            ranges.iter().filter_map(|range| Some((specificity(range.name, media_type.essence)?, range.weight)));
        let Some((specificity, weight)) = covering.max_by_key(|(specificity, _)| *specificity) else { continue };
        if weight > 0 && best.is_none_or(|(known, _)| (weight, specificity) > known) {
            best = Some(((weight, specificity), name));
        }
    }
    match ranges.is_empty() {
        true => Some(PREFERRED),
        false => best.map(|(_, name)| name),
    }
}

/// How exactly a range names a type; `None` if it does not cover it.
fn specificity(range: &str, essence: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(essence) {
        return Some(2);
    }
    match range.strip_suffix("/*") {
        Some("*") => Some(0),
        Some(kind) => essence.split_once('/').is_some_and(|(it, _)| it.eq_ignore_ascii_case(kind)).then_some(1),
        None => None,
    }
}

/// The encoding to use, if any, and whether plain bytes are refused.
pub(super) fn coding(headers: &HeaderMap) -> Result<(Option<Coding>, bool), Box<Problem>> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return Ok((None, false));
    }
    let named: Vec<Weighted<'_>> = weighted(headers, &ACCEPT_ENCODING).collect();
    let weight = |names: &[&str]| {
        named.iter().find(|it| names.iter().any(|name| it.name.eq_ignore_ascii_case(name))).map(|it| it.weight)
    };
    let rest = weight(&["*"]);
    let plain = weight(&["identity"]);
    // Whoever names an encoding can read it; of those that only `*` covers, gzip is the one that everyone can.
    let candidates = [
        (weight(&["zstd"]), Coding::Zstd),
        (weight(&["br"]), Coding::Brotli),
        (weight(&["gzip", "x-gzip"]), Coding::Gzip),
        (rest.filter(|_| weight(&["gzip", "x-gzip"]).is_none()), Coding::Gzip),
        (rest.filter(|_| weight(&["br"]).is_none()), Coding::Brotli),
        (rest.filter(|_| weight(&["zstd"]).is_none()), Coding::Zstd),
    ];
    let mut best: Option<(u16, Coding)> = None;
    for (weight, coding) in candidates {
        if let Some(weight) = weight.filter(|weight| *weight > best.map_or(0, |(known, _)| known)) {
            best = Some((weight, coding));
        }
    }
    let plain_refused = plain.or(rest) == Some(0);
    match best {
        Some((weight, _)) if plain.is_some_and(|plain| plain > weight) => Ok((None, false)),
        Some((_, coding)) => Ok((Some(coding), plain_refused)),
        None if plain_refused => {
            let detail = "the body can be sent as it is, or as zstd, br or gzip; Accept-Encoding refuses all of them";
            Err(Problem::new(ProblemKind::NOT_ACCEPTABLE, detail))
        }
        None => Ok((None, false)),
    }
}

/// Whether a browser asks: it names HTML and wants it at least as much as plain text.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let weight =
        |name: &str| weighted(headers, &ACCEPT).find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.weight);
    let html = weight("text/html").unwrap_or(0);
    html > 0 && html >= weight("text/plain").unwrap_or(0)
}

/// Whether a client asks for server-sent events by their name, and for nothing else as much.
pub(super) fn prefers_events(headers: &HeaderMap) -> bool {
    const EVENTS: &str = "text/event-stream";
    let named = |it: &Weighted<'_>| it.name.eq_ignore_ascii_case(EVENTS);
    let weight = weighted(headers, &ACCEPT).find(named).map_or(0, |it| it.weight);
    let less = |it: Weighted<'_>| named(&it) || it.weight < weight || it.name.ends_with("/*");
    weight > 0 && weighted(headers, &ACCEPT).all(less)
}

struct Weighted<'a> {
    name: &'a str,
    /// In thousandths.
    weight: u16,
}

/// The members of a header that lists names with weights (RFC 9110 §12.4.2).
fn weighted<'a>(headers: &'a HeaderMap, header: &HeaderName) -> impl Iterator<Item = Weighted<'a>> {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    let members = values.flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty());
    members.map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        Weighted { name, weight: weight.map_or(1_000, thousandths) }
    })
}

/// `0`, `0.25`, `1.000`; what is no weight counts as 0.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, digits) {
        ("1", true) => 1_000,
        ("0", true) => format!("{fraction:0<3}").parse().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{ACCEPT, ACCEPT_ENCODING, Coding, HeaderMap, choose, coding, media, thousandths};

    fn typed(accept: &'static str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        choose(&headers, None, media::ALL).ok().map(|chosen| chosen.content_type)
    }

    #[test]
    fn the_heaviest_type_wins() {
        assert_eq!(typed("application/cbor;q=0.5, application/json;q=0.4"), Some("application/cbor"));
        assert_eq!(typed("application/cbor, */*;q=0.1"), Some("application/cbor"));
        assert_eq!(typed("application/cbor, */*"), Some("application/cbor"));
        assert_eq!(typed("text/html, */*;q=0.8"), Some("application/json"));
        assert_eq!(typed("text/*"), Some("text/csv; charset=utf-8"));
        assert_eq!(typed("application/*, application/json;q=0"), Some("application/x-ndjson"));
        assert_eq!(typed("Application/JSONL"), Some("application/jsonl"));
        assert_eq!(typed(""), Some("application/json"));
        assert_eq!(typed("text/html"), None);
        assert_eq!(typed("*/*;q=0"), None);
        assert_eq!(typed("application/json;q=NaN"), None);
    }

    fn coded(accept: &'static str) -> Option<(Option<Coding>, bool)> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, accept.parse().unwrap());
        coding(&headers).ok()
    }

    #[test]
    fn the_heaviest_coding_wins() {
        assert_eq!(coded("gzip, deflate, br, zstd"), Some((Some(Coding::Zstd), false)));
        assert_eq!(coded("gzip, br;q=0.9"), Some((Some(Coding::Gzip), false)));
        assert_eq!(coded("gzip;q=0.5, identity"), Some((None, false)));
        assert_eq!(coded("*"), Some((Some(Coding::Gzip), false)));
        assert_eq!(coded("*;q=0.5, gzip;q=0"), Some((Some(Coding::Brotli), false)));
        assert_eq!(coded("identity;q=0, br"), Some((Some(Coding::Brotli), true)));
        assert_eq!(coded("gzip, *;q=0"), Some((Some(Coding::Gzip), true)));
        assert_eq!(coded("deflate"), Some((None, false)));
        assert_eq!(coded(""), Some((None, false)));
        assert_eq!(coded("identity;q=0"), None);
        assert_eq!(coded("*;q=0"), None);
    }

    #[test]
    fn weights_have_three_digits() {
        let read: Vec<u16> = ["1", "1.000", "0.5", "0.001", "0", "2", "0.0001", "x"].map(thousandths).into();
        assert_eq!(read, [1_000, 1_000, 500, 1, 0, 0, 0, 0]);
    }
}
