//! A query → a JSON array, whole when it fits one page buffer, otherwise streamed from one snapshot in constant memory.

use super::json::Renderer;
use super::tag::Tag;
use crate::limits;
use bytes::Bytes;
use std::sync::Arc;
use stoa_schema::query::Query;
use stoa_schema::time::Zone;
use stoa_schema::value::Value;
use stoa_sync::Store;
use stoa_sync::sql::{ListPlan, list_plan};
use stoa_sync::store::{Flow, ReadError, Reader};
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
}

/// The records of a page.
#[derive(Debug)]
pub enum List {
    /// All of it.
    Whole {
        /// A JSON array.
        body: Vec<u8>,
        /// Its strong tag.
        tag: Tag,
    },
    /// It is longer than a page buffer.
    Streamed(Chunks),
}

/// Starts the answer to a query. `after` holds the keys of the record that the page follows.
///
/// # Errors
/// As [`Store::read`]; an error that comes later ends the stream.
pub async fn read(
    store: &Store,
    renderer: &Arc<Renderer>,
    query: &Query,
    after: Option<&[Value]>,
    wanted: Wanted,
) -> Result<Page, ReadError> {
    let (answer, answered) = oneshot::channel();
    let mut writer = Writer {
        renderer: Arc::clone(renderer),
        zone: query.zone.clone(),
        runtime: Handle::current(),
        answer: Some(answer),
        chunks: None,
        streaming: wanted.streaming,
        place: None,
        buffer: Vec::with_capacity(4_096),
    };
    let plan = list_plan(renderer.schema(), query, after);
    store.start(move |reader| {
        let several = wanted.place || plan.seeks.len() > 1;
        let mut work = || {
            writer.place = if wanted.place { Some(place(reader, &plan)?) } else { None };
            writer.rows(reader, &plan)
        };
        let done = if several { reader.snapshot(work) } else { work() };
        writer.finish(done);
    })?;
    answered.await.unwrap_or(Err(ReadError::Closed))
}

fn place(reader: &Reader, plan: &ListPlan) -> Result<Place, ReadError> {
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
    zone: Option<Zone>,
    runtime: Handle,
    /// Until the answer has begun.
    answer: Option<oneshot::Sender<Result<Page, ReadError>>>,
    /// Once it is streamed.
    chunks: Option<mpsc::Sender<Result<Bytes, ReadError>>>,
    streaming: bool,
    place: Option<Place>,
    buffer: Vec<u8>,
}

impl Writer {
    fn finish(mut self, done: Result<Option<Vec<Value>>, ReadError>) {
        match (done, self.answer.take(), self.chunks.take()) {
            (Ok(next), Some(answer), _) => {
                let tag = Tag::content(&self.buffer);
                let list = List::Whole { body: self.buffer, tag };
                _ = answer.send(Ok(Page { list, next, place: self.place }));
            }
            (Err(error), Some(answer), _) => _ = answer.send(Err(error)),
            (done, None, Some(chunks)) => {
                let last = done.map(|_| Bytes::from(std::mem::take(&mut self.buffer)));
                _ = self.send(&chunks, last);
            }
            (_, None, None) => {}
        }
    }

    fn rows(&mut self, reader: &Reader, plan: &ListPlan) -> Result<Option<Vec<Value>>, ReadError> {
        let mut separator = b'[';
        let Some(fields) = plan.seeks.first().map(|seek| &seek.fields) else {
            self.buffer.extend_from_slice(b"[]");
            return Ok(None);
        };
        let next = reader.page(plan, &mut |row| {
            self.buffer.push(separator);
            separator = b',';
            self.renderer.row(reader, fields, row, self.zone.as_ref(), &mut self.buffer)?;
            if self.buffer.len() < limits::PAGE_BUFFER_BYTES { Ok(Flow::Continue) } else { self.flush(reader, plan) }
        })?;
        self.buffer.extend_from_slice(if separator == b'[' { b"[]" } else { b"]" });
        Ok(next)
    }

    /// Sends a full buffer; the first one makes the answer a stream.
    fn flush(&mut self, reader: &Reader, plan: &ListPlan) -> Result<Flow, ReadError> {
        if let Some(answer) = self.answer.take() {
            // The head of the answer says where the next page begins, which is known only at the end of this one.
            let next = if plan.limit.is_some() { reader.page(plan, &mut |_| Ok(Flow::Continue))? } else { None };
            if self.streaming
                && let Err(error) = reader.detach()
            {
                self.answer = Some(answer);
                return Err(error);
            }
            let (chunks, received) = mpsc::channel(limits::STREAM_CHUNKS);
            self.chunks = Some(chunks);
            let waits = answer.send(Ok(Page { list: List::Streamed(received), next, place: self.place })).is_ok();
            if !waits || !self.streaming {
                return Ok(Flow::Stop);
            }
        }
        let Some(chunks) = &self.chunks else { return Ok(Flow::Stop) };
        let chunk =
            Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(limits::PAGE_BUFFER_BYTES + 4_096)));
        let sent = self.send(chunks, Ok(chunk));
        reader.renew_deadline();
        sent
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
