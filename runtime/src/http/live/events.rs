//! Server-sent events (HTML Living Standard §9.2): the same messages, one `data:` each; `id:` says where to go on.

use super::super::body::AnswerBody;
use super::super::respond::{self, Answer, Position};
use crate::limits;
use crate::live::{Followed, Hub, Next, Place, Start, Subscription};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use stoa_sync::store::ReadError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An id that leads nowhere. It stands wherever a client that lost its connection would hold only part of the state: it
/// comes back with it and begins anew.
const NOWHERE: &str = "anew";

/// The answer that tells what happens.
pub(super) fn answer(
    hub: &Arc<Hub>,
    followed: Followed,
    start: Start,
    position: Position,
    permit: OwnedSemaphorePermit,
) -> Answer {
    let (sender, chunks) = mpsc::channel(limits::STREAM_CHUNKS);
    let subscription = hub.subscribe(followed, start);
    let sending = Arc::clone(hub);
    hub.connections().spawn(async move {
        send(&sending, subscription, &sender).await;
        drop(permit);
    });
    let mut answer = stream(chunks);
    respond::at(answer.headers_mut(), position);
    answer
}

/// The answer that tells one thing when it is known.
pub(super) fn once(hub: &Arc<Hub>, told: impl Future<Output = serde_json::Value> + Send + 'static) -> Answer {
    let (chunks, receiver) = mpsc::channel(limits::STREAM_CHUNKS);
    let closing = hub.closing().clone();
    hub.connections().spawn(async move {
        let mut told = pin!(told);
        let mut heartbeat = interval_at(Instant::now() + limits::PING_INTERVAL, limits::PING_INTERVAL);
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = chunks.closed() => return,
                value = &mut told => {
                    _ = chunks.send(Ok(Bytes::from(format!("data: {value}\n\n")))).await;
                    return;
                }
                _ = heartbeat.tick() => {
                    _ = chunks.try_send(Ok(Bytes::from_static(b": still here\n\n")));
                }
            }
        }
    });
    stream(receiver)
}

fn stream(chunks: mpsc::Receiver<Result<Bytes, ReadError>>) -> Answer {
    let mut answer = respond::bare(StatusCode::OK, AnswerBody::Streamed(chunks));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers answers would hold events back.
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    answer
}

/// Sends what is to be sent, until the client is gone, reads nothing for too long, or the server stops.
async fn send(hub: &Hub, mut subscription: Subscription, chunks: &mpsc::Sender<Result<Bytes, ReadError>>) {
    let mut heartbeat = interval_at(Instant::now() + limits::PING_INTERVAL, limits::PING_INTERVAL);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = Instant::now();
    _ = chunks.try_send(Ok(Bytes::from(format!("id: {NOWHERE}\n\n"))));
    let mut nowhere = true;
    loop {
        tokio::select! {
            biased;
            () = hub.closing().cancelled() => return,
            () = chunks.closed() => return,
            heard = poll_fn(|context| subscription.poll_hear(context)) => if heard.is_err() { return },
            room = chunks.reserve(), if subscription.has_next() => {
                let Ok(room) = room else { return };
                room.send(Ok(gathered(hub, &mut subscription, &mut nowhere)));
                sent = Instant::now();
            }
            _ = heartbeat.tick() => {
                if subscription.has_next() && sent.elapsed() > limits::SOCKET_SILENCE {
                    return;
                }
                // Without room the client has enough to read.
                _ = chunks.try_send(Ok(Bytes::from_static(b": still here\n\n")));
            }
        }
    }
}

/// Some of what is to be sent, as one chunk. `nowhere` is whether the client's last id leads nowhere.
fn gathered(hub: &Hub, subscription: &mut Subscription, nowhere: &mut bool) -> Bytes {
    let mut chunk = Vec::new();
    while chunk.len() < limits::SOCKET_WRITE_BYTES
        && let Some(Next { text, place }) = subscription.take_next()
    {
        match place {
            Place::Within if *nowhere => {}
            Place::Complete(seq) => chunk.extend_from_slice(format!("id: {}\n", hub.token(seq)).as_bytes()),
            Place::Within | Place::Void => chunk.extend_from_slice(format!("id: {NOWHERE}\n").as_bytes()),
        }
        *nowhere = !matches!(place, Place::Complete(_));
        chunk.extend_from_slice(b"data: ");
        chunk.extend_from_slice(text.as_bytes());
        chunk.extend_from_slice(b"\n\n");
    }
    chunk.into()
}
