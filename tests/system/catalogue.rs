//! A real catalogue: every package that this machine's archive offers, as products in categories. What a query must
//! answer is worked out here from the archive's own text.

use serde_json::{Value as Json, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use stoa_tests::{client::Client, server::Server};

const SCHEMA: &str = "
type Category @table @export {
  id: ID @primaryKey
  name: String @indexed
  products: [Product] @relationship(to: categoryId)
}
type Product @table @export {
  id: ID @primaryKey
  name: String @indexed
  description: String
  stanza: String
  price: Float @indexed
  size: Long
  priority: String @indexed
  essential: Boolean @indexed
  categoryId: ID @indexed
  tags: [String] @indexed
  category: Category @relationship(from: categoryId)
}";

#[derive(Clone, Debug, Default, PartialEq)]
struct Product {
    id: String,
    name: String,
    description: Option<String>,
    /// All that the archive says of it, line by line.
    stanza: String,
    /// A hundredth of its size when installed.
    price: Option<f64>,
    size: Option<i64>,
    priority: Option<String>,
    essential: Option<bool>,
    section: Option<String>,
    tags: Option<Vec<String>>,
}

fn catalogue() -> Vec<Product> {
    let listed = Command::new("apt-cache").arg("dumpavail").output().expect("apt-cache, of a Debian machine");
    assert!(listed.status.success());
    let text = String::from_utf8(listed.stdout).expect("UTF-8, as Debian policy 5.1 asks");
    let mut products: BTreeMap<String, Product> = BTreeMap::new();
    for stanza in text.split("\n\n").map(str::trim_end).filter(|stanza| !stanza.is_empty()) {
        let product = Product::read(stanza);
        products.entry(product.id.clone()).or_insert(product);
    }
    assert!(products.len() > 10_000, "the package lists hold {} packages: tests/run fetches them", products.len());
    products.into_values().collect()
}

impl Product {
    fn read(stanza: &str) -> Self {
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        let mut last = "";
        for line in stanza.lines() {
            if line.starts_with([' ', '\t']) {
                let value = fields.get_mut(last).expect("a line that goes on");
                value.push('\n');
                value.push_str(line);
            } else {
                let (name, value) = line.split_once(':').expect("a field");
                fields.insert(name, value.strip_prefix(' ').unwrap_or(value).to_owned());
                last = name;
            }
        }
        let text = |name: &str| fields.get(name).cloned();
        Self {
            id: fields["Package"].clone(),
            name: fields["Package"].clone(),
            description: text("Description"),
            stanza: stanza.to_owned(),
            price: text("Installed-Size").map(|kib| kib.parse::<f64>().unwrap() / 100.0),
            size: text("Size").map(|bytes| bytes.parse().unwrap()),
            priority: text("Priority"),
            essential: text("Essential").map(|flag| flag == "yes"),
            section: text("Section"),
            tags: text("Tag").map(|tags| tags.split(',').map(|tag| tag.trim().to_owned()).collect()),
        }
    }

    fn from_json(json: &Json) -> Self {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let texts =
            |list: &Json| list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
        Self {
            id: text("id").unwrap(),
            name: text("name").unwrap(),
            description: text("description"),
            stanza: text("stanza").unwrap(),
            price: json["price"].as_f64(),
            size: json["size"].as_i64(),
            priority: text("priority"),
            essential: json["essential"].as_bool(),
            section: text("categoryId"),
            tags: Some(&json["tags"]).filter(|tags| !tags.is_null()).map(texts),
        }
    }

    fn json(&self) -> Json {
        json!({
            "id": self.id, "name": self.name, "description": self.description, "stanza": self.stanza, "price": self.price,
            "size": self.size, "priority": self.priority, "essential": self.essential, "categoryId": self.section, "tags": self.tags,
        })
    }

    fn tagged(&self, test: impl Fn(&str) -> bool) -> bool {
        self.tags.iter().flatten().any(|tag| test(tag))
    }

    fn in_section(&self, section: &str) -> bool {
        self.section.as_deref() == Some(section)
    }

    fn has_priority(&self, priority: &str) -> bool {
        self.priority.as_deref() == Some(priority)
    }

    /// Null passes no comparison.
    fn costs(&self, test: impl Fn(f64) -> bool) -> bool {
        self.price.is_some_and(test)
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn post_all(client: &Client, table: &str, records: &[Json]) {
    for chunk in records.chunks(500) {
        let answer = client.send(
            "POST",
            &format!("/{table}/"),
            &[("content-type", "application/json"), ("prefer", "return=minimal")],
            Json::from(chunk).to_string().as_bytes(),
        );
        assert_eq!((answer.status, answer.body.len()), (201, 0), "{}", answer.text());
    }
}

/// The ids that a query of a collection shows.
fn ids(client: &Client, path: &str) -> Vec<String> {
    let list = client.get(path).expect(200).body_json();
    list.as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

struct Catalogue {
    client: Client,
    products: Vec<Product>,
    categories: BTreeSet<String>,
}

impl Catalogue {
    /// The query shows exactly the products that pass, by id.
    fn filtered(&self, query: &str, pass: impl Fn(&Product) -> bool) {
        let expected: Vec<&str> =
            self.products.iter().filter(|product| pass(product)).map(|product| product.id.as_str()).collect();
        assert!(!expected.is_empty() && expected.len() < self.products.len(), "{query} says nothing");
        self.shows(&format!("/Product/?{query}&select=id"), &expected);
    }

    /// The query shows the page of the products that pass, in this order; `order` alone, ties included, is total.
    fn sorted(
        &self,
        query: &str,
        page: (usize, usize),
        pass: impl Fn(&Product) -> bool,
        order: impl Fn(&Product, &Product) -> Ordering,
    ) {
        let mut expected: Vec<&Product> = self.products.iter().filter(|product| pass(product)).collect();
        expected.sort_by(|a, b| order(a, b));
        let (offset, limit) = page;
        let expected: Vec<&str> = expected.iter().skip(offset).take(limit).map(|product| product.id.as_str()).collect();
        assert!(!expected.is_empty(), "{query} says nothing");
        self.shows(&format!("/Product/?{query}&limit={limit}&offset={offset}&select=id"), &expected);
    }

    fn categories(&self, query: &str, pass: impl Fn(&Product) -> bool) {
        let holding: BTreeSet<&str> = self
            .products
            .iter()
            .filter(|product| pass(product))
            .filter_map(|product| product.section.as_deref())
            .collect();
        assert!(!holding.is_empty() && holding.len() < self.categories.len(), "{query} says nothing");
        self.shows(&format!("/Category/?{query}&select=id"), &holding.into_iter().collect::<Vec<_>>());
    }

    fn shows(&self, path: &str, expected: &[&str]) {
        let found = ids(&self.client, path);
        let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
        assert!(
            found.len() == expected.len() && differs.is_none(),
            "{path}: {} records instead of {}; the first difference stands at {differs:?}",
            found.len(),
            expected.len()
        );
    }

    /// Every record comes back as it was sent, to the last character.
    fn is_whole(&self) {
        let list = self.client.get("/Product/").expect(200).body_json();
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), self.products.len());
        for (found, expected) in list.iter().zip(&self.products) {
            assert_eq!(&Product::from_json(found), expected);
        }
        let odd = self.products.iter().filter(|product| product.id.contains('+')).take(20);
        for product in odd {
            let found = self.client.get(&format!("/Product/{}", product.id)).expect(200);
            assert_eq!(&Product::from_json(&found.body_json()), product);
        }
        assert!(self.products.iter().any(|product| product.stanza.lines().count() > 20 && !product.stanza.is_ascii()));
    }

    fn filters(&self) {
        self.filtered("name=libc6", |it| it.name == "libc6");
        self.filtered("priority=required", |it| it.has_priority("required"));
        self.filtered("priority!=optional", |it| !it.has_priority("optional"));
        self.filtered("price=gt=10000", |it| it.costs(|price| price > 10_000.0));
        self.filtered("price=ge=1.23&price=lt=1.3", |it| it.costs(|price| (1.23..1.3).contains(&price)));
        self.filtered("price%3C0.2", |it| it.costs(|price| price < 0.2));
        self.filtered("price=between=(12.5,12.75)", |it| it.costs(|price| (12.5..=12.75).contains(&price)));
        self.filtered("price=null", |it| it.price.is_none());
        self.filtered("price!=null&priority=important", |it| it.price.is_some() && it.has_priority("important"));
        self.filtered("size=gt=1000000000", |it| it.size.is_some_and(|size| size > 1_000_000_000));
        self.filtered("essential=true", |it| it.essential == Some(true));
        self.filtered("essential!=true&categoryId=shells", |it| it.essential != Some(true) && it.in_section("shells"));
        self.filtered("name=sw=python3-a", |it| it.name.starts_with("python3-a"));
        self.filtered("name==libgtk*", |it| it.name.starts_with("libgtk"));
        self.filtered("name=ew=-dev", |it| it.name.ends_with("-dev"));
        self.filtered("name=ct=%2B%2B", |it| it.name.contains("++"));
        self.filtered("description=ct=C%2B%2B", |it| {
            it.description.as_deref().is_some_and(|text| text.contains("C++"))
        });
        self.filtered("stanza=ct=%C3%A9", |it| it.stanza.contains('é'));
        self.filtered("stanza=ct=,%0A", |it| it.stanza.contains(",\n"));
        self.filtered("name=in=(bash,zsh,fish,no-such-thing)", |it| {
            ["bash", "zsh", "fish"].contains(&it.name.as_str())
        });
        self.filtered("categoryId=not_in=(libs,python,perl,doc,javascript)", |it| {
            !["libs", "python", "perl", "doc", "javascript"].iter().any(|section| it.in_section(section))
        });
        self.filtered("(categoryId=games|categoryId=shells)&price=lt=1", |it| {
            (it.in_section("games") || it.in_section("shells")) && it.costs(|price| price < 1.0)
        });
        let described = self
            .products
            .iter()
            .find(|product| product.name == "gcc")
            .and_then(|product| product.description.clone())
            .expect("gcc");
        self.filtered(&format!("description={}", encoded(&described)), |it| {
            it.description.as_deref() == Some(&*described)
        });
    }

    fn tags(&self) {
        self.filtered("tags=role%3A%3Ametapackage", |it| it.tagged(|tag| tag == "role::metapackage"));
        self.filtered("tags=sw=game%3A%3A", |it| it.tagged(|tag| tag.starts_with("game::")));
        self.filtered("tags=in=(game%3A%3Apuzzle,game%3A%3Atetris)", |it| {
            it.tagged(|tag| tag == "game::puzzle" || tag == "game::tetris")
        });
        self.filtered("tags=null&priority=standard", |it| it.tags.is_none() && it.has_priority("standard"));
        self.filtered("tags!=role%3A%3Aprogram&categoryId=games", |it| {
            !it.tagged(|tag| tag == "role::program") && it.in_section("games")
        });
        self.filtered("tags=role%3A%3Aprogram&tags=interface%3A%3Acommandline", |it| {
            it.tagged(|tag| tag == "role::program") && it.tagged(|tag| tag == "interface::commandline")
        });
    }

    fn relations(&self) {
        self.filtered("category.name=games&price=gt=1000", |it| {
            it.in_section("games") && it.costs(|price| price > 1_000.0)
        });
        self.filtered("category.name=sw=java&name=sw=liba", |it| {
            it.section.as_deref().is_some_and(|section| section.starts_with("java")) && it.name.starts_with("liba")
        });
        self.filtered("category.products.name=bash", |it| it.in_section("shells"));
        self.categories("products.priority=required", |it| it.has_priority("required"));
        self.categories("products.name=sw=zsh&products.price=lt=1000", |it| {
            it.name.starts_with("zsh") && it.costs(|price| price < 1_000.0)
        });
        self.categories("products.tags=game%3A%3Aboard%3Achess", |it| it.tagged(|tag| tag == "game::board:chess"));
        let list = self.client.get("/Category/?name=shells&select=id,products{id,price,tags}").expect(200).body_json();
        let inside = self.products.iter().filter(|product| product.in_section("shells"));
        let inside: Vec<Json> =
            inside.map(|product| json!({"id": product.id, "price": product.price, "tags": product.tags})).collect();
        assert_eq!(list, json!([{"id": "shells", "products": inside}]));
        let one = self.client.get("/Product/bash?select=id,category{id,name}").expect(200).body_json();
        assert_eq!(one, json!({"id": "bash", "category": {"id": "shells", "name": "shells"}}));
    }

    fn orders(&self) {
        let price = |a: &Product, b: &Product| a.price.partial_cmp(&b.price).unwrap();
        let section = |a: &Product, b: &Product| a.section.cmp(&b.section);
        self.sorted("sort=price", (0, 300), |_| true, |a, b| price(a, b).then(a.id.cmp(&b.id)));
        self.sorted("sort=-price", (40, 300), |_| true, |a, b| price(b, a).then(b.id.cmp(&a.id)));
        let last = self.products.len() - 200;
        self.sorted("sort=-price", (last, 300), |_| true, |a, b| price(b, a).then(b.id.cmp(&a.id)));
        self.sorted(
            "sort=categoryId,-price",
            (1_000, 100),
            |_| true,
            |a, b| section(a, b).then(price(b, a)).then(b.id.cmp(&a.id)),
        );
        self.sorted(
            "categoryId=python&sort=-priority,name",
            (30, 100),
            |it| it.in_section("python"),
            |a, b| b.priority.cmp(&a.priority).then(a.name.cmp(&b.name)),
        );
        self.sorted(
            "name=sw=python&sort=-size",
            (0, 100),
            |it| it.name.starts_with("python"),
            |a, b| b.size.cmp(&a.size).then(b.id.cmp(&a.id)),
        );
        self.sorted(
            "tags=role%3A%3Ametapackage&sort=category.name,-name",
            (10, 60),
            |it| it.tagged(|tag| tag == "role::metapackage"),
            |a, b| section(a, b).then(b.name.cmp(&a.name)),
        );
        assert_eq!(self.client.get("/Product/?sort=price&limit=0").expect(200).text(), "[]");
    }

    /// Pages of a list, one after the other, show every record once.
    fn pages(&self) {
        let mut walked = Vec::new();
        loop {
            let page =
                ids(&self.client, &format!("/Product/?categoryId=python&select=id&limit=700&offset={}", walked.len()));
            if page.is_empty() {
                break;
            }
            walked.extend(page);
        }
        let expected: Vec<String> = self
            .products
            .iter()
            .filter(|product| product.in_section("python"))
            .map(|product| product.id.clone())
            .collect();
        assert_eq!(walked, expected);
    }
}

#[test]
fn a_real_catalogue_is_stored_and_queried() {
    let server = Server::with_schema(SCHEMA);
    let products = catalogue();
    let categories: BTreeSet<String> = products.iter().filter_map(|product| product.section.clone()).collect();
    let catalogue = Catalogue { client: Client::new(&server.base), products, categories };
    let sections: Vec<Json> =
        catalogue.categories.iter().map(|section| json!({"id": section, "name": section})).collect();
    post_all(&catalogue.client, "Category", &sections);
    let records: Vec<Json> = catalogue.products.iter().map(Product::json).collect();
    post_all(&catalogue.client, "Product", &records);
    catalogue.is_whole();
    catalogue.filters();
    catalogue.tags();
    catalogue.relations();
    catalogue.orders();
    catalogue.pages();
}
