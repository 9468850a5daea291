//! The rule by definition: what overlaps, looked up in all events.

use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use stoa_schema::time::Instant;

/// 2024-08-01T00:00:00Z
const EPOCH_MS: i64 = 1_722_470_400_000;

/// Conflicts that a refusal lists at most.
const LISTED: usize = 20;

/// An event; times in minutes since the beginning of August.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) organizer: Option<String>,
    pub(super) attendees: Option<Vec<String>>,
    pub(super) status: Option<String>,
}

/// By id.
pub(super) type Events = BTreeMap<String, Event>;

/// Why something was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    /// Which record of an array.
    pub(super) index: Option<usize>,
    key: String,
    /// Id, start and end of each.
    conflicts: Vec<(String, usize, usize)>,
}

/// An instant as it is shown.
pub(super) fn instant(minute: usize) -> String {
    let ms = EPOCH_MS + i64::try_from(minute).unwrap() * 60_000;
    Instant::from_millis(ms).unwrap().shown()
}

/// The minute of an instant, in whatever form.
pub(super) fn minute(text: &Json) -> usize {
    let instant = Instant::parse(text.as_str().unwrap()).unwrap_or_else(|| panic!("{text} is no instant"));
    usize::try_from((instant.millis() - EPOCH_MS) / 60_000).unwrap()
}

impl Event {
    /// Reads a record, or an image of the change log.
    pub(super) fn read(json: &Json) -> Self {
        let text = |value: &Json| value.as_str().map(str::to_owned);
        Self {
            start: minute(&json["startTime"]),
            end: minute(&json["endTime"]),
            organizer: text(&json["organizerId"]),
            attendees: serde_json::from_value(json["attendeeIds"].clone()).unwrap(),
            status: text(&json["status"]),
        }
    }

    /// Reads a record, with its id.
    pub(super) fn named(json: &Json) -> (String, Self) {
        (json["id"].as_str().unwrap().to_owned(), Self::read(json))
    }

    fn keys(&self) -> BTreeSet<&String> {
        self.organizer.iter().chain(self.attendees.iter().flatten()).collect()
    }

    fn blocks(&self) -> bool {
        !matches!(self.status.as_deref(), Some("cancelled" | "declined"))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl Refusal {
    /// Reads a problem document.
    pub(super) fn read(problem: &Json) -> Self {
        assert_eq!(problem["constraint"], "no_double_booking", "{problem}");
        let conflicts = problem["conflicts"].as_array().unwrap().iter();
        Self {
            index: problem["index"].as_u64().map(|index| usize::try_from(index).unwrap()),
            key: problem["key"].as_str().unwrap().to_owned(),
            conflicts: conflicts
                .map(|it| (it["id"].as_str().unwrap().to_owned(), minute(&it["start"]), minute(&it["end"])))
                .collect(),
        }
    }
}

/// Why a record cannot become this event: of its keys the first one that has no room.
pub(super) fn refusal(events: &Events, id: &str, event: &Event, capacity: usize) -> Option<Refusal> {
    if !event.blocks() {
        return None;
    }
    event.keys().into_iter().find_map(|key| {
        let others = events.iter().filter(|(other, it)| *other != id && it.blocks() && it.keys().contains(key));
        let mut others: Vec<_> = others.filter(|(_, it)| it.overlaps(event)).collect();
        others.sort_by_key(|(id, it)| (it.start, *id));
        let full = peak(event, &others) >= capacity;
        let conflicts = others.into_iter().take(LISTED).map(|(id, it)| (id.clone(), it.start, it.end));
        full.then(|| Refusal { index: None, key: key.clone(), conflicts: conflicts.collect() })
    })
}

/// How many of the others are there at once at most, while the event lasts.
fn peak(event: &Event, others: &[(&String, &Event)]) -> usize {
    let at = |minute| others.iter().filter(|(_, it)| it.start <= minute && minute < it.end).count();
    (event.start..event.end).map(at).max().unwrap_or(0)
}

/// The occupied intervals: key, start, end and id of each.
pub(super) fn occupied(events: &Events) -> BTreeSet<(String, usize, usize, String)> {
    let blocking = events.iter().filter(|(_, event)| event.blocks());
    blocking
        .flat_map(|(id, event)| {
            event.keys().into_iter().map(move |key| (key.clone(), event.start, event.end, id.clone()))
        })
        .collect()
}
