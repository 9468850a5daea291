//! Settings: a flag goes before the environment, the environment before `stoa.toml`, that before the default.

use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stoa_sync::Primary;
use stoa_sync::primary::PrimaryError;
use stoa_sync::store::Retention;

/// Where Stoa listens unless it is told otherwise: this machine only.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9926));

/// How many hours and megabytes of the change log are kept unless it is told otherwise.
const DEFAULT_LOG: (u32, u32) = (24, 256);

/// How many megabytes of answers are kept unless it is told otherwise.
const DEFAULT_CACHE: f64 = 32.0;

/// How old what a region reads may be for it to count as ready, in seconds, unless it is told otherwise.
const DEFAULT_READY_AGE: u32 = 300;

/// What `stoa.toml` may say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Address and port.
    pub listen: Option<SocketAddr>,
    /// The data folder; a relative one lies in the app.
    pub data: Option<PathBuf>,
    /// Origins whose pages may use the server.
    #[serde(default)]
    pub cors: Vec<String>,
    /// Whether everybody who reaches the server may read and write.
    pub unauthenticated: Option<bool>,
    /// Whether expired records are taken away.
    pub sweep: Option<bool>,
    /// How many hours of the change log are kept.
    pub log_hours: Option<NonZeroU32>,
    /// How many megabytes of the change log are kept.
    pub log_megabytes: Option<NonZeroU32>,
    /// How many megabytes of answers are kept.
    pub cache_megabytes: Option<f64>,
    /// Where the primary of this region is.
    pub primary: Option<String>,
    /// What this region is called.
    pub region: Option<String>,
    /// How old what a region reads may be for it to count as ready, in seconds.
    pub ready_age_seconds: Option<u32>,
}

/// What the command line and the environment say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Address and port.
    pub listen: Option<SocketAddr>,
    /// The data folder.
    pub data: Option<PathBuf>,
    /// Whether everybody who reaches the server may read and write.
    pub unauthenticated: bool,
    /// Whether expired records stay where they are, invisible.
    pub no_sweep: bool,
    /// How many hours of the change log are kept.
    pub log_hours: Option<NonZeroU32>,
    /// How many megabytes of the change log are kept.
    pub log_megabytes: Option<NonZeroU32>,
    /// How many megabytes of answers are kept.
    pub cache_megabytes: Option<f64>,
    /// Where the primary of this region is.
    pub primary: Option<String>,
    /// What the primary asks for; only in the environment.
    pub primary_token: Option<String>,
    /// What this region is called.
    pub region: Option<String>,
    /// How old what a region reads may be for it to count as ready, in seconds.
    pub ready_age_seconds: Option<u32>,
}

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Origins whose pages may use the server.
    pub cors: Vec<String>,
    /// Whether expired records are taken away.
    pub sweep: bool,
    /// How much of the change log is kept.
    pub retention: Retention,
    /// How many bytes of answers are kept.
    pub cache_bytes: u64,
    /// The primary, if this is one of its regions.
    pub primary: Option<Primary>,
    /// What this region is called.
    pub region: Option<String>,
    /// How old what a region reads may be for it to count as ready.
    pub ready_age: Duration,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file says what nobody understands.
    #[error("{}: {source}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// An origin is none.
    #[error("cors in stoa.toml: {0:?} is no origin; write it as browsers do, for example https://shop.example")]
    Origin(String),
    /// The size of the cache is none.
    #[error("cache_megabytes is {0}; write how many megabytes of answers are kept, for example 32, or 0 for none")]
    Cache(f64),
    /// The primary cannot be named so.
    #[error("primary: {0}")]
    Primary(#[from] PrimaryError),
    /// The address is open to others.
    #[error(
        "listening on {0} lets everybody on the network read and write: add --unauthenticated if that is meant, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
}

impl File {
    /// Reads `stoa.toml` of an app; an app without it has no settings.
    ///
    /// # Errors
    /// It cannot be read or understood.
    pub fn of(app: &Path) -> Result<Self, ConfigError> {
        let path = app.join("stoa.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        toml::from_str(&text).map_err(|source| ConfigError::Syntax { path, source: Box::new(source) })
    }
}

impl Settings {
    /// Settles what is said in three places.
    ///
    /// # Errors
    /// It would open the server to others without saying so, or names an origin that is none.
    pub fn settle(app: &Path, given: Given, file: File) -> Result<Self, ConfigError> {
        let listen = given.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN);
        let unauthenticated = given.unauthenticated || file.unauthenticated.unwrap_or(false);
        if !listen.ip().is_loopback() && !unauthenticated {
            return Err(ConfigError::Open(listen));
        }
        if let Some(wrong) = file.cors.iter().find(|origin| !is_origin(origin)) {
            return Err(ConfigError::Origin(wrong.clone()));
        }
        let data = data_folder(app, given.data, &file);
        let sweep = !given.no_sweep && file.sweep.unwrap_or(true);
        let hours = given.log_hours.or(file.log_hours).map_or(DEFAULT_LOG.0, NonZeroU32::get);
        let megabytes = given.log_megabytes.or(file.log_megabytes).map_or(DEFAULT_LOG.1, NonZeroU32::get);
        let retention =
            Retention { age: Duration::from_hours(u64::from(hours)), bytes: u64::from(megabytes) * 1_000_000 };
        let cache_bytes = cache_bytes(given.cache_megabytes.or(file.cache_megabytes).unwrap_or(DEFAULT_CACHE))?;
        let primary = given.primary.or(file.primary);
        let primary = primary.map(|url| Primary::new(&url, given.primary_token.as_deref())).transpose()?;
        let region = given.region.or(file.region);
        let ready_age = given.ready_age_seconds.or(file.ready_age_seconds).unwrap_or(DEFAULT_READY_AGE);
        let ready_age = Duration::from_secs(u64::from(ready_age));
        Ok(Self { listen, data, cors: file.cors, sweep, retention, cache_bytes, primary, region, ready_age })
    }
}

