//! Server-sent events as they come over the wire (HTML Living Standard §9.2).

use super::PATIENCE;
use super::wire::{Opened, request};
use crate::client::Answer;
use std::io::{BufRead, BufReader, Chain, Cursor, ErrorKind, Read};
use std::net::TcpStream;
use std::time::Instant;

/// An answer of `text/event-stream`.
#[derive(Debug)]
pub struct Events {
    /// The head of the answer.
    pub answer: Answer,
    body: BufReader<Chunked>,
}

/// What stands between two empty lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its lines as they came.
    pub text: String,
    /// Where to go on from.
    pub id: Option<String>,
    /// The message.
    pub data: Option<String>,
}

impl Events {
    /// Asks for the events of a query; the answer, if it is another one.
    pub fn open(port: u16, path: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        let mut all = vec![("Accept", "text/event-stream")];
        all.extend(headers);
        let (Opened { stream, read }, answer) = request(port, path, &all);
        if answer.header("content-type") != Some("text/event-stream") {
            return Err(answer);
        }
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        let body = BufReader::new(Chunked { bytes: BufReader::new(Cursor::new(read).chain(stream)), left: 0 });
        Ok(Self { answer, body })
    }

    /// The next event, comments included; `None` at the end of the answer.
    pub fn next_event(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            match self.body.read_line(&mut line) {
                Ok(1..) => {}
                Ok(0) => return None,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("nothing came for a long time")
                }
                Err(_) => return None,
            }
            match line.strip_suffix('\n') {
                // Cut off in the middle of a line: the event has not come.
                None => return None,
                Some("") => return Some(event),
                Some(line) => event.line(line),
            }
        }
    }

    /// The next event with a message.
    pub fn next_data(&mut self) -> Option<Event> {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < 2 * PATIENCE, "nothing came but signs of life");
            let event = self.next_event()?;
            if event.data.is_some() {
                return Some(event);
            }
        }
    }
}

impl Event {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        match line.split_once(": ") {
            Some(("id", id)) => assert!(self.id.replace(id.to_owned()).is_none(), "two ids: {}", self.text),
            Some(("data", data)) => assert!(self.data.replace(data.to_owned()).is_none(), "two lines: {}", self.text),
            Some(("", _)) => {}
            _ => panic!("not expected: {line:?}"),
        }
    }
}

/// A body in chunks (RFC 9112 §7.1).
#[derive(Debug)]
struct Chunked {
    bytes: BufReader<Chain<Cursor<Vec<u8>>, TcpStream>>,
    /// Bytes left of the chunk.
    left: usize,
}

impl Read for Chunked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut line = String::new();
            self.bytes.read_line(&mut line)?;
            self.left = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = buffer.len().min(self.left);
        let length = self.bytes.read(&mut buffer[..most])?;
        self.left -= length;
        if self.left == 0 && length > 0 {
            let mut end = [0; 2];
            self.bytes.read_exact(&mut end)?;
        }
        Ok(length)
    }
}
