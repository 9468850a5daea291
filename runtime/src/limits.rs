//! Every bound of this crate, with what happens beyond it.

use std::time::Duration;

/// Bytes of a request body; a larger one is refused (413).
pub const BODY_BYTES: usize = 16 << 20;

/// Bytes of a request's path and query; a longer one is refused (414).
pub const URL_BYTES: usize = 16 << 10;

/// Bytes of an answer that are made before the first of them leaves. A longer list is streamed: it has no `ETag`, and its
/// chunks have this size.
pub const PAGE_BUFFER_BYTES: usize = 256 << 10;

/// Bytes from which on a body is sent encoded, if the client takes it so; shorter ones would hardly shrink.
pub const ENCODED_FROM_BYTES: usize = 1 << 10;
/// Bytes of a body that are encoded where the request is served; a longer one goes to a thread of its own.
pub const ENCODED_HERE_BYTES: usize = 64 << 10;
/// Bytes of a file of `web/` that is read as a whole, tagged by what it holds and sent encoded. A longer one is sent as it is, in pieces,
/// and tagged by its place and times.
pub const WHOLE_FILE_BYTES: u64 = 1 << 20;
/// Bytes of a longer file that are read at a time.
pub const FILE_PIECE_BYTES: usize = 64 << 10;
/// How long ago such a file must have changed to be tagged: within the grain of a file system's times it could change again unnoticed.
pub const FILE_SETTLED: Duration = Duration::from_secs(2);
/// Content codings on one request body; more are refused (415).
pub const CODINGS: usize = 3;
/// Chunks of a streamed answer that wait for a slow client.
pub const STREAM_CHUNKS: usize = 2;

/// How long a streamed answer may wait for its client; then it is cut.
pub const STREAM_STALL: Duration = Duration::from_secs(30);

/// How long the next piece of a request body may take (408).
pub const BODY_STALL: Duration = Duration::from_secs(30);

/// Bytes of a body that are read although the answer is known already, so that the connection can be used again; after a
/// longer one it is closed.
pub const DRAINED_BYTES: usize = 256 << 10;

/// How long that may take.
pub const DRAIN_WAIT: Duration = Duration::from_secs(2);

/// How long a connection may take for a request's head, and rest between two requests; then it is closed.
pub const HEAD_WAIT: Duration = Duration::from_secs(60);

/// How long a request waits for the position that its `Stoa-Seq` names (503).
pub const POSITION_WAIT: Duration = Duration::from_secs(2);

/// How long open requests may take after the server was told to stop.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// Connections at once; more wait to be accepted.
pub const CONNECTIONS: usize = 16_384;

/// Violations listed in one problem document; more are counted only.
pub const LISTED_VIOLATIONS: usize = 100;

/// Characters of an `X-Request-Id` that a client sends; a longer one is replaced.
pub const REQUEST_ID_CHARS: usize = 64;

/// Characters of an `Idempotency-Key`; a longer one is refused (400).
pub const IDEMPOTENCY_KEY_CHARS: usize = 255;

/// Operations of one `/_stoa/commit`; more are refused (422).
pub const OPERATIONS: usize = 1_000;

/// Entity tags in one `If-Match` or `If-None-Match`; more are refused (400).
pub const ENTITY_TAGS: usize = 100;

/// Bytes of a seed file; a larger one is refused at start.
pub const SEED_BYTES: u64 = 64 << 20;

/// How long `dev` waits after a change of the schema for more of them.
pub const RELOAD_QUIET: Duration = Duration::from_millis(80);

/// Characters of a statement in the plan that a refused schema is answered with; `stoa migrate --plan` shows all.
pub const SHOWN_STATEMENT_CHARS: usize = 100;

/// Records of an import that are written together.
pub const IMPORT_CHUNK: usize = 4_096;

/// Bytes of an import's body whose records are written together, about.
pub const IMPORT_CHUNK_BYTES: usize = 4 << 20;

/// How often a command that works without a terminal says how far it is.
pub const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Bytes of an import that are decoded at a time.
pub const IMPORT_PIECE_BYTES: usize = 64 << 10;

/// Pieces of an import that wait to be decoded.
pub const IMPORT_PIECES: usize = 8;

