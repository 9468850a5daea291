//! How a subscriber begins: with the state at the position where it joins those who are told, or with what it has missed.

use super::followed::{Followed, Views};
use super::start::Start;
use super::tail::Tail;
use super::topics::Event;
use crate::data::format::{Format, Walk};
use crate::limits;
use async_broadcast::Receiver;
use std::sync::Arc;
use stoa_schema::query::Query;
use stoa_sync::Store;
use stoa_sync::store::{Cell, Flow, FollowError, ReadError, Reader};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What a subscriber hears while it joins.
pub(super) enum Joining {
    /// From here on it hears what everybody hears.
    Joined(Receiver<Event>),
    /// What it was told is void.
    Reset,
    /// Some messages.
    Told(Vec<Utf8Bytes>),
    /// It has been told everything up to this position.
    Done(u64),
    /// The tables are others now.
    Replaced,
    /// It cannot be told.
    Failed(ReadError),
}

/// Joins a subscriber, on a thread for reading. All is read in one snapshot, at which the tail stands when the subscriber
/// begins to hear what everybody hears.
pub(super) fn join(
    store: &Store,
    reader: &Reader,
    tail: &Arc<Mutex<Tail>>,
    followed: &Arc<Followed>,
    start: Start,
    subscriber: mpsc::Sender<Joining>,
    runtime: Handle,
) {
    let mut telling = Telling { reader, followed, subscriber, runtime, detached: false };
    // Before the snapshot: it must be at least as new as what the tail has told.
    let mut tail = tail.blocking_lock();
    let done = reader.snapshot(|| {
        if !tail.is_of(followed.renderer()) {
            return telling.say(Joining::Replaced).map(|_| None);
        }
        let seq = tail.advance(store, reader)?;
        let joined = tail.join(followed);
        let start = tail.allowed(start);
        drop(tail);
        telling.say(Joining::Joined(joined))?;
        telling.begin(start, seq).map(|()| Some(seq))
    });
    let last = match done {
        Ok(Some(seq)) => Joining::Done(seq),
        Ok(None) => return,
        Err(error) => Joining::Failed(error),
    };
    // Whoever left hears nothing.
    _ = telling.say(last);
}

struct Telling<'a> {
    reader: &'a Reader,
    followed: &'a Followed,
    subscriber: mpsc::Sender<Joining>,
    runtime: Handle,
    detached: bool,
}

impl Telling<'_> {
    fn begin(&mut self, start: Start, seq: u64) -> Result<(), ReadError> {
        match start {
            Start::Now => Ok(()),
            Start::State => self.state(),
            Start::Anew => self.anew(),
            Start::Missed(since) if since > seq || self.reader.shaped_at()?.is_some_and(|at| since <= at) => {
                self.anew()
            }
            Start::Missed(since) => match self.missed(since, seq) {
                Ok(messages) => self.tell_in_chunks(messages),
                Err(FollowError::TooMuch | FollowError::Read(ReadError::Deadline)) => {
                    self.reader.renew_deadline();
                    self.anew()
                }
                Err(FollowError::Read(error)) => Err(error),
            },
        }
    }

    fn anew(&mut self) -> Result<(), ReadError> {
        self.say(Joining::Reset)?;
        self.state()
    }

    fn missed(&self, since: u64, seq: u64) -> Result<Vec<Utf8Bytes>, FollowError> {
        let renderer = self.followed.renderer();
        let alterations = self.reader.alterations(renderer.catalog(), since, seq, self.followed)?;
        let views = Views::new(self.reader, renderer, &alterations);
        let messages = self.followed.told_of_all(&views, &alterations)?;
        let bytes: usize = messages.iter().map(|message| message.text.len()).sum();
        if bytes > limits::WAITING_BYTES {
            return Err(FollowError::TooMuch);
        }
        Ok(messages.into_iter().map(|message| message.text).collect())
    }

    fn tell_in_chunks(&mut self, messages: Vec<Utf8Bytes>) -> Result<(), ReadError> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        for message in messages {
            bytes += message.len();
            chunk.push(message);
            if bytes >= limits::STATE_CHUNK_BYTES {
                bytes = 0;
                if self.say(Joining::Told(std::mem::take(&mut chunk)))? == Flow::Stop {
                    return Ok(());
                }
            }
        }
        if chunk.is_empty() { Ok(()) } else { self.say(Joining::Told(chunk)).map(|_| ()) }
    }

    fn state(&mut self) -> Result<(), ReadError> {
        let followed = self.followed;
        let (query, renderer, reader) = (followed.query(), followed.renderer(), self.reader);
        let chosen = reader.plan(renderer.schema(), query, None)?;
        let Some(seek) = chosen.plan.seeks.first() else { return Ok(()) };
        let (fields, key) = (&seek.fields, chosen.plan.keys.last().copied().unwrap_or_default());
        let walk = Walk { reader, zone: query.zone.as_ref(), keys: None };
        let (mut value, mut told, mut bytes) = (Vec::with_capacity(512), Vec::new(), 0);
        let next = reader.page(&chosen, &mut |row| {
            value.clear();
            renderer.row(Format::Json, walk, fields, row, &mut value)?;
            let revision = row.revision();
            let message = followed.put(&self.id(query, row.cell(key)), revision, &value, revision / 1_000);
            bytes += message.len();
            told.push(message);
            if bytes < limits::STATE_CHUNK_BYTES {
                return Ok(Flow::Continue);
            }
            bytes = 0;
            let flow = self.say(Joining::Told(std::mem::take(&mut told)))?;
            reader.renew_deadline();
            Ok(flow)
        })?;
        debug_assert!(next.is_none(), "what is followed has no pages");
        if told.is_empty() { Ok(()) } else { self.say(Joining::Told(told)).map(|_| ()) }
    }

    fn id(&self, query: &Query, cell: Cell<'_>) -> String {
        let list = self.followed.renderer().schema().table(query.table).key().list;
        let id = match cell.to_value() {
            stoa_schema::value::Value::Text(text) if list => stoa_schema::value::Value::List(text),
            id => id,
        };
        self.followed.id(&id)
    }

    /// Who has to wait for a subscriber takes its thread out of the pool: others may join meanwhile.
    fn detach(&mut self) -> Result<(), ReadError> {
        if !self.detached {
            self.reader.detach()?;
            self.detached = true;
        }
        Ok(())
    }

    /// Waits until the subscriber has taken enough, but not for ever; stops when it is gone.
    fn say(&mut self, joining: Joining) -> Result<Flow, ReadError> {
        let joining = match self.subscriber.try_send(joining) {
            Ok(()) => return Ok(Flow::Continue),
            Err(mpsc::error::TrySendError::Closed(_)) => return Ok(Flow::Stop),
            Err(mpsc::error::TrySendError::Full(joining)) => joining,
        };
        self.detach()?;
        let sent = async { tokio::time::timeout(limits::STATE_STALL, self.subscriber.send(joining)).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(Flow::Continue),
            Ok(Err(_)) => Ok(Flow::Stop),
            Err(_) => Err(ReadError::Deadline),
        }
    }
}
