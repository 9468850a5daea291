//! Whether a history is linearisable: whether the operations can be put in an order, each between its beginning and its
//! end, in which one after the other would have been answered as they were.
//!
//! The search of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with what Lowe added (Testing for
//! linearizability, 2017): no pair of operations done and state reached is looked at twice. An operation without an answer
//! may stand anywhere from its beginning to the end of its server, or nowhere.

use super::record::{Operation, State};
use std::collections::HashSet;
use std::fmt;

/// A history without an order: as far as the search came.
#[derive(Debug)]
pub(super) struct Stuck {
    /// Operations with an answer that found a place.
    placed: usize,
    of: usize,
    state: State,
    /// What could come next.
    next: Vec<Operation>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "no order explains the answers; {} of {} are placed, up to {:?}",
            self.placed, self.of, self.state
        )?;
        self.next.iter().try_for_each(|operation| writeln!(out, "  next is none of {operation:?}"))
    }
}

/// Some operations in order: which they are, and what the record became.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Prefix {
    /// Those before this one are placed, or never happened.
    first: usize,
    /// Of those behind it, the placed ones.
    beyond: Vec<usize>,
    /// The latest beginning of a placed one.
    latest: u64,
    state: State,
}

/// Finds an order, or says how far one goes.
pub(super) fn linearise(mut history: Vec<Operation>) -> Result<(), Stuck> {
    history.sort_by_key(|operation| operation.start);
    let mut known = HashSet::new();
    let mut open = vec![Prefix::default()];
    let mut farthest = (0, Prefix::default());
    while let Some(prefix) = open.pop() {
        if prefix.first == history.len() {
            return Ok(());
        }
        let placed = prefix.placed(&history);
        if placed > farthest.0 {
            farthest = (placed, prefix.clone());
        }
        let next = prefix.successors(&history);
        open.extend(next.into_iter().filter(|next| known.insert(next.clone())));
    }
    let (placed, prefix) = farthest;
    let next = prefix.candidates(&history).into_iter().map(|at| history[at].clone()).collect();
    let of = history.iter().filter(|operation| operation.answer.is_some()).count();
    Err(Stuck { placed, of, state: prefix.state, next })
}

impl Prefix {
    fn is_settled(&self, history: &[Operation], at: usize) -> bool {
        let Operation { answer, end, .. } = &history[at];
        at < self.first || self.beyond.binary_search(&at).is_ok() || (answer.is_none() && *end < self.latest)
    }

    /// For comparison only: those without an answer that never happened count before `first`.
    fn placed(&self, history: &[Operation]) -> usize {
        let answered = |at: &&usize| history[**at].answer.is_some();
        self.first + self.beyond.iter().filter(answered).count()
    }

    /// What may come next: it began before any other was answered.
    fn candidates(&self, history: &[Operation]) -> Vec<usize> {
        let mut candidates = Vec::new();
        let mut answered = u64::MAX;
        for (at, operation) in history.iter().enumerate().skip(self.first) {
            if operation.start > answered {
                break;
            }
            if !self.is_settled(history, at) {
                candidates.push(at);
                answered = if operation.answer.is_some() { answered.min(operation.end) } else { answered };
            }
        }
        candidates
    }

    /// The last one is to be tried first: what was answered before what was not, in the order of the answers.
    fn successors(&self, history: &[Operation]) -> Vec<Self> {
        let mut candidates = self.candidates(history);
        if candidates.iter().all(|at| history[*at].answer.is_none()) {
            return vec![self.with_none_of_the_rest(history.len())];
        }
        let possible = |at: &usize| Some((*at, self.state.after(&history[*at])?));
        if let Some((at, state)) = candidates.iter().filter_map(possible).find(|it| self.may_come_now(history, it)) {
            return vec![self.with(history, at, state)];
        }
        candidates.sort_by_key(|at| std::cmp::Reverse((history[*at].answer.is_none(), history[*at].end)));
        candidates.iter().filter_map(possible).map(|(at, state)| self.with(history, at, state)).collect()
    }

