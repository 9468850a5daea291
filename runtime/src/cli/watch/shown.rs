//! How a message is shown: as it came, or as a line for people.

use super::message::{Kind, Message};
use std::fmt::Write;
use std::io::IsTerminal;

/// Wide enough for what every kind is called.
const KIND_WIDTH: usize = 6;
/// Where the time of day lies in a timestamp, to the millisecond: `2026-11-20T10:00:00.123Z`.
const TIME_OF_DAY: std::ops::Range<usize> = 11..23;

/// How messages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Byte by byte.
    AsItCame,
    /// In columns.
    Plain,
    /// In columns, with colours.
    Coloured,
}

impl Shown {
    /// For people: with colours only where a terminal shows them and nobody declines them (no-color.org).
    pub(super) fn for_people() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb { Self::Coloured } else { Self::Plain }
    }

    /// The line of a message, with its end; `message` is what was understood of `text`.
    pub(super) fn line(self, text: &str, message: Option<&Message<'_>>) -> String {
        match (self, message) {
            // A line end can stand only between the parts of a JSON text, where a space does as well.
            (Self::AsItCame, _) => format!("{}\n", text.replace(['\n', '\r'], " ")),
            (Self::Plain | Self::Coloured, None) => format!("{}\n", harmless(text)),
            (Self::Plain, Some(message)) => columns(text, message, ("", "")),
            (Self::Coloured, Some(message)) => columns(text, message, colours(message.kind())),
        }
    }
}

/// What switches the colour of a kind on and off (ECMA-48, SGR).
fn colours(kind: Kind) -> (&'static str, &'static str) {
    const RED: &str = "\x1b[31m";
    const GREEN: &str = "\x1b[32m";
    const YELLOW: &str = "\x1b[33m";
    const FAINT: &str = "\x1b[2m";
    let on = match kind {
        Kind::Put => GREEN,
        Kind::Delete => RED,
        Kind::Leave | Kind::Reset | Kind::Unknown => YELLOW,
        Kind::Ready => FAINT,
    };
    (on, "\x1b[0m")
}

fn columns(text: &str, message: &Message<'_>, (on, off): (&str, &str)) -> String {
    let timestamp = message.timestamp.as_deref().unwrap_or_default();
    let time = timestamp.get(TIME_OF_DAY).unwrap_or_default();
    let kind = harmless(message.name());
    let mut line = format!("{:<12}  {on}{kind:<KIND_WIDTH$}{off}", harmless(time));
    // Writing to a String cannot fail.
    _ = match (message.kind(), &message.since) {
        (Kind::Ready, Some(since)) => write!(line, "  {}", harmless(since)),
        (Kind::Unknown, _) => write!(line, "  {}", harmless(text)),
        (Kind::Put | Kind::Delete | Kind::Leave | Kind::Ready | Kind::Reset, _) => record(&mut line, message),
    };
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn record(line: &mut String, message: &Message<'_>) -> std::fmt::Result {
    if let (Some(table), Some(id)) = (&message.table, message.id) {
        let id = serde_json::from_str(id.get()).unwrap_or_else(|_| id.get().to_owned());
        write!(line, "  {}/{}", harmless(table), harmless(&id))?;
    }
    message.value.map_or(Ok(()), |value| write!(line, "  {}", harmless(value.get())))
}

/// A text in which nothing gives orders to a terminal, whoever wrote the record.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::Shown;
    use crate::cli::watch::message::Message;

    fn line(shown: Shown, text: &str) -> String {
        shown.line(text, Message::read(text).as_ref())
    }

    #[test]
    fn people_see_columns() {
        for (text, shown) in [
            (
                r#"{"type":"put","table":"Product","id":"p1","value":{"id":"p1","n":1.50},"seq":4,"timestamp":"2026-11-20T10:00:00.123Z"}"#,
                "10:00:00.123  put     Product/p1  {\"id\":\"p1\",\"n\":1.50}\n",
            ),
            (
                r#"{"id":["a",1],"timestamp":"2026-11-20T10:00:00.123+02:00","type":"leave","table":"Seat"}"#,
                "10:00:00.123  leave   Seat/[\"a\",1]\n",
            ),
            (r#"{"type":"delete","table":"Visit","id":7}"#, "              delete  Visit/7\n"),
            (r#"{"type":"ready","seq":41,"since":"k7f2-41"}"#, "              ready   k7f2-41\n"),
            (r#"{"type":"reset"}"#, "              reset\n"),
            (r#"{"type":"news","x":1}"#, "              news    {\"type\":\"news\",\"x\":1}\n"),
            ("no JSON", "no JSON\n"),
        ] {
            assert_eq!(line(Shown::Plain, text), shown);
        }
    }

    #[test]
    fn colours_stand_around_the_kind() {
        let text = r#"{"type":"put","table":"P","id":"a"}"#;
        assert_eq!(line(Shown::Coloured, text), "              \x1b[32mput   \x1b[0m  P/a\n");
    }

    #[test]
    fn a_record_gives_no_orders_to_the_terminal() {
        let text = "{\"type\":\"put\",\"table\":\"P\",\"id\":\"a\\u001b[2J\",\"value\":\"\u{9b}31m é\"}";
        assert_eq!(line(Shown::Plain, text), "              put     P/a\\u{1b}[2J  \"\\u{9b}31m é\"\n");
    }

    #[test]
    fn a_message_is_one_line_for_pipes() {
        let text = "{\"type\": \"put\",\n \"x\": 1.0}";
        assert_eq!(line(Shown::AsItCame, text), "{\"type\": \"put\",  \"x\": 1.0}\n");
    }
}
