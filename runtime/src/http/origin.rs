//! Who may talk to this server from a browser: no page of another origin unless it is allowed, and on loopback no host
//! name that is not loopback's (DNS rebinding).

use super::problem::{Problem, ProblemKind};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri, Version};
use std::net::IpAddr;

/// The rules about hosts and origins.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Origins that may read and write, as browsers write them: `https://shop.example`.
    pub allowed: Vec<String>,
    /// Whether every loopback origin may (`stoa dev`).
    pub loopback: bool,
    /// Whether the server listens on loopback only, so that only loopback names may be its host.
    pub local_only: bool,
}

impl Origins {
    /// Checks a request; the value of `Access-Control-Allow-Origin`, if it comes from an allowed page of another origin.
    pub(super) fn check(
        &self,
        version: Version,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<HeaderValue>, Box<Problem>> {
        let host = self.host(version, uri, headers)?;
        let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
        let refuse = || {
            Problem::new(
                ProblemKind::FORBIDDEN,
                "pages of this origin may not use this server; `cors` in stoa.toml lists those that may",
            )
        };
        let text = origin.to_str().map_err(|_| refuse())?;
        let authority = text.split_once("://").map(|(_, authority)| authority).ok_or_else(refuse)?;
        if host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
            return Ok(None);
        }
        let allowed = self.allowed.iter().any(|allowed| allowed == text) || (self.loopback && is_loopback(authority));
        if allowed { Ok(Some(origin.clone())) } else { Err(refuse()) }
    }

    /// Checks the host of a request that names no origin.
    pub(super) fn check_host(&self, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Box<Problem>> {
        self.host(version, uri, headers).map(|_| ())
    }

    fn host<'a>(
        &self,
        version: Version,
        uri: &'a Uri,
        headers: &'a HeaderMap,
    ) -> Result<Option<&'a str>, Box<Problem>> {
        let mut hosts = headers.get_all(HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        // RFC 9112 §3.2: exactly one, from HTTP/1.1 on.
        if second.is_some() || (first.is_none() && version >= Version::HTTP_11) {
            return Err(Problem::syntax("the request needs exactly one Host header"));
        }
        let written = first.map(|host| host.to_str().map_err(|_| Problem::syntax("the header Host is not ASCII text")));
        // RFC 9112 §3.2.2: a target that names a host goes before the header.
        let Some(host) = uri.authority().map(|authority| Ok(authority.as_str())).or(written).transpose()? else {
            return Ok(None);
        };
        if self.local_only && !is_loopback(host) {
            let detail = format!("this server listens on loopback only and does not answer for the host {host:?}");
            return Err(Problem::new(ProblemKind::FORBIDDEN, detail));
        }
        Ok(Some(host))
    }
}

/// Whether `host[:port]` names this machine to itself.
fn is_loopback(authority: &str) -> bool {
    // What most write; the rest is looked at closely.
    let ends = |rest: &str| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if ["localhost", "127.0.0.1"].iter().any(|name| authority.strip_prefix(name).is_some_and(ends)) {
        return true;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        },
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_names() {
        for name in [
            "localhost",
            "localhost:9926",
            "app.localhost:1",
            "127.0.0.1:9926",
            "127.8.8.8",
            "[::1]:9926",
            "LOCALHOST.",
        ] {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1:80",
            "127.0.0.1.evil.example",
            "localhost:evil:80",
            "127.0.0.1:80.evil",
            "",
            "[::2]:80",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }
}
