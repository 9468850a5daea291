//! Queries, and what they mean, written down once more.

use crate::world::World;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use stoa_tests::live::Records;

pub(super) struct Query {
    /// What is followed.
    pub(super) path: &'static str,
    /// What `GET` answers with the same records.
    pub(super) read: &'static str,
    table: &'static str,
    /// The id of what it shows in the end.
    pub(super) marker: &'static str,
    /// What it shows of a record, if it shows it.
    shown: fn(&World, &Json) -> Option<Json>,
}

impl Query {
    /// What it answers, of the records of some position.
    pub(super) fn answer(&self, world: &World) -> Records {
        let shown = |record: &Json| Some((record["id"].to_string(), Arc::new((self.shown)(world, record)?)));
        world.all(self.table).filter_map(shown).collect()
    }

    pub(super) fn with_since(&self, token: &str) -> String {
        format!("{}{}since={token}", self.path, if self.path.contains('?') { '&' } else { '?' })
    }
}

fn some(condition: bool, shown: impl FnOnce() -> Json) -> Option<Json> {
    condition.then(shown)
}

fn has(list: &Json, member: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|it| it == member))
}

fn below(value: &Json, bound: i64) -> bool {
    value.as_i64().is_some_and(|value| value < bound)
}

fn category<'w>(world: &'w World, product: &Json) -> Option<&'w Json> {
    world.one("Category", &product["categoryId"])
}

fn in_home(world: &World, product: &Json) -> bool {
    category(world, product).is_some_and(|category| category["name"] == "Home")
}

fn products<'w>(world: &'w World, category: &'w Json) -> impl Iterator<Item = &'w Json> {
    world.all("Product").filter(|product| product["categoryId"] == category["id"])
}

fn holds<'w>(world: &'w World, product: &'w Json) -> impl Iterator<Item = &'w Json> {
    world.all("Hold").filter(|hold| hold["productId"] == product["id"])
}

fn attendees<'w>(world: &'w World, event: &'w Json) -> impl Iterator<Item = &'w Json> {
    let ids = event["attendeeIds"].as_array().map(Vec::as_slice).unwrap_or_default();
    ids.iter().filter_map(|id| world.one("User", id))
}

/// The members of a record in a selection.
fn of(record: &Json, names: &[&str]) -> Json {
    names.iter().map(|name| ((*name).to_owned(), record[*name].clone())).collect()
}

fn with(mut shown: Json, name: &str, value: Json) -> Json {
    shown[name] = value;
    shown
}

const WHOLE: [&str; 7] = ["id", "name", "price", "stock", "tags", "notes", "categoryId"];

pub(super) fn all() -> Vec<Query> {
    let query = |path, table, shown| Query { path, read: path, table, marker: "marker", shown };
    vec![
        query("/Product/", "Product", |_, product| Some(of(product, &WHOLE))),
        query("/Product/?price=lt=50&select=id,price,name", "Product", |_, product| {
            some(below(&product["price"], 50), || of(product, &["id", "price", "name"]))
        }),
        query("/Product/?tags=red&select=id,tags", "Product", |_, product| {
            some(has(&product["tags"], "red"), || of(product, &["id", "tags"]))
        }),
        query("/Product/?stock=gt=0&(tags=blue|price=lt=20)&select=id,stock", "Product", |_, product| {
            let stocked = product["stock"].as_i64().is_some_and(|stock| stock > 0);
            some(stocked && (has(&product["tags"], "blue") || below(&product["price"], 20)), || {
                of(product, &["id", "stock"])
            })
        }),
        query("/Product/?category.name=Home&select=id,price", "Product", |world, product| {
            some(in_home(world, product), || of(product, &["id", "price"]))
        }),
        query("/Product/?select=id,category{name,rank}", "Product", |world, product| {
            let category = category(world, product).map_or(Json::Null, |it| of(it, &["name", "rank"]));
            Some(with(of(product, &["id"]), "category", category))
        }),
        Query {
            marker: "marker1",
            ..query("/Product/?category.name!=Home&select=id", "Product", |world, product| {
                let other = category(world, product).is_some_and(|category| category["name"] != "Home");
                some(other, || of(product, &["id"]))
            })
        },
        query("/Product/?select=id,holds{id,person}", "Product", |world, product| {
            let holds: Json = holds(world, product).map(|hold| of(hold, &["id", "person"])).collect();
            Some(with(of(product, &["id"]), "holds", holds))
        }),
        query("/Product/?holds.person=A&select=id,stock", "Product", |world, product| {
            some(holds(world, product).any(|hold| hold["person"] == "A"), || of(product, &["id", "stock"]))
        }),
        Query {
            marker: "marker1",
            read: "/Product/?(id=c1|categoryId=c1)&select=id,price",
            ..query("/Product/c1?select=id,price", "Product", |_, product| {
                some(product["id"] == "c1" || product["categoryId"] == "c1", || of(product, &["id", "price"]))
            })
        },
        query("/Category/?select=id,name,products{id,price}", "Category", |world, category| {
            let products: Json = products(world, category).map(|it| of(it, &["id", "price"])).collect();
            Some(with(of(category, &["id", "name"]), "products", products))
        }),
        query("/Category/?products.price=lt=20&select=id,products{id}", "Category", |world, category| {
            let cheap = products(world, category).filter(|it| below(&it["price"], 20));
            let cheap: Vec<Json> = cheap.map(|it| of(it, &["id"])).collect();
            some(!cheap.is_empty(), || with(of(category, &["id"]), "products", json!(cheap)))
        }),
        query("/Hold/?select=id,person,productId", "Hold", |_, hold| Some(of(hold, &["id", "person", "productId"]))),
        query("/Hold/?product.category.name=Home&select=id,product{price,category{rank}}", "Hold", |world, hold| {
            let product = world.one("Product", &hold["productId"]).filter(|product| in_home(world, product))?;
            let shelf = of(category(world, product)?, &["rank"]);
            Some(with(of(hold, &["id"]), "product", with(of(product, &["price"]), "category", shelf)))
        }),
        Query {
            read: "/Event/?(id=u1|organizerId=u1|attendeeIds=u1)&select=id,title,organizerId",
            ..query("/Event/u1?select=id,title,organizerId", "Event", |_, event| {
                let named = event["id"] == "u1" || event["organizerId"] == "u1" || has(&event["attendeeIds"], "u1");
                some(named, || of(event, &["id", "title", "organizerId"]))
            })
        },
        query("/Event/?attendees.name=sw=A&select=id,attendees{id,name}", "Event", |world, event| {
            let named = |user: &&Json| user["name"].as_str().is_some_and(|name| name.starts_with('A'));
            let shown: Vec<Json> = attendees(world, event).filter(named).map(|it| of(it, &["id", "name"])).collect();
            some(!shown.is_empty(), || with(of(event, &["id"]), "attendees", json!(shown)))
        }),
    ]
}
