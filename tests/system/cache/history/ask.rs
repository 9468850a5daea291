//! Questions at random: some that many ask again and again, some of one's own.

use super::query::{Condition, Item, Query, Sort, Test, Wanted, Zone};
use super::write::{NAMES, SHELVES};
use serde_json::json;
use std::sync::Arc;
use stoa_tests::dice::{Dice, Seed};

/// The format that is asked for, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// By the suffix of the path.
    Csv,
    /// By `Accept`.
    Cbor,
}

/// A question as it is sent, but for conditions.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) wanted: Arc<Wanted>,
    pub(super) head: bool,
    pub(super) form: Form,
    pub(super) coding: Option<&'static str>,
    pub(super) count: bool,
}

impl Ask {
    pub(super) fn url(&self) -> String {
        self.wanted.url(if self.form == Form::Csv { ".csv" } else { "" })
    }

    pub(super) fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let mut headers = Vec::new();
        headers.extend((self.form == Form::Cbor).then_some(("accept", "application/cbor")));
        headers.extend(self.coding.map(|coding| ("accept-encoding", coding)));
        headers.extend(self.count.then_some(("prefer", "count=exact")));
        headers
    }

    /// All that decides which bytes it is answered with. A tag stands for the same bytes wherever this is the same.
    pub(super) fn variant(&self) -> String {
        format!("{} {:?} {:?}", self.url(), self.form, self.coding)
    }
}

/// Four of five are of those that all ask.
pub(super) fn random(seed: &Seed, dice: &mut Dice) -> Ask {
    let wanted = match dice.below(5) {
        0 => any(dice),
        _ => any(&mut seed.dice(1_000 + dice.below(24))),
    };
    about(Arc::new(wanted), dice)
}

/// Something asked for in some form.
pub(super) fn about(wanted: Arc<Wanted>, dice: &mut Dice) -> Ask {
    let list = matches!(*wanted, Wanted::List(_));
    let bare = matches!(*wanted, Wanted::Attribute { .. } | Wanted::List(Query { after: Some(_), .. }));
    let form = match dice.below(12) {
        0 if !bare => Form::Csv,
        1 => Form::Cbor,
        _ => Form::Json,
    };
    let coding = match dice.below(8) {
        0 => Some("gzip"),
        1 => Some("br"),
        2 => Some("zstd"),
        _ => None,
    };
    Ask { wanted, head: dice.below(12) == 0, form, coding, count: list && dice.below(6) == 0 }
}

