//! A port that a test stands at in a Relay's place: every connection to it is carried by a task.
//!
//! Used by the Relay that lies (`hostile.rs`) and by proxies in other packages' tests.

use std::future::Future;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// An open door. It closes, and its connections end, when it is dropped.
#[derive(Debug)]
pub struct Door(AbortHandle);

impl Door {
    /// Accepts connections from now on, each carried by what `connection` makes of it. Needs a runtime.
    pub fn open<F>(listener: TcpListener, connection: impl FnMut(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(tokio::spawn(accept(listener, connection)).abort_handle())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept<F>(listener: TcpListener, mut connection: impl FnMut(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    // Dropped with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream));
                }
                // Too many open files, for instance: others may close theirs.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
