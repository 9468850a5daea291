//! Who is told of a commit, between the moment it can be read and the moment anybody is answered.

use super::log::Step;
use super::meters::Meters;
use super::position::Position;
use arc_swap::ArcSwap;
use rusqlite::Connection;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// What a witness hears.
pub enum Witnessed<'a> {
    /// A commit, or several together.
    Step(&'a Step<'a>),
    /// The history of the database is another one from here on (a region's primary lost what it had): nothing that was read
    /// before holds any more.
    Anew,
}

/// Hears what each commit changed when it can be read already, but before anybody is answered and before the position of the
/// store moves: what it keeps of the records is right for every position that is reached. It holds up every write.
pub type Witness = Box<dyn Fn(&Witnessed<'_>) + Send + Sync>;

/// The position of a store, and who hears of its steps.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) position: Arc<Position>,
    pub(super) witness: Arc<OnceLock<Witness>>,
    pub(super) meters: Meters,
    /// The identity of the change log.
    pub(super) log: Arc<ArcSwap<String>>,
    /// How often the history has become another one.
    pub(super) histories: watch::Sender<u64>,
}

impl Told {
    pub(super) fn new(log: String, seq: u64) -> Self {
        Self {
            position: Arc::new(Position::new(seq)),
            witness: Arc::new(OnceLock::new()),
            meters: Meters::default(),
            log: Arc::new(ArcSwap::from_pointee(log)),
            histories: watch::Sender::new(0),
        }
    }

    /// A commit up to `seq` can be read.
    pub(super) fn committed(&self, connection: &Connection, seq: u64) {
        let from = self.position.reached();
        if let Some(witness) = self.witness.get().filter(|_| seq > from) {
            witness(&Witnessed::Step(&Step::new(connection, from, seq)));
        }
        self.position.reach(seq);
    }

    /// The history is another one, with another log that stands at `seq`.
    pub(super) fn begun_anew(&self, log: String, seq: u64) {
        if let Some(witness) = self.witness.get() {
            witness(&Witnessed::Anew);
        }
        self.log.store(Arc::new(log));
        self.position.restart(seq);
        self.histories.send_modify(|histories| *histories += 1);
    }
}
