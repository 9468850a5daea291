//! One connection that is kept: a request, then its answer, and nothing else on it.
//!
//! It reads what Stoa's short answers look like: a head and as many bytes as `Content-Length` says (RFC 9112, 6.3). An
//! answer of another shape is an error, and so is a byte more than was announced.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No head is longer.
const HEAD_BYTES: usize = 16 * 1_024;

/// Room for most answers, so that the buffer is not grown piece by piece.
const BUFFER_BYTES: usize = 64 * 1_024;

pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

/// What an answer says, without its body: nobody here looks at that.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) etag: Option<&'a str>,
    pub(crate) cache: Cache,
}

/// Where `Server-Timing` says that the answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    Hit,
    Miss,
    /// It does not say.
    Unknown,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Sends a request and reads its answer to the end. After an error the connection is of no more use.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let head_bytes = loop {
            self.more().await?;
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if self.answer.len() > HEAD_BYTES {
                return Err(malformed("a head without an end"));
            }
        };
        let whole = head_bytes + head(&self.answer[..head_bytes])?.1;
        self.answer.reserve(whole.saturating_sub(self.answer.len()));
        while self.answer.len() < whole {
            self.more().await?;
        }
        if self.answer.len() > whole {
            return Err(malformed("more than Content-Length says"));
        }
        Ok(head(&self.answer[..head_bytes])?.0)
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.answer).await? {
            0 => Err(Error::new(ErrorKind::UnexpectedEof, "the server has closed the connection")),
            _ => Ok(()),
        }
    }
}

/// A `GET`, with the tag that was seen last.
pub(crate) fn get(host: SocketAddr, path: &str, seen: Option<&str>) -> String {
    let condition = seen.map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{condition}\r\n")
}

/// A request with a JSON body.
pub(crate) fn send(method: &str, host: SocketAddr, path: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
    )
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the answer cannot be read: {what}"))
}

/// What the head says, and how many bytes of body follow it.
fn head(bytes: &[u8]) -> Result<(Answer<'_>, usize)> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("a head that is not text"))?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status: u16 = status.ok_or_else(|| malformed(status_line))?;
    let mut answer = Answer { status, etag: None, cache: Cache::Unknown };
    let mut body_bytes = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| malformed(line))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("etag") {
            answer.etag = Some(value);
        } else if name.eq_ignore_ascii_case("server-timing") {
            answer.cache = cache(value);
        } else if name.eq_ignore_ascii_case("content-length") {
            body_bytes = Some(value.parse().map_err(|_| malformed(line))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(malformed(line));
        }
    }
    match (status, body_bytes) {
        (204 | 304, _) => Ok((answer, 0)),
        (200.., Some(body_bytes)) => Ok((answer, body_bytes)),
        _ => Err(malformed(status_line)),
    }
}

fn cache(server_timing: &str) -> Cache {
    let says = |what| server_timing.split(',').any(|metric| metric.trim() == what);
    match (says("cache;desc=hit"), says("cache;desc=miss")) {
        (true, _) => Cache::Hit,
        (false, true) => Cache::Miss,
        (false, false) => Cache::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Cache, head};

    fn read(text: &str) -> Option<(Answer<'_>, usize)> {
        head(text.as_bytes()).ok()
    }

    #[test]
    fn a_head_says_what_follows() {
        let hit = "HTTP/1.1 200 OK\r\nETag: \"a1\"\r\nserver-timing: cache;desc=hit\r\ncontent-length: 308\r\n\r\n";
        assert_eq!(read(hit), Some((Answer { status: 200, etag: Some("\"a1\""), cache: Cache::Hit }, 308)));
        let miss = "HTTP/1.1 200 OK\r\nserver-timing: cache;desc=miss, db;dur=0.123\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(read(miss), Some((Answer { status: 200, etag: None, cache: Cache::Miss }, 2)));
    }

    #[test]
    fn what_has_not_changed_has_no_body() {
        let unchanged = "HTTP/1.1 304 Not Modified\r\netag: \"a1\"\r\ncontent-length: 308\r\n\r\n";
        assert_eq!(read(unchanged), Some((Answer { status: 304, etag: Some("\"a1\""), cache: Cache::Unknown }, 0)));
    }

    #[test]
    fn other_shapes_are_errors() {
        for other in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\netag: \"a1\"\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            "HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 OK\r\n\r\n",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
