//! A client of live updates that trusts nobody: it connects, folds what it is told into the state that it describes, and
//! ends the test on any message that the contract rules out.

mod events;
mod fold;
mod wire;

pub use events::{Event, Events};
pub use fold::{Fold, Records};
pub use wire::{Opened, open};

use crate::client::Answer;
use crate::server::Server;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Error, Message, WebSocket};

/// How long anything may take that must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that follows one query, or at `/_stoa/live` many.
pub struct Follower {
    wire: Wire,
    /// What is followed, by name; the name of the only one is empty.
    folds: BTreeMap<String, Fold>,
}

enum Wire {
    Socket(Box<WebSocket<TcpStream>>),
    Events(Box<Events>),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The server said why.
    Closed(u16, String),
    /// It is not there any more, or the answer has ended.
    Gone,
}

impl Follower {
    /// Follows the query at a path over a WebSocket.
    pub fn socket(server: &Server, path: &str) -> Self {
        Self::try_socket(server.port(), path).unwrap_or_else(|answer| panic!("{path}: {}", answer.text()))
    }

    /// Follows the query at a path over a WebSocket; the answer, if there is one instead.
    pub fn try_socket(port: u16, path: &str) -> Result<Self, Answer> {
        let Opened { stream, read } = open(port, path, &[])?;
        let socket = WebSocket::from_partially_read(stream, read, Role::Client, None);
        Ok(Self::over(Wire::Socket(Box::new(socket))))
    }

    /// Follows the query at a path over server-sent events.
    pub fn events(server: &Server, path: &str) -> Self {
        Self::try_events(server.port(), path, None).unwrap_or_else(|answer| panic!("{path}: {}", answer.text()))
    }

    /// Follows the query at a path over server-sent events, having been at `last`; the answer, if it is another one.
    pub fn try_events(port: u16, path: &str, last: Option<&str>) -> Result<Self, Answer> {
        let headers: Vec<(&str, &str)> = last.iter().map(|last| ("Last-Event-ID", *last)).collect();
        Ok(Self::over(Wire::Events(Box::new(Events::open(port, path, &headers)?))))
    }

    fn over(wire: Wire) -> Self {
        Self { wire, folds: BTreeMap::new() }
    }

    /// This connection, which goes on from a state that is known already.
    #[must_use]
    pub fn with(mut self, fold: Fold) -> Self {
        self.folds.insert(String::new(), fold);
        self
    }

    /// The state of the only thing that is followed.
    pub fn fold(&mut self) -> &mut Fold {
        self.folds.entry(String::new()).or_default()
    }

    /// The state of one of many.
    pub fn fold_of(&mut self, name: &str) -> &mut Fold {
        self.folds.entry(name.to_owned()).or_default()
    }

    /// The state of what has ended is forgotten; its name is free.
    pub fn forget(&mut self, name: &str) {
        self.folds.remove(name);
    }

    /// The next message, checked and folded.
    pub fn heard(&mut self) -> Json {
        self.try_heard().unwrap_or_else(|end| panic!("the connection ended: {end:?}"))
    }

    /// The next message, checked and folded, or how the connection ended.
    pub fn try_heard(&mut self) -> Result<Json, End> {
        let (message, id) = match &mut self.wire {
            Wire::Socket(socket) => (next_text(socket)?, None),
            Wire::Events(events) => {
                let event = events.next_data().ok_or(End::Gone)?;
                (event.data.expect("an event with data"), Some(event.id))
            }
        };
        let message: Json = serde_json::from_str(&message).unwrap_or_else(|error| panic!("{error} in {message}"));
        if message["type"] != "error" {
            let name = message["as"].as_str().unwrap_or_default();
            let fold = self.folds.entry(name.to_owned()).or_default();
            fold.take(&message);
            if let Some(id) = id {
                fold.check_id(&message, id.as_deref());
            }
        }
        Ok(message)
    }

    /// Hears messages until the state is complete at some position.
    pub fn until_complete(&mut self) -> &mut Self {
        while self.fold().complete().is_none() {
            self.heard();
        }
        self
    }

    /// Hears messages up to and including the first `ready`.
    pub fn until_ready(&mut self) -> &mut Self {
        while self.heard()["type"] != "ready" {}
        self
    }

    /// Hears messages until one step has ended that told of the record.
    pub fn until_told(&mut self, id: &str) {
        while self.heard()["id"] != id {}
        self.until_complete();
    }

    /// Hears as many messages as these, and compares: `put ID VALUE`, `leave ID`, `delete ID`, `ready`, `reset`, with `.`
    /// at the end where a step ends, and with the name of what is followed in front where there is one.
    pub fn hears(&mut self, expected: &[&str]) {
        let heard: Vec<String> = expected.iter().map(|_| brief(&self.heard())).collect();
        assert_eq!(heard, expected);
    }

    /// Says something.
    pub fn say(&mut self, text: &str) {
        self.send(Message::text(text));
    }

    /// Asks for a subscription.
    pub fn subscribe(&mut self, path: &str, name: &str) {
        self.say(&json!({"subscribe": path, "as": name}).to_string());
    }

    /// Sends a message as it is.
    pub fn send(&mut self, message: Message) {
        let Wire::Socket(socket) = &mut self.wire else { panic!("nothing can be said over server-sent events") };
        socket.send(message).expect("a socket that takes messages");
    }

    /// Ends the conversation as it should end.
    pub fn close(mut self) {
        if let Wire::Socket(socket) = &mut self.wire {
            socket.close(Some(CloseFrame { code: 1000.into(), reason: "".into() })).expect("a socket that is open");
            while next_text(socket).is_ok() {}
        }
    }

    /// Hears messages until the connection ends, and how it did.
    pub fn until_end(&mut self) -> End {
        loop {
            if let Err(end) = self.try_heard() {
                return end;
            }
        }
    }
}

fn next_text(socket: &mut WebSocket<TcpStream>) -> Result<String, End> {
    let began = Instant::now();
    loop {
        // Pings come, whether or not there is anything to tell.
        assert!(began.elapsed() < 2 * PATIENCE, "nothing came but pings");
        match socket.read() {
            Ok(Message::Text(text)) => return Ok(text.as_str().to_owned()),
            Ok(Message::Close(Some(frame))) => {
                // The answer to it is written with the next read.
                _ = socket.flush();
                return Err(End::Closed(frame.code.into(), frame.reason.as_str().to_owned()));
            }
            Ok(Message::Close(None)) => return Err(End::Closed(1005, String::new())),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(other) => panic!("no text: {other:?}"),
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came for {PATIENCE:?}")
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_)) => return Err(End::Gone),
            Err(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
                return Err(End::Gone);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A message in short: see [`Follower::hears`].
pub fn brief(message: &Json) -> String {
    let mut brief = message["as"].as_str().map(|name| format!("{name}: ")).unwrap_or_default();
    brief.push_str(message["type"].as_str().unwrap_or("?"));
    match &message["id"] {
        Json::Null => {}
        Json::String(id) => brief.push_str(&format!(" {id}")),
        id => brief.push_str(&format!(" {id}")),
    }
    if let Some(value) = message.get("value") {
        brief.push_str(&format!(" {value}"));
    }
    if message["type"] == "error" {
        brief.push_str(&format!(" {}", message["problem"]["status"]));
    } else if message["type"] != "ready" && message.get("seq").is_some() {
        brief.push('.');
    }
    brief
}
