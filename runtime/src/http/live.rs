//! Live updates over HTTP: WebSockets and server-sent events at the paths that `GET` knows, and one socket for many
//! subscriptions.

mod socket;
mod control;
mod events;
mod handshake;

pub(super) use handshake::Handshake;

use super::negotiate;
use super::problem::{Problem, ProblemKind};
use super::respond::Answer;
use super::route::{self, Target};
use super::service::{Service, Tables};
use crate::live::{Followed, Hub, Start};
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use std::sync::Arc;
use stoa_schema::query::LiveQuery;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// In which way a client wants to follow.
pub(super) enum Way {
    Socket(Handshake),
    Events,
}

/// The way in which a request wants to follow what it asks for; `None` if it wants an answer.
pub(super) fn way(parts: &Parts) -> Result<Option<Way>, Box<Problem>> {
    if parts.method != Method::GET {
        return Ok(None);
    }
    if let Some(handshake) = Handshake::of(parts)? {
        return Ok(Some(Way::Socket(handshake)));
    }
    Ok(negotiate::prefers_events(&parts.headers).then_some(Way::Events))
}

/// Answers a request to follow the collection or the record at its path; `None` if there is nothing to follow.
pub(super) async fn follow(
    service: &Arc<Service>,
    tables: &Tables,
    parts: &Parts,
    target: &Target<'_>,
    way: Way,
) -> Result<Option<Answer>, Box<Problem>> {
    if let Target::Live = target {
        let Way::Socket(handshake) = way else { return Ok(None) };
        service.reach(&parts.headers).await?;
        let permit = admit(service)?;
        let many = Arc::clone(service);
        let client = move || socket::Client::of_many(many, permit);
        return Ok(Some(socket::answer(service.live(), handshake, client)));
    }
    let suffixed =
        matches!(target, Target::Collection { format: Some(_), .. } | Target::Record { format: Some(_), .. });
    if suffixed && matches!(way, Way::Events) {
        return Ok(None);
    }
    let Some(query) = query(tables, target, &parts.uri)? else { return Ok(None) };
    let position = service.position(&parts.headers).await?;
    let permit = admit(service)?;
    let start = start(service.live(), &query, last_event_id(&parts.headers));
    let followed = Followed::new(Arc::clone(tables.records.renderer()), query.query);
    Ok(Some(match way {
        Way::Socket(handshake) => {
            let hub = Arc::clone(service.live());
            let client = move || socket::Client::of_one(hub.subscribe(followed, start), permit);
            socket::answer(service.live(), handshake, client)
        }
        Way::Events => events::answer(service.live(), followed, start, position, permit),
    }))
}

/// Answers with one server-sent event, when what it tells is known.
pub(super) fn tell_once(hub: &Arc<Hub>, told: impl Future<Output = serde_json::Value> + Send + 'static) -> Answer {
    events::once(hub, told)
}

/// Opens a WebSocket that tells one thing when it is known, and ends.
pub(super) fn send_once(
    hub: &Arc<Hub>,
    handshake: Handshake,
    told: impl Future<Output = serde_json::Value> + Send + 'static,
) -> Answer {
    socket::once(hub, handshake, told)
}

fn admit(service: &Service) -> Result<tokio::sync::OwnedSemaphorePermit, Box<Problem>> {
    service.live().admit().ok_or_else(|| Problem::unavailable("too many clients follow already"))
}

/// What the target says is to be followed; `None` if it is nothing that changes with the data.
fn query(tables: &Tables, target: &Target<'_>, uri: &Uri) -> Result<Option<LiveQuery>, Box<Problem>> {
    let schema = &tables.catalog.schema;
    let whole = || {
        Problem::syntax("live updates are JSON, of whole records: select=… chooses attributes; a dot of an id is %2E")
    };
    Ok(Some(match target {
        Target::Description(table) => LiveQuery::of_collection(schema, *table, "")?,
        Target::Collection { format: Some(_), .. } => return Err(whole()),
        Target::Collection { table, query, format: None } => LiveQuery::of_collection(schema, *table, query)?,
        Target::Record { attribute, format, .. } if attribute.is_some() || format.is_some() => return Err(whole()),
        Target::Record { table, query, .. } => LiveQuery::of_key(schema, *table, &route::key_segments(uri)?, query)?,
        _ => return Ok(None),
    }))
}

/// What a subscription of a socket for many asks for: a path with its query.
fn subscribed(tables: &Tables, path: &str) -> Result<LiveQuery, Box<Problem>> {
    let uri =
        Uri::try_from(path).ok().filter(|uri| uri.scheme().is_none() && path.starts_with('/')).ok_or_else(|| {
            Problem::syntax("subscribe takes a path with its query, percent-encoded: \"/Product/?inStock=true\"")
        })?;
    let target = route::route(tables, &Method::GET, &uri)?;
    query(tables, &target, &uri)?
        .ok_or_else(|| Problem::new(ProblemKind::NOT_FOUND, format!("nothing can be followed at {:?}", uri.path())))
}

/// With what a subscription begins: where the client has been goes before what it asks for.
fn start(hub: &Hub, query: &LiveQuery, been: Option<&str>) -> Start {
    match been.or(query.since.as_deref()) {
        Some(token) => hub.since(token),
        None if query.snapshot => Start::State,
        None => Start::Now,
    }
}

/// Where a client of server-sent events has been. What cannot be read leads nowhere, as a token of another log does: a
/// browser gives up for ever on an error.
fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("?")).filter(|token| !token.is_empty())
}
