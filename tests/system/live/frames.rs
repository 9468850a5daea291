//! The WebSocket protocol (RFC 6455) frame by frame, after the cases of the Autobahn test suite that a server which sends
//! texts only can meet. What a message was read as is told by what it is answered with.

use super::{put, shop};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use stoa_tests::client::Client;
use stoa_tests::live::{Opened, PATIENCE, open};
use stoa_tests::server::Server;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// A frame that more of the same message follow.
const FIRST: u8 = 0x01;
const MORE: u8 = 0x00;
const LAST: u8 = 0x80;

/// It is answered with `ready`.
const SUBSCRIBE: &str = r#"{"subscribe":"/Category/","as":"🦉"}"#;

/// A frame as a client sends it (§5.2), masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, 0x80, payload.len());
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn head(first: u8, masked: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(masked | u8::try_from(length).unwrap()),
        126..65_536 => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes
}

fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A socket for many subscriptions whose frames are made by hand.
struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    fn open(server: &Server) -> Self {
        let Opened { stream, read } = open(server.port(), "/_stoa/live", &[]).unwrap();
        Self { stream, read }
    }

    /// The server may have ended it before everything was sent.
    fn send(&mut self, bytes: &[u8]) -> &mut Self {
        _ = self.stream.write_all(bytes);
        self
    }

    /// The next bytes; fewer at the end.
    fn take(&mut self, length: usize) -> Vec<u8> {
        while self.read.len() < length {
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(length @ 1..) => self.read.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    panic!("nothing came for {PATIENCE:?}")
                }
                _ => break,
            }
        }
        self.read.drain(..length.min(self.read.len())).collect()
    }

    /// The next frame; `None` at the end. No frame of a server is masked.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, length] = self.take(2).try_into().ok()?;
        let length = match length {
            126 => usize::from(u16::from_be_bytes(self.take(2).try_into().unwrap())),
            127 => usize::try_from(u64::from_be_bytes(self.take(8).try_into().unwrap())).unwrap(),
            length => {
                assert!(length < 126, "masked");
                usize::from(length)
            }
        };
        Some((first, self.take(length)))
    }

    /// The next message must be the `ready` of the subscription.
    fn hears_ready(&mut self) {
        let (first, payload) = self.frame().expect("an answer");
        let text = String::from_utf8(payload).unwrap();
        assert!(first == TEXT && text.starts_with(r#"{"as":"🦉","type":"ready""#), "{first:x} {text}");
    }

    fn hears(&mut self, first: u8, payload: &[u8]) {
        assert_eq!(self.frame(), Some((first, payload.to_vec())));
    }

    /// The next frame must end the conversation with this code; when it is answered, the connection ends.
    fn is_closed_with(&mut self, code: u16, case: &str) {
        let (first, payload) = self.frame().unwrap_or_else(|| panic!("{case}: gone without a word"));
        assert_eq!(first, CLOSE, "{case}: {}", String::from_utf8_lossy(&payload));
        assert_eq!(payload.first_chunk().map(|code| u16::from_be_bytes(*code)), Some(code), "{case}");
        self.send(&closing(code, b""));
        assert_eq!(self.frame(), None, "{case}");
    }
}

/// Sends the bytes on a new socket, which must end with this code.
fn fails(server: &Server, bytes: &[u8], code: u16, case: &str) {
    Raw::open(server).send(bytes).is_closed_with(code, case);
}

#[test]
fn a_message_may_come_in_fragments() {
    let (server, _client) = shop();
    let text = SUBSCRIBE.as_bytes();
    let mut raw = Raw::open(&server);
    raw.send(&frame(FIRST, &text[..5])).send(&frame(MORE, b"")).send(&frame(MORE, &text[5..30]));
    raw.send(&frame(LAST, &text[30..])).hears_ready();
    // In the middle of a character.
    let owl = SUBSCRIBE.find('🦉').unwrap();
    for at in 1..4 {
        let mut raw = Raw::open(&server);
        raw.send(&frame(FIRST, &text[..owl + at])).send(&frame(LAST, &text[owl + at..])).hears_ready();
    }
    // Each byte a frame.
    let mut raw = Raw::open(&server);
    raw.send(&frame(FIRST, b""));
    text.iter().for_each(|byte| _ = raw.send(&frame(MORE, &[*byte])));
    raw.send(&frame(LAST, b"")).hears_ready();
}

#[test]
fn frames_may_come_byte_by_byte() {
    let (server, _client) = shop();
    let mut raw = Raw::open(&server);
    let text = SUBSCRIBE.as_bytes();
    let bytes = [frame(PING, b"p"), frame(FIRST, &text[..9]), frame(PING, b"q"), frame(LAST, &text[9..])].concat();
    bytes.iter().for_each(|byte| _ = raw.send(&[*byte]));
    raw.hears(PONG, b"p");
    raw.hears(PONG, b"q");
    raw.hears_ready();
}

/// A client may not wait for the answer before it speaks; what it says comes in with the request.
#[test]
fn frames_may_come_with_the_handshake() {
    let (server, _client) = shop();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET /_stoa/live HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.port()
    );
    stream.write_all(&[head.as_bytes(), &frame(TEXT, SUBSCRIBE.as_bytes())].concat()).unwrap();
    let mut raw = Raw { stream, read: Vec::new() };
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.extend(raw.take(1));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    raw.hears_ready();
}

