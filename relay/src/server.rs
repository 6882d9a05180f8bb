//! Accepts connections, turns away too many, and waits for all of them when the Relay stops.
//!
//! One task, started by `relay.rs`; each connection gets a task of its own.

use crate::connection::{Links, Shared, serve};
use crate::writer::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Serves until `stopping` turns true or its sender is gone, then drains.
pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    mut stopping: watch::Receiver<bool>,
) {
    let connections = Arc::new(Semaphore::new(shared.config.connections_max));
    let unauthenticated = Arc::new(Semaphore::new(shared.config.unauthenticated_max));
    let mut tasks = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: those of ending connections will do.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(ended) = tasks.join_next() => {
                report(ended);
                continue;
            }
            () = stopped(&mut stopping) => break,
        };
        let permits = (connections.clone().try_acquire_owned(), unauthenticated.clone().try_acquire_owned());
        let (Ok(connection), Ok(unauthenticated)) = permits else {
            tracing::warn!("too many connections; one was turned away");
            continue;
        };
        let links = Links {
            commands: commands.clone(),
            stopping: stopping.clone(),
            unauthenticated: Some(unauthenticated),
        };
        let shared = shared.clone();
        tasks.spawn(async move {
            serve(stream, shared, links).await;
            drop(connection);
        });
    }
    drop(listener);
    let drained = timeout(Duration::from_millis(shared.config.drain_ms), async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(connections = tasks.len(), "closed connections that did not take what they were owed");
        tasks.shutdown().await;
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// A panic ends one connection; the others go on.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection's task panicked");
    }
}
