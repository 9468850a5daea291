//! Values that are more than a column's text: what is stored comes back, and is in order.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends on the first surprise")]

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};
use stoa_schema::model::Schema;
use stoa_schema::sdl::{Source, load};
use stoa_schema::value::{
    Value, ViolationCode, base64, coerce, key_of_path, path_of_key, read_changes, read_record, shown_big_integer,
    write_shown,
};

const SCHEMA: &str = "
type Thing @table @open { id: ID @primaryKey big: BigInt data: Bytes any: Any anys: [Any] tree: Node trees: [Node] bigs: [BigInt] blobs: [Bytes] }
type Node { name: String children: [Node] any: Any big: BigInt data: Bytes }
type Line @table { key: [ID]! @primaryKey }";

static SCHEMA_READ: LazyLock<Schema> =
    LazyLock::new(|| load(&[Source { name: Arc::from("s"), text: SCHEMA.to_owned() }]).unwrap().schema);

/// The stored value that a body gives an attribute of `Thing`.
fn stored(name: &str, json: &str) -> Value {
    let table = &SCHEMA_READ.tables[0];
    let record = read_record(table, &format!("{{{}:{json}}}", Json::from(name))).unwrap();
    let id = table.attribute_named(name).or(table.open).unwrap();
    record.unwrap_or_else(|violations| panic!("{json}: {violations:?}"))[id.0].clone().unwrap()
}

/// The JSON that an attribute of `Thing` shows after it was stored.
fn shown(name: &str, json: &str) -> String {
    let table = &SCHEMA_READ.tables[0];
    let (Value::Json(text) | Value::List(text)) = stored(name, json) else { return "null".into() };
    let mut out = Vec::new();
    write_shown(table.attribute(table.attribute_named(name).unwrap()), &text, None, &mut out);
    String::from_utf8(out).unwrap()
}

fn big(digits: &str) -> String {
    match stored("big", digits) {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

/// The order of two integers by their digits.
fn numeric(a: &str, b: &str) -> Ordering {
    let size = |text: &str| (text.len(), text.to_owned());
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (None, None) => size(a).cmp(&size(b)),
        (Some(a), Some(b)) => size(b).cmp(&size(a)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

fn integer() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i128>().prop_map(|number| number.to_string()),
        (-1_000_i32..1_000).prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{0,60}",
        "-?[1-9][0-9]{990,999}",
    ]
}

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Json::from),
        "\\PC{0,8}|[\u{0}-\u{1f}\"\\\\/]{0,4}|2024-08-15T14:00:00\\.000Z".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map("\\PC{0,5}|[\"\\\\\n]", inner, 0..6)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn big_integers_are_stored_in_the_order_of_numbers(a in integer(), b in integer()) {
        prop_assert_eq!(big(&a).cmp(&big(&b)), numeric(&a, &b));
        prop_assert_eq!(&shown_big_integer(&big(&a)), &a);
        let table = &SCHEMA_READ.tables[0];
        let kind = &table.attribute(table.attribute_named("big").unwrap()).kind;
        prop_assert_eq!(coerce(kind, &a).unwrap(), Value::Text(big(&a)));
        prop_assert_eq!(shown("bigs", &format!("[{a},null,{b}]")), format!("[{a},null,{b}]"));
    }

    #[test]
    fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let text = Json::from(base64(&bytes)).to_string();
        prop_assert_eq!(stored("data", &text), Value::Bytes(bytes));
        prop_assert_eq!(shown("blobs", &format!("[{text}]")), format!("[{text}]"));
        prop_assert_eq!(shown("tree", &format!("{{\"data\":{text}}}")), format!("{{\"data\":{text}}}"));
    }

    #[test]
    fn any_json_comes_back(value in json_value()) {
        let (compact, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        prop_assert_eq!(&shown("any", &pretty), &compact);
        prop_assert_eq!(shown("anys", &format!("[{pretty}, {pretty}]")), format!("[{compact},{compact}]"));
        let inside = format!("{{\"name\":\"n\",\"any\":{compact}}}");
        prop_assert_eq!(&shown("tree", &inside), &inside);
    }

    #[test]
    fn no_body_makes_it_panic(body in "(\\{|\\}|\\[|\\]|,|:|\"(id|big|data|any|anys|tree|trees|name|children|__op__|value|x)\"|\"[^\"]{0,4}\"|-?[0-9.e]{1,8}|null|true|\\\\u[d0-9a-f]{4}|\\PC){0,30}") {
        for body in [body.clone(), format!("{{\"tree\":{body}}}"), format!("{{\"any\":{body}}}"), format!("{{\"x\":{body}}}")] {
            _ = read_record(&SCHEMA_READ.tables[0], &body);
            _ = read_changes(&SCHEMA_READ.tables[0], &body);
        }
    }

    #[test]
    fn a_path_leads_to_the_key_it_was_made_of(parts in prop::collection::vec("\\PC{1,6}", 1..5)) {
        let key = SCHEMA_READ.tables[1].key();
        let value = key_of_path(key, &parts).unwrap();
        prop_assert_eq!(&path_of_key(&value), &parts);
        let read = read_record(&SCHEMA_READ.tables[1], &json!({ "key": parts }).to_string()).unwrap().unwrap();
        prop_assert_eq!(read[0].clone(), Some(value));
    }
}

#[test]
fn numbers_in_any_stay_as_they_are_written() {
    for text in ["1.50", "-0", "1e400", "12345678901234567890123", "[1E+2,0.10]"] {
        assert_eq!(shown("any", text), text);
    }
    assert_eq!(stored("extra", "1.50"), Value::Json("{\"extra\":1.50}".into()));
}

#[test]
fn values_nest_to_the_limit() {
    let tree = |depth: usize| {
        format!("{{\"tree\":{}{{\"name\":\"n\"}}{}}}", "{\"children\":[".repeat(depth), "]}".repeat(depth))
    };
    let code = |body: &str| {
        let read = read_record(&SCHEMA_READ.tables[0], body).unwrap();
        read.map(|_| ()).map_err(|violations| violations[0].code)
    };
    assert_eq!(code(&tree(31)), Ok(()));
    assert_eq!(code(&tree(32)), Err(ViolationCode::Depth));
    assert_eq!(code(&tree(50_000)), Err(ViolationCode::Depth));
    let bomb = |name: &str| format!("{{\"{name}\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for name in ["any", "extra"] {
        assert_eq!(code(&bomb(name)), Err(ViolationCode::Depth), "{name}");
    }
    assert_eq!(code(&bomb("tree")), Err(ViolationCode::Type));
}
