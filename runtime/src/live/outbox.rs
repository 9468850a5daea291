//! What a subscriber has not been sent yet: bounded, and of each record only what is newest.

use super::message::Batch;
use crate::limits;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Messages that wait, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// `None` where a newer message about the same record stands further back. The last one never is.
    waiting: VecDeque<Option<(Arc<Batch>, usize)>>,
    bytes: usize,
    /// How many places have been taken from the front.
    taken: usize,
    /// Where the message about a record stands, counted from the first ever; kept once two batches wait.
    places: HashMap<Arc<str>, usize>,
}

/// There was more to keep than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds what happened.
    pub(super) fn push(&mut self, batch: &Arc<Batch>) -> Result<(), Overflow> {
        let conflating = !self.waiting.is_empty();
        if conflating && self.places.is_empty() {
            let waiting = self.waiting.iter().enumerate();
            let place = |(at, slot): (usize, &Option<(Arc<Batch>, usize)>)| {
                slot.as_ref().map(|(batch, message)| (Arc::clone(&batch.messages[*message].id), self.taken + at))
            };
            self.places = waiting.filter_map(place).collect();
        }
        for (at, message) in batch.messages.iter().enumerate() {
            if conflating {
                let place = self.taken + self.waiting.len();
                let older = self.places.insert(Arc::clone(&message.id), place);
                self.forget(older);
            }
            self.bytes += message.text.len();
            self.waiting.push_back(Some((Arc::clone(batch), at)));
        }
        let fits = self.waiting.len() <= limits::WAITING_MESSAGES && self.bytes <= limits::WAITING_BYTES;
        if fits { Ok(()) } else { Err(Overflow) }
    }

    fn forget(&mut self, place: Option<usize>) {
        let slot = place.and_then(|place| self.waiting.get_mut(place.checked_sub(self.taken)?));
        if let Some((batch, message)) = slot.and_then(Option::take) {
            self.bytes -= batch.messages[message].text.len();
        }
    }

    /// The next message. The last of what waits carries the position that is complete with it; no other does, since of
    /// what was replaced parts are missing in between.
    pub(super) fn pop(&mut self) -> Option<(Utf8Bytes, Option<u64>)> {
        loop {
            let slot = self.waiting.pop_front()?;
            self.taken += 1;
            let Some((batch, at)) = slot else { continue };
            self.bytes -= batch.messages[at].text.len();
            if !self.waiting.is_empty() {
                return Some((batch.messages[at].text.clone(), None));
            }
            (self.taken, self.bytes) = (0, 0);
            self.places = HashMap::new();
            self.waiting.shrink_to(limits::KEPT_ROOM);
            return Some((batch.last.clone(), Some(batch.seq)));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Arc, Batch, Outbox, Overflow};
    use crate::limits;
    use crate::live::message::Message;

    fn batch(seq: u64, ids: &[&str]) -> Arc<Batch> {
        let message = |id: &&str| Message { id: (*id).into(), text: format!("{{\"{id}\":{seq}}}").into() };
        Arc::new(Batch::new(ids.iter().map(message).collect(), seq).unwrap())
    }

    fn sent(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.pop()).map(|(text, _)| text.to_string()).collect()
    }

    #[test]
    fn one_batch_is_sent_as_it_is() {
        let mut outbox = Outbox::default();
        outbox.push(&batch(7, &["a", "b"])).unwrap();
        assert_eq!(sent(&mut outbox), [r#"{"a":7}"#, r#"{"b":7,"seq":7}"#]);
        outbox.push(&batch(8, &["a"])).unwrap();
        assert_eq!(sent(&mut outbox), [r#"{"a":8,"seq":8}"#]);
    }

    #[test]
    fn of_each_record_only_the_newest_is_kept() {
        let mut outbox = Outbox::default();
        outbox.push(&batch(1, &["a", "b"])).unwrap();
        outbox.push(&batch(2, &["c", "a"])).unwrap();
        assert_eq!(outbox.pop().unwrap().0.as_str(), r#"{"b":1}"#);
        outbox.push(&batch(3, &["b", "c"])).unwrap();
        assert_eq!(sent(&mut outbox), [r#"{"a":2}"#, r#"{"b":3}"#, r#"{"c":3,"seq":3}"#]);
        assert_eq!((outbox.bytes, outbox.places.len()), (0, 0));
    }

    #[test]
    fn it_is_bounded() {
        let mut outbox = Outbox::default();
        let ids: Vec<String> = (0..limits::WAITING_MESSAGES).map(|id| id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        outbox.push(&batch(1, &ids)).unwrap();
        assert_eq!(outbox.push(&batch(2, &["another"])), Err(Overflow));
    }
}
