//! The last step of an answer: its body is encoded, if the client takes it so.

use super::body::AnswerBody;
use super::negotiate;
use super::problem::Problem;
use super::respond::Answer;
use crate::data::coding::{Coding, encode};
use crate::limits;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderValue};

/// The name of a coding in headers.
pub(super) fn name(coding: Coding) -> &'static str {
    match coding {
        Coding::Gzip => "gzip",
        Coding::Brotli => "br",
        Coding::Zstd => "zstd",
    }
}

/// Encodes what the answer says is encoded, and any other long body that has no tag to speak of its bytes.
pub(super) async fn finish(headers: &HeaderMap, mut answer: Answer) -> Answer {
    if let AnswerBody::Whole(Some(bytes)) = answer.body()
        && bytes.len() >= limits::ENCODED_FROM_BYTES
        && !answer.headers().contains_key(ETAG)
        && !answer.headers().contains_key(CONTENT_ENCODING)
        && let Ok((Some(coding), _)) = negotiate::coding(headers)
    {
        *answer.body_mut() = AnswerBody::Unencoded(bytes.to_vec(), coding);
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(name(coding)));
    }
    let AnswerBody::Unencoded(..) = answer.body() else { return answer };
    let AnswerBody::Unencoded(body, coding) = std::mem::replace(answer.body_mut(), AnswerBody::EMPTY) else {
        return answer;
    };
    match encoded(body, coding).await {
        Some(encoded) => {
            answer.headers_mut().remove(CONTENT_LENGTH);
            *answer.body_mut() = encoded.into();
            answer
        }
        None => Problem::unavailable("the answer cannot be encoded now").response(),
    }
}

async fn encoded(body: Vec<u8>, coding: Coding) -> Option<Vec<u8>> {
    if body.len() <= limits::ENCODED_HERE_BYTES {
        return encode(coding, &body).ok();
    }
    tokio::task::spawn_blocking(move || encode(coding, &body)).await.ok()?.ok()
}
