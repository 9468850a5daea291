//! The query language: what means the same, what is refused and where.
#![expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]

use proptest::prelude::*;
use std::sync::{Arc, LazyLock};
use stoa_schema::model::{Schema, TableId};
use stoa_schema::query::{Query, QueryError, RecordQuery};
use stoa_schema::sdl::{Source, load};

const SCHEMA: &str = "
type Product @table @export {
  id: ID @primaryKey  name: String @indexed  price: Float @indexed  stock: Int  big: Long
  made: Date  inStock: Boolean @indexed  tags: [String] @indexed
  categoryId: ID @indexed  category: Category @relationship(from: categoryId)
}
type Category @table @export {
  id: ID @primaryKey  name: String  limit: Int  timezone: String
  products: [Product] @relationship(to: categoryId)
}";

static SCHEMA_READ: LazyLock<Schema> =
    LazyLock::new(|| load(&[Source { name: Arc::from("s"), text: SCHEMA.to_owned() }]).unwrap().schema);

fn parse(raw: &str) -> Result<Query, QueryError> {
    Query::parse(&SCHEMA_READ, TableId(0), raw)
}

#[track_caller]
fn same(spellings: &[&str]) {
    let read: Vec<_> =
        spellings.iter().map(|raw| parse(raw).unwrap_or_else(|error| unreachable!("{raw}: {error}"))).collect();
    for (raw, query) in spellings.iter().zip(&read).skip(1) {
        let (first, this) = (&read[0], query);
        assert_eq!(
            (&first.filter, &first.sort, first.limit, first.offset),
            (&this.filter, &this.sort, this.limit, this.offset),
            "{raw}"
        );
        assert_eq!(first.select, this.select, "{raw}");
    }
}

#[track_caller]
fn refused(raw: &str, at: usize, words: &str) {
    let error = parse(raw).map(|query| query.filter).unwrap_err();
    let position = match &error {
        QueryError::Syntax { position, .. } | QueryError::UnknownAttribute { position, .. } => *position,
        QueryError::UnknownZone(_) => usize::MAX,
    };
    assert!(error.to_string().contains(words), "{raw}: {error}");
    assert_eq!(position, at, "{raw}: {error}");
}

#[test]
fn spellings_that_mean_the_same() {
    same(&["name=a", "name==a", "name=eq=a", "name===a", "(name=a)", "[name=a]", "&name=a&", "name=%61"]);
    same(&["name!=a", "name=ne=a", "name!==a", "name=not_eq=a"]);
    same(&["price=le=1", "price=lte=1", "price<=1", "price%3C=1", "price%3c=1", "price=le=1.0", "price=le=number:1"]);
    same(&["price=gt=1&price=lt=2", "price=gt=1&=lt=2", "price>1&price<2", "(price=gt=1&=lt=2)"]);
    same(&["name==a*", "name=sw=a"]);
    same(&["stock=in=(1,2)", "stock=in=[1,2]", "stock=in=1,2"]);
    same(&["sort=-price,name&limit=20", "sort(-price,+name)&limit(20)", "sort=-price,+name&limit(0,20)"]);
    same(&["select=id,name", "select(id,name)", "select=id,name,"]);
    same(&["stock=null", "stock=", "stock==null", "stock=eq=null"]);
    same(&["name=a%20b", "name=a+b"]);
    same(&["made=2024-08-15T12:00:00Z", "made=2024-08-15T14:00:00+02:00", "made=2024-08-15T14%3A00:00%2B02:00"]);
    same(&["limit=5&name=a&stock=1", "name=a&limit=5&stock=1", "name=a&stock=1&limit=5"]);
    same(&["limit=5&(name=a|stock=1)", "name=a|stock=1&limit=5", "limit=5&name=a|stock=1"]);
}

#[test]
fn an_encoded_character_is_data() {
    let text = |raw: &str| format!("{:?}", parse(raw).unwrap().filter);
    assert!(text("name=a%26stock%3D1").contains("a&stock=1"));
    assert!(text("name==a%2A").contains("Equal(Text(\"a*\"))"));
    assert!(text("name=in=(a%2Cb,c)").contains("[Text(\"a,b\"), Text(\"c\")]"));
    assert!(text("name=a%2Bb").contains("a+b"));
    assert!(text("name=%6eull").contains("Text(\"null\")"));
}

#[test]
fn what_is_refused_says_where() {
    refused("nme=a", 0, "did you mean name?");
    refused("name=a&sock=1", 7, "did you mean stock?");
    refused("price=ten", 6, "\"ten\" is not a finite number");
    refused("price=NaN", 6, "finite");
    refused("stock=2147483648", 6, "32 bits");
    refused("big=9223372036854775808", 4, "64 bits");
    refused("inStock=yes", 8, "true or false");
    refused("name=foo=a", 5, "unknown operator =foo=");
    refused("name=a|stock=1&big=2", 15, "group them");
    refused("(name=a", 0, "not closed");
    refused("name=a)", 6, "unexpected");
    refused("name=a(b", 6, "not closed");
    refused("name==a*b", 7, "wildcard");
    refused("name", 4, "operator is missing");
    refused("=a", 0, "a name is missing");
    refused("name=%zz", 5, "percent-encoding");
    refused("name=%ff", 5, "UTF-8");
    refused("price=lt=null", 9, "no order");
    refused("price=between=(1)", 14, "two values");
    refused("price=sw=1", 9, "only texts");
    refused("limit=5&limit=6", 8, "twice");
    refused("limit=-1", 6, "no number");
    refused("limit(5,2)", 8, "before the start");
    refused("sort=tags", 5, "no order");
    refused("category.products.name=a&sort=category.products.name", 30, "many records");
    refused("select=", 7, "name is missing");
    refused("select=name{id}", 7, "no relation");
    refused("select=name,name", 12, "twice");
    refused("search=a", 0, "reserved");
    refused("lmit(5)", 0, "did you mean limit(");
    refused("(limit(5))", 1, "outside of groups");
    refused("|name=a", 0, "missing before |");
    refused("name=a|", 7, "missing after |");
    refused("()", 0, "empty");
    refused("timezone=Europe/Pari", usize::MAX, "Europe/Paris");
}

