//! `stoa watch`: the live updates of a URL, a line for each, in a terminal or for a pipe.
//!
//! A stream that breaks is taken up where it was: with the last position that is a whole commit.

mod connection;
mod target;
mod position;
mod shown;
mod message;

use super::WatchArgs;
use super::running::Stop;
use crate::limits;
use connection::{Connection, Handshake, Unconnected};
use message::{Kind, Message};
use position::Position;
use shown::Shown;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use target::{Start, Target};

/// Watches until it is stopped; the error is for people.
pub(super) fn run(arguments: &WatchArgs) -> Result<(), String> {
    let target = Target::parse(&arguments.url)?;
    // A thread beside this one: a signal is noticed also while a full pipe holds the writing.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    let mut stop = {
        let _inside = runtime.enter();
        Stop::listen().map_err(|error| format!("cannot receive signals: {error}"))?
    };
    runtime.spawn(async move {
        stop.next().await;
        std::process::exit(0);
    });
    let mut watch = Watch {
        shown: if arguments.json { Shown::AsItCame } else { Shown::for_people() },
        once: arguments.once,
        snapshot: target.snapshot() && !arguments.no_snapshot,
        position: Position::behind(target.since()),
        target,
    };
    runtime.block_on(watch.run())
}

struct Watch {
    target: Target,
    shown: Shown,
    /// Whether it ends when the state is complete.
    once: bool,
    /// Whether it begins with the state.
    snapshot: bool,
    position: Position,
}

/// Why a stream ended.
enum Ended {
    /// Nobody needs more of it.
    Wanted,
    /// It broke, in words.
    Lost(String),
}

impl Watch {
    async fn run(&mut self) -> Result<(), String> {
        let mut wait = limits::RECONNECT_WAIT.0;
        let mut reached = false;
        loop {
            let mut received = false;
            let lost = match self.stream(reached, &mut received).await? {
                Ended::Wanted => return Ok(()),
                Ended::Lost(why) => why,
            };
            reached = true;
            if received {
                wait = limits::RECONNECT_WAIT.0;
            }
            tell(&format!("{lost}; trying again in {} s", wait.as_secs_f32()));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(limits::RECONNECT_WAIT.1);
        }
    }

    /// One stream, from the first byte to its end. An error is final.
    async fn stream(&mut self, again: bool, received: &mut bool) -> Result<Ended, String> {
        let uri = self.target.uri(&self.start())?;
        let mut tcp = match connection::reach(&uri).await {
            Ok(tcp) => tcp,
            Err(unconnected) => return later(unconnected, again),
        };
        let refused = match Connection::open(&mut tcp, &uri).await {
            Ok(connection) => {
                if again {
                    tell(&format!("connected again, {}", self.goes_on()));
                }
                return self.follow(connection, received).await;
            }
            Err(Handshake::Failed(why)) => return later(Unconnected::ForNow(why), again),
            Err(Handshake::Answered(answer)) => answer,
        };
        later(connection::refusal(*refused, &mut tcp).await, again)
    }

    fn start(&self) -> Start<'_> {
        match self.position.token() {
            Some(token) => Start::Behind(token),
            None if self.snapshot => Start::State,
            None => Start::Now,
        }
    }

    fn goes_on(&self) -> String {
        match self.start() {
            Start::Behind(token) => format!("going on from {token}"),
            Start::State => "the state follows anew".into(),
            Start::Now => "what happened meanwhile is missing".into(),
        }
    }

    /// Shows what comes until the stream ends.
    async fn follow(&mut self, mut connection: Connection<'_>, received: &mut bool) -> Result<Ended, String> {
        loop {
            let text = match connection.next().await {
                Ok(text) => text,
                Err(why) if self.once => return Err(format!("{why}, before the state was complete")),
                Err(why) => return Ok(Ended::Lost(why)),
            };
            *received = true;
            let message = Message::read(&text);
            let mut done = self.show(&text, message.as_ref())?.is_break();
            if let Some(message) = &message {
                self.position.follow(message);
                done |= self.once && message.kind() == Kind::Ready;
            }
            if done {
                connection.close().await;
                return Ok(Ended::Wanted);
            }
        }
    }

    /// Writes a line; breaks where nobody reads any more.
    fn show(&self, text: &str, message: Option<&Message<'_>>) -> Result<ControlFlow<()>, String> {
        let line = self.shown.line(text, message);
        let mut out = std::io::stdout().lock();
        match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(format!("cannot write: {error}")),
        }
    }
}

/// A server that was reached once is tried again; one that never was, or refuses, is not.
fn later(unconnected: Unconnected, again: bool) -> Result<Ended, String> {
    match unconnected {
        Unconnected::ForNow(why) if again => Ok(Ended::Lost(why)),
        Unconnected::ForNow(why) | Unconnected::Refused(why) => Err(why),
    }
}

/// Says what happens to whoever still reads it.
fn tell(line: &str) {
    _ = writeln!(std::io::stderr(), "stoa: {line}");
}
