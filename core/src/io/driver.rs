//! The thread that owns a Device: its engine and its store, from opening to closing.
//!
//! `client/` sends it calls; sockets send it events. It decides nothing: it feeds the engine
//! (`run.rs`), keeps the connection (`link.rs`) and wakes who waits (`watch.rs`).

mod link;
mod run;
mod watch;

pub use run::Core;
pub use watch::{Bell, DriverEvent, EventQueue};

use super::websocket::SocketEvent;
use crate::engine::Engine;
use crate::error::Error;
use run::Thread;
use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread as Caller};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What reaches the thread. The channel has no bound of its own: every call has a caller that
/// waits for it, and sockets hand out a bounded number of bytes.
pub(super) enum Message {
    /// Something to do on the engine.
    Call(Box<dyn FnOnce(&mut Core) + Send>),
    /// Something happened on the connection of that generation.
    Socket(u64, SocketEvent),
    /// Nobody needs the thread any more.
    Close,
}

/// A call and its answer without their types: all calls share one way to the thread and back, or each
/// brings a channel and a wait of its own into the library.
type Call = Box<dyn FnOnce(&mut Core) -> Result<Answer, Error> + Send>;
type Answer = Box<dyn Any + Send>;

fn untyped<T: Send + 'static>(call: impl FnOnce(&mut Core) -> Result<T, Error> + Send + 'static) -> Call {
    Box::new(move |core| Ok(Box::new(call(core)?)))
}

fn typed<T: 'static>(answer: Answer) -> Result<T, Error> {
    let typed = answer.downcast();
    typed.map(|answer| *answer).map_err(|_| Error::internal("an answer belongs to another call"))
}

/// A call on its way. Written by hand: an `async fn` would be compiled into every caller.
struct Asked<'a> {
    driver: &'a Driver,
    state: State,
}

enum State {
    /// Nothing happens before it is polled.
    Unasked(Option<Call>),
    Asked(oneshot::Receiver<Result<Answer, Error>>),
}

impl Asked<'_> {
    #[inline(never)]
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        if let State::Unasked(call) = &mut self.state
            && let Some(call) = call.take()
        {
            let (answer, answered) = oneshot::channel();
            self.driver.post_boxed(Box::new(move |core| {
                // A caller that has gone needs no answer.
                let _ = answer.send(call(core));
            }))?;
            self.state = State::Asked(answered);
        }
        match &mut self.state {
            State::Asked(answered) => {
                Pin::new(answered).poll(context).map(|answer| answer.map_err(|_| self.driver.why_ended())?)
            }
            // It could not be asked, and was polled again after saying so.
            State::Unasked(_) => Poll::Ready(Err(self.driver.why_ended())),
        }
    }
}

/// Wakes a caller that blocks its thread.
struct Unpark(Caller);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A handle on the thread; clones share it. When the last one is dropped the thread closes by
/// itself, a moment later; [`Driver::close`] waits for that.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Shared>,
}

/// A handle that does not keep the thread open.
#[derive(Clone)]
pub struct WeakDriver(Weak<Shared>);

impl WeakDriver {
    /// The handle, while another one keeps the thread open.
    pub fn upgrade(&self) -> Option<Driver> {
        self.0.upgrade().map(|shared| Driver { shared })
    }
}

impl fmt::Debug for WeakDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakDriver").finish_non_exhaustive()
    }
}

struct Shared {
    inbox: Sender<Message>,
    /// Why there is no thread any more.
    ended: Arc<OnceLock<Error>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Driver {
    /// Starts a thread that makes its engine with `open` and answers calls from then on. Sockets
    /// run on `runtime`.
    ///
    /// # Errors
    /// What `open` said, or `Internal` when the system gives no thread.
    pub async fn start(
        runtime: Handle,
        open: impl FnOnce() -> Result<Engine, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (inbox, messages) = std::sync::mpsc::channel();
        let ended = Arc::new(OnceLock::new());
        let (opened, answer) = oneshot::channel();
        let (sender, end) = (inbox.clone(), ended.clone());
        let body = move || run_to_the_end(runtime, open, sender, messages, &end, opened);
        let thread = std::thread::Builder::new()
            .name("veilfold".to_owned())
            .spawn(body)
            .map_err(|error| Error::internal(format!("the system gives no thread: {}", error.kind())))?;
        let shared = Arc::new(Shared { inbox, ended, thread: Mutex::new(Some(thread)) });
        // From here on a caller who gives up drops the handle, which closes the thread.
        let driver = Self { shared };
        answer.await.map_err(|_| driver.why_ended())??;
        Ok(driver)
    }

    /// Runs `call` on the thread and gives its answer. Once this was polled, `call` runs to its end
    /// even if nobody waits for the answer any more.
    ///
    /// # Errors
    /// What `call` said; `Invalid` with the code `closed` after closing; `Internal` when the thread
    /// has ended because an assumption of ours was broken.
    pub fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Core) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send {
        let mut asked = Asked { driver: self, state: State::Unasked(Some(untyped(call))) };
        std::future::poll_fn(move |context| asked.poll(context).map(|answer| typed(answer?)))
    }

