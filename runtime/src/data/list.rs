//! A query → a list in some format, whole when it fits one page buffer, otherwise streamed from one snapshot in constant memory.

use super::coding::Encoder;
use super::format::{Renderer, Walk};
use super::keys::{self, Keys, Noted, Noting};
use super::representation::{Accepted, Representation};
use crate::limits;
use bytes::Bytes;
use std::sync::Arc;
use stoa_schema::model::AttributeId;
use stoa_schema::query::Query;
use stoa_schema::time::Zone;
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::sql::ListPlan;
use stoa_sync::store::{Chosen, Flow, ReadError, Reader};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// The pieces of a streamed answer; an error ends it half-way.
pub type Chunks = mpsc::Receiver<Result<Bytes, ReadError>>;

/// A page of a query's records.
#[derive(Debug)]
pub struct Page {
    /// The records.
    pub list: List,
    /// The keys of the last record shown, if others follow.
    pub next: Option<Vec<Value>>,
    /// Where the page lies among all records, if that was asked.
    pub place: Option<Place>,
}

/// Where a page lies among all records that meet its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The position of its first record, from 0.
    pub start: u64,
    /// How many records it shows.
    pub length: u64,
    /// How many there are.
    pub total: u64,
}

/// What is read of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whether a long list goes on as a stream; otherwise it stops where that would begin.
    pub streaming: bool,
    /// Whether the page's place is wanted.
    pub place: bool,
    /// What the client takes.
    pub accepted: Accepted,
}

/// The records of a page.
#[derive(Debug)]
pub enum List {
    /// All of it.
    Whole(Vec<u8>),
    /// It is longer than a page buffer.
    Streamed {
        /// What is sent.
        chunks: Chunks,
        /// The form in which it is sent.
        sent_as: Representation,
    },
}

/// Starts the answer to a query. `after` holds the keys of the record that the page follows. Of a list that is streamed only
/// [`Noted::seen`] is noted.
///
/// # Errors
/// As [`Store::read`]; an error that comes later ends the stream.
pub async fn read(
    store: &Store,
    renderer: &Arc<Renderer>,
    query: &Arc<Query>,
    after: Option<Vec<Value>>,
    wanted: Wanted,
    noting: Noting,
) -> Result<(Page, Noted), ReadError> {
    let (answer, answered) = oneshot::channel();
    let mut writer = Writer {
        renderer: Arc::clone(renderer),
        store: store.clone(),
        zone: query.zone.clone(),
        key: renderer.schema().table(query.table).key,
        keys: noting.keys(),
        records: noting.records,
        accepted: wanted.accepted,
        runtime: Handle::current(),
        answer: Some(answer),
        chunks: None,
        encoder: None,
        streaming: wanted.streaming,
        place: None,
        buffer: Vec::with_capacity(4_096),
    };
    let (renderer, query) = (Arc::clone(renderer), Arc::clone(query));
    store.start(move |reader| {
        let expires = noting.expires_at_ms(reader, renderer.schema(), None);
        let planned = reader.plan(renderer.schema(), &query, after.as_deref());
        let done = planned.and_then(|chosen| {
            let several = wanted.place || chosen.plan.seeks.len() > 1 || wanted.accepted.format.needs_count();
            let mut work = || {
                writer.place = if wanted.place { Some(place(reader, &chosen.plan)?) } else { None };
                writer.rows(reader, &chosen)
            };
            if several { reader.snapshot(work) } else { work() }
        });
        writer.finish(reader, done, expires);
    })?;
    answered.await.unwrap_or(Err(ReadError::Closed))
}

/// Finds where a page lies by counting.
pub(super) fn place(reader: &Reader, plan: &ListPlan) -> Result<Place, ReadError> {
    let total = reader.number(&plan.total)?;
    let mut following = 0;
    for count in &plan.counts {
        following += reader.number(count)?;
    }
    let start = total.saturating_sub(following) + plan.offset;
    let length = total.saturating_sub(start).min(plan.limit.unwrap_or(u64::MAX));
    Ok(Place { start, length, total })
}

struct Writer {
    renderer: Arc<Renderer>,
    store: Store,
    /// The primary key of the query's table.
    key: AttributeId,
    keys: Option<Keys>,
    /// Whether those of the query's own records are noted.
    records: bool,
    zone: Option<Zone>,
    accepted: Accepted,
    runtime: Handle,
    /// Until the answer has begun.
    answer: Option<oneshot::Sender<Result<(Page, Noted), ReadError>>>,
    /// Once it is streamed.
    chunks: Option<mpsc::Sender<Result<Bytes, ReadError>>>,
    /// Of what is streamed, if it is to be encoded.
    encoder: Option<Encoder>,
    streaming: bool,
    place: Option<Place>,
    buffer: Vec<u8>,
}

impl Writer {
    fn finish(
        mut self,
        reader: &Reader,
        done: Result<Option<Vec<Value>>, ReadError>,
        expires: Result<Option<i64>, ReadError>,
    ) {
        match (done, self.answer.take(), self.chunks.take()) {
            (Ok(next), Some(answer), _) => {
                let noted = expires.and_then(|expires_at_ms| {
                    let keys = self.keys.map(Keys::into_found).unwrap_or_default();
                    Ok(Noted { keys, expires_at_ms, seen: keys::seen(&self.store, reader)? })
                });
                let page = Page { list: List::Whole(self.buffer), next, place: self.place };
                _ = answer.send(noted.map(|noted| (page, noted)));
            }
            (Err(error), Some(answer), _) => _ = answer.send(Err(error)),
            (done, None, Some(chunks)) => {
                let last = done.and_then(|_| self.last_chunk());
                _ = self.send(&chunks, last);
            }
            (_, None, None) => {}
        }
    }