fn cache_bytes(megabytes: f64) -> Result<u64, ConfigError> {
    const MOST: f64 = 1_000_000.0;
    if !(0.0..=MOST).contains(&megabytes) {
        return Err(ConfigError::Cache(megabytes));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 10^12")]
    Ok((megabytes * 1_000_000.0).round() as u64)
}

/// What the primary asks for: it stands in the environment, never on the command line, which other users of the machine can read.
pub fn primary_token() -> Option<String> {
    std::env::var("STOA_PRIMARY_TOKEN").ok().filter(|token| !token.is_empty())
}

/// Where the data of an app lies: where the command line says, or `stoa.toml`, or in the app.
pub fn data_folder(app: &Path, given: Option<PathBuf>, file: &File) -> PathBuf {
    let in_file = || file.data.as_ref().map(|data| app.join(data));
    given.or_else(in_file).unwrap_or_else(|| app.join(".stoa"))
}

/// `scheme://host[:port]`, nothing behind it (RFC 6454 §6.2).
fn is_origin(text: &str) -> bool {
    let authority = text.strip_prefix("https://").or(text.strip_prefix("http://"));
    authority.is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#', '*', ' ']))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{File, Given, Settings};
    use std::num::NonZeroU32;
    use std::path::{Path, PathBuf};
    use std::time::Duration;
    use stoa_sync::store::Retention;

    fn settle(given: Given, toml: &str) -> Result<Settings, String> {
        let file: File = toml::from_str(toml).map_err(|error| error.to_string())?;
        Settings::settle(Path::new("app"), given, file).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
        let defaults = settle(Given::default(), "").unwrap();
        assert_eq!(
            (defaults.listen.to_string().as_str(), defaults.data),
            ("127.0.0.1:9926", PathBuf::from("app/.stoa"))
        );
        let file = "listen = '127.0.0.1:80'\ndata = 'd'\n";
        let from_file = settle(Given::default(), file).unwrap();
        assert_eq!((from_file.listen.port(), from_file.data), (80, PathBuf::from("app/d")));
        let given = Given { listen: "127.0.0.1:81".parse().ok(), data: Some("e".into()), ..Given::default() };
        assert!(defaults.sweep && !settle(Given::default(), "sweep = false\n").unwrap().sweep);
        assert!(!settle(Given { no_sweep: true, ..Given::default() }, "").unwrap().sweep);
        let flagged = settle(given, file).unwrap();
        assert_eq!((flagged.listen.port(), flagged.data), (81, PathBuf::from("e")));
    }

    #[test]
    fn how_much_of_the_log_is_kept() {
        let kept = |given, file| settle(given, file).map(|settings| settings.retention);
        let retention = |hours, bytes| Retention { age: Duration::from_hours(hours), bytes };
        assert_eq!(kept(Given::default(), ""), Ok(retention(24, 256_000_000)));
        let file = "log_hours = 72\nlog_megabytes = 10000\n";
        assert_eq!(kept(Given::default(), file), Ok(retention(72, 10_000_000_000)));
        let given = Given { log_hours: NonZeroU32::new(1), ..Given::default() };
        assert_eq!(kept(given, file), Ok(retention(1, 10_000_000_000)));
        assert!(kept(Given::default(), "log_megabytes = 0").unwrap_err().contains("nonzero"));
    }

    #[test]
    fn an_open_address_is_said_aloud() {
        let open = Given { listen: "0.0.0.0:9926".parse().ok(), ..Given::default() };
        assert!(settle(open.clone(), "").unwrap_err().contains("--unauthenticated"));
        assert!(settle(Given { unauthenticated: true, ..open.clone() }, "").is_ok());
        assert!(settle(open, "unauthenticated = true").is_ok());
    }

    #[test]
    fn what_nobody_understands_is_refused() {
        assert!(settle(Given::default(), "lissten = '127.0.0.1:80'").unwrap_err().contains("lissten"));
        assert!(settle(Given::default(), "cors = ['shop.example']").unwrap_err().contains("https://shop.example"));
        assert!(settle(Given::default(), "cors = ['https://shop.example', 'http://localhost:3000']").is_ok());
    }
}
