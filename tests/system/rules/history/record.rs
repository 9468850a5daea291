//! One record as one client after the other sees it.

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Held {
    /// A number that one write alone has given it.
    pub(super) tag: i64,
    /// The sum of numbers that were added since it was put, each by one write alone.
    pub(super) sum: i64,
}

/// Something done to a record. Its number is of this operation alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Read,
    /// POST with its id.
    Create(i64),
    Put(i64),
    /// PATCH of the tag.
    SetTag(i64),
    /// PATCH that adds to the sum.
    Add(i64),
    Delete,
}

/// What must be so that a write happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// `If-Match`, with this tag.
    Match(u64),
    /// `If-None-Match: *`
    Absent,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) held: Option<Held>,
    /// The entity tag, which is a revision; a list tells none of its records.
    pub(super) tag: Option<u64>,
}

/// A request and what became of it; times in nanoseconds on one clock.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) client: usize,
    pub(super) action: Action,
    pub(super) condition: Option<Condition>,
    pub(super) start: u64,
    /// When the answer was there. Without an answer: until when it may have happened, if it did.
    pub(super) end: u64,
    pub(super) answer: Option<Answer>,
}

/// A record at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    held: Option<Version>,
    /// The greatest tag that any answer has named so far.
    last: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Version {
    held: Held,
    /// Not known of a write without an answer, until somebody is told.
    tag: Option<u64>,
}

impl State {
    /// What the record becomes if the operation happens now; `None` if its answer says that it did not, or if it has no
    /// answer and would do nothing.
    pub(super) fn after(&self, operation: &Operation) -> Option<Self> {
        match (self.refused(operation), &operation.answer) {
            (Some(_), None) => None,
            (Some(status), Some(answer)) => (answer.status == status).then(|| self.told(answer))?,
            (None, answer) => self.done(&operation.action, answer.as_ref()),
        }
    }

    /// The status with which it is refused.
    fn refused(&self, operation: &Operation) -> Option<u16> {
        match (&operation.action, &self.held, &operation.condition) {
            (Action::Read | Action::SetTag(_) | Action::Add(_) | Action::Delete, None, _) => Some(404),
            (Action::Create(_), Some(_), _) => Some(409),
            (_, Some(_), Some(Condition::Absent)) | (_, None, Some(Condition::Match(_))) => Some(412),
            // A tag that is not known was told to nobody: this is another one.
            (_, Some(version), Some(Condition::Match(tag))) => (version.tag != Some(*tag)).then_some(412),
            (_, None, Some(Condition::Absent)) | (_, _, None) => None,
        }
    }

    /// What is known once somebody was told no.
    fn told(&self, answer: &Answer) -> Option<Self> {
        match (&self.held, answer.tag) {
            (Some(version), Some(tag)) => self.seen(version, tag),
            (None, Some(_)) => None,
            (Some(_), None) => (answer.status != 412).then(|| self.clone()),
            (None, None) => Some(self.clone()),
        }
    }

    /// What is known once somebody has seen this version with a tag.
    fn seen(&self, version: &Version, tag: u64) -> Option<Self> {
        match version.tag {
            Some(known) => (known == tag).then(|| self.clone()),
            None => (tag > self.last)
                .then_some(Self { held: Some(Version { held: version.held, tag: Some(tag) }), last: tag }),
        }
    }

    fn done(&self, action: &Action, answer: Option<&Answer>) -> Option<Self> {
        let before = self.held.as_ref();
        match (action, before) {
            (Action::Read, Some(version)) => {
                let answer = answer.filter(|it| it.status == 200 && it.held == Some(version.held))?;
                answer.tag.map_or_else(|| Some(self.clone()), |tag| self.seen(version, tag))
            }
            (Action::Delete, Some(_)) => {
                let told = answer.is_none_or(|answer| answer.status == 204);
                told.then_some(Self { held: None, last: forgotten(self.last) })
            }
            (Action::Create(tag), None) => self.stored(Held { tag: *tag, sum: 0 }, 201, answer),
            (Action::Put(tag), None) => self.stored(Held { tag: *tag, sum: 0 }, 201, answer),
            (Action::Put(tag), Some(_)) => self.stored(Held { tag: *tag, sum: 0 }, 200, answer),
            (Action::SetTag(tag), Some(Version { held, .. })) => self.stored(Held { tag: *tag, ..*held }, 200, answer),
            (Action::Add(value), Some(Version { held, .. })) => {
                self.stored(Held { sum: held.sum + value, ..*held }, 200, answer)
            }
            (Action::Create(_), Some(_))
            | (Action::Read | Action::SetTag(_) | Action::Add(_) | Action::Delete, None) => None,
        }
    }

    /// Tags only grow.
    fn stored(&self, held: Held, status: u16, answer: Option<&Answer>) -> Option<Self> {
        let Some(answer) = answer else {
            return Some(Self { held: Some(Version { held, tag: None }), last: self.last });
        };
        let tag = answer.tag.filter(|tag| *tag > self.last)?;
        let told = answer.status == status && answer.held == Some(held);
        told.then_some(Self { held: Some(Version { held, tag: Some(tag) }), last: tag })
    }
}

/// What a record that is made anew has a greater tag than. In a region two batches may be carried out in another order than they
/// were given their revisions in, so that only what is there counts.
fn forgotten(last: u64) -> u64 {
    if stoa_tests::server::regions() { 0 } else { last }
}
