//! `stoa dev`: as `serve`, and the schema is read again when its files change.

use super::ServerArgs;
use super::migrate::refused;
use super::running::{Mode, Running, told};
use crate::limits;
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use tokio::sync::mpsc;

/// Serves until the process is told to stop.
pub(super) fn run(arguments: &ServerArgs) -> Result<(), String> {
    // Before the schema is read, so that no change is missed. The watcher works as long as it lives.
    let (changed, mut changes) = mpsc::channel(1);
    let watcher = watch(&arguments.app, changed);
    if let Err(error) = &watcher {
        tracing::warn!(%error, "changes of the schema are not noticed");
    }
    Running::start(&arguments.app, arguments.given(), Mode::Dev, async |running, stop| {
        let reload = async {
            while changes.recv().await.is_some() {
                settle(&mut changes).await;
                reload(running).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stop.received() => {}
            () = reload => {}
        }
    })
}

fn watch(app: &Path, changed: mpsc::Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let schema = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "graphql");
        let relevant = event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(schema));
        if relevant {
            // One note is enough: the files are read after it.
            _ = changed.try_send(());
        }
    })?;
    watcher.watch(app, RecursiveMode::NonRecursive)?;
    let folder = app.join("schema");
    if folder.is_dir() {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Editors write a file in several steps: waits until nothing has changed for a moment.
async fn settle(changes: &mut mpsc::Receiver<()>) {
    while let Ok(Some(())) = tokio::time::timeout(limits::RELOAD_QUIET, changes.recv()).await {}
}

async fn reload(running: &Running) {
    const KEPT: &str = "the schema before it goes on serving";
    let loaded = match running.app.schema() {
        Ok(loaded) => loaded,
        Err(error) => return eprintln!("stoa: {}\nstoa: {KEPT}", told(error)),
    };
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    match running.service.store().migrate(loaded.schema).await {
        Ok(catalog) => {
            if let Err(error) = running.app.load_seeds(running.service.store(), &catalog).await {
                eprintln!("stoa: {error}");
            }
            running.service.replace_catalog(catalog).await;
            println!("schema reloaded");
        }
        Err(error) => eprintln!("stoa: {}\nstoa: {KEPT}", refused(&error, running.app.path())),
    }
}
