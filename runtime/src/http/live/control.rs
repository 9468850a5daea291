//! What a client says on a socket for many subscriptions, and what it is answered.

use super::super::problem::Problem;
use super::super::service::{Service, Tables};
use super::{admit, start, subscribed};
use crate::live::{Followed, Subscription};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// A message of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// A path with its query.
    subscribe: Option<String>,
    /// The name of a subscription.
    unsubscribe: Option<String>,
    /// The name that messages of the subscription carry; without it the path.
    #[serde(rename = "as")]
    name: Option<String>,
    /// A token; a number is one of the present log.
    since: Option<Token>,
}

/// A token, as a text or as a bare number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Number(u64),
}

/// What a client asks for.
pub(super) enum Asked {
    Subscribe { name: String, path: String, since: Option<String> },
    Unsubscribe(String),
}

/// Reads a message; an error is the message that it is answered with.
pub(super) fn read(text: &str) -> Result<Asked, String> {
    let wrong = |detail: String| refusal(None, &Problem::syntax(detail));
    if !text.trim_start().starts_with('{') {
        return Err(wrong(format!("a message is a JSON object: {FORMS}")));
    }
    let said: Said = serde_json::from_str(text).map_err(|error| wrong(format!("the message: {error}")))?;
    match said {
        Said { subscribe: Some(path), unsubscribe: None, name, since } => {
            let since = since.map(|since| match since {
                Token::Text(token) => token,
                Token::Number(seq) => seq.to_string(),
            });
            Ok(Asked::Subscribe { name: name.unwrap_or_else(|| path.clone()), path, since })
        }
        Said { subscribe: None, unsubscribe: Some(name), name: None, since: None } => Ok(Asked::Unsubscribe(name)),
        _ => Err(wrong(format!("a message is {FORMS}"))),
    }
}

const FORMS: &str = "{\"subscribe\": PATH, \"as\": NAME, \"since\": TOKEN} or {\"unsubscribe\": NAME}";

/// Begins a subscription.
///
/// # Errors
/// The problem that a request for the same path would be answered with.
pub(super) fn subscribe(
    service: &Service,
    tables: &Tables,
    path: &str,
    since: Option<&str>,
) -> Result<(Subscription, OwnedSemaphorePermit), Box<Problem>> {
    let query = subscribed(tables, path)?;
    let permit = admit(service)?;
    let start = start(service.live(), &query, since);
    let followed = Followed::new(Arc::clone(tables.records.renderer()), query.query);
    Ok((service.live().subscribe(followed, start), permit))
}

/// The message that refuses a subscription.
pub(super) fn refusal(name: Option<&str>, problem: &Problem) -> String {
    let mut message = json!({"type": "error", "problem": problem.document()});
    if let (Some(name), Json::Object(members)) = (name, &mut message) {
        members.insert("as".into(), name.into());
    }
    message.to_string()
}

/// A message with the name of its subscription.
pub(super) fn named(name: &str, text: &str) -> String {
    let rest = text.strip_prefix('{').unwrap_or(text);
    format!("{{\"as\":{},{rest}", Json::from(name))
}
