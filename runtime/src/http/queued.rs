//! `Prefer: respond-async` (RFC 7240 §4.1) on a write with an `Idempotency-Key`: while the primary of a region is away the
//! request waits in the region, on disk, and is carried out when the primary is back, in the order in which such requests came.
//!
//! A request that waits is kept as it came and carried out as it would have been: over a connection within the process. Its
//! key makes it happen once, however often it is tried.

use super::body::AnswerBody;
use super::headers::{self, IDEMPOTENCY_KEY, PREFER, PREFERENCE_APPLIED, REQUEST_ID, STOA_SEQ};
use super::idempotency;
use super::live::{self, Way};
use super::problem::{Problem, ProblemKind};
use super::request_body;
use super::respond::{self, Answer, header};
use super::server::converse;
use super::service::Service;
use crate::limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION, ORIGIN, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use stoa_sync::store::{Fate, Queue, QueueError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is needed beside the queue itself.
pub(super) struct Queueing {
    /// Changes whenever a request begins to wait, or was answered after it had waited.
    changed: watch::Sender<()>,
}

impl Queueing {
    pub(super) fn new() -> Self {
        Self { changed: watch::Sender::new(()) }
    }
}

/// A request as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What became of a request, as it is kept and shown.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<serde_json::Value>,
}

impl<'a> Shown<'a> {
    fn waiting(id: &'a str) -> Self {
        Self { id, state: "waiting", status: None, headers: None, body: None }
    }
}

/// Whether a request wants to wait rather than fail, and can.
pub(super) fn wants(service: &Service, parts: &Parts) -> bool {
    let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&parts.method);
    writes
        && parts.headers.contains_key(IDEMPOTENCY_KEY)
        && headers::prefers_respond_async(&parts.headers)
        && service.store().queue().is_some()
}

/// Answers such a request: as ever, or with the word that it waits.
pub(super) async fn answer(service: &Arc<Service>, parts: &Parts, body: &mut Incoming) -> Result<Answer, Box<Problem>> {
    let Some(key) = idempotency::key(&parts.headers)? else {
        return Err(Problem::syntax("respond-async needs an Idempotency-Key"));
    };
    let body = request_body::received(parts, body).await?;
    let kept = Kept::of(parts, &body);
    let id = name(&key);
    // Whoever comes later waits behind what waits already.
    if on(service, Queue::waiting).await? == 0 {
        let answer = kept.carry_out(service).await?;
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Ok(answer);
        }
    }
    let request = serde_json::to_vec(&kept).map_err(|error| Problem::unavailable(error.to_string()))?;
    let pushed = id.clone();
    on(service, move |queue| queue.push(&pushed, &request)).await?;
    service.queueing().changed.send_replace(());
    let mut answer = respond::json(&serde_json::json!(Shown::waiting(&id)));
    *answer.status_mut() = StatusCode::ACCEPTED;
    answer.headers_mut().insert(LOCATION, header(&path(&id)));
    answer.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static("respond-async"));
    Ok(answer)
}

/// `/_stoa/queued/{id}`: what became of a request, now, or as a message when it is known.
pub(super) async fn result(service: &Arc<Service>, parts: &Parts, id: &str) -> Result<Answer, Box<Problem>> {
    let shown = look(service, id).await?;
    match live::way(parts)? {
        None => Ok(respond::json(&shown)),
        Some(Way::Events) => Ok(live::tell_once(service.live(), told(Arc::clone(service), id.to_owned(), shown))),
        Some(Way::Socket(handshake)) => {
            Ok(live::send_once(service.live(), handshake, told(Arc::clone(service), id.to_owned(), shown)))
        }
    }
}

/// What became of a request, when that is known.
async fn told(service: Arc<Service>, id: String, mut shown: serde_json::Value) -> serde_json::Value {
    let mut changed = service.queueing().changed.subscribe();
    changed.mark_changed();
    while shown["state"] == "waiting" {
        if changed.changed().await.is_err() {
            break;
        }
        match look(&service, &id).await {
            Ok(now) => shown = now,
            Err(_) => break,
        }
    }
    shown
}

async fn look(service: &Service, id: &str) -> Result<serde_json::Value, Box<Problem>> {
    let (wanted, unknown) = (id.to_owned(), || Problem::not_found("no request waits or waited under this id"));
    match on(service, move |queue| queue.fate(&wanted)).await? {
        None => Err(unknown()),
        Some(Fate::Waiting) => Ok(serde_json::json!(Shown::waiting(id))),
        Some(Fate::Answered(answer)) => serde_json::from_slice(&answer).map_err(|_| unknown()),
    }
}

