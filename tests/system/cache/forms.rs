//! Forms of one record: formats, codings, zones. Each follows the record, and none is taken for another.

use super::{patch, put, shop, tag};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Read;
use stoa_tests::client::{Answer, Client};

/// What a body holds once its coding is taken off.
pub(super) fn unpacked(coding: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        None => plain.extend_from_slice(body),
        Some("gzip") => _ = flate2::read::GzDecoder::new(body).read_to_end(&mut plain).expect("gzip"),
        Some("br") => _ = brotli::Decompressor::new(body, 4_096).read_to_end(&mut plain).expect("br"),
        Some("zstd") => plain = zstd::decode_all(body).expect("zstd"),
        Some(other) => panic!("{other} was not asked for"),
    }
    plain
}

fn asked(client: &Client, path: &str, name: &str, value: &str) -> Answer {
    client.send("GET", path, &[(name, value)], b"").expect(200)
}

#[test]
fn every_coding_follows_the_record() {
    let (_server, client) = shop();
    for path in ["/Review/r", "/Review/r?select=text", "/Review/?stars=1", "/Review/r.text"] {
        for letter in ["a", "b"] {
            let text = letter.repeat(3_000);
            put(&client, "/Review/r", &json!({"productId": "lamp", "stars": 1, "text": text}));
            let plain = client.get(path).expect(200);
            let mut tags = BTreeSet::from([tag(&plain)]);
            for coding in ["gzip", "br", "zstd"] {
                for _ in 0..2 {
                    let answer = asked(&client, path, "accept-encoding", coding);
                    assert_eq!(answer.header("content-encoding"), Some(coding), "{path}");
                    assert_eq!(unpacked(Some(coding), &answer.body), plain.body, "{path} {coding}");
                    let own = tag(&answer);
                    let headers = [("accept-encoding", coding), ("if-none-match", own.as_str())];
                    client.send("GET", path, &headers, b"").expect(304);
                    // The tag of one form is none of another.
                    let headers = [("accept-encoding", coding), ("if-none-match", &tag(&plain))];
                    client.send("GET", path, &headers, b"").expect(200);
                    client.send("GET", path, &[("if-none-match", &own)], b"").expect(200);
                    tags.insert(own);
                }
            }
            assert_eq!(tags.len(), 4, "{path}: {tags:?}");
            let again = client.get(path).expect(200);
            assert_eq!(again.header("content-encoding"), None, "{path}");
            assert_eq!(again.body, plain.body, "{path}");
        }
    }
}

#[test]
fn every_format_follows_the_record() {
    let (_server, client) = shop();
    for (price, digits, cbor) in [(30, "30", &[0x18, 30][..]), (7, "7", &[7][..])] {
        patch(&client, "/Product/lamp", &json!({"price": price}));
        for _ in 0..2 {
            let read = |accept: &str| asked(&client, "/Product/lamp?select=price", "accept", accept);
            assert_eq!(read("application/json").text(), format!(r#"{{"price":{digits}}}"#));
            assert_eq!(read("application/x-ndjson").text(), format!("{{\"price\":{digits}}}\n"));
            assert_eq!(read("text/csv").text(), format!("price\r\n{digits}\r\n"));
            assert_eq!(read("application/cbor").body, [b"\xa1\x65price", cbor].concat());
            assert_eq!(read("application/msgpack").body, [b"\x81\xa5price", &[price][..]].concat());
            let kinds =
                ["application/json", "application/x-ndjson", "text/csv", "application/cbor", "application/msgpack"];
            let tags: BTreeSet<String> = kinds.iter().map(|kind| tag(&read(kind))).collect();
            assert_eq!(tags.len(), 5, "{tags:?}");
            // A suffix and a weight are other ways to ask for the same.
            assert_eq!(client.get("/Product/lamp.csv?select=price").text(), format!("price\r\n{digits}\r\n"));
            assert_eq!(read("text/csv;q=0.5, application/json;q=0.1").text(), format!("price\r\n{digits}\r\n"));
        }
    }
}

#[test]
fn every_zone_shows_its_own_time() {
    let (_server, client) = shop();
    for (stored, utc, paris, tokyo) in [
        ("2024-08-15T10:00:00Z", "2024-08-15T10:00:00Z", "2024-08-15T12:00:00+02:00", "2024-08-15T19:00:00+09:00"),
        ("2024-12-24T23:30:00Z", "2024-12-24T23:30:00Z", "2024-12-25T00:30:00+01:00", "2024-12-25T08:30:00+09:00"),
    ] {
        patch(&client, "/Product/lamp", &json!({"since": stored}));
        for _ in 0..2 {
            for (zone, shown) in [("", utc), ("&timezone=Europe/Paris", paris), ("&timezone=Asia/Tokyo", tokyo)] {
                let one = client.get(&format!("/Product/lamp?select=since{zone}")).expect(200);
                assert_eq!(one.text(), format!(r#"{{"since":"{shown}"}}"#));
                let list = client.get(&format!("/Product/?id=lamp&select(since){zone}")).expect(200);
                assert_eq!(list.text(), format!(r#"["{shown}"]"#));
            }
        }
    }
}

/// Origin and preferences are no part of what is kept.
#[test]
fn what_is_said_to_one_is_not_said_to_another() {
    let (_server, client) = shop();
    for _ in 0..3 {
        let named = asked(&client, "/Product/lamp", "x-request-id", "mine");
        assert_eq!(named.header("x-request-id"), Some("mine"));
        assert_ne!(client.get("/Product/lamp").header("x-request-id"), Some("mine"));
        let foreign = client.send("GET", "/Product/lamp", &[("origin", "https://evil.example")], b"");
        assert_eq!(foreign.status, 403, "{}", foreign.text());
        assert_eq!(client.get("/Product/lamp").expect(200).header("access-control-allow-origin"), None);
    }
}
