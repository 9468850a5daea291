//! The records of the crash tests, as values that can be compared.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) stock: Option<i64>,
    pub(super) big: Option<i64>,
    pub(super) price: Option<f64>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) notes: Option<Vec<String>>,
}

impl Item {
    /// Reads a record or an image, which name every attribute and no other.
    pub(super) fn read(json: &Json) -> Self {
        let members = json.as_object().unwrap_or_else(|| panic!("{json} is no object"));
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        assert_eq!(names, ["id", "name", "stock", "big", "price", "tags", "notes"]);
        let text = |value: &Json| value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned();
        let texts =
            |value: &Json| value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter().map(text).collect();
        let integer = |value: &Json| value.as_i64().unwrap_or_else(|| panic!("{value} is no integer"));
        let present = |name: &str| Some(&members[name]).filter(|value| !value.is_null());
        Self {
            id: text(&members["id"]),
            name: present("name").map(text),
            stock: present("stock").map(integer),
            big: present("big").map(integer),
            price: present("price").map(|value| value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))),
            tags: present("tags").map(texts),
            notes: present("notes").map(texts),
        }
    }

    pub(super) fn json(&self) -> Json {
        json!({"id": self.id, "name": self.name, "stock": self.stock, "big": self.big, "price": self.price, "tags": self.tags, "notes": self.notes})
    }
}

/// A list of records by id.
pub(super) fn items(list: &Json) -> BTreeMap<String, Item> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(Item::read);
    items.map(|item| (item.id.clone(), item)).collect()
}
