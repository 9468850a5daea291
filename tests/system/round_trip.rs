//! What is put is what is got: numbers bit by bit, texts character by character, records as they were read.
//!
//! The cases are the same in every run. `STOA_LONG=1` makes them many.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use stoa_tests::client::Client;
use stoa_tests::server::{Server, long};

const SCHEMA: &str = "type Item @table @export {
  id: ID @primaryKey
  double: Float @indexed
  long: Long @indexed
  int: Int
  text: String @indexed
  doubles: [Float]
  longs: [Long] @indexed
  texts: [String] @indexed
  other: Int
  createdAt: String @createdTime
  updatedAt: String @updatedTime
}";

fn check<S: Strategy>(strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = if long() { 20_000 } else { 300 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    runner.run(&strategy, test).unwrap_or_else(|error| panic!("{error}"));
}

fn doubles() -> impl Strategy<Value = f64> {
    let any_bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    let edges =
        [0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, f64::EPSILON, 0.1, 1e21, 1e-7, 9_007_199_254_740_993.0];
    prop_oneof![4 => any_bits, 1 => proptest::sample::select(edges.to_vec()), 1 => any::<i32>().prop_map(f64::from)]
}

fn longs() -> impl Strategy<Value = i64> {
    let edges = [0, -1, i64::MAX, i64::MIN, 9_007_199_254_740_993, -9_007_199_254_740_993];
    prop_oneof![4 => any::<i64>(), 1 => proptest::sample::select(edges.to_vec())]
}

/// −0 may come back as 0.
fn bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

fn double_bits(found: &Json) -> Option<u64> {
    found.as_f64().map(bits)
}

fn path(id: &str) -> String {
    id.bytes().fold("/Item/".to_owned(), |mut path, byte| {
        write!(path, "%{byte:02X}").expect("a text grows");
        path
    })
}

#[test]
fn doubles_keep_every_bit() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    check((doubles(), proptest::collection::vec(doubles(), 0..8)), |(number, list)| {
        let expected: Vec<Option<u64>> = list.iter().map(|number| Some(bits(*number))).collect();
        let held = |record: &Json| -> Result<(), TestCaseError> {
            prop_assert_eq!(double_bits(&record["double"]), Some(bits(number)), "{}", record);
            let elements = record["doubles"].as_array().cloned().unwrap_or_default();
            prop_assert_eq!(elements.iter().map(double_bits).collect::<Vec<_>>(), expected.clone(), "{}", record);
            Ok(())
        };
        let body = json!({"double": number, "doubles": list});
        let answer = client.json("PUT", "/Item/d", &body);
        prop_assert!(answer.status < 300, "{}: {}", body, answer.text());
        held(&answer.body_json())?;
        held(&client.get("/Item/d").expect(200).body_json())?;
        client.json("PATCH", "/Item/d", &json!({"other": 1})).expect(200);
        held(&client.get("/Item/d").expect(200).body_json())?;
        held(&client.get("/Item/?id=d").expect(200).body_json()[0])?;
        let found = client.get(&format!("/Item/?double={number:e}&select(id)")).expect(200).body_json();
        prop_assert_eq!(found, json!(["d"]), "{:e} is not found", number);
        Ok(())
    });
}

#[test]
fn doubles_may_be_written_with_all_their_digits() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    check(doubles(), |number| {
        let body = format!("{{\"double\":{number:.1080}}}");
        let answer = client.send("PUT", "/Item/d", &[("content-type", "application/json")], body.as_bytes());
        prop_assert!(answer.status < 300, "{}", answer.text());
        prop_assert_eq!(double_bits(&answer.body_json()["double"]), Some(bits(number)));
        Ok(())
    });
}

#[test]
fn integers_keep_every_digit() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    check((longs(), any::<i32>(), proptest::collection::vec(longs(), 0..8)), |(long, int, list)| {
        let held = |record: &Json| -> Result<(), TestCaseError> {
            prop_assert_eq!(&record["long"], &json!(long));
            prop_assert_eq!(&record["int"], &json!(int));
            prop_assert_eq!(&record["longs"], &json!(list));
            Ok(())
        };
        let answer = client.json("PUT", "/Item/i", &json!({"long": long, "int": int, "longs": list}));
        prop_assert!(answer.status < 300, "{}", answer.text());
        held(&answer.body_json())?;
        held(&client.get("/Item/i").expect(200).body_json())?;
        client.json("PATCH", "/Item/i", &json!({"other": 1})).expect(200);
        held(&client.get("/Item/i").expect(200).body_json())?;
        let found = client.get(&format!("/Item/?long={long}&int={int}&select(id)")).expect(200).body_json();
        prop_assert_eq!(found, json!(["i"]), "{} is not found", long);
        Ok(())
    });
}

