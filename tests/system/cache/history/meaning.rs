//! What a question means, of the records of one position: written a second time, and sharing nothing with the server.

use super::query::{After, Condition, Item, Query, Sort, Test, Wanted, Zone};
use crate::world::World;
use serde_json::{Map, Value as Json, json};
use std::cmp::Ordering;

/// The tables, with their attributes in the order in which they are shown.
pub(super) const TABLES: [(&str, &[&str]); 5] = [
    ("Category", &["id", "name", "rank", "stamp"]),
    ("Product", &["id", "name", "price", "stock", "inStock", "categoryId", "since", "text", "stamp"]),
    ("Hold", &["id", "productId", "person", "until", "stamp"]),
    ("User", &["id", "name", "stamp"]),
    ("Event", &["id", "title", "organizerId", "attendeeIds", "stamp"]),
];

/// Times as they are stored, and as they are shown: in UTC, in Paris, in Tokyo.
pub(super) const TIMES: [[&str; 4]; 3] = [
    ["2024-08-15T10:00:00.000Z", "2024-08-15T10:00:00Z", "2024-08-15T12:00:00+02:00", "2024-08-15T19:00:00+09:00"],
    ["2024-12-24T23:30:00.000Z", "2024-12-24T23:30:00Z", "2024-12-25T00:30:00+01:00", "2024-12-25T08:30:00+09:00"],
    [
        "2024-03-31T00:59:59.999Z",
        "2024-03-31T00:59:59.999Z",
        "2024-03-31T01:59:59.999+01:00",
        "2024-03-31T09:59:59.999+09:00",
    ],
];

/// What is to be answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    /// `None`: there is no such record.
    pub(super) body: Option<Json>,
    /// Of a record.
    pub(super) revision: Option<u64>,
    /// Whether there is a next page.
    pub(super) more: bool,
    /// The page's place among all that match, as `Content-Range` tells it.
    pub(super) place: String,
}

pub(super) fn answer(world: &World, wanted: &Wanted) -> Expected {
    match wanted {
        Wanted::List(query) => list(world, query),
        Wanted::Record { table, id, select, zone } => one(world, table, id, |record| {
            let shown = shown(world, table, record, select, *zone, &[]);
            // What it shows of others has no revision.
            (shown, select.is_empty() && *zone == Zone::Utc)
        }),
        Wanted::Attribute { table, id, name } => {
            one(world, table, id, |record| (value(record, name, Zone::Utc), false))
        }
    }
}

fn one(world: &World, table: &str, id: &str, show: impl Fn(&Json) -> (Json, bool)) -> Expected {
    let record = world.one(table, &json!(id));
    let shown = record.map(|record| (show(record), record[REVISION].as_u64()));
    let revision = shown.as_ref().and_then(|((_, whole), revision)| revision.filter(|_| *whole));
    Expected { body: shown.map(|((body, _), _)| body), revision, more: false, place: String::new() }
}

/// The member of a record in which its revision is kept.
pub(super) const REVISION: &str = "$revision";

fn list(world: &World, query: &Query) -> Expected {
    let meet = |condition: &Condition, record: &Json| meets(world, query.table, record, condition.relations, condition);
    let met = |record: &&Json| match query.any {
        true => query.conditions.iter().any(|condition| meet(condition, record)),
        false => query.conditions.iter().all(|condition| meet(condition, record)),
    };
    let mut found: Vec<&Json> = world.all(query.table).filter(met).collect();
    found.sort_by(|one, other| in_order(world, query, one, other));
    let total = found.len();
    let start = match &query.after {
        Some(after) => found.iter().filter(|record| !follows(world, query, record, after)).count(),
        None => query.offset,
    };
    let limit = query.limit.unwrap_or(usize::MAX);
    let page: Vec<&Json> = found.into_iter().skip(start).take(limit).collect();
    let narrowing: Vec<&Condition> = if query.any { Vec::new() } else { query.conditions.iter().collect() };
    let narrowing: Vec<(&[&str], &Condition)> = narrowing.iter().map(|it| (it.relations, *it)).collect();
    let show = |record: &&Json| shown(world, query.table, record, &query.select, query.zone, &narrowing);
    let place = match page.len() {
        0 => format!("items */{total}"),
        length => format!("items {start}-{}/{total}", start + length - 1),
    };
    let more = query.limit.is_some() && start + page.len() < total;
    Expected { body: Some(page.iter().map(show).collect()), revision: None, more, place }
}

/// The records that a relation leads to, with their table; at most one if it is not to many.
fn related<'w>(world: &'w World, table: &str, record: &Json, relation: &str) -> (&'static str, bool, Vec<&'w Json>) {
    let id = &record["id"];
    let refers = |table, attribute: &'static str| {
        world.all(table).filter(|it| it[attribute] == *id || has(&it[attribute], id)).collect()
    };
    match (table, relation) {
        ("Product", "category") => {
            ("Category", false, world.one("Category", &record["categoryId"]).into_iter().collect())
        }
        ("Product", "holds") => ("Hold", true, refers("Hold", "productId")),
        ("Category", "products") => ("Product", true, refers("Product", "categoryId")),
        ("Hold", "product") => ("Product", false, world.one("Product", &record["productId"]).into_iter().collect()),
        ("Event", "organizer") => ("User", false, world.one("User", &record["organizerId"]).into_iter().collect()),
        ("Event", "attendees") => {
            let ids = record["attendeeIds"].as_array().map(Vec::as_slice).unwrap_or_default();
            ("User", true, ids.iter().filter_map(|id| world.one("User", id)).collect())
        }
        ("User", "events") => ("Event", true, refers("Event", "attendeeIds")),
        other => panic!("{other:?} is no relation"),
    }
}

