//! Records in every format, in and out, read by decoders that the server does not use; and encoded bodies.

mod coded;
mod record;

use proptest::test_runner::{Config, TestRunner};
use record::{FORMATS, Record, SCHEMA, records};
use stoa_tests::client::{Answer, Client};
use stoa_tests::server::Server;

#[test]
fn any_record_survives_every_format() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let mut runner = TestRunner::new(Config { cases: 150, ..Config::default() });
    let kept = runner.run(&records(), |record| {
        for sent in FORMATS {
            let headers = [("content-type", sent.media_type), ("prefer", "return=minimal")];
            let answer = client.send("PUT", "/Item/", &headers, &(sent.encode)(std::slice::from_ref(&record)));
            assert!(matches!(answer.status, 200 | 204), "{}: {}", sent.media_type, answer.text());
            for asked in FORMATS {
                let answer = client.get(&format!("/Item/{}?id=same", asked.suffix));
                assert_eq!(
                    (asked.decode)(&answer.body),
                    std::slice::from_ref(&record),
                    "{} to {}",
                    sent.suffix,
                    asked.suffix
                );
            }
        }
        Ok(())
    });
    kept.unwrap();
}

/// Lines that cannot be read are found a chunk before those that cannot be stored.
#[test]
fn the_first_lines_that_fail_are_listed() {
    let server = Server::with_schema("type Item @table @export { id: ID @primaryKey }");
    let client = Client::new(&server.base);
    let stored: String = (0..1_100).map(|at| format!("{{\"id\":\"i{at}\"}}\n")).collect();
    let import = |body: &str| {
        let headers = [("content-type", "application/x-ndjson")];
        client.send("POST", "/Item/", &headers, body.as_bytes()).expect(200).body_json()
    };
    assert_eq!(import(&stored)["inserted"], 1_100);
    let report = import(&(stored + &"no record\n".repeat(100)));
    let listed: Vec<u64> = report["failed"].as_array().unwrap().iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert_eq!(listed, (1..=1_000).collect::<Vec<u64>>());
    assert_eq!(report["failedBeyond"], 200);
}

/// Records enough that their list is streamed.
fn long_list(client: &Client) -> Vec<Record> {
    let records: Vec<Record> = (0..9_000).map(Record::numbered).collect();
    let json = &FORMATS[0];
    for part in records.chunks(3_000) {
        let headers = [("content-type", json.media_type), ("prefer", "return=minimal")];
        client.send("POST", "/Item/", &headers, &(json.encode)(part)).expect(201);
    }
    records
}

#[test]
fn a_streamed_list_is_whole_in_every_format() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let records = long_list(&client);
    for format in FORMATS {
        let answer = client.get(&format!("/Item/{}", format.suffix)).expect(200);
        assert_eq!(answer.header("etag"), None, "{}: it is not streamed", format.suffix);
        assert!(((format.decode)(&answer.body)) == records, "{}", format.suffix);
        for coding in ["gzip", "br", "zstd"] {
            let encoded = curl(&server, &format!("/Item/{}", format.suffix), coding);
            assert!(encoded.body == answer.body, "{} in {coding}", format.suffix);
            assert_eq!(encoded.header("content-encoding"), Some(coding));
        }
    }
}

#[test]
fn a_page_is_encoded_and_known_again() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    long_list(&client);
    let path = "/Item/?limit=50";
    let plain = client.get(path);
    let mut tags = vec![plain.header("etag").unwrap().to_owned()];
    for coding in ["gzip", "br", "zstd"] {
        let encoded = curl(&server, path, coding);
        assert_eq!(encoded.body, plain.body);
        assert_eq!(encoded.header("content-encoding"), Some(coding));
        assert_eq!(encoded.header("vary"), Some("Accept, Accept-Encoding, Origin, Prefer"));
        let length: usize = encoded.header("content-length").unwrap().parse().unwrap();
        assert!(length < plain.body.len() / 2);
        let tag = encoded.header("etag").unwrap().to_owned();
        let again = client.send("GET", path, &[("accept-encoding", coding), ("if-none-match", &tag)], b"").expect(304);
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        let head = client.send("HEAD", path, &[("accept-encoding", coding)], b"").expect(200);
        assert_eq!((head.header("etag"), head.header("content-encoding")), (Some(tag.as_str()), Some(coding)));
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "a strong tag is one of bytes");
}

#[test]
fn python_reads_the_csv() {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    let record = Record { name: Some("two\r\nlines, \"quoted\"\u{1f980}".into()), ..Record::numbered(7) };
    client.send("POST", "/Item/", &[("content-type", "text/csv")], &(FORMATS[2].encode)(&[record])).expect(200);
    let script = "import csv, sys, urllib.request, io\n\
        text = urllib.request.urlopen(sys.argv[1]).read().decode()\n\
        [row] = csv.DictReader(io.StringIO(text, newline=''))\n\
        print(ascii(row['name']))";
    let url = format!("{}/Item/.csv", server.base);
    let output = std::process::Command::new("python3").args(["-c", script, &url]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), r#"'two\r\nlines, "quoted"\U0001f980'"#, "{output:?}");
}

/// What curl makes of an encoded answer: the body is decoded, the headers are as sent.
fn curl(server: &Server, path: &str, coding: &str) -> Answer {
    let url = format!("{}{path}", server.base);
    let arguments =
        ["-sS", "--globoff", "--compressed", "-D", "/dev/stderr", "-H", &format!("Accept-Encoding: {coding}"), &url];
    let output = std::process::Command::new("curl").args(arguments).output().expect("curl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let head = String::from_utf8(output.stderr).unwrap();
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Answer { status: head[9..12].parse().unwrap(), headers, body: output.stdout }
}
