//! One subscriber of one query: what it is to be sent next.

use super::followed::Followed;
use super::hub::Hub;
use super::joining::Joining;
use super::message;
use super::outbox::Outbox;
use super::start::Start;
use super::topics::Event;
use async_broadcast::{Receiver, RecvError};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use stoa_sync::store::ReadError;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A query that is followed by somebody. It is to be asked again and again, also while nothing can be sent: what happens
/// meanwhile is gathered, within bounds.
pub struct Subscription {
    hub: Arc<Hub>,
    followed: Arc<Followed>,
    joining: Option<mpsc::Receiver<Joining>>,
    /// Whether it hears what everybody hears; then what else is said while it joins can wait.
    joined: bool,
    events: Option<Receiver<Event>>,
    /// What is sent before anything that waits in the outbox.
    first: VecDeque<Next>,
    outbox: Outbox,
    /// Whether more happened while it joined than was kept.
    missed: bool,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its JSON.
    pub text: Utf8Bytes,
    /// What is complete with it.
    pub place: Place,
}

/// What a subscriber has when it has got a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A part.
    Within,
    /// Everything up to this position.
    Complete(u64),
    /// Nothing: what it had is void.
    Void,
}

/// Why a subscription ended.
#[derive(Debug)]
pub enum Ended {
    /// The schema changed; the query may mean something else now.
    Replaced,
    /// The database cannot be read.
    Failed(ReadError),
}

impl Subscription {
    pub(super) fn new(hub: Arc<Hub>, followed: Arc<Followed>, start: Start) -> Self {
        let joining = Some(hub.join(&followed, start));
        let (events, first, outbox) = (None, VecDeque::new(), Outbox::default());
        Self { hub, followed, joining, joined: false, events, first, outbox, missed: false }
    }

    /// Whether there is something to send.
    pub fn has_next(&self) -> bool {
        !self.first.is_empty() || (self.joining.is_none() && !self.outbox.is_empty())
    }

    /// What to send next.
    pub fn take_next(&mut self) -> Option<Next> {
        if let Some(next) = self.first.pop_front() {
            if self.first.is_empty() {
                self.first = VecDeque::new();
            }
            return Some(next);
        }
        if self.joining.is_some() {
            return None;
        }
        let (text, complete) = self.outbox.pop()?;
        Some(Next { text, place: complete.map_or(Place::Within, Place::Complete) })
    }

    /// Hears what happens; ready when there is something new.
    ///
    /// # Errors
    /// It has ended, whatever was left to send.
    pub fn poll_hear(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let mut heard = false;
        while (self.first.is_empty() || !self.joined)
            && let Some(joining) = &mut self.joining
        {
            match joining.poll_recv(context) {
                Poll::Ready(Some(told)) => self.join(told)?,
                Poll::Ready(None) => return Poll::Ready(Err(Ended::Failed(ReadError::Closed))),
                Poll::Pending => break,
            }
            heard |= self.has_next();
        }
        while let Some(events) = &mut self.events {
            let Poll::Ready(event) = Pin::new(events).poll_recv(context) else { break };
            match event {
                Some(Ok(Event::Step(batch))) => {
                    if self.outbox.push(&batch).is_err() {
                        self.begin_anew();
                    }
                }
                Some(Ok(Event::Reset) | Err(RecvError::Overflowed(_))) => self.begin_anew(),
                Some(Err(RecvError::Closed)) | None => return Poll::Ready(Err(Ended::Replaced)),
            }
            heard = true;
        }
        if heard { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn join(&mut self, told: Joining) -> Result<(), Ended> {
        let within = |text| Next { text, place: Place::Within };
        match told {
            Joining::Joined(events) => (self.joined, self.events) = (true, Some(events)),
            Joining::Reset => self.first.push_back(Next { text: message::reset(), place: Place::Void }),
            Joining::Told(texts) => self.first.extend(texts.into_iter().map(within)),
            Joining::Done(seq) => {
                let text = message::ready(seq, &self.hub.token(seq));
                self.first.push_back(Next { text, place: Place::Complete(seq) });
                self.joining = None;
                if std::mem::take(&mut self.missed) {
                    // Nothing of what came after has been sent, so what was not kept can be read again.
                    self.begin(Start::Missed(seq));
                }
            }
            Joining::Replaced => return Err(Ended::Replaced),
            Joining::Failed(error) => return Err(Ended::Failed(error)),
        }
        Ok(())
    }

    /// More happened than is kept for this subscriber.
    fn begin_anew(&mut self) {
        self.outbox.clear();
        self.events = None;
        match self.joining {
            Some(_) => self.missed = true,
            None => self.begin(Start::Anew),
        }
    }

    fn begin(&mut self, start: Start) {
        (self.joined, self.joining) = (false, Some(self.hub.join(&self.followed, start)));
    }
}
