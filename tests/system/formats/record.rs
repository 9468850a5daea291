//! A record as the tests see it, and each format by a decoder of another make than the server's.

use ciborium::Value as Cbor;
use proptest::prelude::*;
use rmpv::Value as MessagePack;
use serde_json::{Value as Json, json};

pub(super) const SCHEMA: &str = "type Item @table @export { id: ID @primaryKey name: String count: Int total: Long price: Float done: Boolean tags: [String] prices: [Float] totals: [Long] }";

const NAMES: [&str; 9] = ["id", "name", "count", "total", "price", "done", "tags", "prices", "totals"];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) count: Option<i32>,
    pub(super) total: Option<i64>,
    pub(super) price: Option<f64>,
    pub(super) done: Option<bool>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) prices: Option<Vec<f64>>,
    pub(super) totals: Option<Vec<i64>>,
}

impl Record {
    pub(super) fn numbered(at: i64) -> Self {
        Self {
            id: format!("{at:06}"),
            name: Some(format!("Name {at}, with a comma")),
            count: Some(at as i32),
            total: Some(i64::MAX - at),
            price: Some(at as f64 / 3.0),
            done: Some(at % 2 == 0),
            tags: (at % 3 > 0).then(|| vec!["a".to_owned(), format!("\"{at}\"")]),
            prices: None,
            totals: Some(vec![at, -at]),
        }
    }
}

/// Doubles of every size; −0 comes back as 0.
fn double() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL};
    (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL).prop_map(|number| if number == 0.0 { 0.0 } else { number })
}

/// Texts with all that a format could trip over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\",\r\n\u{0}\u{feff} a]{0,6}", Just("null".to_owned()), Just(String::new())]
}

pub(super) fn records() -> impl Strategy<Value = Record> {
    use proptest::collection::vec;
    use proptest::option::of;
    let numbers = (of(any::<i32>()), of(any::<i64>()), of(double()), of(any::<bool>()));
    let lists = (of(vec(text(), 0..4)), of(vec(double(), 0..4)), of(vec(any::<i64>(), 0..40)));
    (of(text()), numbers, lists).prop_map(|(name, (count, total, price, done), (tags, prices, totals))| Record {
        id: "same".into(),
        name,
        count,
        total,
        price,
        done,
        tags,
        prices,
        totals,
    })
}

/// A format: how records are written and read, apart from the server.
pub(super) struct Format {
    pub(super) suffix: &'static str,
    pub(super) media_type: &'static str,
    pub(super) encode: fn(&[Record]) -> Vec<u8>,
    pub(super) decode: fn(&[u8]) -> Vec<Record>,
}

pub(super) const FORMATS: &[Format] = &[
    Format { suffix: ".json", media_type: "application/json", encode: to_json, decode: from_json },
    Format { suffix: ".ndjson", media_type: "application/x-ndjson", encode: to_ndjson, decode: from_ndjson },
    Format { suffix: ".csv", media_type: "text/csv", encode: to_csv, decode: from_csv },
    Format { suffix: ".cbor", media_type: "application/cbor", encode: to_cbor, decode: from_cbor },
    Format { suffix: ".msgpack", media_type: "application/msgpack", encode: to_msgpack, decode: from_msgpack },
];

fn json_of(it: &Record) -> Json {
    json!({"id": it.id, "name": it.name, "count": it.count, "total": it.total, "price": it.price, "done": it.done,
        "tags": it.tags, "prices": it.prices, "totals": it.totals})
}

fn of_json(it: &Json) -> Record {
    assert_eq!(it.as_object().unwrap().keys().collect::<Vec<_>>(), NAMES);
    let list = |name: &str| it[name].as_array();
    Record {
        id: it["id"].as_str().unwrap().to_owned(),
        name: it["name"].as_str().map(str::to_owned),
        count: it["count"].as_i64().map(|number| number.try_into().unwrap()),
        total: it["total"].as_i64(),
        price: it["price"].as_f64(),
        done: it["done"].as_bool(),
        tags: list("tags").map(|list| list.iter().map(|it| it.as_str().unwrap().to_owned()).collect()),
        prices: list("prices").map(|list| list.iter().map(|it| it.as_f64().unwrap()).collect()),
        totals: list("totals").map(|list| list.iter().map(|it| it.as_i64().unwrap()).collect()),
    }
}

fn to_json(records: &[Record]) -> Vec<u8> {
    Json::from_iter(records.iter().map(json_of)).to_string().into_bytes()
}

fn from_json(body: &[u8]) -> Vec<Record> {
    serde_json::from_slice::<Vec<Json>>(body).unwrap().iter().map(of_json).collect()
}

fn to_ndjson(records: &[Record]) -> Vec<u8> {
    records.iter().map(|it| format!("{}\n", json_of(it))).collect::<String>().into_bytes()
}

fn from_ndjson(body: &[u8]) -> Vec<Record> {
    body.split_inclusive(|byte| *byte == b'\n').map(|line| of_json(&serde_json::from_slice(line).unwrap())).collect()
}