#[test]
fn pings_are_answered_also_within_a_message() {
    let (server, _client) = shop();
    let mut raw = Raw::open(&server);
    for payload in [b"".as_slice(), b"hello", &[0xff, 0x00, 0xfe], &[b'x'; 125]] {
        raw.send(&frame(PING, payload)).hears(PONG, payload);
    }
    let text = SUBSCRIBE.as_bytes();
    raw.send(&frame(FIRST, &text[..7])).send(&frame(PING, b"within")).hears(PONG, b"within");
    raw.send(&frame(PONG, b"nobody asked")).send(&frame(LAST, &text[7..])).hears_ready();
    // While something is told as well.
    for number in 0_u8..20 {
        raw.send(&frame(PING, &[number])).hears(PONG, &[number]);
    }
}

#[test]
fn control_frames_are_short_and_whole() {
    let (server, _client) = shop();
    for (first, name) in [(PING, "ping"), (PONG, "pong"), (CLOSE, "close")] {
        fails(&server, &frame(first, &[b'x'; 126]), 1002, &format!("{name} of 126 bytes"));
        fails(&server, &frame(first & 0x7f, b""), 1002, &format!("fragment of a {name}"));
    }
}

#[test]
fn nothing_reserved_is_taken() {
    let (server, _client) = shop();
    for bit in [0x40, 0x20, 0x10, 0x70] {
        fails(&server, &frame(TEXT | bit, SUBSCRIBE.as_bytes()), 1002, &format!("text with reserved bits {bit:x}"));
        fails(&server, &frame(PING | bit, b""), 1002, &format!("ping with reserved bits {bit:x}"));
    }
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        fails(&server, &frame(0x80 | opcode, b""), 1002, &format!("opcode {opcode:x}"));
        fails(&server, &frame(0x80 | opcode, b"x"), 1002, &format!("opcode {opcode:x} with a payload"));
    }
}

#[test]
fn frames_of_clients_are_masked() {
    let (server, _client) = shop();
    let bare = [head(TEXT, 0, SUBSCRIBE.len()), SUBSCRIBE.as_bytes().to_vec()].concat();
    fails(&server, &bare, 1002, "text");
    fails(&server, &head(PING, 0, 0), 1002, "ping");
}

#[test]
fn fragments_come_in_order() {
    let (server, _client) = shop();
    fails(&server, &frame(LAST, b"x"), 1002, "a last fragment of nothing");
    fails(&server, &frame(MORE, b"x"), 1002, "a fragment of nothing");
    let twice = [frame(FIRST, b"{"), frame(TEXT, b"{}")].concat();
    fails(&server, &twice, 1002, "a message within a message");
    let twice = [frame(FIRST, b"{"), frame(FIRST, b"{}")].concat();
    fails(&server, &twice, 1002, "a first fragment within a message");
    let after = [frame(FIRST, b"{"), frame(LAST, b"}"), frame(LAST, b"}")].concat();
    let mut raw = Raw::open(&server);
    assert_eq!(raw.send(&after).frame().unwrap().0, TEXT, "the error about {{}}");
    raw.is_closed_with(1002, "a fragment after the last");
}

