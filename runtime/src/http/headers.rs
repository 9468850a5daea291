//! What request headers say: entity tags, preferences, positions.

use super::problem::Problem;
use crate::data::tag::{Tag, revision_in};
use crate::limits;
use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use stoa_sync::commit::{Precondition, Tags};

/// For how many seconds it is not known that what is read in a region is all there is.
pub(super) const REPLICA_AGE: HeaderName = HeaderName::from_static("stoa-replica-age");
pub(super) const STOA_SEQ: HeaderName = HeaderName::from_static("stoa-seq");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
pub(super) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
pub(super) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// All values of a header as one text, joined by commas; a value that is not ASCII text is a 400.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Box<Problem>> {
    let mut text: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| Problem::syntax(format!("the header {name} is not ASCII text")))?;
        match &mut text {
            None => text = Some(value.to_owned()),
            Some(text) => {
                text.push(',');
                text.push_str(value);
            }
        }
    }
    Ok(text)
}

/// An entity tag as written: whether it is weak, and what stands between its quotes.
struct EntityTag<'a> {
    weak: bool,
    opaque: &'a str,
}

enum EntityTags<'a> {
    Any,
    List(Vec<EntityTag<'a>>),
}

/// `*` or a list of entity tags (RFC 9110 §13.1.1).
fn entity_tags<'a>(name: &HeaderName, text: &'a str) -> Result<EntityTags<'a>, Box<Problem>> {
    let refuse = || Problem::syntax(format!("the header {name} is no list of entity tags: write \"tag\" or *"));
    let mut rest = text.trim();
    if rest == "*" {
        return Ok(EntityTags::Any);
    }
    let mut tags = Vec::new();
    while !rest.is_empty() {
        let weak = rest.starts_with("W/");
        let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').ok_or_else(refuse)?;
        let (opaque, after) = opened.split_once('"').ok_or_else(refuse)?;
        tags.push(EntityTag { weak, opaque });
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => "",
            None => return Err(refuse()),
        };
        if tags.len() > limits::ENTITY_TAGS {
            return Err(Problem::syntax(format!("the header {name} has more than {} tags", limits::ENTITY_TAGS)));
        }
    }
    Ok(EntityTags::List(tags))
}

/// What a write asks of the record before it. Only revisions are compared, so that the tag of any representation will do;
/// a weak tag never matches (RFC 9110 §8.8.3.2).
pub(super) fn precondition(headers: &HeaderMap) -> Result<Precondition, Box<Problem>> {
    if !headers.contains_key(IF_MATCH) && !headers.contains_key(IF_NONE_MATCH) {
        return Ok(Precondition::default());
    }
    let read = |name: HeaderName, weak_counts: bool| -> Result<Option<Tags>, Box<Problem>> {
        let Some(text) = joined(headers, &name)? else { return Ok(None) };
        Ok(Some(match entity_tags(&name, &text)? {
            EntityTags::Any => Tags::Any,
            EntityTags::List(tags) => {
                let usable = tags.into_iter().filter(|tag| weak_counts || !tag.weak);
                Tags::Revisions(usable.filter_map(|tag| revision_in(tag.opaque)).collect())
            }
        }))
    };
    Ok(Precondition { matches: read(IF_MATCH, false)?, none_matches: read(IF_NONE_MATCH, true)? })
}

/// Whether the client holds this representation already (`If-None-Match`, weak comparison).
pub(super) fn not_modified(headers: &HeaderMap, tag: &Tag) -> Result<bool, Box<Problem>> {
    let Some(text) = joined(headers, &IF_NONE_MATCH)? else { return Ok(false) };
    Ok(match entity_tags(&IF_NONE_MATCH, &text)? {
        EntityTags::Any => true,
        EntityTags::List(tags) => tags.iter().any(|held| held.opaque == tag.opaque()),
    })
}

/// What `Prefer` asks for (RFC 7240) that Stoa knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// `return=minimal`: no body.
    pub(super) minimal: bool,
    /// `count=exact`: where the page lies among all records.
    pub(super) count: bool,
    /// `resolution=merge-duplicates`: what is posted is merged into the record that is there.
    pub(super) merge: bool,
}

/// Reads `Prefer`; what is unknown is ignored, as the RFC wants. Of a preference that stands twice the first counts.
pub(super) fn preferences(headers: &HeaderMap) -> Preferences {
    let text = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let asked = text.flat_map(|value| value.split(',')).filter_map(|part| {
        let (name, value) = part.split(';').next()?.trim().split_once('=')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned()))
    });
    let (mut returned, mut counted, mut resolved) = (None, None, None);
    for (name, value) in asked {
        match name.as_str() {
            "return" => _ = returned.get_or_insert(value),
            "count" => _ = counted.get_or_insert(value),
            "resolution" => _ = resolved.get_or_insert(value),
            _ => {}
        }
    }
    Preferences {
        minimal: returned.as_deref() == Some("minimal"),
        count: counted.as_deref() == Some("exact"),
        merge: resolved.as_deref() == Some("merge-duplicates"),
    }
}

/// Whether `Prefer` says that the answer may come later (RFC 7240 §4.1).
pub(super) fn prefers_respond_async(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(is_respond_async))
}

/// The same preferences without that one.
pub(super) fn without_respond_async(value: &str) -> String {
    let others: Vec<&str> = value.split(',').map(str::trim).filter(|part| !is_respond_async(part)).collect();
    others.join(", ")
}

fn is_respond_async(part: &str) -> bool {
    part.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("respond-async"))
}

/// The position that a request's `Stoa-Seq` asks for: `LOG-SEQ` of this log, or a bare number. One of another log asks
/// for nothing: its history is not here.
pub(super) fn asked_position(headers: &HeaderMap, log: &str) -> Result<Option<u64>, Box<Problem>> {
    let Some(value) = headers.get(STOA_SEQ) else { return Ok(None) };
    let refuse = || Problem::syntax("the header Stoa-Seq is none that this server sent");
    let text = value.to_str().map_err(|_| refuse())?;
    let (of, number) = text.rsplit_once('-').unwrap_or((log, text));
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse::<u64>().ok().filter(|_| digits && !of.is_empty()).ok_or_else(refuse)?;
    Ok((of == log).then_some(number))
}
