//! Records by their id: each answer is that of the last write, and a refusal is not remembered.

use super::{commit, delete, is_hit, patch, put, says, shop, tag};
use serde_json::json;
use stoa_tests::client::Client;

#[test]
fn a_record_that_is_read_twice_is_had_from_before() {
    let (_server, client) = shop();
    for path in ["/Product/lamp", "/Product/lamp?select=id,name", "/Product/lamp.price", "/Product/lamp.csv"] {
        let first = client.get(path).expect(200);
        let second = client.get(path).expect(200);
        assert_ne!(is_hit(&first), Some(true), "{path}: nobody has asked before");
        assert_ne!(is_hit(&second), Some(false), "{path}");
        assert_eq!(first.body, second.body, "{path}");
        for name in ["etag", "content-type", "cache-control", "vary", "stoa-seq"] {
            assert!(first.header(name).is_some(), "{path} has no {name}");
            assert_eq!(first.header(name), second.header(name), "{path}: {name}");
        }
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"), "{path}");
    }
}

/// What the lamp shows, in whole and in parts.
fn shows_price(client: &Client, price: i64) {
    says(
        client,
        "/Product/lamp",
        &format!(
            r#"{{"id":"lamp","name":"Lamp","price":{price},"stock":2,"inStock":true,"categoryId":"home","since":null}}"#
        ),
    );
    says(client, "/Product/lamp?select=price", &format!(r#"{{"price":{price}}}"#));
    says(
        client,
        "/Product/lamp?select=price,category{name}",
        &format!(r#"{{"price":{price},"category":{{"name":"Home"}}}}"#),
    );
    says(client, "/Product/lamp.price", &price.to_string());
    says(client, "/Product/lamp.csv?select=id,price", &format!("id,price\r\nlamp,{price}\r\n"));
}

#[test]
fn every_kind_of_write_is_seen_by_the_next_read() {
    let (_server, client) = shop();
    shows_price(&client, 30);
    patch(&client, "/Product/lamp", &json!({"price": 31}));
    shows_price(&client, 31);
    patch(&client, "/Product/lamp", &json!({"price": {"__op__": "add", "value": 2}}));
    shows_price(&client, 33);
    put(&client, "/Product/lamp", &json!({"name": "Lamp", "price": 34, "stock": 2, "categoryId": "home"}));
    shows_price(&client, 34);
    patch(&client, "/Product/?name=Lamp", &json!({"price": 35}));
    shows_price(&client, 35);
    put(&client, "/Product/", &json!([{"id": "lamp", "name": "Lamp", "price": 36, "stock": 2, "categoryId": "home"}]));
    shows_price(&client, 36);
    commit(&client, &[("PATCH", "/Product/lamp", json!({"price": 37}))]).expect(200);
    shows_price(&client, 37);
    let merged = [("content-type", "application/json"), ("prefer", "resolution=merge-duplicates, return=minimal")];
    client.send("POST", "/Product/", &merged, br#"{"id":"lamp","price":38}"#).expect(204);
    shows_price(&client, 38);
    let csv = b"id,name,price,stock,categoryId\r\nlamp,Lamp,39,2,home\r\n";
    client.send("PUT", "/Product/", &[("content-type", "text/csv")], csv).expect(200);
    shows_price(&client, 39);
}

#[test]
fn a_refused_write_changes_no_answer() {
    let (_server, client) = shop();
    shows_price(&client, 30);
    let seen = tag(&client.get("/Product/lamp"));
    client.json("PATCH", "/Product/lamp", &json!({"price": "much"})).expect(422);
    let refused = [("PATCH", "/Product/lamp", json!({"price": 99})), ("PATCH", "/Product/none", json!({"price": 1}))];
    commit(&client, &refused).expect(404);
    let stale = [("content-type", "application/json"), ("if-match", "\"1\"")];
    client.send("PATCH", "/Product/lamp", &stale, br#"{"price":98}"#).expect(412);
    shows_price(&client, 30);
    assert_eq!(tag(&client.get("/Product/lamp")), seen);
}

#[test]
fn what_is_deleted_is_gone_and_what_comes_again_is_another() {
    let (_server, client) = shop();
    says(&client, "/Product/lamp.name", "\"Lamp\"");
    let before = tag(&client.get("/Product/lamp").expect(200));
    delete(&client, "/Product/lamp");
    for path in ["/Product/lamp", "/Product/lamp.name", "/Product/lamp?select=id", "/Product/lamp.cbor"] {
        client.get(path).expect(404);
        client.get(path).expect(404);
    }
    client.json("POST", "/Product/", &json!({"id": "lamp", "name": "Lamp 2"})).expect(201);
    says(&client, "/Product/lamp.name", "\"Lamp 2\"");
    assert_ne!(tag(&client.get("/Product/lamp").expect(200)), before);
    client.send("GET", "/Product/lamp", &[("if-none-match", &before)], b"").expect(200);
}

#[test]
fn a_problem_is_not_remembered() {
    let (_server, client) = shop();
    for _ in 0..3 {
        assert_ne!(is_hit(&client.get("/Product/vase").expect(404)), Some(true));
        client.get("/Product/vase.name").expect(404);
        client.get("/Product/?price=ten").expect(400);
        client.get("/Product/?after=nothing&sort=price").expect(400);
        client.send("GET", "/Product/lamp", &[("accept", "image/png")], b"").expect(406);
    }
    put(&client, "/Product/vase", &json!({"name": "Vase"}));
    says(&client, "/Product/vase.name", "\"Vase\"");
    client.get("/Product/?price=ten").expect(400);
    client.send("GET", "/Product/lamp", &[("accept", "image/png")], b"").expect(406);
    client.get("/Product/lamp").expect(200);
}

#[test]
fn a_tag_is_that_of_what_is_there() {
    let (_server, client) = shop();
    for path in ["/Product/lamp", "/Product/lamp?select=price", "/Product/?price=lt=50&select=id,price"] {
        patch(&client, "/Product/lamp", &json!({"price": 30}));
        let read = |method: &str, tags: &str| client.send(method, path, &[("if-none-match", tags)], b"");
        let first = tag(&client.get(path).expect(200));
        for method in ["GET", "HEAD", "GET", "HEAD"] {
            let answer = read(method, &first).expect(304);
            assert_eq!((tag(&answer), answer.body.len()), (first.clone(), 0), "{method} {path}");
        }
        patch(&client, "/Product/lamp", &json!({"price": 31}));
        for method in ["HEAD", "GET", "HEAD", "GET"] {
            let answer = read(method, &first).expect(200);
            assert_ne!(tag(&answer), first, "{method} {path}");
            assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
        }
        let second = tag(&client.get(path).expect(200));
        read("GET", &format!("{first}, {second}")).expect(304);
        read("HEAD", &format!("\"other\", W/{second}")).expect(304);
    }
}

#[test]
fn head_says_what_get_says() {
    let (_server, client) = shop();
    for price in [30, 31] {
        patch(&client, "/Product/lamp", &json!({"price": price}));
        for path in ["/Product/lamp", "/Product/lamp.csv", "/Product/?sort=price&limit=1", "/Product/?price=gt=1000"] {
            for _ in 0..2 {
                let head = client.send("HEAD", path, &[("prefer", "count=exact")], b"").expect(200);
                let read = client.send("GET", path, &[("prefer", "count=exact")], b"").expect(200);
                assert!(head.body.is_empty() && !read.body.is_empty(), "{path}");
                for name in ["etag", "content-type", "content-range", "link", "cache-control", "vary", "stoa-seq"] {
                    assert_eq!(head.header(name), read.header(name), "{path}: {name}");
                }
            }
        }
    }
}

/// Whoever was told of a position is answered with at least that, and told so.
#[test]
fn an_answer_from_before_says_no_less_than_was_asked() {
    let (_server, client) = shop();
    let number = |seq: &str| seq.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    for path in ["/Product/lamp.price", "/Product/?id=lamp&select(price)", "/Category/?select(id)"] {
        let before = client.get(path).expect(200).text();
        says(&client, path, &before);
        // Something else changes, and the answer is the same.
        let other = client.json("PATCH", "/Product/rug", &json!({"price": 81})).expect(200);
        let seq = other.header("stoa-seq").unwrap().to_owned();
        for _ in 0..2 {
            let answer = client.send("GET", path, &[("stoa-seq", &seq)], b"").expect(200);
            let told = answer.header("stoa-seq").unwrap();
            assert!(number(told) >= number(&seq), "GET {path} after {seq} says {told}");
        }
    }
}
