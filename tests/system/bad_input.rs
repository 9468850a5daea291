//! Input that no good client sends, down to the bytes: it is refused as documented, nothing of it is half-written, and
//! the server goes on answering.

use serde_json::json;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;
use stoa_tests::client::{Client, raw};
use stoa_tests::dice::Dice;
use stoa_tests::server::Server;

const SCHEMA: &str = "type Item @table @export {
  id: ID @primaryKey
  name: String @indexed
  count: Int
  price: Float
  tags: [String] @indexed
}";
const JSON: (&str, &str) = ("content-type", "application/json");

fn start() -> (Server, Client) {
    let server = Server::with_schema(SCHEMA);
    let client = Client::new(&server.base);
    (server, client)
}

/// Relations to one record, to many, and through lists of ids, each leading on.
const RELATED: &str = "type Item @table @export {
  id: ID @primaryKey
  name: String
  partIds: [ID]
  parts: [Item] @relationship(from: partIds)
  wholes: [Item] @relationship(to: partIds)
  ownerId: ID @indexed
  owner: Item @relationship(from: ownerId)
  owned: [Item] @relationship(to: ownerId)
}";

/// The server answers, and nothing was written.
fn assert_untouched(client: &Client) {
    assert_eq!(client.get("/Item/").expect(200).body_json(), json!([]));
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What the server says until it closes; a reset is an end too.
fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0_u8; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

#[test]
fn a_request_that_stops_in_the_middle_writes_nothing() {
    let (server, client) = start();
    let requests = [
        "POST /Item/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":\"half\"}",
        "PUT /Item/half HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"name\":",
        "POST /Item/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{\"id\":\"half\"}\r\n",
        "POST /Item/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{\"id\":\"half\"}\r\n0\r\n\r\n",
        "POST /Item/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: applic",
        "DELETE /Item/",
    ];
    for request in requests {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest_of(stream);
        assert!(
            answer.is_empty() || status(&answer).is_some_and(|status| (400..500).contains(&status)),
            "{request:?}: {answer}"
        );
        assert_untouched(&client);
    }
}

#[test]
fn malformed_requests_are_refused() {
    let (server, client) = start();
    let requests: [&[u8]; 15] = [
        b"\r\n\r\n\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /Item/\r\n\r\n",
        b"GET /Item/ HTTP/1.1 more\r\nhost: localhost\r\n\r\n",
        b"GET /Item/ x HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /Item/ HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"GET Item/ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /It\0em/ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /Item/?name<5 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /Item/ HTTP/1.1\r\nhost: localhost\r\nno colon\r\n\r\n",
        b"GET /Item/ HTTP/1.1\r\nhost: localhost\r\nname: va\0lue\r\n\r\n",
        b"GET /Item/ HTTP/1.1\r\nhost: localhost\r\n: value\r\n\r\n",
        b"POST /Item/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\ncontent-length: 13\r\n\r\n{\"id\":\"half\"}",
        b"POST /Item/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: -1\r\n\r\n{\"id\":\"half\"}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ];
    let mut wrong = Vec::new();
    for request in requests {
        let mut stream = connect(&server);
        stream.write_all(request).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest_of(stream);
        let shown = String::from_utf8_lossy(request);
        if !status(&answer).is_some_and(|status| (400..500).contains(&status)) {
            wrong.push(format!("{shown:?} is answered {answer:?}"));
        }
        assert_untouched(&client);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_head_without_end_is_refused() {
    let (server, client) = start();
    let mut head = "GET /Item/ HTTP/1.1\r\nhost: localhost\r\n".to_owned();
    for number in 0..10_000 {
        write!(head, "x-{number}: {}\r\n", "v".repeat(100)).unwrap();
    }
    let answer = raw(server.port(), head.as_bytes());
    assert!(answer.is_empty() || status(&answer) == Some(431), "{answer}");
    assert_untouched(&client);
}

#[test]
fn the_host_is_given_once_and_is_ours() {
    let (server, client) = start();
    let port = server.port();
    let asked = |version: &str, hosts: &str| {
        status(&raw(port, format!("GET /Item/ HTTP/{version}\r\n{hosts}connection: close\r\n\r\n").as_bytes()))
    };
    assert_eq!(asked("1.1", ""), Some(400), "RFC 9112 §3.2");
    assert_eq!(asked("1.1", "host: localhost\r\nhost: localhost\r\n"), Some(400), "RFC 9112 §3.2");
    assert_eq!(asked("1.0", ""), Some(200));
    for ours in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "localhost:1"] {
        assert_eq!(asked("1.1", &format!("host: {ours}\r\n")), Some(200), "{ours}");
    }
    for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "\u{e9}"] {
        let found = asked("1.1", &format!("host: {foreign}\r\n"));
        assert!(matches!(found, Some(400 | 403)), "{foreign:?}: {found:?}");
    }
    assert_eq!(asked("1.1", "host: evil.example\r\n"), Some(403));
    assert_untouched(&client);
}

#[test]
fn a_target_with_a_host_goes_before_the_header() {
    let (server, _) = start();
    let port = server.port();
    let asked = |target: &str, host: &str| {
        status(&raw(port, format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()))
    };
    assert_eq!(asked(&format!("http://localhost:{port}/Item/"), "localhost"), Some(200));
    assert_eq!(asked("http://evil.example/Item/", "localhost"), Some(403), "RFC 9112 §3.2.2: the header is ignored");
}

#[test]
fn a_page_of_another_origin_can_neither_read_nor_write() {
    let (_server, client) = start();
    for origin in ["https://evil.example", "http://localhost:3000", "null", "file://", "x"] {
        let read = client.send("GET", "/Item/", &[("origin", origin)], b"");
        assert_eq!(read.status, 403, "{origin}");
        assert_eq!(read.header("access-control-allow-origin"), None);
        assert_eq!(read.header("content-type"), Some("application/problem+json"));
        assert_eq!(read.body_json()["type"], json!("/_stoa/problems/forbidden"));
        client.send("POST", "/Item/", &[("origin", origin), JSON], b"{\"id\":\"a\"}").expect(403);
        client.send("PUT", "/Item/a", &[("origin", origin), JSON], b"{}").expect(403);
        let preflight = [("origin", origin), ("access-control-request-method", "PUT")];
        let preflight = client.send("OPTIONS", "/Item/a", &preflight, b"");
        assert_eq!(preflight.header("access-control-allow-origin"), None);
        assert_untouched(&client);
    }
}

#[test]
fn a_page_of_our_own_origin_can() {
    let (server, client) = start();
    client.send("GET", "/Item/", &[("origin", server.base.as_str())], b"").expect(200);
    client.send("POST", "/Item/", &[("origin", server.base.as_str()), JSON], b"{\"id\":\"a\"}").expect(201);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let (server, client) = start();
    for path in [&b"/Item/\xff"[..], b"/Item/\xc3\x28", b"/Item/?name=\xff", b"/Item/\xc3\xa9"] {
        let request = [b"GET ", path, b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"].concat();
        let answer = raw(server.port(), &request);
        assert_eq!(status(&answer), Some(400), "{path:?}: {answer}");
    }
    let bodies: [(&[u8], u64); 3] = [(b"{\"id\":\"a\xff\"}", 8), (b"\xff\xfe{}", 0), (b"{\"id\":\"\xed\xa0\x80\"}", 7)];
    for (body, position) in bodies {
        let answer = client.send("POST", "/Item/", &[JSON], body).expect(400).body_json();
        assert_eq!(answer["type"], json!("/_stoa/problems/syntax"));
        assert_eq!(answer["position"], json!(position), "{answer}");
    }
    for body in ["{\"id\":\"\\ud800\"}", "{\"id\":\"a\",\"name\":\"\\udc00x\"}", "{\"id\":\"a\",\"\\ud800\":1}"] {
        let answer = client.send("POST", "/Item/", &[JSON], body.as_bytes());
        assert!(matches!(answer.status, 400 | 422), "{body}: {}", answer.status);
    }
    client.send("POST", "/Item/", &[JSON], b"{\"id\":\"a\0b\"}").expect(400);
    assert_untouched(&client);
}

#[test]
fn what_is_no_record_is_refused() {
    let (_server, client) = start();
    for body in ["null", "true", "5", "\"x\"", "[5]", "[null]", "[[{\"id\":\"a\"}]]", "", " ", "\u{feff}{}x"] {
        for (method, path) in
            [("POST", "/Item/"), ("PUT", "/Item/"), ("PUT", "/Item/a"), ("PATCH", "/Item/a"), ("PATCH", "/Item/?id=a")]
        {
            let answer = client.send(method, path, &[JSON], body.as_bytes());
            assert!((400..500).contains(&answer.status), "{method} {path} {body:?}: {}", answer.status);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
    }
    for (method, path) in [("PUT", "/Item/a"), ("PATCH", "/Item/a"), ("PATCH", "/Item/?id=a")] {
        let answer = client.send(method, path, &[JSON], b"[]");
        assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
    }
    assert_untouched(&client);
}

#[test]
fn a_url_beyond_the_limit_is_414() {
    let (server, client) = start();
    let answer = client.get(&format!("/Item/{}", "a".repeat(20_000))).expect(414);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    client.get(&format!("/Item/?name={}", "a".repeat(20_000))).expect(414);
    client.get(&format!("/Item/?name={}", "a".repeat(15_000))).expect(200);
    for length in [60_000, 100_000, 1_000_000] {
        let answer = raw(
            server.port(),
            format!("GET /Item/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "a".repeat(length))
                .as_bytes(),
        );
        assert!(answer.is_empty() || matches!(status(&answer), Some(400 | 414 | 431)), "{length}: {answer}");
    }
    assert_untouched(&client);
}

#[test]
fn a_body_beyond_16_mib_is_413() {
    let (server, client) = start();
    let declared = "POST /Item/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 16777217\r\n\r\n";
    let answer = raw(server.port(), declared.as_bytes());
    assert_eq!(status(&answer), Some(413), "{answer}");
    assert!(answer.contains("/_stoa/problems/too-large"), "{answer}");

    let mut stream = connect(&server);
    let mut sending = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let head = "POST /Item/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
        _ = sending.write_all(head.as_bytes());
        // The server may refuse and close before everything is sent.
        (0..17).all(|_| sending.write_all(chunk.as_bytes()).is_ok())
    });
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    drop(stream);
    sender.join().unwrap();
    assert_untouched(&client);
}

#[test]
fn a_record_beyond_1_mib_is_413() {
    let (_server, client) = start();
    let fits = json!({"id": "fits", "name": "x".repeat((1 << 20) - 200)});
    let large = json!({"id": "large", "name": "x".repeat(1 << 20)});
    let refused = client.json("POST", "/Item/", &large).expect(413);
    assert_eq!(refused.body_json()["type"], json!("/_stoa/problems/too-large"));
    client.json("PUT", "/Item/large", &large).expect(413);
    let refused = client.json("POST", "/Item/", &json!([{"id": "small"}, large])).expect(413);
    assert_eq!(refused.body_json()["index"], json!(1));
    assert_untouched(&client);
    client.json("POST", "/Item/", &fits).expect(201);
    assert_eq!(client.get("/Item/fits").expect(200).body_json()["name"], fits["name"]);
    let grown = json!({"tags": ["y".repeat(1 << 19)]});
    client.json("PATCH", "/Item/fits", &grown).expect(413);
    let added = json!({"tags": {"__op__": "include", "value": "y".repeat(1 << 19)}});
    client.json("PATCH", "/Item/fits", &added).expect(413);
    client.json("PATCH", "/Item/?id=fits", &added).expect(413);
    assert_eq!(client.get("/Item/fits.tags").expect(200).body_json(), json!(null));
}

#[test]
fn depth_bombs_do_nothing() {
    let (_server, client) = start();
    let brackets = "[".repeat(1 << 20);
    let braces = "{\"a\":".repeat((1 << 20) / 5);
    let closed = format!("{}{}", "[".repeat(1 << 19), "]".repeat(1 << 19));
    let inside = format!("{{\"id\":\"a\",\"name\":{}{}}}", "[".repeat(1 << 18), "]".repeat(1 << 18));
    let listed = format!("{{\"id\":\"a\",\"tags\":{}{}}}", "[".repeat(1 << 18), "]".repeat(1 << 18));
    let operators =
        format!("{{\"count\":{}1{}}}", "{\"__op__\":\"add\",\"value\":".repeat(1 << 15), "}".repeat(1 << 15));
    for body in [brackets, braces, closed, inside, listed, operators] {
        for (method, path) in
            [("POST", "/Item/"), ("PUT", "/Item/"), ("PUT", "/Item/a"), ("PATCH", "/Item/a"), ("PATCH", "/Item/?id=a")]
        {
            let answer = client.send(method, path, &[JSON], body.as_bytes());
            assert!((400..500).contains(&answer.status), "{method} {path} {}…: {}", &body[..20], answer.status);
        }
    }
    assert_untouched(&client);
    for query in [
        "(".repeat(8_000),
        "[".repeat(8_000),
        format!("select={}", "{".repeat(8_000)),
        "a.".repeat(8_000),
        "name=in=(".repeat(1_700),
    ] {
        client.get(&format!("/Item/?{query}")).expect(400);
    }
}

#[test]
fn random_bodies_are_never_a_fault_of_the_server() {
    let (_server, client) = start();
    let mut dice = Dice::new(0x5EED_0001);
    let seed = b"[{\"id\":\"a\",\"name\":\"x\\u00e9\",\"count\":-12,\"price\":1.5e3,\"tags\":[\"y\",null]},{\"count\":{\"__op__\":\"add\",\"value\":1}}]";
    let requests =
        [("POST", "/Item/"), ("PUT", "/Item/"), ("PUT", "/Item/a"), ("PATCH", "/Item/a"), ("PATCH", "/Item/?id=a")];
    for round in 0..1_000 {
        let body: Vec<u8> = if round % 2 == 0 {
            (0..=dice.below(64)).map(|_| dice.byte()).collect()
        } else {
            let mut body = seed[dice.below(2)..seed.len() - dice.below(2)].to_vec();
            for _ in 0..=dice.below(4) {
                let at = dice.below(body.len());
                body[at] = dice.byte();
            }
            body
        };
        let (method, path) = requests[dice.below(requests.len())];
        let answer = client.send(method, path, &[JSON], &body);
        assert!(
            answer.status < 500,
            "{method} {path} {:?}: {} {}",
            String::from_utf8_lossy(&body),
            answer.status,
            answer.text()
        );
    }
    client.get("/Item/").expect(200);
}

#[test]
fn random_queries_are_never_a_fault_of_the_server() {
    let (_server, client) = start();
    client.json("PUT", "/Item/a", &json!({"name": "x", "tags": ["y"]})).expect(201);
    let mut dice = Dice::new(0x5EED_0002);
    let pieces = [
        "id",
        "name",
        "count",
        "price",
        "tags",
        "=",
        "==",
        "===",
        "!=",
        "=gt=",
        "=lt=",
        "=in=",
        "=between=",
        "=not_in=",
        "=ct=",
        "=sw=",
        "%3C",
        "%3E=",
        "&",
        "|",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "*",
        "null",
        "1",
        "-1",
        "1e309",
        "x",
        "%00",
        "%ff",
        "%F0%9F%9B%92",
        "+",
        "limit",
        "offset",
        "sort",
        "select",
        "timezone",
        "Europe/Paris",
        "2024-08-15T14:00:00+02:00",
        "0000-01-01T00:00:00%2B23:59",
        "9999-12-31",
        ".",
        "-",
        "number:",
        "date:",
        "99999999999999999999",
    ];
    for _ in 0..2_000 {
        let query: String = (0..=dice.below(12)).map(|_| pieces[dice.below(pieces.len())]).collect();
        let answer = client.get(&format!("/Item/?{query}"));
        assert!(matches!(answer.status, 200 | 400 | 422), "{query}: {} {}", answer.status, answer.text());
        let answer = client.get(&format!("/Item/a?{query}"));
        assert!(matches!(answer.status, 200 | 400 | 422), "{query}: {} {}", answer.status, answer.text());
    }
}

#[test]
fn times_at_the_ends_of_the_calendar_are_no_fault_of_the_server() {
    let (_server, client) = start();
    let zones = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "%2B23:59", "-23:59", "Europe/Paris"];
    for time in [
        "0000-01-01T00:00:00Z",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-23:59",
        "1582-10-10T00:00:00Z",
        "2016-12-31T23:59:60Z",
    ] {
        let answer = client.json("PUT", "/Item/a", &json!({"name": time}));
        assert!(answer.status < 500, "{time}: {}", answer.text());
        for zone in zones {
            let answer = client.get(&format!("/Item/a?timezone={zone}"));
            assert!(answer.status < 500, "{time} in {zone}: {}", answer.text());
            for bound in ["0000-01-01", "9999-12-31", "0000-01-01T00:00:00", "9999-12-31T23:59:59"] {
                let answer = client.get(&format!("/Item/?name=ge={bound}&timezone={zone}"));
                assert!(answer.status < 500, "{bound} in {zone}: {}", answer.text());
            }
        }
    }
}

#[test]
fn requests_in_a_row_on_one_connection_are_answered_in_order() {
    let (server, client) = start();
    client.json("PUT", "/Item/a", &json!({"name": "A"})).expect(201);
    let request = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
    let all =
        [request("/Item/a.name", ""), request("/Item/none", ""), request("/Item/?select(id)", "connection: close\r\n")]
            .concat();
    let answer = raw(server.port(), all.as_bytes());
    let places = ["\"A\"", "HTTP/1.1 404", "[\"a\"]"].map(|part| answer.find(part));
    assert!(places[0].is_some() && places[0] < places[1] && places[1] < places[2], "{answer}");
}

#[test]
fn a_refused_body_does_not_become_the_next_request() {
    let (server, client) = start();
    let hidden = "DELETE /Item/a HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.json("PUT", "/Item/a", &json!({})).expect(201);
    let request = format!(
        "POST /Item/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    let answer = raw(server.port(), request.as_bytes());
    assert_eq!(status(&answer), Some(405), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    client.get("/Item/a").expect(200);
}

#[test]
fn a_client_that_reads_slowly_holds_nobody_up() {
    let (server, client) = start();
    for batch in 0..10 {
        let records: Vec<_> =
            (0..250).map(|at| json!({"id": format!("{batch:02}-{at:03}"), "name": "x".repeat(4_000)})).collect();
        client.json("POST", "/Item/", &json!(records)).expect(201);
    }
    let mut readers: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = connect(&server);
            stream.write_all(b"GET /Item/ HTTP/1.0\r\nhost: localhost\r\n\r\n").unwrap();
            let mut first = [0_u8; 15];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.0 200 OK");
            stream
        })
        .collect();
    for round in 0..200 {
        client.get("/Item/00-000").expect(200);
        client.json("PUT", "/Item/busy", &json!({"count": round})).expect(if round == 0 { 201 } else { 200 });
        client.get("/Item/?limit=5&sort=-name").expect(200);
    }
    let mut whole = String::new();
    readers.pop().unwrap().read_to_string(&mut whole).unwrap();
    let (_, body) = whole.split_once("\r\n\r\n").unwrap();
    let records: serde_json::Value = serde_json::from_str(body).unwrap();
    let ids: Vec<&str> = records
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|record| record["id"].as_str())
        .filter(|id| *id != "busy")
        .collect();
    assert_eq!(ids.len(), 2_500);
    assert!(ids.is_sorted());
    drop(readers);
    assert_eq!(client.get("/Item/busy.count").expect(200).body_json(), json!(199));
}

#[test]
fn many_long_paths_are_no_fault_of_the_server() {
    let server = Server::with_schema(RELATED);
    let client = Client::new(&server.base);
    for relation in ["parts.", "wholes.", "owner.", "owned.", "parts.wholes.", "owner.owned."] {
        for depth in [1, 2, 4, 6, 12] {
            for (joined, conditions) in [("|", 16), ("|", 50), ("|", 90), ("&", 33), ("&", 90)] {
                let path = relation.repeat((depth / relation.matches('.').count()).max(1));
                let query: Vec<String> = (0..conditions).map(|at| format!("{path}name={at}")).collect();
                let followed = path.matches('.').count() * conditions;
                let answer = client.get(&format!("/Item/?{}", query.join(joined)));
                let expected = if followed > 200 { 400 } else { 200 };
                assert_eq!(answer.status, expected, "{conditions} of {path}: {}", answer.text());
            }
        }
    }
}
