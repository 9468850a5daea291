//! What a subscriber has not been sent yet: bounded, and of each record only what is newest.

use super::message::{Batch, Message};
use crate::limits;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Messages that wait, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// `None` where a newer message about the same record stands further back. The last one never is.
    waiting: VecDeque<Option<Message>>,
    /// How many of them are messages.
    messages: usize,
    /// How many bytes these have.
    bytes: usize,
    /// How many places have been taken from the front.
    taken: usize,
    /// Where the message about a record stands, counted from the first ever; kept once two batches wait.
    places: HashMap<Arc<str>, usize>,
    /// The last message as it is sent at its place, and the position that is complete with it.
    last: Option<(Utf8Bytes, u64)>,
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
    pub(super) fn push(&mut self, batch: &Batch) -> Result<(), Overflow> {
        let conflating = !self.waiting.is_empty();
        if conflating && self.places.is_empty() {
            self.note_places();
        }
        for message in &batch.messages {
            if conflating {
                let older = self.places.insert(Arc::clone(&message.id), self.taken + self.waiting.len());
                self.forget(older);
            }
            self.bytes += message.text.len();
            self.messages += 1;
            self.waiting.push_back(Some(message.clone()));
        }
        self.last = Some((batch.last.clone(), batch.seq));
        if self.waiting.len() > 2 * self.messages + limits::KEPT_ROOM {
            self.waiting.retain(Option::is_some);
            self.note_places();
        }
        let fits = self.messages <= limits::WAITING_MESSAGES && self.bytes <= limits::WAITING_BYTES;
        if fits { Ok(()) } else { Err(Overflow) }
    }

    fn note_places(&mut self) {
        self.taken = 0;
        let waiting = self.waiting.iter().enumerate();
        self.places =
            waiting.filter_map(|(at, slot)| slot.as_ref().map(|message| (Arc::clone(&message.id), at))).collect();
    }

    fn forget(&mut self, place: Option<usize>) {
        let slot = place.and_then(|place| self.waiting.get_mut(place.checked_sub(self.taken)?));
        if let Some(message) = slot.and_then(Option::take) {
            self.bytes -= message.text.len();
            self.messages -= 1;
        }
    }

    /// The next message. The last of what waits carries the position that is complete with it; no other does, since of
    /// what was replaced parts are missing in between.
    pub(super) fn pop(&mut self) -> Option<(Utf8Bytes, Option<u64>)> {
        loop {
            let slot = self.waiting.pop_front()?;
            self.taken += 1;
            let Some(message) = slot else { continue };
            self.bytes -= message.text.len();
            self.messages -= 1;
            if !self.waiting.is_empty() {
                // What stands at this place is the newest of its record.
                self.places.remove(&message.id);
                return Some((message.text, None));
            }
            self.taken = 0;
            self.places = HashMap::new();
            self.waiting.shrink_to(limits::KEPT_ROOM);
            return self.last.take().map(|(text, seq)| (text, Some(seq)));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Batch, Message, Outbox, Overflow};
    use crate::limits;

    fn batch(seq: u64, ids: &[&str]) -> Batch {
        let message = |id: &&str| Message { id: (*id).into(), text: format!("{{\"{id}\":{seq}}}").into() };
        Batch::new(ids.iter().map(message).collect(), seq).unwrap()
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
        assert_eq!((outbox.bytes, outbox.messages, outbox.places.len()), (0, 0, 0));
    }

    #[test]
    fn it_is_bounded() {
        let mut outbox = Outbox::default();
        let ids: Vec<String> = (0..limits::WAITING_MESSAGES).map(|id| id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        outbox.push(&batch(1, &ids)).unwrap();
        assert_eq!(outbox.push(&batch(2, &["another"])), Err(Overflow));
    }

    #[test]
    fn one_record_takes_one_place_however_often_it_changes() {
        let mut outbox = Outbox::default();
        let most = u64::try_from(2 * limits::WAITING_MESSAGES).unwrap();
        (1..=most).for_each(|seq| outbox.push(&batch(seq, &["hot"])).unwrap());
        assert!(outbox.waiting.len() <= limits::KEPT_ROOM + 2, "{}", outbox.waiting.len());
        assert_eq!(sent(&mut outbox), [format!("{{\"hot\":{most},\"seq\":{most}}}")]);
    }

    #[test]
    fn places_that_were_sent_are_not_kept() {
        let mut outbox = Outbox::default();
        for seq in 1..200 {
            outbox.push(&batch(seq, &[&format!("a{seq}"), &format!("b{seq}")])).unwrap();
            outbox.pop().unwrap();
            if seq > 2 {
                outbox.pop().unwrap();
            }
        }
        assert!(outbox.places.len() <= outbox.messages, "{} of {}", outbox.places.len(), outbox.messages);
    }
}
