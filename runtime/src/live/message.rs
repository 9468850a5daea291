//! What subscribers are told: JSON texts, each written once.

use std::sync::Arc;
use stoa_schema::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What is told of one record.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The record's id as JSON: which messages are about the same one.
    pub(super) id: Arc<str>,
    /// The message.
    pub(super) text: Utf8Bytes,
}

/// What happened in one step of the log, for those who follow one query. Never empty.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// A message for each record, in the order of their last changes.
    pub(super) messages: Vec<Message>,
    /// The last message, with the position that is complete with it.
    pub(super) last: Utf8Bytes,
    /// That position.
    pub(super) seq: u64,
}

impl Batch {
    /// The messages of a step that ends at `seq`; `None` if there are none.
    pub(super) fn new(messages: Vec<Message>, seq: u64) -> Option<Self> {
        let last = messages.last()?;
        let open = last.text.strip_suffix('}').unwrap_or(&last.text);
        let last = format!("{open},\"seq\":{seq}}}").into();
        Some(Self { messages, last, seq })
    }

    /// How many bytes its messages have.
    pub(super) fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.text.len()).sum()
    }
}

/// How a message begins that tells of records of one table.
#[derive(Debug)]
pub(super) struct Opening {
    put: Box<str>,
    leave: Box<str>,
    delete: Box<str>,
}

impl Opening {
    pub(super) fn new(table: &str) -> Self {
        let open = |kind: &str| {
            format!("{{\"type\":\"{kind}\",\"table\":{},\"id\":", serde_json::Value::from(table)).into_boxed_str()
        };
        Self { put: open("put"), leave: open("leave"), delete: open("delete") }
    }

    /// The record is part of what is followed, and this is its value.
    pub(super) fn put(&self, id: &str, value: &[u8], tag: &str, at_ms: i64) -> Utf8Bytes {
        let mut text = Vec::with_capacity(self.put.len() + id.len() + value.len() + tag.len() + 64);
        text.extend_from_slice(self.put.as_bytes());
        text.extend_from_slice(id.as_bytes());
        text.extend_from_slice(b",\"value\":");
        text.extend_from_slice(value);
        // A tag has letters, digits and `-` only.
        text.extend_from_slice(b",\"etag\":\"\\\"");
        text.extend_from_slice(tag.as_bytes());
        text.extend_from_slice(b"\\\"\"");
        end(text, at_ms)
    }

    /// It is there, but no part of what is followed any more.
    pub(super) fn leave(&self, id: &str, at_ms: i64) -> Utf8Bytes {
        gone(&self.leave, id, at_ms)
    }

    /// It was deleted.
    pub(super) fn delete(&self, id: &str, at_ms: i64) -> Utf8Bytes {
        gone(&self.delete, id, at_ms)
    }
}

fn gone(opening: &str, id: &str, at_ms: i64) -> Utf8Bytes {
    let mut text = Vec::with_capacity(opening.len() + id.len() + 48);
    text.extend_from_slice(opening.as_bytes());
    text.extend_from_slice(id.as_bytes());
    end(text, at_ms)
}

fn end(mut text: Vec<u8>, at_ms: i64) -> Utf8Bytes {
    if let Some(instant) = Instant::from_millis(at_ms) {
        text.extend_from_slice(b",\"timestamp\":\"");
        text.extend_from_slice(instant.stored().as_bytes());
        text.push(b'"');
    }
    text.push(b'}');
    String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()).into()
}

/// The state is complete up to a position; `token` leads back to it.
pub(super) fn ready(seq: u64, token: &str) -> Utf8Bytes {
    format!("{{\"type\":\"ready\",\"seq\":{seq},\"since\":\"{token}\"}}").into()
}

/// What was told is void: the state follows anew.
pub(super) fn reset() -> Utf8Bytes {
    Utf8Bytes::from_static("{\"type\":\"reset\"}")
}
