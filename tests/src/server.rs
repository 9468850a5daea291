//! The real binary, started for a test and ended with it.

use crate::primary::Primary;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Whether the full counts are wanted (`tests/long`).
pub fn long() -> bool {
    std::env::var("STOA_LONG").is_ok_and(|value| value == "1")
}

/// The binary under test: `STOA_BIN`, or the release build.
pub fn binary() -> PathBuf {
    std::env::var_os("STOA_BIN").map_or_else(|| root().join("target/release/stoa"), PathBuf::from)
}

/// Whether `stoa serve` knows a flag.
pub fn serve_knows(flag: &str) -> bool {
    let help = Command::new(binary()).args(["serve", "--help"]).output().expect("a binary");
    String::from_utf8_lossy(&help.stdout).split_whitespace().any(|word| word == flag)
}

/// Whether every server that a test starts is the region of a primary of its own, so that what holds of a single node is
/// seen to hold of a region (`STOA_REGIONS=1`).
pub fn regions() -> bool {
    std::env::var("STOA_REGIONS").is_ok_and(|value| value == "1")
}

/// The database that the server of a data folder reads: its own, or the newest replica of a region.
pub fn database(data: &Path) -> PathBuf {
    let number =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u64>().ok());
    let replicas = std::fs::read_dir(data.join("replica")).into_iter().flatten().filter_map(Result::ok);
    let newest = replicas.map(|entry| entry.path()).filter(|path| number(path).is_some()).max_by_key(number);
    newest.unwrap_or_else(|| data.to_owned()).join("stoa.db")
}

/// A running server.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    output: Arc<Mutex<String>>,
    /// Removed with the server, unless the test gave its own folders.
    _folder: Option<tempfile::TempDir>,
    data: PathBuf,
    _primary: Option<Arc<Primary>>,
}

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// `dev` instead of `serve`.
    pub dev: bool,
    /// The data folder; a temporary one if not given.
    pub data: Option<PathBuf>,
    /// The primary whose region it is; none if not given, unless all servers of a run are regions ([`regions`]).
    pub primary: Option<String>,
    /// A single node also where all servers of a run are regions.
    pub single: bool,
    /// More of the environment.
    pub environment: Vec<(String, String)>,
    /// More arguments.
    pub arguments: Vec<String>,
}

impl Server {
    /// Serves a schema from a temporary folder.
    pub fn with_schema(schema: &str) -> Self {
        Self::with_app_files(&[("schema.graphql", schema)])
    }

    /// Serves an app made of these files, in a temporary folder.
    pub fn with_app_files(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder in the app");
            std::fs::write(path, text).expect("a file of the app");
        }
        let mut server = Self::start(folder.path(), Start::default());
        server._folder = Some(folder);
        server
    }

    /// Serves an example of the project on fresh data.
    pub fn with_example(name: &str) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let start = Start { data: Some(data.path().to_owned()), ..Start::default() };
        let mut server = Self::start(&root().join("examples").join(name), start);
        server._folder = Some(data);
        server
    }

    /// Serves another schema with the records that an example begins with.
    pub fn with_example_data(name: &str, schema: &str) -> Self {
        let read = |path: PathBuf| {
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let folder = std::fs::read_dir(root().join("examples").join(name).join("data")).expect("the example's data");
        let seeds = folder.map(|entry| entry.expect("a seed file").path());
        let seeds: Vec<(String, String)> = seeds
            .map(|path| (format!("data/{}", path.file_name().unwrap_or_default().display()), read(path)))
            .collect();
        let mut files = vec![("schema.graphql", schema)];
        files.extend(seeds.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        Self::with_app_files(&files)
    }

    /// Starts a server and waits until it answers.
    pub fn start(app: &Path, start: Start) -> Self {
        Self::try_start(app, start).unwrap_or_else(|output| panic!("stoa did not start:\n{output}"))
    }

    /// Starts a server; what it printed, if it ended instead of answering.
    pub fn try_start(app: &Path, start: Start) -> Result<Self, String> {
        let data = start.data.unwrap_or_else(|| app.join(".stoa"));
        let own_primary = (regions() && start.primary.is_none() && !start.single).then(|| Primary::of(&data));
        let primary = start.primary.or(own_primary.as_ref().map(|primary| primary.url()));
        let mut child = Command::new(binary())
            .envs(primary.map(|url| ("STOA_PRIMARY", url)))
            .envs(start.environment)
            .arg(if start.dev { "dev" } else { "serve" })
            .arg(app)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .args(start.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("target/release/stoa: build it first (cargo build --release)");
        let output = Arc::new(Mutex::new(String::new()));
        let (told, base) = std::sync::mpsc::channel();
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        let read = [collect(stdout, Arc::clone(&output), Some(told)), collect(stderr, Arc::clone(&output), None)];
        match base.recv_timeout(Duration::from_secs(60)) {
            Ok(base) => Ok(Self { child, base, output, _folder: None, data, _primary: own_primary }),
            Err(_) => {
                // Its pipes are closed, or it hangs.
                _ = child.kill();
                _ = child.wait();
                read.into_iter().for_each(|read| read.join().expect("all that it said"));
                Err(output.lock().expect("output").clone())
            }
        }
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.base.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder of its database.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What it has printed so far, on both streams.
    pub fn output(&self) -> String {
        self.output.lock().expect("output").clone()
    }

    /// Waits until its output has this text.
    pub fn wait_for_output(&self, text: &str) {
        let began = Instant::now();
        while !self.output().contains(text) {
            assert!(began.elapsed() < Duration::from_secs(30), "{text:?} does not appear in:\n{}", self.output());
            std::thread::yield_now();
        }
    }

    /// SIGKILL: nothing is finished.
    pub fn kill(mut self) {
        self.child.kill().expect("a process of ours");
        self.child.wait().expect("its end");
    }

    /// SIGTERM, and the end of the process.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.child.wait().expect("its end")
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- stoa said:\n{}", self.output());
        }
    }
}

/// Gathers a stream; tells the address that the server announces last, with `ready`.
fn collect(
    stream: impl Read + Send + 'static,
    output: Arc<Mutex<String>>,
    told: Option<std::sync::mpsc::Sender<String>>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut address = None;
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(at) = line.find("http://127.0.0.1:").filter(|_| !line.starts_with("  primary ")) {
                address = Some(line[at..].split('/').take(3).collect::<Vec<_>>().join("/"));
            }
            output.lock().expect("output").push_str(&format!("{line}\n"));
            if let (Some(told), Some(address), true) = (&told, &address, line.starts_with("ready")) {
                _ = told.send(address.clone());
            }
        }
    })
}
