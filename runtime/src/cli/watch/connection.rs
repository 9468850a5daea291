//! One WebSocket: asked for, refused in words, read message by message, found dead.

use crate::limits;
use futures_util::StreamExt;
use http::Uri;
use serde_json::Value as Json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Why there is no stream; in words.
#[derive(Debug)]
pub(super) enum Unconnected {
    /// The server will not change its mind.
    Refused(String),
    /// It may be there, or agree, later.
    ForNow(String),
}

/// A stream of messages.
pub(super) struct Connection<'t> {
    socket: WebSocketStream<&'t mut TcpStream>,
}

/// Why a request for a stream did not become one.
pub(super) enum Handshake {
    /// The server answered in another way.
    Answered(Box<Response>),
    /// It failed, in words.
    Failed(String),
}

/// Connects to the server of a target.
pub(super) async fn reach(uri: &Uri) -> Result<TcpStream, Unconnected> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(HTTP_PORT);
    match timeout(limits::CONNECT_WAIT, TcpStream::connect((host, port))).await {
        Ok(Ok(tcp)) => Ok(tcp),
        Ok(Err(error)) => Err(Unconnected::ForNow(format!("cannot reach {host}:{port}: {error}"))),
        Err(_) => Err(Unconnected::ForNow(format!("{host}:{port} does not answer"))),
    }
}

/// The port of a URL that names none (RFC 6455 §3).
const HTTP_PORT: u16 = 80;

impl<'t> Connection<'t> {
    /// Asks for a stream.
    pub(super) async fn open(tcp: &'t mut TcpStream, uri: &Uri) -> Result<Self, Handshake> {
        let failed = |error: Error| Handshake::Failed(format!("the server does not speak WebSocket: {error}"));
        let request = uri.into_client_request().map_err(failed)?;
        let config = WebSocketConfig::default().max_frame_size(None).max_message_size(Some(limits::WATCHED_BYTES));
        match timeout(limits::CONNECT_WAIT, client_async_with_config(request, tcp, Some(config))).await {
            Ok(Ok((socket, _))) => Ok(Self { socket }),
            Ok(Err(Error::Http(answer))) => Err(Handshake::Answered(answer)),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(Handshake::Failed("the server does not answer".into())),
        }
    }

    /// The next message; an error says, in words, how the connection was lost. Pings are answered meanwhile.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, String> {
        loop {
            let came = timeout(limits::WATCH_SILENCE, self.socket.next()).await;
            match came {
                Err(_) => return Err(format!("nothing came for {} s", limits::WATCH_SILENCE.as_secs())),
                Ok(None) => return Err("the server closed the connection".into()),
                Ok(Some(Err(error))) => return Err(format!("the connection was lost: {error}")),
                Ok(Some(Ok(Message::Text(text)))) => return Ok(text),
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let reason = frame.filter(|frame| !frame.reason.is_empty());
                    let reason = reason.map_or_else(String::new, |frame| format!(": {}", frame.reason));
                    return Err(format!("the server closed the connection{reason}"));
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_)))) => {}
            }
        }
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) {
        // The server notices in any case.
        _ = timeout(limits::GOODBYE_WAIT, self.socket.close(None)).await;
    }
}

/// What an answer that is no stream says.
pub(super) async fn refusal(answer: Response, tcp: &mut TcpStream) -> Unconnected {
    let status = answer.status();
    let length = answer.headers().get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut body = answer.into_body().unwrap_or_default();
    let missing = length.min(limits::REFUSAL_BYTES).saturating_sub(body.len() as u64);
    // What does not come is left out; the status says enough.
    _ = timeout(limits::CONNECT_WAIT, tcp.take(missing).read_to_end(&mut body)).await;
    let problem: Json = serde_json::from_slice(&body).unwrap_or_default();
    let said = problem["detail"].as_str().or(problem["title"].as_str());
    let words = match said {
        Some(said) => format!("{said} ({status})"),
        None if status.is_success() => format!("the server does not send live updates there ({status})"),
        None => format!("the server refused ({status})"),
    };
    let later = status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS;
    if later { Unconnected::ForNow(words) } else { Unconnected::Refused(words) }
}
