//! `Idempotency-Key`: a write that may be sent again, and what makes two requests the same one.

use super::headers::{self, IDEMPOTENCY_KEY};
use super::problem::Problem;
use crate::data::format::Format;
use crate::limits;
use http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::{self, Read};
use stoa_sync::commit::RequestKey;

/// The key of a request. It is opaque: the quotes that some clients put around it belong to it.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Box<Problem>> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(Problem::syntax("the header Idempotency-Key stands twice"));
    }
    let fits = value.len() <= limits::IDEMPOTENCY_KEY_CHARS && value.as_bytes().iter().all(u8::is_ascii_graphic);
    let text = value.to_str().ok().filter(|text| fits && !text.is_empty());
    text.map(|text| Some(text.to_owned())).ok_or_else(|| {
        let most = limits::IDEMPOTENCY_KEY_CHARS;
        Problem::syntax(format!("the header Idempotency-Key has 1 to {most} visible ASCII characters"))
    })
}

/// What a request is, as far as its effect depends on it: method, path, query, preconditions, resolution, and its body.
/// How the answer is to look does not count.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Of a request whose body, in this format, follows.
    pub(super) fn of(parts: &Parts, format: Format) -> Self {
        let mut fingerprint = Self(Sha256::new());
        fingerprint.part(parts.method.as_str().as_bytes());
        fingerprint.part(parts.uri.path().as_bytes());
        fingerprint.part(parts.uri.query().unwrap_or_default().as_bytes());
        for name in [IF_MATCH, IF_NONE_MATCH] {
            let values: Vec<&[u8]> = parts.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
            fingerprint.part(&values.join(b",".as_slice()));
        }
        let merges = headers::preferences(&parts.headers).merge;
        fingerprint.part(if merges { b"merge" } else { b"" });
        fingerprint.part(format!("{format:?}").as_bytes());
        fingerprint
    }

    /// Takes a piece of the body, decoded.
    pub(super) fn body(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The key with this fingerprint.
    pub(super) fn request(self, key: &str) -> RequestKey {
        let digest = self.0.finalize();
        let mut fingerprint = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing to a text cannot fail.
            _ = write!(fingerprint, "{byte:02x}");
        }
        RequestKey { key: key.to_owned(), fingerprint }
    }

    /// With its length before it, so that no two lists of parts are the same bytes.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

/// A body that is read piece by piece, and its fingerprint.
pub(super) struct Fingerprinted<R> {
    pub(super) body: R,
    pub(super) fingerprint: Fingerprint,
}

impl<R: Read> Read for Fingerprinted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        self.fingerprint.body(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Fingerprint, Format, key};
    use http::{HeaderMap, Request};

    fn fingerprint(method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut fingerprint = Fingerprint::of(&request.body(()).unwrap().into_parts().0, Format::Json);
        fingerprint.body(body);
        fingerprint.request("k").fingerprint
    }

    #[test]
    fn what_has_an_effect_counts() {
        let plain = fingerprint("POST", "/T/", &[], b"{}");
        for other in [
            fingerprint("PUT", "/T/", &[], b"{}"),
            fingerprint("POST", "/T", &[], b"/{}"),
            fingerprint("POST", "/T/?", &[("if-match", "\"1\"")], b"{}"),
            fingerprint("POST", "/T/?atomic=true", &[], b"{}"),
            fingerprint("POST", "/T/", &[("prefer", "resolution=merge-duplicates")], b"{}"),
            fingerprint("POST", "/T/", &[], b"{} "),
        ] {
            assert_ne!(plain, other);
        }
        assert_eq!(plain, fingerprint("POST", "/T/", &[("accept", "text/csv"), ("prefer", "return=minimal")], b"{}"));
    }

    #[test]
    fn a_key_is_one_visible_word() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("idempotency-key", value.parse().unwrap());
            }
            key(&headers).ok()
        };
        assert_eq!(read(&[]), Some(None));
        assert_eq!(read(&["\"a-1\""]), Some(Some("\"a-1\"".to_owned())));
        assert!(read(&[&"x".repeat(255)]).is_some());
        for refused in [[""].as_slice(), &["a b"], &["a", "a"], &["é"], &[&"x".repeat(256)]] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
    }
}
