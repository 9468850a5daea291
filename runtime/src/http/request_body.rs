//! The body of a request: read whole, within its size and its time.

use super::problem::{Problem, ProblemKind};
use crate::limits;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Reads the body as text.
pub(super) async fn read(parts: &Parts, mut body: Incoming) -> Result<String, Box<Problem>> {
    let too_large = || Problem::new(ProblemKind::TOO_LARGE, "a body may have 16 MiB");
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits::BODY_BYTES) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or_default().min(64 << 10));
    loop {
        let frame = tokio::time::timeout(limits::BODY_STALL, body.frame()).await;
        let frame = frame.map_err(|_| Problem::new(ProblemKind::TIMEOUT, "the body stopped in the middle"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Problem::syntax(format!("the body broke off: {error}")))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > limits::BODY_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
    }
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Box::<Problem>::from(crate::data::write::BodyError::Syntax { detail: "it is not UTF-8".into(), position })
    })
}
