//! What the primary pushes: the frames of its write-ahead log (gRPC, `LogEntries`), as its own replicas receive them.
//!
//! [`Connection`] is the channel, [`Feed`] what [`libsql_replication`]'s replicator asks for frames. Where the next
//! frames begin is taken only from what was applied, so nothing is skipped however the stream ends.

use super::{Primary, PrimaryError};
use crate::limits;
use futures_util::{Stream, StreamExt};
use libsql_replication::frame::FrameNo;
use libsql_replication::meta::WalIndexMeta;
use libsql_replication::replicator::{Error, ReplicatorClient};
use libsql_replication::rpc::replication::replication_log_client::ReplicationLogClient;
use libsql_replication::rpc::replication::{
    Frame, HelloRequest, HelloResponse, LogOffset, NAMESPACE_METADATA_KEY, SESSION_TOKEN_KEY,
};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tonic::metadata::{Ascii, BinaryMetadataValue, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

/// The database that a server without namespaces keeps.
const NAMESPACE: &[u8] = b"default";

/// Why the primary cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// It cannot be reached, or the stream broke.
    #[error("{0}")]
    Away(String),
    /// It does not let one in.
    #[error("the primary refuses: {0}")]
    Refused(String),
    /// Its log is not the one that the replica was filled from.
    #[error("the primary's log is another one")]
    AnotherLog,
    /// The replica's own files are wrong.
    #[error("the replica cannot be written: {0}")]
    Replica(String),
}

/// A channel to the primary, which is connected when it is needed.
#[derive(Clone)]
pub(crate) struct Connection {
    client: ReplicationLogClient<Channel>,
    bearer: Option<MetadataValue<Ascii>>,
}

impl Connection {
    pub(crate) fn new(primary: &Primary) -> Result<Self, PrimaryError> {
        let wrong = |error: &dyn std::fmt::Display| PrimaryError::Url(format!("{}: {error}", primary.url()));
        let endpoint = Endpoint::from_shared(primary.url().to_owned()).map_err(|error| wrong(&error))?;
        let mut endpoint = endpoint
            .connect_timeout(limits::CONNECT_WAIT)
            .http2_keep_alive_interval(limits::PULSE)
            .keep_alive_timeout(limits::PULSE_WAIT)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .initial_stream_window_size(limits::FEED_WINDOW_BYTES)
            .initial_connection_window_size(limits::FEED_WINDOW_BYTES);
        if primary.is_secure() {
            endpoint = endpoint.tls_config(ClientTlsConfig::new()).map_err(|error| wrong(&error))?;
        }
        let bearer = primary.bearer().map(|bearer| bearer.parse().map_err(|_| PrimaryError::Token)).transpose()?;
        let client = ReplicationLogClient::new(endpoint.connect_lazy());
        Ok(Self { client: client.max_decoding_message_size(limits::FEED_MESSAGE_BYTES), bearer })
    }

    /// Asks the primary for the number of its last frame; 0 if it is empty.
    pub(crate) async fn last_frame(&mut self, wait: Duration) -> Result<FrameNo, FeedError> {
        let answer = self.handshake(wait).await.map_err(|status| refusal(&status))?;
        Ok(answer.current_replication_index.unwrap_or_default())
    }

    async fn handshake(&mut self, wait: Duration) -> Result<HelloResponse, Status> {
        let request = self.request(HelloRequest::new(), None);
        match tokio::time::timeout(wait, self.client.hello(request)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(Status::deadline_exceeded("it did not answer in time")),
        }
    }

    fn request<T>(&self, message: T, session: Option<&MetadataValue<Ascii>>) -> Request<T> {
        let mut request = Request::new(message);
        let headers = request.metadata_mut();
        headers.insert_bin(NAMESPACE_METADATA_KEY, BinaryMetadataValue::from_bytes(NAMESPACE));
        if let Some(bearer) = &self.bearer {
            headers.insert("authorization", bearer.clone());
            headers.insert("x-authorization", bearer.clone());
        }
        if let Some(session) = session {
            headers.insert(SESSION_TOKEN_KEY, session.clone());
        }
        request
    }
}

/// A missing token arrives as *Internal*, and says what it is about only in its text.
fn refusal(status: &Status) -> FeedError {
    let text = status.message().to_owned();
    let about_tokens = ["auth", "token", "JWT", "jwt"].iter().any(|word| text.contains(word));
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => FeedError::Refused(text),
        Code::Internal | Code::Unknown if about_tokens => FeedError::Refused(text),
        code => FeedError::Away(if text.is_empty() { code.to_string() } else { text }),
    }
}

/// Hears of what is applied to the replica's file, on the thread that applies it.
pub(crate) trait Applied: Send {
    /// A frame of a transaction is about to be written.
    fn begins(&mut self) -> impl Future<Output = ()> + Send;

