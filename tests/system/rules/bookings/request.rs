//! What a client may ask for: new events, moves, changes of who takes part and of the status, deletes.

use super::events::{self, Event, Events, Refusal, instant};
use serde_json::{Value as Json, json};
use stoa_tests::dice::Dice;

const PEOPLE: [&str; 4] = ["ann", "bob", "cleo", "dan"];

/// Something to do to events, which are named by id.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Make(String, Event),
    MakeBoth([(String, Event); 2]),
    Replace(String, Event),
    Move(String, usize, usize),
    SetStatus(String, Option<String>),
    Include(String, String),
    Exclude(String, String),
    Delete(String),
}

impl Request {
    /// Something to do to one of the events that were made, or to a new one, within so many days.
    pub(super) fn random(dice: &mut Dice, days: usize, new: &str, made: &[String]) -> Self {
        let make = |dice: &mut Dice| Self::Make(new.to_owned(), event(dice, days));
        let Some(id) = made.get(dice.below(made.len().max(1))).cloned() else { return make(dice) };
        match dice.below(20) {
            0..=9 => make(dice),
            10 => Self::MakeBoth([(format!("{new}-1"), event(dice, days)), (format!("{new}-2"), event(dice, days))]),
            11 => Self::Replace(id, event(dice, days)),
            12..=14 => {
                let (start, end) = interval(dice, days);
                Self::Move(id, start, end)
            }
            15 | 16 => Self::SetStatus(id, status(dice)),
            17 => Self::Include(id, person(dice)),
            18 => Self::Exclude(id, person(dice)),
            _ => Self::Delete(id),
        }
    }

    /// Method, path and body.
    pub(super) fn written(&self, dice: &mut Dice) -> (&'static str, String, Option<Json>) {
        let path = |id: &String| format!("/Event/{id}");
        let operation = |name: &str, person: &String| json!({"attendeeIds": {"__op__": name, "value": person}});
        match self {
            Self::Make(id, event) => ("POST", "/Event/".to_owned(), Some(record(dice, id, event))),
            Self::MakeBoth(both) => {
                let records = both.iter().map(|(id, event)| record(dice, id, event)).collect();
                ("POST", "/Event/".to_owned(), Some(records))
            }
            Self::Replace(id, event) => ("PUT", path(id), Some(record(dice, id, event))),
            Self::Move(id, start, end) => {
                let body = json!({"startTime": written(dice, *start), "endTime": written(dice, *end)});
                ("PATCH", path(id), Some(body))
            }
            Self::SetStatus(id, status) => ("PATCH", path(id), Some(json!({"status": status}))),
            Self::Include(id, person) => ("PATCH", path(id), Some(operation("include", person))),
            Self::Exclude(id, person) => ("PATCH", path(id), Some(operation("exclude", person))),
            Self::Delete(id) => ("DELETE", path(id), None),
        }
    }

    /// Whether it succeeds without a record of its id.
    pub(super) fn stores(&self) -> bool {
        matches!(self, Self::Make(..) | Self::MakeBoth(_) | Self::Replace(..))
    }

    /// The ids that are new with it.
    pub(super) fn makes(&self) -> Vec<String> {
        match self {
            Self::Make(id, _) => vec![id.clone()],
            Self::MakeBoth(both) => both.iter().map(|(id, _)| id.clone()).collect(),
            Self::Replace(..)
            | Self::Move(..)
            | Self::SetStatus(..)
            | Self::Include(..)
            | Self::Exclude(..)
            | Self::Delete(_) => Vec::new(),
        }
    }

    /// What the events become with it, or why they do not.
    pub(super) fn carried_out(&self, events: &Events, capacity: usize) -> Result<Events, Refusal> {
        let mut after = events.clone();
        let rows = self.rows(events);
        for (index, (id, event)) in rows.into_iter().enumerate() {
            if let Some(mut refusal) = events::refusal(&after, &id, &event, capacity) {
                refusal.index = matches!(self, Self::MakeBoth(_)).then_some(index);
                return Err(refusal);
            }
            after.insert(id, event);
        }
        Ok(after)
    }

    /// The rows that it would store.
    fn rows(&self, events: &Events) -> Vec<(String, Event)> {
        let changed = |id: &String, change: &dyn Fn(&mut Event)| {
            let mut event = events.get(id)?.clone();
            change(&mut event);
            Some((id.clone(), event))
        };
        let one = match self {
            Self::MakeBoth(both) => return both.to_vec(),
            Self::Delete(_) => None,
            Self::Make(id, event) | Self::Replace(id, event) => Some((id.clone(), event.clone())),
            Self::Move(id, start, end) => changed(id, &|event| (event.start, event.end) = (*start, *end)),
            Self::SetStatus(id, status) => changed(id, &|event| event.status.clone_from(status)),
            Self::Include(id, person) => {
                changed(id, &|event| event.attendees.get_or_insert_default().push(person.clone()))
            }
            Self::Exclude(id, person) => {
                changed(id, &|event| event.attendees.iter_mut().for_each(|all| all.retain(|one| one != person)))
            }
        };
        one.into_iter().collect()
    }
}

fn person(dice: &mut Dice) -> String {
    PEOPLE[dice.below(PEOPLE.len())].to_owned()
}

/// Mostly one that blocks.
fn status(dice: &mut Dice) -> Option<String> {
    [None, None, Some("confirmed"), Some("tentative"), Some("cancelled"), Some("declined")][dice.below(6)]
        .map(str::to_owned)
}

/// In quarters of an hour, so that many begin where others end.
fn interval(dice: &mut Dice, days: usize) -> (usize, usize) {
    let start = 15 * dice.below(days * 24 * 4);
    (start, start + 15 * (1 + dice.below(20)))
}

fn event(dice: &mut Dice, days: usize) -> Event {
    let (start, end) = interval(dice, days);
    let organizer = (dice.below(5) > 0).then(|| person(dice));
    let attendees = dice.below(4).checked_sub(1).map(|count| (0..count).map(|_| person(dice)).collect());
    Event { start, end, organizer, attendees, status: status(dice) }
}

fn record(dice: &mut Dice, id: &str, event: &Event) -> Json {
    json!({
        "id": id,
        "startTime": written(dice, event.start),
        "endTime": written(dice, event.end),
        "organizerId": event.organizer,
        "attendeeIds": event.attendees,
        "status": event.status,
    })
}

/// An instant in Greenwich's time, or in that of a place four hours ahead.
fn written(dice: &mut Dice, minute: usize) -> String {
    match dice.below(2) {
        0 => instant(minute),
        _ => instant(minute + 4 * 60).replace('Z', "+04:00"),
    }
}
