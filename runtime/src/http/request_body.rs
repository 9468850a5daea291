//! The body of a request: read whole, within its size and its time, and decoded (`Content-Encoding`). Only as much is
//! decoded as a body may have, however much it claims to hold.

use super::problem::{Problem, ProblemKind};
use crate::data::coding::{Coding, decoder};
use crate::limits;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::io::Read;

/// Reads the body, as it was before it was encoded.
pub(super) async fn read(parts: &Parts, body: &mut Incoming) -> Result<Vec<u8>, Box<Problem>> {
    let codings = codings(&parts.headers)?;
    let bytes = received(parts, body).await?;
    if codings.is_empty() {
        return Ok(bytes);
    }
    let decoding = tokio::task::spawn_blocking(move || decoded(&codings, &bytes));
    decoding.await.unwrap_or_else(|_| Err(Problem::unavailable("the body cannot be decoded now")))
}

/// The codings that were applied to the body, in turn.
pub(super) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Box<Problem>> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = value.to_str().unwrap_or("?");
        for name in text.split(',').map(|name| name.trim().to_ascii_lowercase()) {
            match name.as_str() {
                "identity" | "" => {}
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "br" => codings.push(Coding::Brotli),
                "zstd" => codings.push(Coding::Zstd),
                _ => return Err(Problem::coding(format!("the content coding {name:?} is not known here"))),
            }
        }
    }
    if codings.len() > limits::CODINGS {
        return Err(Problem::coding(format!("a body may be encoded {} times", limits::CODINGS)));
    }
    Ok(codings)
}

fn decoded(codings: &[Coding], bytes: &[u8]) -> Result<Vec<u8>, Box<Problem>> {
    let mut decoded = Vec::new();
    let read = decoder(codings, bytes)
        .and_then(|decoder| decoder.take(limits::BODY_BYTES as u64 + 1).read_to_end(&mut decoded));
    match read {
        Ok(read) if read > limits::BODY_BYTES => Err(too_large()),
        Ok(_) => Ok(decoded),
        Err(error) => Err(Problem::syntax(format!("the body is not what Content-Encoding says: {error}"))),
    }
}

/// The body as it came, encoded or not.
pub(super) async fn received(parts: &Parts, body: &mut Incoming) -> Result<Vec<u8>, Box<Problem>> {
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits::BODY_BYTES) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or_default().min(64 << 10));
    loop {
        let frame = tokio::time::timeout(limits::BODY_STALL, body.frame()).await;
        let frame = frame.map_err(|_| Problem::new(ProblemKind::TIMEOUT, "the body stopped in the middle"))?;
        let Some(frame) = frame else { return Ok(bytes) };
        let frame = frame.map_err(|error| Problem::syntax(format!("the body broke off: {error}")))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > limits::BODY_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
    }
}

/// Reads what an answer that came early left of the body, so that the connection can go on; a long rest is left, and the
/// connection must end. A client that goes on writing where nobody reads would lose the answer.
pub(super) async fn rest_is_read(headers: &HeaderMap, body: &mut Incoming) -> bool {
    if body.is_end_stream() {
        return true;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_none_or(|length| length > limits::DRAINED_BYTES) {
        return false;
    }
    let drained = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(limits::DRAIN_WAIT, drained).await.unwrap_or(false)
}

fn too_large() -> Box<Problem> {
    Problem::new(ProblemKind::TOO_LARGE, "a body may have 16 MiB")
}
