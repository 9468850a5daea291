//! A WebSocket that tells what happens. One task does all there is to do, whatever is possible next: it hears what
//! happened, reads what the client says, and writes as far as the client reads. So a client that reads nothing holds up
//! nobody, and its connection keeps no more than its outbox.

use super::super::problem::Problem;
use super::super::respond::Answer;
use super::super::service::Service;
use super::control::{self, Asked};
use super::handshake::{Handshake, Socket};
use crate::limits;
use crate::live::{Ended, Hub, Subscription};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

/// Who is at the other end, and what it follows.
pub(super) struct Client {
    /// Where subscriptions come from; `None` if there is one, which the path named.
    service: Option<Arc<Service>>,
    subscriptions: Vec<Named>,
    /// That of the socket, if it is for many.
    _permit: Option<OwnedSemaphorePermit>,
}

struct Named {
    name: Option<Box<str>>,
    subscription: Subscription,
    _permit: OwnedSemaphorePermit,
}

impl Client {
    /// One that follows what its path names.
    pub(super) fn of_one(subscription: Subscription, permit: OwnedSemaphorePermit) -> Self {
        let only = Named { name: None, subscription, _permit: permit };
        Self { service: None, subscriptions: vec![only], _permit: None }
    }

    /// One that says what it follows.
    pub(super) fn of_many(service: Arc<Service>, permit: OwnedSemaphorePermit) -> Self {
        Self { service: Some(service), subscriptions: Vec::new(), _permit: Some(permit) }
    }

    /// Hears what happened; whether there was something, and which subscription cannot go on.
    fn hear(&mut self, context: &mut Context<'_>) -> Result<(bool, Option<usize>), End> {
        let mut heard = false;
        for (at, named) in self.subscriptions.iter_mut().enumerate() {
            match named.subscription.poll_hear(context) {
                Poll::Ready(Ok(())) => heard = true,
                Poll::Ready(Err(Ended::Replaced)) => {
                    return Err(End::told(CloseCode::Restart, "the schema has changed"));
                }
                Poll::Ready(Err(Ended::Failed(error))) => {
                    tracing::warn!(%error, "a subscription cannot go on");
                    return Ok((heard, Some(at)));
                }
                Poll::Pending => {}
            }
        }
        Ok((heard, None))
    }

    /// Ends a subscription that cannot go on; what the client is told. The only one of a socket ends that.
    fn fail(&mut self, at: usize) -> Result<String, End> {
        match self.subscriptions.remove(at).name {
            Some(name) => Ok(control::refusal(Some(&name), &Problem::unavailable(CANNOT_READ))),
            None => Err(End::told(CloseCode::Again, CANNOT_READ)),
        }
    }

    fn has_next(&self) -> bool {
        self.subscriptions.iter().any(|named| named.subscription.has_next())
    }

    /// The next message, of each subscription in turn.
    fn next(&mut self) -> Option<Utf8Bytes> {
        let at = self.subscriptions.iter().position(|named| named.subscription.has_next())?;
        let next = self.subscriptions[at].subscription.take_next()?;
        let text = match &self.subscriptions[at].name {
            Some(name) => control::named(name, &next.text).into(),
            None => next.text,
        };
        if self.subscriptions.len() > 1 {
            self.subscriptions[at..].rotate_left(1);
        }
        Some(text)
    }

    /// Does what the client says; what it is answered, if anything.
    fn said(&mut self, text: &str) -> Option<String> {
        // On a socket of one there is nothing to say.
        let service = Arc::clone(self.service.as_ref()?);
        match control::read(text) {
            Err(answer) => Some(answer),
            Ok(Asked::Unsubscribe(name)) => {
                self.subscriptions.retain(|known| known.name.as_deref() != Some(name.as_str()));
                None
            }
            Ok(Asked::Subscribe { name, path, since }) => {
                let begun = self
                    .room_for(&name)
                    .and_then(|()| control::subscribe(&service, &service.tables(), &path, since.as_deref()));
                match begun {
                    Ok((subscription, permit)) => {
                        let (name, _permit) = (Some(name.into()), permit);
                        self.subscriptions.push(Named { name, subscription, _permit });
                        None
                    }
                    Err(problem) => Some(control::refusal(Some(&name), &problem)),
                }
            }
        }
    }

    fn room_for(&self, name: &str) -> Result<(), Box<Problem>> {
        if name.len() > limits::SUBSCRIPTION_NAME_BYTES {
            let detail = format!("the name of a subscription may have {} bytes", limits::SUBSCRIPTION_NAME_BYTES);
            return Err(Problem::syntax(detail));
        }
        if self.subscriptions.iter().any(|known| known.name.as_deref() == Some(name)) {
            return Err(Problem::syntax(format!("there is a subscription called {name:?} on this socket already")));
        }
        if self.subscriptions.len() >= limits::SUBSCRIPTIONS {
            let detail = format!("a socket takes {} subscriptions: open another", limits::SUBSCRIPTIONS);
            return Err(Problem::syntax(detail));
        }
        Ok(())
    }
}

const CANNOT_READ: &str = "the database cannot be read now";

/// How a connection ends.
enum End {
    /// The other side is told why.
    Told(CloseCode, &'static str),
    /// There is nobody to tell.
    Gone,
}

impl End {
    fn told(code: CloseCode, reason: &'static str) -> Self {
        Self::Told(code, reason)
    }

    /// RFC 6455 §7.4.1.
    fn of(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::Told(CloseCode::Size, "messages may have 64 KiB"),
            Error::Utf8(_) => Self::Told(CloseCode::Invalid, "a text that is not UTF-8"),
            Error::Protocol(_) => Self::Told(CloseCode::Protocol, "this is not the WebSocket protocol"),
            _ => Self::Gone,
        }
    }
}

