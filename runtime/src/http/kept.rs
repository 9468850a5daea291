//! Answers out of the cache: found by the URL as it stands, before anything of it is read, and sent as they are.

use super::headers;
use super::media::{self, TYPES};
use super::negotiate::{self, Chosen};
use super::problem::Problem;
use super::respond::{self, Answer, Content, Position, Timing};
use super::service::{Service, Tables};
use crate::cache::{Asked, Entry};
use crate::data::coding::Coding;
use crate::data::tag::Tag;
use bytes::Bytes;
use http::header::{ACCEPT, IF_NONE_MATCH, UPGRADE};
use http::{HeaderMap, Method, Uri};
use std::sync::Arc;

/// A question as the cache knows it, and what the client takes.
#[derive(Clone, Copy)]
pub(super) struct Question<'r> {
    pub(super) asked: Asked<'r>,
    pub(super) chosen: Chosen,
}

/// What a request asks, if its answer can be kept: a reading of data in a form that there is.
pub(super) fn question<'r>(method: &Method, uri: &'r Uri, headers: &HeaderMap) -> Option<Question<'r>> {
    if !matches!(*method, Method::GET | Method::HEAD) || headers.contains_key(UPGRADE) {
        return None;
    }
    let url = uri.path_and_query()?.as_str();
    if headers.contains_key(ACCEPT) && negotiate::prefers_events(headers) {
        return None;
    }
    let chosen = negotiate::choose(headers, None, media::ALL).ok()?;
    let counted = headers.contains_key(headers::PREFER) && headers::preferences(headers).count;
    Some(Question { asked: Asked::new(url, chosen.name, chosen.accepted.format, counted), chosen })
}

/// The answer, if it is there in the very form that is asked for, so that nothing is to be waited for.
pub(super) fn at_once(service: &Service, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Answer> {
    let question = question(method, uri, headers)?;
    if !service.is_reached(headers) {
        return None;
    }
    // The position first: what is fresh after it includes it.
    let (tables, position) = (service.served(), service.position_now());
    let entry = tables.cache.find(&question.asked)?;
    let form = match coding(&entry, question.chosen) {
        None => Form { tag: &entry.tag, body: &entry.body, coding: None },
        Some(coding) => {
            let known = entry.known(coding)?;
            Form { tag: &known.tag, body: &known.body, coding: Some(coding) }
        }
    };
    let held = headers::not_modified(headers, form.tag).ok()?;
    tables.cache.counts().hit();
    Some(form.answer(&tables, &entry, held, position, Timing::Hit))
}

/// The answer, if it is there.
pub(super) async fn find(
    service: &Service,
    tables: &Tables,
    headers: &HeaderMap,
    question: &Question<'_>,
) -> Result<Option<Answer>, Box<Problem>> {
    let position = service.position(headers).await?;
    let Some(entry) = tables.cache.find(&question.asked) else { return Ok(None) };
    tables.cache.counts().hit();
    answer(tables, headers, &entry, question.chosen, position, Timing::Hit).await.map(Some)
}

/// The answer that an entry holds, or the word that the client has it.
pub(super) async fn answer(
    tables: &Tables,
    headers: &HeaderMap,
    entry: &Arc<Entry>,
    chosen: Chosen,
    position: Position,
    timing: Timing,
) -> Result<Answer, Box<Problem>> {
    let Some(coding) = coding(entry, chosen) else {
        let held = headers::not_modified(headers, &entry.tag)?;
        let form = Form { tag: &entry.tag, body: &entry.body, coding: None };
        return Ok(form.answer(tables, entry, held, position, timing));
    };
    if headers.contains_key(IF_NONE_MATCH) {
        // Its tag is known before it is encoded.
        let tag = entry.coded_tag(coding);
        if headers::not_modified(headers, &tag)? {
            let form = Form { tag: &tag, body: &Bytes::new(), coding: Some(coding) };
            return Ok(form.answer(tables, entry, true, position, timing));
        }
    }
    let coded = tables.cache.encoded(entry, coding, timing == Timing::Hit).await.map_err(|error| {
        tracing::error!(%error, "an answer cannot be encoded");
        Problem::unavailable("the answer cannot be encoded now")
    })?;
    let form = Form { tag: &coded.tag, body: &coded.body, coding: Some(coding) };
    Ok(form.answer(tables, entry, false, position, timing))
}

/// How the body is to be encoded.
fn coding(entry: &Entry, chosen: Chosen) -> Option<Coding> {
    chosen.accepted.for_length(entry.body.len()).coding
}

/// A form of an answer.
struct Form<'a> {
    tag: &'a Tag,
    body: &'a Bytes,
    coding: Option<Coding>,
}

impl Form<'_> {
    fn answer(self, tables: &Tables, entry: &Entry, held: bool, position: Position, timing: Timing) -> Answer {
        let cache_control = tables.cache_control(entry.table);
        let mut answer = if held {
            respond::not_modified(self.tag, cache_control, position)
        } else {
            let content_type = TYPES.get(usize::from(entry.name)).map_or("", |named| named.content_type);
            let content = Content::ready(self.body.clone(), content_type, self.coding);
            respond::data(content, Some(self.tag), cache_control, position)
        };
        respond::timed(answer.headers_mut(), timing);
        if let Some(page) = &entry.page {
            respond::paging(answer.headers_mut(), page.next.as_deref(), page.place);
            respond::advise(answer.headers_mut(), page.advice.as_deref());
        }
        answer
    }
}
