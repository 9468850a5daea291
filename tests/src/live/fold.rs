//! Messages → the state that they describe.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records by their ids as JSON.
pub type Records = BTreeMap<String, Arc<Json>>;

/// What a subscriber knows.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// The records, which are a state of the database only where the fold is complete.
    pub records: Records,
    /// What was told of each record since the last complete position.
    told: BTreeMap<String, Json>,
    /// Whether the records follow from a state that was complete once.
    ready: bool,
    /// The last complete position.
    seq: u64,
    /// The log's life, as tokens name it.
    log: Option<String>,
}

impl Fold {
    /// What was known at a position.
    pub fn at(records: Records, log: &str, seq: u64) -> Self {
        Self { records, seq, log: Some(log.to_owned()), ..Self::default() }
    }

    /// The position at which the records are complete; `None` in the middle of a step.
    pub fn complete(&self) -> Option<u64> {
        (self.ready && self.told.is_empty()).then_some(self.seq)
    }

    /// The token of the last complete position; `None` if there is none to go on from.
    pub fn token(&self) -> Option<String> {
        self.log.as_ref().filter(|_| self.ready).map(|log| format!("{log}-{}", self.seq))
    }

    /// Takes in a message; the test ends if it is none that may come now.
    pub(super) fn take(&mut self, message: &Json) {
        let kind = message["type"].as_str().unwrap_or_default();
        let members: &[&str] = match kind {
            "put" => &["table", "id", "value", "etag", "timestamp"],
            "leave" | "delete" => &["table", "id", "timestamp"],
            "ready" => &["seq", "since"],
            "reset" => &[],
            _ => panic!("no message: {message}"),
        };
        let known = |name: &str| matches!(name, "type" | "as") || (name == "seq" && kind != "reset");
        let mut given = message.as_object().into_iter().flat_map(|members| members.keys());
        assert!(members.iter().all(|name| message.get(name).is_some()), "not everything: {message}");
        assert!(given.all(|name| members.contains(&name.as_str()) || known(name)), "more than is known: {message}");
        match kind {
            "ready" => self.take_ready(message),
            "reset" => self.take_reset(),
            _ => self.take_record(kind, message),
        }
    }

    /// After it everything up to its position is known. It may come again after changes that came without a position.
    fn take_ready(&mut self, message: &Json) {
        let (seq, since) = (position(message), message["since"].as_str().unwrap_or_default());
        let (log, number) = since.rsplit_once('-').unwrap_or_else(|| panic!("no token: {message}"));
        assert_eq!(number, seq.to_string(), "{message}");
        assert!(seq >= self.seq || self.log.as_deref() != Some(log), "ready goes back behind {}: {message}", self.seq);
        (self.ready, self.seq, self.log) = (true, seq, Some(log.to_owned()));
        self.told.clear();
    }

    fn take_reset(&mut self) {
        self.ready = false;
        self.told.clear();
        self.records.clear();
    }

    fn take_record(&mut self, kind: &str, message: &Json) {
        let id = message["id"].to_string();
        // A slow reader may be told of a record again before the step has ended, but not the same.
        let before = self.told.insert(id.clone(), without_position(message));
        assert!(before.is_none_or(|before| before != without_position(message)), "told twice: {message}");
        let timestamp = message["timestamp"].as_str().unwrap_or_default();
        assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "no instant: {message}");
        if kind == "put" {
            let tag = message["etag"].as_str().unwrap_or_default();
            assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "no strong tag: {message}");
            self.records.insert(id, Arc::new(message["value"].clone()));
        } else {
            self.records.remove(&id);
        }
        if message.get("seq").is_some() {
            let seq = position(message);
            assert!(self.ready, "a position before the state is complete: {message}");
            assert!(seq > self.seq, "not after {}: {message}", self.seq);
            self.seq = seq;
            self.told.clear();
        }
    }

    /// The `id:` of the event that brought a message: the token of what is complete with it, and otherwise nothing that
    /// leads to a state of which only a part was told.
    pub(super) fn check_id(&self, message: &Json, id: Option<&str>) {
        match (message["type"].as_str(), message.get("seq")) {
            (Some("reset"), _) => assert_eq!(id, Some("anew"), "{message}"),
            (_, Some(_)) => assert_eq!(id, self.token().as_deref(), "{message}"),
            (_, None) => assert!(matches!(id, None | Some("anew")), "{id:?}: {message}"),
        }
    }
}

fn position(message: &Json) -> u64 {
    message["seq"].as_u64().unwrap_or_else(|| panic!("no position: {message}"))
}

fn without_position(message: &Json) -> Json {
    let mut message = message.clone();
    message.as_object_mut().and_then(|members| members.remove("seq"));
    message
}
