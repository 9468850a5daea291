//! Hrana over HTTP: a batch of steps goes out in one request on a connection that is kept open, and what each step did comes
//! back. See the specification of Hrana 3, "Hrana over HTTP".

use super::{Primary, PrimaryError};
use crate::limits;
use libsql_hrana::proto::{
    Batch, BatchResult, BatchStreamReq, CloseStreamReq, PipelineReqBody, PipelineRespBody, StreamRequest,
    StreamResponse, StreamResult,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::time::Duration;

/// Why a batch was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// It was not sent: nothing happened.
    #[error("the primary cannot be reached: {0}")]
    NotSent(String),
    /// It was sent, and no answer came: it may have happened, or may still.
    #[error("the primary did not answer: {0}")]
    Unanswered(String),
    /// The primary refused it as a whole: nothing happened.
    #[error("the primary refuses: {0}")]
    Refused(String),
}

/// Connections to a primary that answer batches.
#[derive(Clone)]
pub(crate) struct Asking {
    http: reqwest::Client,
    pipeline: String,
}

impl Asking {
    pub(crate) fn new(primary: &Primary) -> Result<Self, PrimaryError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(bearer) = primary.bearer() {
            let mut value = HeaderValue::from_str(&bearer).map_err(|_| PrimaryError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // Only the first one counts; it is the same each time.
        _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(limits::CONNECT_WAIT)
            .pool_idle_timeout(limits::WARM_CONNECTION)
            .pool_max_idle_per_host(limits::BATCHES_IN_FLIGHT as usize)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let http = http.build().map_err(|error| PrimaryError::Url(format!("{}: {error}", primary.url())))?;
        Ok(Self { http, pipeline: format!("{}/v3/pipeline", primary.url()) })
    }

    /// Sends a batch; `deadline` bounds the whole.
    pub(crate) async fn batch(&self, batch: Batch, deadline: Duration) -> Result<BatchResult, SendError> {
        let requests = vec![StreamRequest::Batch(BatchStreamReq { batch }), StreamRequest::Close(CloseStreamReq {})];
        let body = serde_json::to_vec(&PipelineReqBody { baton: None, requests })
            .map_err(|error| SendError::NotSent(error.to_string()))?;
        let sent = self.http.post(&self.pipeline).timeout(deadline).body(body).send().await;
        let answer = sent.map_err(|error| failure(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| SendError::Unanswered(told(&error)))?;
        if !status.is_success() {
            let text = String::from_utf8_lossy(&bytes);
            let shown: String = text.chars().take(limits::SHOWN_ANSWER_CHARS).collect();
            let said = format!("{status}: {shown}");
            // A server between here and there may have lost the answer.
            return Err(if status.is_server_error() { SendError::Unanswered(said) } else { SendError::Refused(said) });
        }
        let body: PipelineRespBody =
            serde_json::from_slice(&bytes).map_err(|error| SendError::Unanswered(error.to_string()))?;
        match body.results.into_iter().next() {
            Some(StreamResult::Ok { response: StreamResponse::Batch(answer) }) => Ok(answer.result),
            Some(StreamResult::Error { error }) => Err(SendError::Refused(error.message)),
            _ => Err(SendError::Unanswered("the answer is none to a batch".into())),
        }
    }
}

fn failure(error: &reqwest::Error) -> SendError {
    let text = told(error);
    if error.is_connect() || error.is_builder() { SendError::NotSent(text) } else { SendError::Unanswered(text) }
}

/// The error with what is behind it, without the URL.
fn told(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "it took too long".to_owned() } else { String::new() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = if text.is_empty() { cause.to_string() } else { format!("{text}: {cause}") };
        source = cause.source();
    }
    if text.is_empty() { "the connection failed".into() } else { text }
}