    fn rows(&mut self, reader: &Reader, chosen: &Chosen) -> Result<Option<Vec<Value>>, ReadError> {
        let format = self.accepted.format;
        let Some(fields) = chosen.plan.seeks.first().map(|seek| &seek.fields) else {
            format.begin_list(&mut self.buffer);
            format.end_list(&mut self.buffer);
            return Ok(None);
        };
        let (mut count, key) = (0_u64, chosen.plan.keys.last().copied().filter(|_| self.records));
        self.renderer.header(format, fields, &mut self.buffer);
        format.begin_list(&mut self.buffer);
        let next = reader.page(chosen, &mut |row| {
            if count > 0 {
                format.separate(&mut self.buffer);
            }
            count += 1;
            if let (Some(keys), Some(key)) = (&self.keys, key) {
                keys.record(fields.table, self.key, row.cell(key));
            }
            let walk = Walk { reader, zone: self.zone.as_ref(), keys: self.keys.as_ref() };
            self.renderer.row(format, walk, fields, row, &mut self.buffer)?;
            if self.buffer.len() < limits::PAGE_BUFFER_BYTES { Ok(Flow::Continue) } else { self.flush(reader, chosen) }
        })?;
        format.end_list(&mut self.buffer);
        if self.answer.is_some() {
            format.set_count(count, &mut self.buffer);
        }
        Ok(next)
    }

    /// Sends a full buffer; the first one makes the answer a stream.
    fn flush(&mut self, reader: &Reader, chosen: &Chosen) -> Result<Flow, ReadError> {
        if self.answer.is_some() {
            if self.streaming {
                self.prepare_stream(reader)?;
            }
            let next = self.look_ahead(reader, chosen)?;
            let (sender, chunks) = mpsc::channel(limits::STREAM_CHUNKS);
            self.chunks = Some(sender);
            let sent_as = Representation { format: self.accepted.format, coding: self.accepted.coding };
            let page = Page { list: List::Streamed { chunks, sent_as }, next, place: self.place };
            self.keys = None;
            let noted = Noted { seen: keys::seen(&self.store, reader)?, ..Noted::default() };
            let waits = self.answer.take().is_some_and(|answer| answer.send(Ok((page, noted))).is_ok());
            if !waits || !self.streaming {
                return Ok(Flow::Stop);
            }
        }
        let chunk = self.next_chunk()?;
        let Some(chunks) = &self.chunks else { return Ok(Flow::Stop) };
        // An encoder gathers: an empty chunk would say that the body ends here.
        let sent = if chunk.is_empty() { Ok(Flow::Continue) } else { self.send(chunks, Ok(chunk)) };
        reader.renew_deadline();
        sent
    }

    /// What the head of the answer says of the end of the page: where the next one begins, and in some formats how many
    /// records this one has. It is found by reading the page to its end, in the same snapshot.
    fn look_ahead(&mut self, reader: &Reader, chosen: &Chosen) -> Result<Option<Vec<Value>>, ReadError> {
        let counting = self.streaming && self.accepted.format.needs_count();
        if chosen.plan.limit.is_none() && !counting {
            return Ok(None);
        }
        let mut count = 0;
        let next = reader.page(chosen, &mut |_| {
            count += 1;
            Ok(Flow::Continue)
        })?;
        self.accepted.format.set_count(count, &mut self.buffer);
        Ok(next)
    }

    /// What is needed before the first chunk leaves.
    fn prepare_stream(&mut self, reader: &Reader) -> Result<(), ReadError> {
        reader.detach()?;
        if let Some(coding) = self.accepted.coding {
            self.encoder = Some(Encoder::new(coding).map_err(|error| broken(&error))?);
        }
        Ok(())
    }

    fn next_chunk(&mut self) -> Result<Bytes, ReadError> {
        if let Some(encoder) = &mut self.encoder {
            let chunk = encoder.push(&self.buffer).map_err(|error| broken(&error))?;
            self.buffer.clear();
            return Ok(chunk);
        }
        let next = Vec::with_capacity(limits::PAGE_BUFFER_BYTES + 4_096);
        Ok(Bytes::from(std::mem::replace(&mut self.buffer, next)))
    }

    fn last_chunk(&mut self) -> Result<Bytes, ReadError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(Bytes::from(std::mem::take(&mut self.buffer))) };
        let mut chunk = Vec::from(encoder.push(&self.buffer).map_err(|error| broken(&error))?);
        chunk.extend_from_slice(&encoder.finish().map_err(|error| broken(&error))?);
        Ok(chunk.into())
    }

    /// Waits until the client has taken enough, but not for ever; stops when it is gone.
    fn send(
        &self,
        chunks: &mpsc::Sender<Result<Bytes, ReadError>>,
        chunk: Result<Bytes, ReadError>,
    ) -> Result<Flow, ReadError> {
        match self.runtime.block_on(async { tokio::time::timeout(limits::STREAM_STALL, chunks.send(chunk)).await }) {
            Ok(Ok(())) => Ok(Flow::Continue),
            Ok(Err(_)) => Ok(Flow::Stop),
            Err(_) => Err(ReadError::Deadline),
        }
    }
}

/// An encoder into memory fails only when there is none.
fn broken(error: &std::io::Error) -> ReadError {
    tracing::error!(%error, "an answer cannot be encoded");
    ReadError::Busy
}