    /// Whether an order, if there is one, may as well go on with this: it changes nothing, and closes nobody's time.
    fn may_come_now(&self, history: &[Operation], (at, state): &(usize, State)) -> bool {
        let start = history[*at].start;
        let closed = |at: &usize| history[*at].answer.is_none() && history[*at].end < start;
        *state == self.state && !self.candidates(history).iter().any(closed)
    }

    fn with(&self, history: &[Operation], at: usize, state: State) -> Self {
        let mut beyond = self.beyond.clone();
        let place = beyond.binary_search(&at).unwrap_or_else(|place| place);
        beyond.insert(place, at);
        let mut next = Self { first: self.first, beyond, latest: self.latest.max(history[at].start), state };
        while next.first < history.len() && next.is_settled(history, next.first) {
            next.first += 1;
        }
        let first = next.first;
        next.beyond.retain(|at| *at >= first);
        next
    }

    /// All answers are explained.
    fn with_none_of_the_rest(&self, length: usize) -> Self {
        Self { first: length, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Action, Answer, Condition, Held, Operation};
    use super::linearise;

    /// An operation from one moment to another.
    fn operation((start, end): (u64, u64), action: Action, answer: Option<Answer>) -> Operation {
        Operation { client: 0, action, condition: None, start, end, answer }
    }

    fn on(tag: u64, operation: Operation) -> Operation {
        Operation { condition: Some(Condition::Match(tag)), ..operation }
    }

    /// An answer with a record: what it holds, and its tag.
    fn told(status: u16, tag: i64, sum: i64, etag: u64) -> Option<Answer> {
        Some(Answer { status, held: Some(Held { tag, sum }), tag: Some(etag) })
    }

    fn refused(status: u16, etag: Option<u64>) -> Option<Answer> {
        Some(Answer { status, held: None, tag: etag })
    }

    fn put(time: (u64, u64), tag: i64, answer: Option<Answer>) -> Operation {
        operation(time, Action::Put(tag), answer)
    }

    fn read(time: (u64, u64), answer: Option<Answer>) -> Operation {
        operation(time, Action::Read, answer)
    }

    fn add(time: (u64, u64), value: i64, answer: Option<Answer>) -> Operation {
        operation(time, Action::Add(value), answer)
    }

    fn linearisable(history: &[Operation]) -> bool {
        linearise(history.to_vec()).is_ok()
    }

    #[test]
    fn one_after_the_other() {
        assert!(linearisable(&[]));
        assert!(linearisable(&[
            read((0, 1), refused(404, None)),
            put((2, 3), 7, told(201, 7, 0, 10)),
            add((4, 5), 5, told(200, 7, 5, 11)),
            operation((6, 7), Action::Create(9), refused(409, None)),
            operation((8, 9), Action::SetTag(8), told(200, 8, 5, 12)),
            read((10, 11), told(200, 8, 5, 12)),
            operation((12, 13), Action::Delete, refused(204, None)),
            read((14, 15), refused(404, None)),
        ]));
    }

    #[test]
    fn a_read_beside_a_write_sees_either() {
        for seen in [told(200, 1, 0, 10), told(200, 2, 0, 11)] {
            let history =
                [put((0, 1), 1, told(201, 1, 0, 10)), put((2, 6), 2, told(200, 2, 0, 11)), read((3, 4), seen)];
            assert!(linearisable(&history));
        }
    }

    #[test]
    fn a_stale_read_is_found() {
        let written = [put((0, 1), 1, told(201, 1, 0, 10)), put((2, 3), 2, told(200, 2, 0, 11))];
        let [first, second] = written;
        assert!(linearisable(&[first.clone(), second.clone(), read((4, 5), told(200, 2, 0, 11))]));
        assert!(!linearisable(&[first.clone(), second, read((4, 5), told(200, 1, 0, 10))]));
        // Two readers beside the write: whoever begins after one has seen it sees it too.
        let beside = put((2, 9), 2, told(200, 2, 0, 11));
        let reads = [read((3, 4), told(200, 2, 0, 11)), read((5, 6), told(200, 1, 0, 10))];
        let [new, old] = reads;
        assert!(!linearisable(&[first, beside, new, old]));
    }

    #[test]
    fn a_lost_update_is_found() {
        let made = put((0, 1), 1, told(201, 1, 0, 10));
        let [five, three] = [add((2, 6), 5, told(200, 1, 5, 11)), add((3, 7), 3, told(200, 1, 8, 12))];
        assert!(linearisable(&[made.clone(), five.clone(), three.clone(), read((8, 9), told(200, 1, 8, 12))]));
        assert!(!linearisable(&[made.clone(), five.clone(), three, read((8, 9), told(200, 1, 3, 12))]));
        let lost = add((3, 7), 3, told(200, 1, 3, 12));
        assert!(!linearisable(&[made, five, lost]));
    }

    #[test]
    fn an_acknowledged_write_is_not_forgotten() {
        let made = put((0, 1), 1, told(201, 1, 0, 10));
        let later = put((2, 3), 2, told(200, 2, 0, 11));
        assert!(!linearisable(&[made, later, read((100, 101), refused(404, None))]));
    }

    #[test]
    fn a_tag_that_shrinks_is_found() {
        assert!(!linearisable(&[put((0, 1), 1, told(201, 1, 0, 10)), put((2, 3), 2, told(200, 2, 0, 9))]));
        let again = [
            put((0, 1), 1, told(201, 1, 0, 10)),
            operation((2, 3), Action::Delete, refused(204, None)),
            put((4, 5), 2, told(201, 2, 0, 10)),
        ];
        // In a region only what is there counts.
        assert!(stoa_tests::server::regions() || !linearisable(&again));
    }

    #[test]
    fn a_precondition_fails_only_if_the_record_has_changed() {
        let made = put((0, 1), 1, told(201, 1, 0, 10));
        let [held, failed] = [told(200, 2, 0, 11), refused(412, Some(10))].map(|it| on(10, put((2, 3), 2, it)));
        assert!(linearisable(&[made.clone(), held.clone()]));
        assert!(!linearisable(&[made.clone(), failed]));
        let again = on(10, put((4, 5), 3, refused(412, Some(11))));
        assert!(linearisable(&[made.clone(), held.clone(), again]));
        let both = on(10, put((2, 5), 3, told(200, 3, 0, 12)));
        assert!(!linearisable(&[made, held, both]), "two with the same tag");
    }

    #[test]
    fn a_write_without_an_answer_may_have_happened() {
        let made = put((0, 1), 1, told(201, 1, 0, 10));
        let open = put((2, 5), 2, None);
        let [old, new] =
            [(6, 7), (8, 9)].map(|time| [told(200, 1, 0, 10), told(200, 2, 0, 12)].map(|it| read(time, it)));
        let both = |one: &Operation, other: &Operation| {
            linearisable(&[made.clone(), open.clone(), one.clone(), other.clone()])
        };
        assert!(both(&old[0], &new[0]), "never");
        assert!(both(&old[1], &new[1]), "before the server was gone");
        assert!(!both(&old[0], &new[1]), "after the server was gone");
        assert!(!both(&old[1], &new[0]), "and undone again");
        let meanwhile = [read((3, 4), told(200, 1, 0, 10)), read((6, 7), told(200, 2, 0, 12))];
        assert!(linearisable(&[&[made, open], meanwhile.as_slice()].concat()), "between two reads");
    }

    #[test]
    fn writes_without_answers_are_seen_with_one_tag() {
        let open = [put((0, 9), 1, None), add((1, 9), 5, None)];
        let seen = |sum, etag| read((10 + etag, 11 + etag), told(200, 1, sum, etag));
        let history = |reads: &[Operation]| [&open, reads].concat();
        assert!(linearisable(&history(&[seen(5, 20), seen(5, 20)][..1])));
        assert!(linearisable(&history(&[read((10, 11), refused(404, None))])));
        assert!(!linearisable(&history(&[seen(5, 20), seen(5, 21)])));
        assert!(!linearisable(&history(&[seen(0, 20), seen(5, 21)])), "added after the end of its time");
    }
}