fn attributes(names: &[&'static str]) -> Vec<Item> {
    names.iter().map(|name| Item::Attribute(name)).collect()
}

fn related(names: &[&'static str], relation: &'static str, items: Vec<Item>) -> Vec<Item> {
    names.iter().map(|name| Item::Attribute(name)).chain([Item::Related(relation, items)]).collect()
}

fn among<T: Copy>(dice: &mut Dice, all: &[T]) -> T {
    all[dice.below(all.len())]
}

fn zone(dice: &mut Dice) -> Zone {
    among(dice, &[Zone::Utc, Zone::Utc, Zone::Paris, Zone::Tokyo])
}

fn any(dice: &mut Dice) -> Wanted {
    match dice.below(3) {
        0 => record(dice),
        _ => Wanted::List(list(dice)),
    }
}

fn record(dice: &mut Dice) -> Wanted {
    let (table, letter, count, select) = match dice.below(12) {
        0..=3 => ("Product", 'p', 8, Vec::new()),
        4 => ("Product", 'p', 8, attributes(&["name", "since", "inStock"])),
        5 => ("Product", 'p', 8, related(&["id", "price"], "category", attributes(&["name", "stamp"]))),
        6 => ("Product", 'p', 8, related(&["id"], "holds", attributes(&["id", "person", "until"]))),
        7 => ("Category", 'c', 5, related(&["name"], "products", attributes(&["id", "price", "stamp"]))),
        8 => ("Event", 'e', 8, related(&["id", "title"], "attendees", attributes(&["id", "name"]))),
        9 => ("User", 'u', 5, related(&["name"], "events", related(&["id"], "organizer", attributes(&["name"])))),
        10 => ("Hold", 'h', 6, Vec::new()),
        _ => {
            let name = among(dice, &["name", "price", "stock", "inStock", "since", "stamp", "text"]);
            return Wanted::Attribute { table: "Product", id: format!("p{}", dice.below(8)), name };
        }
    };
    let zone = if table == "Product" && select.len() != 2 { zone(dice) } else { Zone::Utc };
    Wanted::Record { table, id: format!("{letter}{}", dice.below(count)), select, zone }
}

fn list(dice: &mut Dice) -> Query {
    match dice.below(10) {
        0..=5 => products(dice),
        6 => categories(dice),
        7 => events(dice),
        8 => Query {
            conditions: vec![condition(&["product"], "name", Test::Is(json!(among(dice, &NAMES))))],
            select: related(&["id", "person"], "product", related(&["name"], "category", attributes(&["name"]))),
            ..Query::of("Hold")
        },
        _ => Query { sort: sorted(dice, &["person", "id"]), limit: limited(dice), ..Query::of("Hold") },
    }
}

fn condition(relations: &'static [&'static str], attribute: &'static str, test: Test) -> Condition {
    Condition { relations, attribute, test }
}

fn number(dice: &mut Dice, bound: usize) -> i64 {
    i64::try_from(dice.below(bound)).expect("a small number")
}

fn sorted(dice: &mut Dice, names: &[&'static str]) -> Option<Sort> {
    let sort = Sort { relation: None, attribute: among(dice, names), falling: dice.below(2) == 0 };
    (dice.below(4) > 0).then_some(sort)
}

fn limited(dice: &mut Dice) -> Option<usize> {
    (dice.below(3) > 0).then(|| 1 + dice.below(4))
}

fn products(dice: &mut Dice) -> Query {
    let test = match dice.below(8) {
        0 => condition(&[], "categoryId", Test::Is(json!(format!("c{}", dice.below(5))))),
        1 => condition(&[], "price", Test::Below(10 * number(dice, 10))),
        2 => condition(&[], "price", Test::AtLeast(10 * number(dice, 10))),
        3 => condition(&[], "price", Test::Between(20, 20 + 10 * number(dice, 6))),
        4 => condition(&[], "inStock", Test::Is(json!(dice.below(2) == 0))),
        5 => condition(&["category"], "name", Test::Is(json!(among(dice, &SHELVES)))),
        6 => condition(&["category"], "name", Test::IsNot(among(dice, &SHELVES))),
        _ => condition(&["holds"], "person", Test::Is(json!(among(dice, &NAMES)))),
    };
    let other = condition(&[], "name", Test::Begins(among(dice, &["A", "Bob", "E"])));
    let conditions = match dice.below(5) {
        0 => Vec::new(),
        1 | 2 => vec![test, other],
        _ => vec![test],
    };
    let select = match dice.below(6) {
        0 => Vec::new(),
        1 => related(&["id", "price", "name"], "category", attributes(&["name", "rank"])),
        2 => related(&["id"], "holds", attributes(&["id", "person"])),
        3 => attributes(&["id", "name", "price", "since"]),
        _ => attributes(&["id", "name", "price", "stamp"]),
    };
    // Two that follow the same relation ask for the same related record.
    let any = conditions.len() == 2 && dice.below(3) == 0;
    let sort = match dice.below(4) {
        0 => Some(Sort { relation: Some("category"), attribute: "name", falling: dice.below(2) == 0 }),
        _ => sorted(dice, &["price", "name"]),
    };
    let limit = limited(dice);
    let offset = if dice.below(4) == 0 { 1 + dice.below(3) } else { 0 };
    Query { conditions, any, select, sort, limit, offset, zone: zone(dice), ..Query::of("Product") }
}

fn categories(dice: &mut Dice) -> Query {
    let cheap = condition(&["products"], "price", Test::Below(10 * number(dice, 10)));
    let conditions = if dice.below(2) == 0 { vec![cheap] } else { Vec::new() };
    let select = related(&["id", "name"], "products", attributes(&["id", "price"]));
    Query { conditions, select, sort: sorted(dice, &["name", "rank"]), limit: limited(dice), ..Query::of("Category") }
}

fn events(dice: &mut Dice) -> Query {
    let test = match dice.below(3) {
        0 => condition(&[], "attendeeIds", Test::Is(json!(format!("u{}", dice.below(5))))),
        1 => condition(&["attendees"], "name", Test::Begins(among(dice, &NAMES))),
        _ => condition(&["organizer"], "name", Test::Is(json!(among(dice, &NAMES)))),
    };
    let select = match dice.below(3) {
        0 => Vec::new(),
        1 => related(&["id", "title"], "attendees", attributes(&["name"])),
        _ => related(&["id", "title"], "organizer", attributes(&["id", "name"])),
    };
    Query { conditions: vec![test], select, sort: sorted(dice, &["title"]), limit: limited(dice), ..Query::of("Event") }
}