/// Carries out what waits, one after the other, whenever the primary is there.
pub(super) async fn drain(service: Arc<Service>) {
    if service.store().queue().is_none() {
        return;
    }
    let mut changed = service.queueing().changed.subscribe();
    loop {
        let (id, request) = match on(&service, Queue::first).await {
            Ok(Some(first)) => first,
            Ok(None) if changed.changed().await.is_ok() => continue,
            Ok(None) => return,
            Err(_) => {
                tokio::time::sleep(limits::QUEUED_AGAIN).await;
                continue;
            }
        };
        let answer = match serde_json::from_slice::<Kept>(&request) {
            Ok(kept) => kept.carry_out(&service).await,
            Err(error) => Err(Problem::syntax(format!("what waited cannot be read: {error}"))),
        };
        let answer = answer.unwrap_or_else(|problem| problem.response());
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            tokio::time::sleep(limits::QUEUED_AGAIN).await;
            continue;
        }
        let shown = shown(&id, answer).await;
        if let Err(problem) = on(&service, move |queue| queue.finish(&id, &shown)).await {
            tracing::error!(problem = %problem.document(), "what became of a request that waited is not kept");
            tokio::time::sleep(limits::QUEUED_AGAIN).await;
        }
        service.queueing().changed.send_replace(());
    }
}

async fn shown(id: &str, answer: Answer) -> Vec<u8> {
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut headers = serde_json::Map::new();
    for name in [CONTENT_TYPE, ETAG, LOCATION, STOA_SEQ] {
        if let Some(value) = parts.headers.get(&name).and_then(|value| value.to_str().ok()) {
            headers.insert(name.as_str().to_owned(), value.into());
        }
    }
    let body = match serde_json::from_slice(&bytes) {
        Ok(json) => Some(json),
        Err(_) if bytes.is_empty() => None,
        Err(_) => Some(String::from_utf8_lossy(&bytes).into_owned().into()),
    };
    let shown = Shown { id, state: "done", status: Some(parts.status.as_u16()), headers: Some(headers), body };
    serde_json::to_vec(&shown).unwrap_or_default()
}

impl Kept {
    /// Without what belongs to the connection it came over, and without the wish to wait.
    fn of(parts: &Parts, body: &[u8]) -> Self {
        const DROPPED: [HeaderName; 5] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, ORIGIN, REQUEST_ID];
        let kept = parts.headers.iter().filter(|(name, _)| !DROPPED.contains(name));
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = kept.map(|(name, value)| match *name == PREFER {
            true => (name.to_string(), headers::without_respond_async(&text(value))),
            false => (name.to_string(), text(value)),
        });
        Self {
            method: parts.method.to_string(),
            uri: parts.uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            headers: headers.collect(),
            body: STANDARD.encode(body),
        }
    }

    /// Sends it to this server, over a connection of its own.
    async fn carry_out(&self, service: &Arc<Service>) -> Result<Answer, Box<Problem>> {
        let failed = |error: &dyn std::fmt::Display| Problem::unavailable(format!("it cannot be carried out: {error}"));
        let unreadable =
            |error: &dyn std::fmt::Display| Problem::syntax(format!("what waited cannot be read: {error}"));
        let body = STANDARD.decode(&self.body).map_err(|error| unreadable(&error))?;
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.uri);
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| unreadable(&error))?;
        let (near, far) = tokio::io::duplex(limits::INNER_BYTES);
        let over = CancellationToken::new();
        let serving = tokio::spawn(converse(far, Arc::clone(service), over.clone()));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(near)).await.map_err(|error| failed(&error))?;
        let driving = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        drop(sender);
        over.cancel();
        driving.abort();
        _ = serving.await;
        let mut answer = Response::from_parts(parts, AnswerBody::Whole(Some(bytes)));
        strip(answer.headers_mut());
        Ok(answer)
    }
}

/// What hyper says for each connection.
fn strip(headers: &mut HeaderMap) {
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, http::header::DATE, REQUEST_ID] {
        headers.remove(name);
    }
}

/// The name of a request: nobody can guess it who does not know its key.
fn name(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn path(id: &str) -> String {
    format!("/_stoa/queued/{id}")
}

/// Works on the queue on a thread that may block.
async fn on<T: Send + 'static>(
    service: &Service,
    work: impl FnOnce(&Queue) -> Result<T, QueueError> + Send + 'static,
) -> Result<T, Box<Problem>> {
    let Some(queue) = service.store().queue() else { return Err(Problem::not_found("nothing waits here")) };
    let done = tokio::task::spawn_blocking(move || work(&queue)).await;
    done.map_err(|_| Problem::unavailable("what waits cannot be read"))?.map_err(|error| match error {
        QueueError::Another => Problem::new(
            ProblemKind::IDEMPOTENCY_MISMATCH,
            "this Idempotency-Key is that of another request that waits",
        ),
        QueueError::Full => Problem::unavailable(error.to_string()),
        QueueError::Database(error) => {
            tracing::error!(%error, "the database of what waits failed");
            Problem::unavailable("what waits cannot be kept now")
        }
    })
}
