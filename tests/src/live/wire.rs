//! The opening of a WebSocket, by hand: whatever is sent instead of what should be, and whatever is answered, can be seen.

use super::PATIENCE;
use crate::client::Answer;
use std::io::{Read, Write};
use std::net::TcpStream;

/// A connection that has been opened, and what came after the opening.
#[derive(Debug)]
pub struct Opened {
    /// The connection.
    pub stream: TcpStream,
    /// What has been read of it already.
    pub read: Vec<u8>,
}

/// The key and what it must be answered with are the example of RFC 6455 §1.3.
const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Opens a WebSocket; headers replace those of their name, empty ones take them away. The answer, if it is refused.
pub fn open(port: u16, path: &str, headers: &[(&str, &str)]) -> Result<Opened, Answer> {
    let kept = HANDSHAKE.iter().filter(|(name, _)| !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
    let headers: Vec<(&str, &str)> = kept.chain(headers).copied().filter(|(_, value)| !value.is_empty()).collect();
    let (opened, mut answer) = request(port, path, &headers);
    if answer.status == 101 {
        assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "another key?");
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert!(
            answer.header("sec-websocket-extensions").is_none() && answer.header("sec-websocket-protocol").is_none()
        );
        return Ok(opened);
    }
    let length: usize = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let Opened { mut stream, read } = opened;
    answer.body = read;
    let mut rest = vec![0; length - answer.body.len()];
    stream.read_exact(&mut rest).expect("the body of the answer");
    answer.body.extend(rest);
    Err(answer)
}

/// Sends a `GET` and reads the head of its answer.
pub(super) fn request(port: u16, path: &str, headers: &[(&str, &str)]) -> (Opened, Answer) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n");
    // The server may be gone already; then no answer comes.
    _ = stream.write_all(head.as_bytes());
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => read.extend_from_slice(&buffer[..length]),
            _ => return (Opened { stream, read }, Answer { status: 0, headers: Vec::new(), body: Vec::new() }),
        }
    };
    let rest = read.split_off(end + 4);
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, it)| (name.to_lowercase(), it.to_owned()));
    let answer = Answer { status: status.expect("a status"), headers: headers.collect(), body: Vec::new() };
    (Opened { stream, read: rest }, answer)
}