#[test]
fn texts_are_utf_8() {
    let (server, _client) = shop();
    let cases: [(&str, &[u8]); 6] = [
        ("a byte that stands nowhere", b"{\xff}"),
        ("a surrogate", b"{\xed\xa0\x80}"),
        ("longer than need be", b"{\xc0\xaf}"),
        ("beyond Unicode", b"{\xf4\x90\x80\x80}"),
        ("cut off", b"{\xf0\x9f\xa6"),
        ("a continuation alone", b"{\xa6}"),
    ];
    for (case, text) in cases {
        fails(&server, &frame(TEXT, text), 1007, case);
        for at in 1..text.len() {
            let fragments = [frame(FIRST, &text[..at]), frame(LAST, &text[at..])].concat();
            fails(&server, &fragments, 1007, &format!("{case}, in fragments at {at}"));
        }
    }
}

#[test]
fn messages_have_64_kib_at_most() {
    let (server, _client) = shop();
    let mut longest = SUBSCRIBE.as_bytes().to_vec();
    longest.resize(64 << 10, b' ');
    Raw::open(&server).send(&frame(TEXT, &longest)).hears_ready();
    let mut raw = Raw::open(&server);
    raw.send(&frame(FIRST, &longest[..1])).send(&frame(LAST, &longest[1..])).hears_ready();
    longest.push(b' ');
    fails(&server, &frame(TEXT, &longest), 1009, "one frame");
    fails(&server, &frame(BINARY, &longest), 1009, "one binary frame");
    fails(&server, &[frame(FIRST, &longest[..1]), frame(LAST, &longest[1..])].concat(), 1009, "two frames");
    // Said, but never sent.
    fails(&server, &[head(TEXT, 0x80, 1 << 40), vec![0; 4]].concat(), 1009, "a length of 2^40");
}

#[test]
fn an_end_is_answered_with_its_code() {
    let (server, _client) = shop();
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        let mut raw = Raw::open(&server);
        let (first, payload) = raw.send(&closing(code, b"")).frame().unwrap();
        assert_eq!((first, payload.get(..2)), (CLOSE, Some(code.to_be_bytes().as_slice())), "{code}");
        assert_eq!(raw.frame(), None, "{code}");
    }
    let mut raw = Raw::open(&server);
    assert_eq!(raw.send(&closing(1000, "🦉".repeat(30).as_bytes())).frame().unwrap().1[..2], 1000_u16.to_be_bytes());
    let mut raw = Raw::open(&server);
    raw.send(&frame(CLOSE, b"")).hears(CLOSE, b"");
    assert_eq!(raw.frame(), None);
    // What follows the end is not heard.
    let mut raw = Raw::open(&server);
    raw.send(&[closing(1000, b""), frame(TEXT, SUBSCRIBE.as_bytes()), frame(PING, b"")].concat());
    assert_eq!(raw.frame().unwrap().0, CLOSE);
    assert_eq!(raw.frame(), None);
}

#[test]
fn an_end_has_a_code_that_may_be_sent() {
    let (server, _client) = shop();
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        fails(&server, &closing(code, b""), 1002, &format!("code {code}"));
    }
    fails(&server, &frame(CLOSE, b"x"), 1002, "half a code");
    fails(&server, &closing(1000, b"\xce\xba\xff"), 1007, "a reason that is no UTF-8");
}

/// Whoever goes without a word is forgotten, and what others follow goes on.
#[test]
fn who_vanishes_disturbs_nobody() {
    let (server, client) = shop();
    let mut stays = Raw::open(&server);
    stays.send(&frame(TEXT, SUBSCRIBE.as_bytes())).hears_ready();
    let vanishing: [&[u8]; 5] = [b"", &[TEXT], &[TEXT, 0x80 | 20, 1, 2, 3, 4, 5], &frame(FIRST, b"{"), &[0xff; 40]];
    for bytes in vanishing {
        let mut raw = Raw::open(&server);
        raw.send(&frame(TEXT, SUBSCRIBE.as_bytes())).hears_ready();
        raw.send(bytes);
        drop(raw);
        let mut raw = Raw::open(&server);
        raw.send(&frame(TEXT, SUBSCRIBE.as_bytes())).hears_ready();
        raw.send(bytes).stream.shutdown(Shutdown::Write).unwrap();
        while raw.frame().is_some() {}
    }
    tells(&client, &mut stays);
}

fn tells(client: &Client, raw: &mut Raw) {
    put(client, "/Category/c", "{}");
    let (first, payload) = raw.frame().unwrap();
    let text = String::from_utf8(payload).unwrap();
    assert!(first == TEXT && text.starts_with(r#"{"as":"🦉","type":"put","table":"Category","id":"c""#), "{text}");
}
