//! Where subscribers come in, and what keeps the tail going while there are any.

use super::followed::Followed;
use super::joining::{self, Joining};
use super::start::Start;
use super::subscription::Subscription;
use super::tail::Tail;
use crate::data::format::Renderer;
use crate::limits;
use std::sync::Arc;
use stoa_sync::Store;
use stoa_sync::store::ReadError;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Live updates of one store.
pub struct Hub {
    store: Store,
    tail: Arc<Mutex<Tail>>,
    /// Somebody follows.
    woken: Notify,
    room: Arc<Semaphore>,
    /// Whose turn it is to join.
    turns: Arc<Semaphore>,
    closing: CancellationToken,
    /// The tasks of connections that outlive their request.
    connections: TaskTracker,
}

impl Hub {
    /// Live updates of the tables of a renderer; nothing is told before [`Hub::drive`] runs.
    pub fn new(store: Store, renderer: Arc<Renderer>) -> Arc<Self> {
        Arc::new(Self {
            store,
            tail: Arc::new(Mutex::new(Tail::new(renderer))),
            woken: Notify::new(),
            room: Arc::new(Semaphore::new(limits::SUBSCRIBERS)),
            turns: Arc::new(Semaphore::new(limits::JOINING)),
            closing: CancellationToken::new(),
            connections: TaskTracker::new(),
        })
    }

    /// Keeps the tail going until [`Hub::close`]. While nobody follows it sleeps.
    pub async fn drive(self: Arc<Self>) {
        let driven = async {
            loop {
                self.woken.notified().await;
                self.follow().await;
            }
        };
        self.closing.run_until_cancelled(driven).await;
    }

    async fn follow(&self) {
        let mut positions = self.store.positions();
        positions.mark_changed();
        while positions.changed().await.is_ok() {
            if self.tail.lock().await.is_idle() {
                return;
            }
            if let Err(error) = self.advance().await {
                tracing::warn!(%error, "live updates wait for the database");
                self.tail.lock().await.give_up();
                tokio::time::sleep(limits::FOLLOW_AGAIN).await;
                positions.mark_changed();
            }
            self.let_hear().await;
            // Changes that follow each other closely are told together.
            tokio::time::sleep(limits::STEP_PAUSE).await;
        }
    }

    /// Lets those who follow hear what was told before more is, so that busy processors make longer steps instead of
    /// subscribers that begin anew.
    async fn let_hear(&self) {
        let heard = async {
            while self.tail.lock().await.is_ahead() {
                tokio::time::sleep(limits::HEARING_PAUSE).await;
            }
        };
        // Whoever has not heard by then has begun anew.
        _ = tokio::time::timeout(limits::HEARING_WAIT, heard).await;
    }

    async fn advance(&self) -> Result<u64, ReadError> {
        let (tail, store) = (Arc::clone(&self.tail), self.store.clone());
        let (done, when_done) = oneshot::channel();
        self.store.start_following(move |reader| {
            let mut tail = tail.blocking_lock();
            _ = done.send(reader.snapshot(|| tail.advance(&store, reader)));
        })?;
        when_done.await.map_err(|_| ReadError::Closed)?
    }

    /// Goes on with other tables; those who follow end, and begin anew on them.
    pub async fn replace(&self, renderer: Arc<Renderer>) {
        self.tail.lock().await.replace(renderer);
    }

    /// The history is another one: everybody begins anew, and nobody goes on from the one before.
    pub async fn begin_anew(&self) {
        self.tail.lock().await.begin_anew();
        self.woken.notify_one();
    }

    /// Room for one subscriber more, for as long as the permit is kept; `None` if there is none.
    pub fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        limits::SUBSCRIBERS - self.room.available_permits()
    }

    /// Follows a query.
    pub fn subscribe(self: &Arc<Self>, followed: Followed, start: Start) -> Subscription {
        Subscription::new(Arc::clone(self), Arc::new(followed), start)
    }

    /// The token that leads back to a position.
    pub fn token(&self, seq: u64) -> String {
        format!("{}-{seq}", self.store.log())
    }

    /// With what a client begins that names a token: a bare number is of this log; one of another log, or what is no token
    /// at all, leads nowhere.
    pub fn since(&self, token: &str) -> Start {
        let current = self.store.log();
        let (log, number) = token.rsplit_once('-').unwrap_or((&current, token));
        match number.parse() {
            Ok(seq) if log == current.as_str() => Start::Missed(seq),
            Ok(_) | Err(_) => Start::Anew,
        }
    }

    /// Ended when the server stops.
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Where the tasks of connections are counted.
    pub fn connections(&self) -> &TaskTracker {
        &self.connections
    }

    /// Ends every subscription, and waits for their connections.
    pub async fn close(&self) {
        self.closing.cancel();
        self.connections.close();
        if tokio::time::timeout(limits::SHUTDOWN_GRACE, self.connections.wait()).await.is_err() {
            tracing::warn!("some live connections did not end in time and were cut");
        }
    }

    /// Begins to join a subscriber; what it hears comes through the channel.
    pub(super) fn join(self: &Arc<Self>, followed: &Arc<Followed>, start: Start) -> mpsc::Receiver<Joining> {
        let (subscriber, heard) = mpsc::channel(limits::STATE_CHUNKS);
        let (hub, followed) = (Arc::clone(self), Arc::clone(followed));
        tokio::spawn(async move {
            let Ok(turn) = Arc::clone(&hub.turns).acquire_owned().await else { return };
            let (failed, runtime, store) = (subscriber.clone(), Handle::current(), hub.store.clone());
            let started = store.start_joining(move |reader| {
                if !subscriber.is_closed() {
                    joining::join(&hub.store, reader, &hub.tail, &followed, start, subscriber, runtime);
                    hub.woken.notify_one();
                }
                drop(turn);
            });
            if let Err(error) = started {
                _ = failed.send(Joining::Failed(error)).await;
            }
        });
        heard
    }
}