fn has(list: &Json, element: &Json) -> bool {
    list.as_array().is_some_and(|list| list.contains(element))
}

/// An attribute as it is shown.
fn value(record: &Json, attribute: &str, zone: Zone) -> Json {
    match (attribute, &record[attribute]) {
        ("inStock", _) => record["stock"].as_i64().map_or(Json::Null, |stock| json!(stock > 0)),
        ("since" | "until", Json::String(stored)) => json!(shown_time(stored, zone)),
        (_, value) => value.clone(),
    }
}

fn shown_time(stored: &str, zone: Zone) -> String {
    let at = match zone {
        Zone::Utc => {
            return stored.strip_suffix(".000Z").map_or_else(|| stored.to_owned(), |whole| format!("{whole}Z"));
        }
        Zone::Paris => 2,
        Zone::Tokyo => 3,
    };
    TIMES.iter().find(|time| time[0] == stored).expect("a time of ours")[at].to_owned()
}

/// What is shown of a record. Conditions on what a relation leads to hold for what is shown of it, too.
fn shown(
    world: &World,
    table: &str,
    record: &Json,
    select: &[Item],
    zone: Zone,
    narrowing: &[(&[&str], &Condition)],
) -> Json {
    if select.is_empty() {
        let (_, whole) = TABLES.iter().find(|(name, _)| *name == table).expect("a table");
        return whole.iter().map(|name| ((*name).to_owned(), value(record, name, zone))).collect();
    }
    let mut members = Map::new();
    for item in select {
        let (name, value) = match item {
            Item::Attribute(name) => (name, value(record, name, zone)),
            Item::Related(name, items) => {
                let (other, many, found) = related(world, table, record, name);
                let inner: Vec<(&[&str], &Condition)> = narrowing
                    .iter()
                    .filter_map(|(path, it)| {
                        path.split_first().filter(|(first, _)| *first == name).map(|(_, rest)| (rest, *it))
                    })
                    .collect();
                let kept =
                    found.into_iter().filter(|it| inner.iter().all(|(path, c)| meets(world, other, it, path, c)));
                let mut kept = kept.map(|it| shown(world, other, it, items, zone, &inner));
                (name, if many { kept.collect() } else { kept.next().unwrap_or(Json::Null) })
            }
        };
        members.insert((*name).to_owned(), value);
    }
    Json::Object(members)
}

/// Whether a record, or one that it leads to by some relations, meets a condition.
fn meets(world: &World, table: &str, record: &Json, relations: &[&str], condition: &Condition) -> bool {
    if let Some((first, rest)) = relations.split_first() {
        let (other, _, found) = related(world, table, record, first);
        return found.into_iter().any(|record| meets(world, other, record, rest, condition));
    }
    let value = value(record, condition.attribute, Zone::Utc);
    let number = value.as_i64();
    match &condition.test {
        Test::Is(wanted) => value == *wanted || has(&value, wanted),
        Test::IsNot(text) => value != *text,
        Test::Below(bound) => number.is_some_and(|number| number < *bound),
        Test::AtLeast(bound) => number.is_some_and(|number| number >= *bound),
        Test::Between(low, high) => number.is_some_and(|number| (*low..=*high).contains(&number)),
        Test::Begins(head) => value.as_str().is_some_and(|text| text.starts_with(head)),
    }
}

/// The value that a record is sorted by.
fn key(world: &World, query: &Query, record: &Json) -> Json {
    match query.sort {
        None => Json::Null,
        Some(Sort { relation: None, attribute, .. }) => value(record, attribute, Zone::Utc),
        Some(Sort { relation: Some(relation), attribute, .. }) => {
            let (_, _, found) = related(world, query.table, record, relation);
            found.first().map_or(Json::Null, |other| value(other, attribute, Zone::Utc))
        }
    }
}

fn in_order(world: &World, query: &Query, one: &Json, other: &Json) -> Ordering {
    placed(query, (&key(world, query, one), id(one)), (&key(world, query, other), id(other)))
}

fn follows(world: &World, query: &Query, record: &Json, after: &After) -> bool {
    placed(query, (&key(world, query, record), id(record)), (&after.key, &after.id)) == Ordering::Greater
}

fn id(record: &Json) -> &str {
    record["id"].as_str().expect("an id")
}

/// Ties are broken by the primary key, in the direction of the sort.
fn placed(query: &Query, (one, one_id): (&Json, &str), (other, other_id): (&Json, &str)) -> Ordering {
    let order = compared(one, other).then_with(|| one_id.cmp(other_id));
    if query.sort.is_some_and(|sort| sort.falling) { order.reverse() } else { order }
}

/// Null comes before everything.
fn compared(one: &Json, other: &Json) -> Ordering {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one.as_i64().cmp(&other.as_i64()),
        (Json::String(one), Json::String(other)) => one.cmp(other),
        (Json::Bool(one), Json::Bool(other)) => one.cmp(other),
        (one, other) => other.is_null().cmp(&one.is_null()),
    }
}