/// Bytes of an import that is all or nothing, decoded; a longer one is refused (413).
pub const ATOMIC_IMPORT_BYTES: u64 = 64 << 20;

/// Failed lines listed in the report of an import; more are counted only.
pub const LISTED_FAILURES: usize = 1_000;

/// Messages that wait for one subscriber, of each record at most one; beyond it the subscriber is told to start anew.
pub const WAITING_MESSAGES: usize = 4_096;

/// Bytes of the messages that wait for one subscriber; beyond it likewise. What subscribers of one query wait for they
/// share.
pub const WAITING_BYTES: usize = 1 << 20;

/// Messages for which a subscriber keeps room although none waits.
pub const KEPT_ROOM: usize = 32;

/// Steps of the log that wait until a subscriber's task runs; beyond it the subscriber is told to start anew.
pub const WAITING_STEPS: usize = 16;

/// Bytes of a subscriber's state that are read before some of them are sent.
pub const STATE_CHUNK_BYTES: usize = 64 << 10;

/// Chunks of a subscriber's state that wait to be sent: a short state is one of four things that are said, and nobody has
/// to wait to say them.
pub const STATE_CHUNKS: usize = 4;

/// How long a subscriber may take for a chunk of the state; then it is cut.
pub const STATE_STALL: Duration = Duration::from_secs(30);

/// How long it takes until a failed look at the change log is repeated.
pub const FOLLOW_AGAIN: Duration = Duration::from_millis(200);

/// Subscribers at once, on all connections together; more are refused (503).
pub const SUBSCRIBERS: usize = 65_536;

/// Subscribers that join at once; more wait for their turn.
pub const JOINING: usize = 1_024;

/// Subscriptions on one connection; more are refused (400).
pub const SUBSCRIPTIONS: usize = 256;

/// Bytes of a message that a client sends on a WebSocket; a longer one ends the connection (1009).
pub const SOCKET_MESSAGE_BYTES: usize = 64 << 10;

/// Bytes that a WebSocket reads at once.
pub const SOCKET_READ_BYTES: usize = 512;

/// Bytes that a WebSocket gathers before it writes them.
pub const SOCKET_WRITE_BYTES: usize = 16 << 10;

/// How often a subscriber hears that the server is there, if nothing else.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a WebSocket may be silent, pongs included; then it is cut.
pub const SOCKET_SILENCE: Duration = Duration::from_secs(90);

/// How long the other side may take to answer the end of a WebSocket.
pub const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// How long the next step of the log waits at most for those who have not heard of the last ones yet, and between two looks
/// at them.
pub const HEARING_WAIT: Duration = Duration::from_millis(250);
/// See [`HEARING_WAIT`].
pub const HEARING_PAUSE: Duration = Duration::from_millis(1);

/// The pause between two steps of the log: what happens in it makes one step. After a longer silence a step begins at once.
pub const STEP_PAUSE: Duration = Duration::from_millis(3);

/// How often queries that nobody follows any more are forgotten.
pub const PRUNE_INTERVAL: Duration = Duration::from_secs(1);

/// Answers to a client's messages that wait on a WebSocket; with more its next message is not read yet.
pub const SOCKET_ANSWERS: usize = 16;

/// How long `stoa watch` waits before it connects again: at first, and at most; each time twice as long as before.
pub const RECONNECT_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// How long a server may take to accept `stoa watch`, and to send the rest of an answer that refuses it.
pub const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Without a message or a ping for so long, `stoa watch` takes the connection for dead: three pings of the server.
pub const WATCH_SILENCE: Duration = Duration::from_secs(90);

/// How long `stoa watch` tries to say goodbye.
pub const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a message that `stoa watch` takes: more than a record with its relations should have. A longer one ends the connection.
pub const WATCHED_BYTES: usize = 256 << 20;

/// Bytes that `stoa watch` reads of an answer that refuses it.
pub const REFUSAL_BYTES: u64 = 64 << 10;

/// Bytes of the name of a subscription; a longer one is refused (400).
pub const SUBSCRIPTION_NAME_BYTES: usize = 256;

/// The pause before what waits in a region is tried again while its primary is away.
pub const QUEUED_AGAIN: Duration = Duration::from_millis(500);

/// Bytes on their way between the server and itself when it carries out a request that has waited.
pub const INNER_BYTES: usize = 64 << 10;
