//! Answers out of the cache: found by the URL as it stands, before anything of it is read, and sent as they are.

use super::body::AnswerBody;
use super::headers::{self, PREFER, REQUEST_ID, STOA_SEQ};
use super::media::{self, TYPES};
use super::negotiate::{self, Chosen};
use super::problem::Problem;
use super::respond::{self, Answer, Position, Timing};
use super::service::{Service, Tables};
use crate::cache::{Asked, Entry};
use crate::data::coding::Coding;
use crate::data::tag::Tag;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH, ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::sync::Arc;

/// A question as the cache knows it, and what the client takes.
#[derive(Clone, Copy)]
pub(super) struct Question<'r> {
    pub(super) asked: Asked<'r>,
    pub(super) chosen: Chosen,
}

/// Which headers are there that say something of the answer: found in one walk, since most requests have few of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Present {
    negotiated: bool,
    conditional: bool,
    preferring: bool,
    positioned: bool,
    /// `X-Request-Id`.
    pub(super) named: bool,
    /// `Origin`.
    pub(super) foreign: bool,
    upgrading: bool,
}

impl Present {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut present = Self::default();
        for name in headers.keys() {
            if name == ACCEPT || name == ACCEPT_ENCODING {
                present.negotiated = true;
            } else if name == IF_NONE_MATCH {
                present.conditional = true;
            } else if name == ORIGIN {
                present.foreign = true;
            } else if name == UPGRADE {
                present.upgrading = true;
            } else if name == PREFER {
                present.preferring = true;
            } else if name == STOA_SEQ {
                present.positioned = true;
            } else if name == REQUEST_ID {
                present.named = true;
            }
        }
        present
    }
}

/// What a request asks, if its answer can be kept: a reading of data in a form that there is.
pub(super) fn question<'r>(
    method: &Method,
    uri: &'r Uri,
    headers: &HeaderMap,
    present: Present,
) -> Option<Question<'r>> {
    if !matches!(*method, Method::GET | Method::HEAD) || present.upgrading {
        return None;
    }
    let url = uri.path_and_query()?.as_str();
    let chosen = match present.negotiated {
        true if negotiate::prefers_events(headers) => return None,
        true => negotiate::choose(headers, None, media::ALL).ok()?,
        false => Chosen::PLAIN,
    };
    let counted = present.preferring && headers::preferences(headers).count;
    Some(Question { asked: Asked::new(url, chosen.name, chosen.accepted.format, counted), chosen })
}

/// The answer, if it is there in the very form that is asked for, so that nothing is to be waited for.
pub(super) fn at_once(
    service: &Service,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    present: Present,
) -> Option<Answer> {
    let question = question(method, uri, headers, present)?;
    if present.positioned && !service.is_reached(headers) {
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
    let held = present.conditional && headers::not_modified(headers, form.tag).ok()?;
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
        let mut answer = tables.template(entry.table).answer(held, self.tag, position);
        if !held {
            if entry.name > 0 {
                let content_type = TYPES.get(usize::from(entry.name)).map_or("", |named| named.content_type);
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            respond::coded(answer.headers_mut(), self.coding);
            *answer.body_mut() = AnswerBody::Whole(Some(self.body.clone()));
        }
        if timing != Timing::Hit {
            respond::timed(answer.headers_mut(), timing);
        }
        if let Some(page) = &entry.page {
            respond::paging(answer.headers_mut(), page.next.as_deref(), page.place);
            respond::advise(answer.headers_mut(), page.advice.as_deref());
        }
        answer
    }
}