    /// As [`Driver::call`], for callers who have a thread to block. Never call it from the thread of
    /// an executor that must not stand still.
    ///
    /// # Errors
    /// As [`Driver::call`].
    pub fn call_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Core) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        typed(self.ask_blocking(untyped(call))?)
    }

    fn ask_blocking(&self, call: Call) -> Result<Answer, Error> {
        let mut asked = Asked { driver: self, state: State::Unasked(Some(call)) };
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            match asked.poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(answer) => return answer,
                // Also when something else unparked this thread.
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// Runs `call` on the thread some time later. Never blocks.
    ///
    /// # Errors
    /// As [`Driver::call`].
    pub fn post(&self, call: impl FnOnce(&mut Core) + Send + 'static) -> Result<(), Error> {
        self.post_boxed(Box::new(call))
    }

    fn post_boxed(&self, call: Box<dyn FnOnce(&mut Core) + Send>) -> Result<(), Error> {
        match self.shared.ended.get() {
            Some(error) => Err(error.clone()),
            None => self.shared.inbox.send(Message::Call(call)).map_err(|_| self.why_ended()),
        }
    }

    /// Ends the thread: what was called before is done, streams end, the connection says goodbye,
    /// the store is released. Closing twice is no error.
    ///
    /// # Errors
    /// `Internal` when the thread ended otherwise.
    pub async fn close(&self) -> Result<(), Error> {
        let (alive, gone) = oneshot::channel::<std::convert::Infallible>();
        // Dropped with the engine's core, once the store is released.
        let held = self.post(move |core| core.hold_until_closed(alive));
        let asked = self.shared.inbox.send(Message::Close);
        if held.is_ok() && asked.is_ok() {
            let _ = gone.await;
        }
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            // It has nothing left to do; a panic was caught inside.
            let _ = thread.join();
        }
        match self.why_ended() {
            error if is_closed(&error) => Ok(()),
            error => Err(error),
        }
    }

    /// A handle that does not keep the thread open.
    pub fn downgrade(&self) -> WeakDriver {
        WeakDriver(Arc::downgrade(&self.shared))
    }

    /// True when the thread has ended, however it did.
    pub fn is_ended(&self) -> bool {
        self.shared.ended.get().is_some()
    }

    /// What calls give after the end.
    pub fn why_ended(&self) -> Error {
        self.shared.ended.get().cloned().unwrap_or_else(|| Error::internal("the engine's thread is gone"))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Fails when the thread has ended already.
        let _ = self.inbox.send(Message::Close);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// True for the error that calls give after an orderly end.
pub fn is_closed(error: &Error) -> bool {
    error.kind == crate::ErrorKind::Invalid && error.code == "closed"
}

/// The error that calls give after an orderly end.
pub fn closed() -> Error {
    Error::invalid("closed", "the client is closed; open it again")
}

/// The thread's whole life. A panic in it is a broken assumption of ours: it ends the thread, and
/// everybody who waits or asks later is told so.
fn run_to_the_end(
    runtime: Handle,
    open: impl FnOnce() -> Result<Engine, Error>,
    inbox: Sender<Message>,
    messages: Receiver<Message>,
    ended: &OnceLock<Error>,
    opened: oneshot::Sender<Result<(), Error>>,
) {
    let bells = Arc::new(watch::Bells::default());
    let (messages, mut opened) = (&messages, Some(opened));
    let life = std::panic::AssertUnwindSafe(|| {
        let engine = match open() {
            Ok(engine) => engine,
            Err(error) => {
                let _ = ended.set(closed());
                return opened.take().map(|opened| opened.send(Err(error)));
            }
        };
        let mut thread = Thread::new(Core::new(engine, runtime, inbox, bells.clone()), messages);
        let _ = opened.take().map(|opened| opened.send(Ok(())));
        thread.run();
        let _ = ended.set(closed());
        // The store is released before anybody hears of the end.
        drop(thread);
        None
    });
    if std::panic::catch_unwind(life).is_err() {
        let text = "an assumption inside the engine did not hold; open the client again and report it";
        let _ = ended.set(Error::internal(text));
    }
    bells.ring_all();
}

#[cfg(test)]
mod tests;
