//! The primary of a region: an unmodified libSQL server (`sqld`). It is asked in Hrana over HTTP and followed over gRPC; this
//! module knows both protocols and nothing of commits or schemas.

mod hrana;
mod feed;

pub(crate) use feed::{Applied, Connection, Feed, FeedError};
pub(crate) use hrana::{Asking, SendError};

use std::fmt;

/// Where the primary is, and how one is let in.
#[derive(Clone)]
pub struct Primary {
    url: Box<str>,
    token: Option<Box<str>>,
}

/// Why a primary cannot be named so.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PrimaryError {
    /// Its URL is none.
    #[error("{0:?} is no address of a primary; write it as http://HOST:PORT or https://HOST")]
    Url(String),
    /// Its token cannot stand in a header.
    #[error("the token of the primary has characters that a header cannot carry")]
    Token,
}

impl Primary {
    /// A primary at `http://HOST[:PORT]` or `https://HOST[:PORT]`, with the token that it asks for (a JWT).
    ///
    /// # Errors
    /// One of the two cannot be used.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, PrimaryError> {
        let wrong = || PrimaryError::Url(url.to_owned());
        let trimmed = url.trim_end_matches('/');
        let authority = trimmed.strip_prefix("http://").or(trimmed.strip_prefix("https://")).ok_or_else(wrong)?;
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(wrong());
        }
        if token.is_some_and(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(PrimaryError::Token);
        }
        Ok(Self { url: trimmed.into(), token: token.map(Into::into) })
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn bearer(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    fn is_secure(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// The token is nobody's business.
impl fmt::Debug for Primary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Primary").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::Primary;

    #[test]
    fn addresses() {
        let url = |url| Primary::new(url, None).map(|primary| primary.url().to_owned()).ok();
        assert_eq!(url("http://primary:8080/").as_deref(), Some("http://primary:8080"));
        assert_eq!(url("https://db.example").as_deref(), Some("https://db.example"));
        for wrong in ["primary:8080", "libsql://db.example", "http://", "http://a/b", "http://user@host", ""] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
        assert!(Primary::new("http://a", Some("a b")).is_err() && Primary::new("http://a", Some("")).is_err());
        let primary = Primary::new("http://a", Some("secret")).unwrap();
        assert!(!format!("{primary:?}").contains("secret"));
    }
}
