//! The opening handshake of a WebSocket (RFC 6455 §4.2).

use super::super::body::AnswerBody;
use super::super::problem::Problem;
use super::super::respond::{self, Answer};
use crate::limits;
use crate::live::Hub;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderValue, StatusCode, Version};
use hyper::upgrade::{OnUpgrade, Parts as UpgradedParts};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// A socket whose frames can be read and written.
pub(super) type Socket = WebSocketStream<TcpStream>;

/// A request that asks for a WebSocket, as it should.
pub(crate) struct Handshake {
    accept: String,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// The handshake of a request; `None` if it asks for no WebSocket.
    ///
    /// # Errors
    /// It asks for one in a way that cannot be answered.
    pub(crate) fn of(parts: &Parts) -> Result<Option<Self>, Box<Problem>> {
        let headers = &parts.headers;
        if !has_word(headers, &UPGRADE, "websocket") || !has_word(headers, &CONNECTION, "upgrade") {
            return Ok(None);
        }
        let Some(upgrade) = parts.extensions.get::<OnUpgrade>().filter(|_| parts.version == Version::HTTP_11) else {
            return Ok(None);
        };
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Problem::upgrade("this server speaks version 13 of the WebSocket protocol"));
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).filter(|key| key.len() == 24);
        let key = key.ok_or_else(|| Problem::syntax("Sec-WebSocket-Key must be 16 bytes in base64"))?;
        Ok(Some(Self { accept: derive_accept_key(key), upgrade: upgrade.clone() }))
    }

    /// The answer that opens the socket; `work` gets it.
    pub(super) fn accept<F: Future<Output = ()> + Send + 'static>(
        self,
        hub: &Arc<Hub>,
        work: impl FnOnce(Socket) -> F + Send + 'static,
    ) -> Answer {
        let mut answer = respond::bare(StatusCode::SWITCHING_PROTOCOLS, AnswerBody::EMPTY);
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, respond::header(&self.accept));
        hub.connections().spawn(async move {
            let upgraded = match self.upgrade.await {
                Ok(upgraded) => upgraded,
                Err(error) => return tracing::debug!(%error, "a WebSocket was not opened"),
            };
            let Ok(UpgradedParts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<TcpStream>>() else {
                return tracing::error!("a WebSocket came in over something else than TCP");
            };
            let (stream, read) = (io.into_inner(), read_buf.to_vec());
            work(WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config())).await).await;
        });
        answer
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(limits::SOCKET_READ_BYTES)
        .write_buffer_size(limits::SOCKET_WRITE_BYTES)
        .max_message_size(Some(limits::SOCKET_MESSAGE_BYTES))
        .max_frame_size(Some(limits::SOCKET_MESSAGE_BYTES))
}

/// Whether a header's list has a word, whatever its case.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}
