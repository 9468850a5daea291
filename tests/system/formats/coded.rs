//! Encoded request bodies: every coding, several at once, bombs and fragments.

use super::record::SCHEMA;
use std::io::Write;
use stoa_tests::client::Client;
use stoa_tests::server::Server;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];
const JSON: (&str, &str) = ("content-type", "application/json");

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut out, 4 << 10, 1, 22);
            encoder.write_all(body).unwrap();
            drop(encoder);
            out
        }
        _ => zstd::encode_all(body, 1).unwrap(),
    }
}

#[test]
fn bodies_are_decoded() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    for first in CODINGS {
        let body = encoded(first, br#"{"name":"x"}"#);
        client.send("PUT", "/Item/a", &[JSON, ("content-encoding", first)], &body).expect_stored();
        for second in CODINGS {
            let both = format!("{first}, {second}");
            let body = encoded(second, &body);
            client.send("PUT", "/Item/a", &[JSON, ("content-encoding", &both)], &body).expect_stored();
        }
    }
}

trait Stored {
    fn expect_stored(self);
}

impl Stored for stoa_tests::client::Answer {
    fn expect_stored(self) {
        assert!(matches!(self.status, 200 | 201), "{}", self.text());
        assert_eq!(self.body_json()["name"], "x");
    }
}

#[test]
fn bombs_are_refused_by_what_they_hold() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let zeros = vec![b' '; 200 << 20];
    for coding in CODINGS {
        let bomb = encoded(coding, &zeros);
        assert!(bomb.len() < 2 << 20);
        client.send("PUT", "/Item/a", &[JSON, ("content-encoding", coding)], &bomb).expect(413);
        let twice = encoded("gzip", &bomb);
        let both = format!("{coding}, gzip");
        client.send("PUT", "/Item/a", &[JSON, ("content-encoding", &both)], &twice).expect(413);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok()).unwrap();
    assert!(peak < 150 << 10, "{peak} KiB");
}

#[test]
fn fragments_are_refused() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    for coding in CODINGS {
        let body = encoded(coding, br#"{"name":"x"}"#);
        client.send("PUT", "/Item/a", &[JSON, ("content-encoding", coding)], &body[..body.len() - 3]).expect(400);
        client.send("PUT", "/Item/a", &[JSON, ("content-encoding", coding)], b"something else").expect(400);
    }
    client.send("PUT", "/Item/a", &[JSON, ("content-encoding", "gzip, gzip, gzip, gzip")], b"{}").expect(415);
    client.get("/Item/a").expect(404);
}