/// The answer that opens a socket; then `client` begins to follow.
pub(super) fn answer(hub: &Arc<Hub>, handshake: Handshake, client: impl FnOnce() -> Client + Send + 'static) -> Answer {
    let closing = hub.closing().clone();
    handshake.accept(hub, move |socket| run(socket, client(), closing))
}

/// Opens a WebSocket that tells one thing when it is known, and ends.
pub(super) fn once(
    hub: &Arc<Hub>,
    handshake: Handshake,
    told: impl Future<Output = serde_json::Value> + Send + 'static,
) -> Answer {
    let closing = hub.closing().clone();
    handshake.accept(hub, move |mut socket| async move {
        let (mut told, mut ended) = (pin!(told), pin!(closing.cancelled()));
        loop {
            tokio::select! {
                () = &mut ended => break,
                value = &mut told => {
                    _ = socket.send(Message::text(value.to_string())).await;
                    break;
                }
                // Pings are answered while it is read; what else comes in says nothing.
                heard = socket.next() => if heard.is_none_or(|heard| heard.is_err()) { return },
            }
        }
        _ = tokio::time::timeout(limits::SHUTDOWN_GRACE, socket.close(None)).await;
    })
}

/// Serves a socket until one of both sides ends it.
async fn run(socket: Socket, client: Client, closing: CancellationToken) {
    let mut heartbeat = interval_at(Instant::now() + limits::PING_INTERVAL, limits::PING_INTERVAL);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection = Connection {
        socket,
        client,
        answers: VecDeque::new(),
        unflushed: false,
        closed: false,
        heard: Instant::now(),
        heartbeat,
    };
    let mut cancelled = pin!(closing.cancelled());
    let end = poll_fn(|context| {
        if cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(End::told(CloseCode::Away, "the server stops"));
        }
        connection.poll(context)
    })
    .await;
    // Nobody hears what they are told any more.
    connection.client.subscriptions.clear();
    if let End::Told(code, reason) = end {
        connection.close(code, reason).await;
    }
}

struct Connection {
    socket: Socket,
    client: Client,
    /// Answers to what the client said, and pings.
    answers: VecDeque<Message>,
    unflushed: bool,
    /// Whether the client has ended the conversation.
    closed: bool,
    /// When the client was last heard.
    heard: Instant,
    heartbeat: Interval,
}

impl Connection {
    /// Does all that is possible; ready when it has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        match self.poll_all(context) {
            Err(end) => Poll::Ready(end),
            Ok(()) => Poll::Pending,
        }
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Result<(), End> {
        loop {
            let read = self.read(context)?;
            let (mut heard, failed) = self.client.hear(context)?;
            if let Some(failed) = failed {
                self.answers.push_back(Message::text(self.client.fail(failed)?));
                heard = true;
            }
            let wrote = self.write(context)?;
            let beat = self.beat(context)?;
            if !(read || heard || wrote || beat) {
                return Ok(());
            }
        }
    }

    /// Reads what the client says; whether there was something.
    fn read(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        if self.answers.len() >= limits::SOCKET_ANSWERS {
            return Ok(false);
        }
        let message = match Pin::new(&mut self.socket).poll_next(context) {
            Poll::Pending => return Ok(false),
            Poll::Ready(None) => return Err(End::Gone),
            Poll::Ready(Some(message)) => message.map_err(|error| End::of(&error))?,
        };
        self.heard = Instant::now();
        match message {
            Message::Text(text) => self.answers.extend(self.client.said(&text).map(Message::text)),
            Message::Binary(_) if self.client.service.is_some() => {
                return Err(End::told(CloseCode::Unsupported, "messages are texts of JSON"));
            }
            Message::Close(_) => self.closed = true,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(true)
    }

    /// Writes as far as the client reads; whether something was written.
    fn write(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let mut wrote = false;
        while !self.closed && (!self.answers.is_empty() || self.client.has_next()) {
            match Pin::new(&mut self.socket).poll_ready(context) {
                Poll::Pending => return Ok(wrote),
                Poll::Ready(ready) => ready.map_err(|error| End::of(&error))?,
            }
            let next = self.answers.pop_front().or_else(|| self.client.next().map(Message::Text));
            let Some(next) = next else { break };
            Pin::new(&mut self.socket).start_send(next).map_err(|error| End::of(&error))?;
            (wrote, self.unflushed) = (true, true);
        }
        if self.unflushed {
            match Pin::new(&mut self.socket).poll_flush(context) {
                Poll::Pending => {}
                Poll::Ready(flushed) => {
                    flushed.map_err(|error| End::of(&error))?;
                    self.unflushed = false;
                }
            }
        }
        Ok(wrote)
    }

    /// Asks from time to time whether the client is there; whether it was time.
    fn beat(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        if self.heartbeat.poll_tick(context).is_pending() {
            return Ok(false);
        }
        if self.heard.elapsed() >= limits::SOCKET_SILENCE {
            return Err(End::Gone);
        }
        if self.answers.len() < limits::SOCKET_ANSWERS {
            self.answers.push_back(Message::Ping(Bytes::new()));
        }
        Ok(true)
    }

    /// Ends the conversation, and waits a little for the other side to do so too.
    async fn close(&mut self, code: CloseCode, reason: &'static str) {
        let socket = &mut self.socket;
        let closed = async {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            if socket.close(Some(frame)).await.is_err() {
                return;
            }
            while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut *socket).poll_next(context)).await {}
        };
        _ = tokio::time::timeout(limits::CLOSE_WAIT, closed).await;
    }
}
