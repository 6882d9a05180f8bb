//! The one thread that owns the store: takes whatever requests wait, commits once, answers all.
//!
//! Connections send to it through a bounded channel; what a request means is the exchange's business.

use crate::exchange::{Exchange, Reply, Request};
use crate::store::Store;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; a connection whose request finds no room waits itself.
const WAITING_MAX: usize = 1_024;
/// Reads answered before those who write get their turn again.
const READS_PER_TURN: usize = 4;

/// A request and where its reply goes.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) reply_to: mpsc::UnboundedSender<Reply>,
}

/// The thread as the rest of the process sees it. It ends when all senders are gone.
pub(crate) struct Writer {
    pub(crate) commands: mpsc::Sender<Command>,
    /// Resolves when the thread has closed its store, or has ended otherwise.
    pub(crate) ended: oneshot::Receiver<()>,
}

/// Starts the thread.
pub(crate) fn start<S: Store + 'static>(
    exchange: Exchange<S, mpsc::UnboundedSender<Reply>>,
) -> std::io::Result<Writer> {
    let (commands, inbox) = mpsc::channel(WAITING_MAX);
    let (ending, ended) = oneshot::channel();
    std::thread::Builder::new().name("relay-sequencer".into()).spawn(move || {
        run(exchange, inbox);
        drop(ending);
    })?;
    Ok(Writer { commands, ended })
}

fn run<S: Store>(
    mut exchange: Exchange<S, mpsc::UnboundedSender<Reply>>,
    mut inbox: mpsc::Receiver<Command>,
) {
    // A connection that is gone has no use for its reply.
    let deliver = |(reply_to, reply): (mpsc::UnboundedSender<Reply>, Reply)| drop(reply_to.send(reply));
    loop {
        if !exchange.has_reads() {
            let Some(first) = inbox.blocking_recv() else { break };
            exchange.submit(first.reply_to, first.request);
        }
        // Whatever came in during the last commit shares the next one; nobody waits for a timer.
        while !exchange.is_full()
            && let Ok(next) = inbox.try_recv()
        {
            exchange.submit(next.reply_to, next.request);
        }
        exchange.commit().into_iter().for_each(deliver);
        std::iter::from_fn(|| exchange.answer()).take(READS_PER_TURN).for_each(deliver);
    }
    if let Err(error) = exchange.into_sequencer().into_store().close() {
        tracing::warn!(%error, "the store was left to recover when it is opened next");
    }
}
