//! The body of an answer: bytes that are there, or chunks that follow.

use crate::data::coding::Coding;
use crate::data::list::Chunks;
use crate::limits;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use stoa_sync::store::ReadError;
use tokio::io::{AsyncReadExt, Take};
use tokio_util::io::poll_read_buf;

/// What hyper sends.
pub(super) enum AnswerBody {
    /// All of it; `None` once it is sent, or if there is none.
    Whole(Option<Bytes>),
    /// All of it, to be encoded before it is sent.
    Unencoded(Vec<u8>, Coding),
    /// Chunks; an error cuts the connection, so that a half answer is never taken for a whole one.
    Streamed(Chunks),
    /// A file, read as it is sent.
    File(FileBody),
}

/// What ended an answer before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum CutShort {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a file cannot be read to its end: {0}")]
    File(#[from] io::Error),
}

/// The bytes of a file from where it stands.
pub(super) struct FileBody(Take<tokio::fs::File>);

impl FileBody {
    /// The next `length` bytes.
    pub(super) fn new(file: File, length: u64) -> Self {
        Self(tokio::fs::File::from_std(file).take(length))
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.0.limit() == 0 {
            return Poll::Ready(None);
        }
        let mut piece = BytesMut::with_capacity(limits::FILE_PIECE_BYTES);
        Poll::Ready(Some(match ready!(poll_read_buf(Pin::new(&mut self.0), context, &mut piece)) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(piece.freeze()),
            Err(error) => Err(error),
        }))
    }
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
    type Error = CutShort;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            // The last step before sending encodes it; as it is it would not be what its headers say.
            Self::Unencoded(..) => Poll::Ready(Some(Err(ReadError::Closed.into()))),
            Self::Streamed(chunks) => chunks.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk?)))),
            Self::File(file) => file.poll_piece(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece?)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Unencoded(..) | Self::Streamed(_) => false,
            Self::File(file) => file.0.limit() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Unencoded(..) | Self::Streamed(_) => SizeHint::default(),
            Self::File(file) => SizeHint::with_exact(file.0.limit()),
        }
    }
}