fn to_csv(records: &[Record]) -> Vec<u8> {
    let mut text = format!("{}\n", NAMES.join(","));
    for record in records {
        let json = json_of(record);
        let field = |name: &&str| match &json[*name] {
            Json::Null => String::new(),
            Json::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
            other => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
        };
        text.push_str(&NAMES.iter().map(field).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text.into_bytes()
}

/// The fields of each line; `None` where nothing stands between two commas.
fn csv_lines(body: &str) -> Vec<Vec<Option<String>>> {
    let (mut lines, mut line, mut field) = (Vec::new(), Vec::new(), None::<String>);
    let (mut chars, mut quoted) = (body.chars().peekable(), false);
    while let Some(next) = chars.next() {
        match (quoted, next) {
            (true, '"') if chars.peek() == Some(&'"') => field.get_or_insert_default().extend(chars.next()),
            (_, '"') => {
                quoted = !quoted;
                field.get_or_insert_default();
            }
            (false, ',') => line.push(field.take()),
            (false, '\r') => {
                assert_eq!(chars.next(), Some('\n'));
                line.push(field.take());
                lines.push(std::mem::take(&mut line));
            }
            (_, other) => field.get_or_insert_default().push(other),
        }
    }
    lines
}

fn from_csv(body: &[u8]) -> Vec<Record> {
    let mut lines = csv_lines(std::str::from_utf8(body).unwrap()).into_iter();
    let header: Vec<String> = lines.next().unwrap().into_iter().flatten().collect();
    assert_eq!(header, NAMES);
    let record = |fields: Vec<Option<String>>| {
        let [id, name, rest @ ..] = fields.as_slice() else { panic!("{fields:?}") };
        let mut json = json!({"id": id, "name": name});
        for (name, field) in NAMES[2..].iter().zip(rest) {
            json[*name] = field.as_ref().map_or(Json::Null, |text| serde_json::from_str(text).unwrap());
        }
        of_json(&json)
    };
    lines.map(record).collect()
}

fn to_cbor(records: &[Record]) -> Vec<u8> {
    fn item(json: &Json, float: bool) -> Cbor {
        match json {
            Json::Null => Cbor::Null,
            Json::Bool(flag) => Cbor::Bool(*flag),
            Json::Number(number) if float => Cbor::Float(number.as_f64().unwrap()),
            Json::Number(number) => Cbor::Integer(number.as_i64().unwrap().into()),
            Json::String(text) => Cbor::Text(text.clone()),
            Json::Array(list) => Cbor::Array(list.iter().map(|it| item(it, float)).collect()),
            Json::Object(map) => Cbor::Map(
                map.iter().map(|(name, it)| (Cbor::Text(name.clone()), item(it, name.starts_with("price")))).collect(),
            ),
        }
    }
    let mut body = Vec::new();
    ciborium::into_writer(&Cbor::Array(records.iter().map(|it| item(&json_of(it), false)).collect()), &mut body)
        .unwrap();
    body
}

/// As JSON, once every value has been found to have the type that its attribute has.
fn typed(name: &str, float: Option<f64>, integer: Option<i64>) -> Json {
    match (name.starts_with("price"), float, integer) {
        (true, Some(number), None) => json!(number),
        (false, None, Some(number)) => json!(number),
        other => panic!("{name}: {other:?}"),
    }
}

fn from_cbor(body: &[u8]) -> Vec<Record> {
    fn json(name: &str, it: &Cbor) -> Json {
        match it {
            Cbor::Null => Json::Null,
            Cbor::Bool(flag) => Json::Bool(*flag),
            Cbor::Text(text) => Json::String(text.clone()),
            Cbor::Array(list) => list.iter().map(|it| json(name, it)).collect(),
            other => typed(name, other.as_float(), other.as_integer().map(|it| it.try_into().unwrap())),
        }
    }
    let record = |it: &Cbor| {
        let members = it.as_map().unwrap().iter().map(|(name, it)| {
            let name = name.as_text().unwrap();
            (name.to_owned(), json(name, it))
        });
        of_json(&Json::Object(members.collect()))
    };
    ciborium::from_reader::<Cbor, _>(body).unwrap().as_array().unwrap().iter().map(record).collect()
}

fn to_msgpack(records: &[Record]) -> Vec<u8> {
    fn item(json: &Json, float: bool) -> MessagePack {
        match json {
            Json::Null => MessagePack::Nil,
            Json::Bool(flag) => MessagePack::Boolean(*flag),
            Json::Number(number) if float => MessagePack::F64(number.as_f64().unwrap()),
            Json::Number(number) => MessagePack::Integer(number.as_i64().unwrap().into()),
            Json::String(text) => text.as_str().into(),
            Json::Array(list) => MessagePack::Array(list.iter().map(|it| item(it, float)).collect()),
            Json::Object(map) => MessagePack::Map(
                map.iter().map(|(name, it)| (name.as_str().into(), item(it, name.starts_with("price")))).collect(),
            ),
        }
    }
    let mut body = Vec::new();
    let list = MessagePack::Array(records.iter().map(|it| item(&json_of(it), false)).collect());
    rmpv::encode::write_value(&mut body, &list).unwrap();
    body
}

fn from_msgpack(mut body: &[u8]) -> Vec<Record> {
    fn json(name: &str, it: &MessagePack) -> Json {
        match it {
            MessagePack::Nil => Json::Null,
            MessagePack::Boolean(flag) => Json::Bool(*flag),
            MessagePack::String(text) => Json::String(text.as_str().unwrap().to_owned()),
            MessagePack::Array(list) => list.iter().map(|it| json(name, it)).collect(),
            MessagePack::F64(number) => typed(name, Some(*number), None),
            other => typed(name, None, other.as_i64()),
        }
    }
    let record = |it: &MessagePack| {
        let members = it.as_map().unwrap().iter().map(|(name, it)| {
            let name = name.as_str().unwrap();
            (name.to_owned(), json(name, it))
        });
        of_json(&Json::Object(members.collect()))
    };
    let list = rmpv::decode::read_value(&mut body).unwrap();
    assert!(body.is_empty());
    list.as_array().unwrap().iter().map(record).collect()
}
