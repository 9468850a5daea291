//! Where a stream can be taken up: behind the last message that completed a commit.

use super::message::{Kind, Message};

/// A position of the change log, if there is one to go on from. Its token is `LOG-SEQ`; messages carry only `seq`, and
/// `ready` the whole.
#[derive(Debug, Default)]
pub(super) struct Position {
    token: Option<String>,
}

impl Position {
    /// The position that a token names.
    pub(super) fn behind(token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned) }
    }

    /// Goes on with a message. After a reset there is no position until the state is complete.
    pub(super) fn follow(&mut self, message: &Message<'_>) {
        match (message.kind(), &message.since, message.seq) {
            (Kind::Reset, _, _) => self.token = None,
            (_, Some(since), _) => self.token = Some(since.to_string()),
            (_, None, Some(seq)) => self.token = self.log().map(|log| format!("{log}-{seq}")),
            (_, None, None) => {}
        }
    }

    /// What the server is to be asked for.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The log that the token belongs to.
    fn log(&self) -> Option<&str> {
        self.token()?.rsplit_once('-').map(|(log, _)| log)
    }
}

#[cfg(test)]
mod tests {
    use super::Position;
    use crate::cli::watch::message::Message;

    #[test]
    fn it_follows_whole_commits_of_the_log_it_knows() {
        let mut position = Position::default();
        for (text, token) in [
            (r#"{"type":"put","table":"P","id":"a","value":{},"seq":40}"#, None),
            (r#"{"type":"ready","seq":41,"since":"k7-f2-41"}"#, Some("k7-f2-41")),
            (r#"{"type":"put","table":"P","id":"a","value":{}}"#, Some("k7-f2-41")),
            (r#"{"seq":43,"id":"b","table":"P","type":"delete"}"#, Some("k7-f2-43")),
            (r#"{"type":"reset"}"#, None),
            (r#"{"type":"put","table":"P","id":"a","value":{},"seq":44}"#, None),
            (r#"{"type":"ready","seq":2,"since":"m-2"}"#, Some("m-2")),
            (r#"{"type":"leave","table":"P","id":"a","seq":3}"#, Some("m-3")),
        ] {
            if let Some(message) = Message::read(text) {
                position.follow(&message);
            }
            assert_eq!(position.token(), token, "{text}");
        }
        assert_eq!(Position::behind(Some("k-1")).token(), Some("k-1"));
    }
}