#[test]
fn an_attribute_is_a_filter_even_if_a_control_has_its_name() {
    let category = |raw: &str| Query::parse(&SCHEMA_READ, TableId(1), raw).unwrap();
    let filtered = category("limit=5&timezone=Europe/Paris");
    assert_eq!((filtered.limit, filtered.zone.is_some()), (None, false));
    assert!(!filtered.filter.is_everything());
    let controlled = category("limit(5)&timezone(Europe/Paris)");
    assert_eq!((controlled.limit, controlled.zone.is_some()), (Some(5), true));
    assert!(controlled.filter.is_everything());
}

#[test]
fn conditions_on_one_relation_become_one() {
    same(&["category.name=a&category.limit=1", "category.limit=1&category.name=a"].map(|raw| {
        // The order of conditions does not matter to the meaning; here only that there is one join.
        let text = format!("{:?}", parse(raw).unwrap().filter);
        assert_eq!(text.matches("Related").count(), 1, "{text}");
        "name=a"
    }));
    let deep =
        format!("{:?}", parse("category.products.name=a&category.products.stock=1&category.name=b").unwrap().filter);
    assert_eq!(deep.matches("Related").count(), 2, "{deep}");
}

#[test]
fn one_record_takes_select_and_timezone_only() {
    let record = |raw: &str| RecordQuery::parse(&SCHEMA_READ, TableId(1), raw);
    assert!(record("timezone=Europe/Paris&select=name").is_ok());
    for raw in ["name=a", "limit=1", "limit(1)", "sort=name", "select=name&select=id", "(select=name)", "select==name"]
    {
        assert!(record(raw).is_err(), "{raw}");
    }
}

/// The name of the attribute that an index is advised on.
fn advised(raw: &str) -> Option<String> {
    let schema = load(&[Source { name: Arc::from("s"), text: UNINDEXED.to_owned() }]).unwrap().schema;
    let query = Query::parse(&schema, TableId(0), raw).unwrap();
    let missing = query.missing_index(&schema);
    missing.map(|(table, attribute)| schema.table(table).attribute(attribute).name.clone())
}

const UNINDEXED: &str = "
type Person @table @export {
  id: ID @primaryKey  name: String @indexed  age: Int  size: Int  any: Any  anys: [Any]  home: Address  homes: [Address]
}
type Address { city: String }";

#[test]
fn an_index_is_advised_where_it_would_help() {
    for raw in [
        "age=1",
        "age=1&any=null",
        "name=ct=a&age=1",
        "age=null|name=a",
        "sort=age&limit=5",
        "any=null&sort=age&limit=5",
    ] {
        assert_eq!(advised(raw).as_deref(), Some("age"), "{raw}");
    }
    for raw in
        ["", "name=a&age=1", "id=a|name=a", "sort=name&limit=5", "sort=age", "age!=1", "name=ew=a", "age=not_in=(1,2)"]
    {
        assert_eq!(advised(raw), None, "{raw}");
    }
}

#[test]
fn no_index_is_advised_where_there_can_be_none() {
    for raw in [
        "any=null",
        "any!=null",
        "anys=null",
        "home=null",
        "homes=null",
        "home.city=a",
        "age=1|any=null",
        "age=1|home.city=a",
    ] {
        assert_eq!(advised(raw), None, "{raw}");
    }
}

#[test]
fn nothing_nests_without_end() {
    assert!(parse(&format!("{}name=a{}", "(".repeat(10), ")".repeat(10))).is_ok());
    assert!(parse(&format!("{}name=a{}", "(".repeat(8_000), ")".repeat(8_000))).is_err());
    assert!(parse(&format!("select={}id{}", "category{products{".repeat(500), "}}".repeat(500))).is_err());
    assert!(parse(&format!("{}name=a", "category.products.".repeat(500))).is_err());
    assert!(parse(&vec!["name=a"; 101].join("&")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_it_panic_and_positions_lie_inside(
        raw in "(name|price|stock|tags|made|category|products|limit|sort|select|timezone|null|[=&|()\\[\\]{}<>!,.*+:-]|=[a-z]{2,3}=|%[0-9A-Fa-f]{2}|%|[0-9]{1,20}|[a-z]{1,3}|é){0,24}"
    ) {
        if let Err(QueryError::Syntax { position, .. } | QueryError::UnknownAttribute { position, .. }) = parse(&raw) {
            prop_assert!(position <= raw.len());
        }
        _ = RecordQuery::parse(&SCHEMA_READ, TableId(1), &raw);
    }

    #[test]
    fn any_text_is_found_as_data(text in "\\PC{0,12}") {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let query = parse(&format!("name==string:{encoded}")).unwrap();
        let expected = stoa_schema::value::stored_text(&stoa_schema::model::Kind::String, text);
        let (filter, wanted) = (format!("{:?}", query.filter), format!("Equal(Text({expected:?}))"));
        prop_assert!(filter.contains(&wanted), "{} without {}", filter, wanted);
    }
}