#[test]
fn texts_keep_every_character() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    check((any::<String>(), proptest::collection::vec(any::<String>(), 0..4)), |(text, list)| {
        let held = |record: &Json| -> Result<(), TestCaseError> {
            prop_assert_eq!(&record["text"], &json!(text));
            prop_assert_eq!(&record["texts"], &json!(list));
            Ok(())
        };
        let answer = client.json("PUT", "/Item/t", &json!({"text": text, "texts": list}));
        prop_assert!(answer.status < 300, "{}", answer.text());
        held(&answer.body_json())?;
        held(&client.get("/Item/t").expect(200).body_json())?;
        client.json("PATCH", "/Item/t", &json!({"other": 1})).expect(200);
        held(&client.get("/Item/t").expect(200).body_json())?;
        let encoded = path(&text).split_off("/Item/".len());
        let found = client.get(&format!("/Item/?text={encoded}&select(id)")).expect(200).body_json();
        prop_assert_eq!(found, json!(["t"]), "{:?} is not found", text);
        Ok(())
    });
}

#[test]
fn ids_keep_every_character() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    check(any::<String>().prop_filter("1 to 1024 bytes", |id| (1..=1024).contains(&id.len())), |id| {
        let answer = client.json("POST", "/Item/", &json!({"id": id}));
        prop_assert_eq!(answer.status, 201, "{}", answer.text());
        let location = answer.header("location").unwrap_or_default().to_owned();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~%/".contains(&byte);
        prop_assert!(location.bytes().all(plain), "{}", location);
        for at in [location, path(&id)] {
            let found = client.get(&at);
            prop_assert_eq!(found.status, 200, "{}: {}", at, found.text());
            prop_assert_eq!(&found.body_json()["id"], &json!(id));
        }
        prop_assert_eq!(client.delete(&path(&id)).status, 204);
        Ok(())
    });
    assert_eq!(client.get("/Item/").expect(200).body_json(), json!([]));
}

#[test]
fn what_was_read_can_be_put_back() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let body = json!({"double": 0.1, "long": 9_007_199_254_740_993_i64, "text": "2024-08-15T10:30:00-04:00", "texts": ["a", ""]});
    let made = client.json("PUT", "/Item/a", &body).expect(201).body_json();
    let mut read = client.get("/Item/a").expect(200).body_json();
    assert_eq!(read, made);
    let mut put = client.json("PUT", "/Item/a", &read).expect(200).body_json();
    assert_eq!(put["createdAt"], made["createdAt"], "PUT keeps @createdTime");
    let (before, after) =
        (read["updatedAt"].as_str().unwrap().to_owned(), put["updatedAt"].as_str().unwrap().to_owned());
    assert!(after >= before, "{before} … {after}");
    read["updatedAt"] = Json::Null;
    put["updatedAt"] = Json::Null;
    assert_eq!(put, read);
}

#[test]
fn the_servers_own_times_are_the_servers() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let old = "1999-01-01T00:00:00Z";
    let stamps = json!({"createdAt": old, "updatedAt": old});
    let made = client.json("PUT", "/Item/a", &stamps).expect(201).body_json();
    assert_ne!(made["createdAt"], json!(old));
    assert_ne!(made["updatedAt"], json!(old));
    let patched = client
        .json("PATCH", "/Item/a", &json!({"createdAt": old, "updatedAt": old, "other": 1}))
        .expect(200)
        .body_json();
    assert_eq!(patched["createdAt"], made["createdAt"]);
    assert_ne!(patched["updatedAt"], json!(old));
    let put = client.json("PUT", "/Item/a", &json!({})).expect(200).body_json();
    assert_eq!(put["createdAt"], made["createdAt"]);
    assert_eq!(put["other"], Json::Null);
}
