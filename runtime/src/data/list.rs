//! A query → a JSON array, whole when it fits one page buffer, otherwise streamed from one snapshot in constant memory.

use super::json::Renderer;
use super::tag::Tag;
use crate::limits;
use bytes::Bytes;
use std::sync::Arc;
use stoa_schema::query::Query;
use stoa_schema::time::Zone;
use stoa_sync::Store;
use stoa_sync::sql::{Plan, plan};
use stoa_sync::store::{Flow, ReadError, Reader};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// The pieces of a streamed answer; an error ends it half-way.
pub type Chunks = mpsc::Receiver<Result<Bytes, ReadError>>;

/// The answer to a query.
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

/// Starts the answer to a query. `streaming: false` stops where a stream would begin.
///
/// # Errors
/// As [`Store::read`]; an error that comes later ends the stream.
pub async fn read(store: &Store, renderer: &Arc<Renderer>, query: &Query, streaming: bool) -> Result<List, ReadError> {
    let (answer, answered) = oneshot::channel();
    let writer = Writer {
        renderer: Arc::clone(renderer),
        plan: plan(renderer.schema(), query),
        zone: query.zone.clone(),
        runtime: Handle::current(),
        answer: Some(answer),
        chunks: None,
        streaming,
        buffer: Vec::with_capacity(4_096),
    };
    store.start(move |reader| writer.run(reader))?;
    answered.await.unwrap_or(Err(ReadError::Closed))
}

struct Writer {
    renderer: Arc<Renderer>,
    plan: Plan,
    zone: Option<Zone>,
    runtime: Handle,
    /// Until the answer has begun.
    answer: Option<oneshot::Sender<Result<List, ReadError>>>,
    /// Once it is streamed.
    chunks: Option<mpsc::Sender<Result<Bytes, ReadError>>>,
    streaming: bool,
    buffer: Vec<u8>,
}

impl Writer {
    fn run(mut self, reader: &Reader) {
        let done = self.rows(reader);
        match (done, self.answer.take(), self.chunks.take()) {
            (Ok(()), Some(answer), _) => {
                let tag = Tag::content(&self.buffer);
                _ = answer.send(Ok(List::Whole { body: self.buffer, tag }));
            }
            (Err(error), Some(answer), _) => _ = answer.send(Err(error)),
            (done, None, Some(chunks)) => {
                let last = done.map(|()| Bytes::from(std::mem::take(&mut self.buffer)));
                _ = self.send(&chunks, last);
            }
            (_, None, None) => {}
        }
    }

    fn rows(&mut self, reader: &Reader) -> Result<(), ReadError> {
        let plan = self.plan.clone();
        let mut separator = b'[';
        reader.each(&plan, None, &mut |row| {
            self.buffer.push(separator);
            separator = b',';
            self.renderer.row(reader, &plan.fields, row, self.zone.as_ref(), &mut self.buffer)?;
            if self.buffer.len() < limits::PAGE_BUFFER_BYTES { Ok(Flow::Continue) } else { self.flush(reader) }
        })?;
        self.buffer.extend_from_slice(if separator == b'[' { b"[]" } else { b"]" });
        Ok(())
    }

    /// Sends a full buffer; the first one makes the answer a stream.
    fn flush(&mut self, reader: &Reader) -> Result<Flow, ReadError> {
        if let Some(answer) = self.answer.take() {
            if self.streaming
                && let Err(error) = reader.detach()
            {
                self.answer = Some(answer);
                return Err(error);
            }
            let (chunks, received) = mpsc::channel(limits::STREAM_CHUNKS);
            self.chunks = Some(chunks);
            let waits = answer.send(Ok(List::Streamed(received))).is_ok();
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
