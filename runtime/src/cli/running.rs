//! A server from start to stop, as `dev` and `serve` share it.

use super::migrate::opening;
use super::progress::Filling;
use crate::app::{AppError, AppFolder};
use crate::cache::Counts;
use crate::config::{File, Given, Settings};
use crate::http::{self, Origins, Place, Service, Tables};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use stoa_sync::Store;
use stoa_sync::store::Options;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// For whom the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// For the one who writes the app.
    Dev,
    /// For its users.
    Serve,
}

/// A server that answers.
pub(super) struct Running {
    pub(super) app: AppFolder,
    pub(super) service: Arc<Service>,
    shutdown: CancellationToken,
}

impl Running {
    /// Starts a server, runs `work` beside it, then stops it: open requests finish, waiting commits are carried out.
    pub(super) fn start(
        app: &Path,
        given: Given,
        mode: Mode,
        work: impl AsyncFnOnce(&Running, Stop),
    ) -> Result<(), String> {
        let began = Instant::now();
        let folder = AppFolder::new(app);
        let loaded = folder.schema().map_err(told)?;
        for warning in &loaded.warnings {
            eprintln!("{warning}");
        }
        let file = File::of(app).map_err(|error| error.to_string())?;
        let settings = Settings::settle(app, given, file).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("cannot start threads: {error}"))?;
        allow_many_sockets();
        runtime.block_on(async {
            let stop = Stop::listen().map_err(|error| format!("cannot receive signals: {error}"))?;
            let listener = TcpListener::bind(settings.listen).await.map_err(|error| busy(&settings, &error))?;
            let readers = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
            let retention = Some(settings.retention);
            let options = Options { folder: settings.data.clone(), readers, sweep: settings.sweep, retention };
            let (store, catalog) = match &settings.primary {
                None => Store::open(&options, loaded.schema),
                Some(primary) => {
                    let progress = Arc::new(Filling::default());
                    Store::join(&options, primary, loaded.schema, Arc::new(move |step| progress.show(step))).await
                }
            }
            .map_err(|error| opening(&error, app))?;
            match folder.load_seeds(&store, &catalog).await {
                Err(error) if store.health().is_some_and(|region| !region.reachable) => {
                    tracing::warn!(error = told(error), "the seeds wait for the next start");
                }
                loaded => loaded.map_err(told)?,
            }
            let local_only = settings.listen.ip().is_loopback();
            let origins = Origins { allowed: settings.cors.clone(), loopback: mode == Mode::Dev, local_only };
            let counts = Arc::new(Counts::default());
            let tables = Tables::new(Arc::clone(&catalog), settings.cache_bytes, counts);
            let place = Place { name: settings.region.clone(), oldest: settings.ready_age };
            let service = Arc::new(Service::new(store.clone(), tables, origins, app.join("web"), place));
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            if let Err(error) = store.sign(&format!("http://{address}")) {
                tracing::warn!(%error, "the lock file does not say where this server is");
            }
            announce(&folder, &catalog, &settings, address, began);
            let running = Running { app: folder, service: Arc::clone(&service), shutdown: CancellationToken::new() };
            let serving = tokio::spawn(http::serve(listener, service, running.shutdown.clone()));
            work(&running, stop).await;
            running.shutdown.cancel();
            let served = serving.await.map_err(|error| format!("the server ended badly: {error}"));
            store.close().await;
            served
        })
    }
}

/// As many file descriptors as the system lets this process have: every socket is one.
fn allow_many_sockets() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// The signals that end the server, noticed from the moment this is made.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for SIGINT or SIGTERM.
    pub(super) async fn received(mut self) {
        self.next().await;
        println!("stopping: open requests finish first");
    }

    /// Waits for the next SIGINT or SIGTERM, and says nothing.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn busy(settings: &Settings, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("{} is taken by another program; choose another address with --listen", settings.listen)
        }
        _ => format!("cannot listen on {}: {error}", settings.listen),
    }
}

fn announce(
    app: &AppFolder,
    catalog: &stoa_sync::Catalog,
    settings: &Settings,
    address: std::net::SocketAddr,
    began: Instant,
) {
    println!("stoa {} serves {}\n", env!("CARGO_PKG_VERSION"), app.path().display());
    for table in &catalog.schema.tables {
        if let Some(export) = &table.export {
            println!("  {:<16} http://{address}/{export}/", table.name);
        }
    }
    println!("  {:<16} {}", "data", settings.data.display());
    if let Some(primary) = &settings.primary {
        println!("  {:<16} {}", "primary", primary.url());
    }
    println!("\nready after {} ms; Ctrl-C stops it", began.elapsed().as_millis());
    if !address.ip().is_loopback() {
        tracing::warn!("there are no access rules: everybody who reaches {address} may read and write all data");
    }
}

/// An error of the app in words: of a schema, everything that is wrong.
pub(super) fn told(error: AppError) -> String {
    match error {
        AppError::Schema(diagnostics) => {
            let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            format!("the schema cannot be served:\n{}", lines.join("\n"))
        }
        other => other.to_string(),
    }
}
