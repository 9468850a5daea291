//! The body of an answer: bytes that are there, or chunks that follow.

use crate::data::coding::Coding;
use crate::data::list::Chunks;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use stoa_sync::store::ReadError;

/// What hyper sends.
pub(super) enum AnswerBody {
    /// All of it; `None` once it is sent, or if there is none.
    Whole(Option<Bytes>),
    /// All of it, to be encoded before it is sent.
    Unencoded(Vec<u8>, Coding),
    /// Chunks; an error cuts the connection, so that a half answer is never taken for a whole one.
    Streamed(Chunks),
}

impl AnswerBody {
    pub(super) const EMPTY: Self = Self::Whole(None);
}

impl From<Vec<u8>> for AnswerBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(Some(bytes.into()))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            // The last step before sending encodes it; as it is it would not be what its headers say.
            Self::Unencoded(..) => Poll::Ready(Some(Err(ReadError::Closed))),
            Self::Streamed(chunks) => chunks.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Unencoded(..) | Self::Streamed(_) => SizeHint::default(),
        }
    }
}
