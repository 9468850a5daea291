//! Connections: accepted up to a bound, served until they end or the server is told to stop.

use super::queued;
use super::service::Service;
use crate::limits;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Serves until `shutdown`; then open requests may finish, within the grace.
pub async fn serve(listener: TcpListener, service: Arc<Service>, shutdown: CancellationToken) {
    let live = Arc::clone(service.live());
    let following = tokio::spawn(Arc::clone(&live).drive());
    let rewritten = tokio::spawn(begin_anew(Arc::clone(&service)));
    let draining = tokio::spawn(queued::drain(Arc::clone(&service)));
    let room = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: others will end soon.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
        };
        let (service, shutdown) = (Arc::clone(&service), shutdown.clone());
        connections.spawn(async move {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
            converse(stream, service, shutdown).await;
            drop(permit);
        });
    }
    drop(listener);
    live.close().await;
    connections.close();
    if tokio::time::timeout(limits::SHUTDOWN_GRACE, connections.wait()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut");
    }
    rewritten.abort();
    draining.abort();
    if let Err(error) = following.await {
        tracing::error!(%error, "live updates ended badly");
    }
}

/// Whenever the history of the database has become another one, lets everybody who follows it begin anew, with nothing kept of
/// the answers before.
async fn begin_anew(service: Arc<Service>) {
    let mut histories = service.store().histories();
    // One that began before anybody listened counts too: the cache has seen it and keeps nothing since.
    let mut known = 0;
    loop {
        let now = *histories.borrow_and_update();
        if std::mem::replace(&mut known, now) != now {
            service.begin_anew().await;
        }
        if histories.changed().await.is_err() {
            return;
        }
    }
}

/// Serves a connection until it ends or becomes a WebSocket; when the server stops, until the request under way is
/// answered.
pub async fn converse<I>(stream: I, service: Arc<Service>, shutdown: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_WAIT)
        .serve_connection(TokioIo::new(stream), service_fn(move |request| service.call(request)))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
