//! What is watched: a URL, or a path of the server on this machine, and from where on.

use crate::config::DEFAULT_LISTEN;
use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What no URL has as it is. A shell hands over what was typed; browsers encode these too.
const NOT_IN_URLS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// A table or a record, with conditions.
#[derive(Debug)]
pub(super) struct Target {
    authority: String,
    path: String,
    /// The query's parts, without `since` and `snapshot`.
    query: Vec<String>,
    /// The position behind which it begins.
    since: Option<String>,
    /// Whether it begins with the state.
    snapshot: bool,
}

/// Where a stream begins.
pub(super) enum Start<'t> {
    /// With the state.
    State,
    /// With what comes.
    Now,
    /// Behind a position of the log.
    Behind(&'t str),
}

impl Target {
    /// Reads what was typed.
    ///
    /// # Errors
    /// It is no URL that can be watched, in words.
    pub(super) fn parse(typed: &str) -> Result<Self, String> {
        let url = utf8_percent_encode(typed, NOT_IN_URLS).to_string();
        if url.contains('#') {
            return Err(format!("{typed}: what follows a # is never sent; write %23 for the character"));
        }
        let (authority, rest) = match url.split_once("://") {
            _ if url.starts_with('/') => (DEFAULT_LISTEN.to_string(), url.as_str()),
            Some(("ws" | "http", rest)) => {
                let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                (authority.to_owned(), rest)
            }
            Some(("wss" | "https", _)) => {
                return Err(format!(
                    "{typed}: this command does not speak TLS; watch the server where it listens, behind the proxy, or \
                     through a tunnel (ssh -L 9926:127.0.0.1:9926 HOST)"
                ));
            }
            _ => {
                return Err(format!(
                    "{typed}: a URL begins with http:// or ws://; a path of the server on this machine with /"
                ));
            }
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path.trim_matches('/').is_empty() {
            return Err(format!("{typed}: name a table or a record, as in /Product/ or /Product/p1"));
        }
        let mut target = Self { authority, path: path.to_owned(), query: Vec::new(), since: None, snapshot: true };
        for part in parts(query) {
            match (control(part, "since"), control(part, "snapshot")) {
                (Some(since), _) => target.since = Some(since.to_owned()),
                (None, Some("true")) => {}
                (None, Some("false")) => target.snapshot = false,
                (None, Some(other)) => return Err(format!("{typed}: snapshot is true or false, not {other}")),
                (None, None) => target.query.push(part.to_owned()),
            }
        }
        let uri = target.uri(&Start::State)?;
        // What stands behind a colon is looked at only now.
        let port = uri.authority().and_then(|it| it.as_str().rsplit_once(':')).map(|(_, port)| port);
        let numbered = port.is_none_or(|port| port.ends_with(']') || port.parse::<u16>().is_ok());
        if uri.host().is_none_or(str::is_empty) || !numbered {
            return Err(format!("{typed}: {} is no host, or no host and port", target.authority));
        }
        Ok(target)
    }

    /// The position behind which it begins, if it names one.
    pub(super) fn since(&self) -> Option<&str> {
        self.since.as_deref()
    }

    /// Whether it begins with the state.
    pub(super) fn snapshot(&self) -> bool {
        self.snapshot
    }

    /// The URL to ask for. Controls are written so that no attribute can have their names.
    ///
    /// # Errors
    /// It is no URL, in words.
    pub(super) fn uri(&self, start: &Start<'_>) -> Result<Uri, String> {
        let control = match start {
            Start::State => None,
            Start::Now => Some("snapshot(false)".to_owned()),
            Start::Behind(token) => Some(format!("since({token})")),
        };
        let query: Vec<&str> = self.query.iter().map(String::as_str).chain(control.as_deref()).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("ws://{}{}{mark}{}", self.authority, self.path, query.join("&"));
        url.parse().map_err(|error| format!("{url}: {error}"))
    }
}

/// The parts of a query between its outer `&`.
fn parts(query: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let outer = query.split(|character| {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == '&' && depth == 0
    });
    outer.filter(|part| !part.is_empty()).collect()
}

/// The value of a part that is this control: `name=value` or `name(value)`. A comparison has another `=`.
fn control<'q>(part: &'q str, name: &str) -> Option<&'q str> {
    let rest = part.strip_prefix(name)?;
    let called = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    called.or_else(|| rest.strip_prefix('=').filter(|value| !value.contains('=')))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Start, Target};

    fn asked(typed: &str, start: &Start<'_>) -> String {
        Target::parse(typed).unwrap().uri(start).unwrap().to_string()
    }

    #[test]
    fn what_was_typed_becomes_a_url() {
        for (typed, url) in [
            ("/Product/", "ws://127.0.0.1:9926/Product/"),
            ("/Product/?inStock=true", "ws://127.0.0.1:9926/Product/?inStock=true"),
            ("http://shop.example/Product/p1", "ws://shop.example/Product/p1"),
            ("ws://[::1]:80/Product?", "ws://[::1]:80/Product"),
            ("ws://[::1]/Product/", "ws://[::1]/Product/"),
            ("/Product/?price<10&name=a b", "ws://127.0.0.1:9926/Product/?price%3C10&name=a%20b"),
            ("/Product/?name=%20é|[a=1&b=2]", "ws://127.0.0.1:9926/Product/?name=%20%C3%A9|[a=1&b=2]"),
        ] {
            assert_eq!(asked(typed, &Start::State), url);
        }
    }

    #[test]
    fn where_it_begins_replaces_what_was_typed() {
        let typed = "/P/?a=1&since=x-1&since==y&(since=z&b=2)&snapshot=false&since(x-2)";
        let target = Target::parse(typed).unwrap();
        assert_eq!((target.since(), target.snapshot()), (Some("x-2"), false));
        let rest = "ws://127.0.0.1:9926/P/?a=1&since==y&(since=z&b=2)";
        assert_eq!(asked(typed, &Start::State), rest);
        assert_eq!(asked(typed, &Start::Now), format!("{rest}&snapshot(false)"));
        assert_eq!(asked("/P/p1", &Start::Behind("x-41")), "ws://127.0.0.1:9926/P/p1?since(x-41)");
    }

    #[test]
    fn what_cannot_be_watched_is_said() {
        for (typed, said) in [
            ("Product", "begins with http://"),
            ("localhost:9926/Product/", "begins with http://"),
            ("https://shop.example/Product/", "TLS"),
            ("wss://shop.example/Product/", "TLS"),
            ("http://shop.example", "name a table"),
            ("/?a=1", "name a table"),
            ("/Product/#1", "%23"),
            ("/Product/?snapshot=no", "true or false"),
            ("ws://:x/Product/", ":x is no host"),
            ("ws://shop.example:http/Product/", "shop.example:http is no host"),
            ("ws://:80/Product/", ":80 is no host"),
        ] {
            let refused = Target::parse(typed).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