    /// Everything up to this frame can be read.
    fn reached(&mut self, frame: FrameNo) -> impl Future<Output = ()> + Send;

    /// What had begun did not become visible.
    fn gives_up(&mut self);
}

/// Frames for a replica, from where it stands.
pub(crate) struct Feed<A> {
    connection: Connection,
    session: Option<MetadataValue<Ascii>>,
    meta: WalIndexMeta,
    applied: Arc<tokio::sync::Mutex<A>>,
}

type Frames = Pin<Box<dyn Stream<Item = Result<Frame, Error>> + Send>>;

impl<A: Applied + 'static> Feed<A> {
    /// Frames for the replica in this file, or for one that is not there yet.
    pub(crate) async fn open(connection: Connection, database: &Path, applied: A) -> Result<Self, FeedError> {
        let meta =
            WalIndexMeta::open_prefixed(database).await.map_err(|error| FeedError::Replica(error.to_string()))?;
        let applied = Arc::new(tokio::sync::Mutex::new(applied));
        Ok(Self { connection, session: None, meta, applied })
    }

    /// The frame up to which everything is there; `None`: nothing is.
    pub(crate) fn frame(&self) -> Option<FrameNo> {
        self.meta.current_frame_no()
    }

    fn next(&self) -> LogOffset {
        LogOffset { next_offset: self.meta.current_frame_no().map_or(0, |frame| frame + 1), wal_flavor: None }
    }

    /// A transaction is announced before its first frame is written.
    fn announced(&self, frames: tonic::Streaming<Frame>) -> Frames {
        let applied = Arc::clone(&self.applied);
        Box::pin(frames.then(move |frame| {
            let applied = Arc::clone(&applied);
            async move {
                let frame = frame?;
                applied.lock().await.begins().await;
                Ok(frame)
            }
        }))
    }
}

#[async_trait::async_trait]
impl<A: Applied + 'static> ReplicatorClient for Feed<A> {
    type FrameStream = Frames;

    async fn handshake(&mut self) -> Result<(), Error> {
        let hello = self.connection.handshake(limits::PULSE_WAIT).await.map_err(|status| fatal(&status))?;
        let token = MetadataValue::try_from(hello.session_token.as_ref());
        self.session = Some(token.map_err(|error| Error::Fatal(error.into()))?);
        self.meta.init_from_hello(hello)?;
        Ok(())
    }

    async fn next_frames(&mut self) -> Result<Frames, Error> {
        let request = self.connection.request(self.next(), self.session.as_ref());
        let frames = self.connection.client.log_entries(request).await?;
        Ok(self.announced(frames.into_inner()))
    }

    async fn snapshot(&mut self) -> Result<Frames, Error> {
        for _ in 0..limits::SNAPSHOT_TRIES {
            let request = self.connection.request(self.next(), self.session.as_ref());
            match self.connection.client.snapshot(request).await {
                Ok(frames) => return Ok(self.announced(frames.into_inner())),
                // It is being made.
                Err(status) if status.code() == Code::Unavailable => tokio::time::sleep(limits::SNAPSHOT_PAUSE).await,
                Err(status) => return Err(status.into()),
            }
        }
        Err(Error::Client("the primary has no snapshot ready".into()))
    }

    async fn commit_frame_no(&mut self, frame: FrameNo) -> Result<(), Error> {
        self.meta.set_commit_frame_no(frame).await?;
        self.applied.lock().await.reached(frame).await;
        Ok(())
    }

    fn committed_frame_no(&self) -> Option<FrameNo> {
        self.meta.current_frame_no()
    }

    fn rollback(&mut self) {
        // Nobody else holds it: the stream of frames is gone when this is called.
        if let Ok(mut applied) = self.applied.try_lock() {
            applied.gives_up();
        }
    }
}

/// The library tries a handshake again by itself after what it takes for a failed connection, and waits a second each time: an
/// error of another kind hands it back at once.
fn fatal(status: &Status) -> Error {
    Error::Fatal(Box::new(refusal(status)))
}

impl From<Error> for FeedError {
    fn from(error: Error) -> Self {
        use libsql_replication::meta::Error as MetaError;
        match error {
            Error::Meta(MetaError::LogIncompatible) => Self::AnotherLog,
            Error::Meta(error) => Self::Replica(error.to_string()),
            Error::Injector(error) => Self::Replica(error.to_string()),
            Error::Fatal(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::Away(error.to_string()),
            },
            Error::Client(error) => match error.downcast::<Status>() {
                Ok(status) => refusal(&status),
                Err(error) => Self::Away(error.to_string()),
            },
            other => Self::Away(other.to_string()),
        }
    }
}
