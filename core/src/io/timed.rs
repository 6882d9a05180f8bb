//! Resolvers of the app on a thread of their own, with a limit on how long an answer may take.
//!
//! Code that never ends cannot be stopped from outside; it can only be left behind. The engine's
//! thread goes on, the Space holds, and the resolver is not asked again before it has come back.

use crate::model::Fields;
use crate::resolver::{Outcome, Resolvers, Run, RunResolver, Stuck};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A question and its answer without their types: all questions share one way to the thread and back.
type Job = Box<dyn FnOnce() -> Result<Answer, Stuck> + Send>;
type Answer = Box<dyn Any + Send>;

/// The thread that runs resolvers, started when it is first needed. It ends with this.
#[derive(Default)]
struct Worker {
    desk: Arc<Desk>,
    started: bool,
}

/// Where the thread and whoever asks it meet.
#[derive(Default)]
struct Desk {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
enum Work {
    #[default]
    None,
    /// Nobody has begun with it.
    Waiting(Job),
    /// The thread is at it. After a job that took too long this says that it has not come back.
    Begun,
    /// Nobody may have waited for it so long.
    Done(Result<Answer, Stuck>),
    /// Nobody asks any more.
    Over,
}

/// A resolver that is asked on the worker.
struct Timed {
    inner: Arc<dyn RunResolver>,
    worker: Arc<Mutex<Worker>>,
    limit: Duration,
}

/// The same resolvers, asked on one thread of their own that has `limit` for each answer.
pub fn timed(resolvers: Resolvers, limit: Duration) -> Resolvers {
    let worker = Arc::new(Mutex::new(Worker::default()));
    resolvers.map(|inner| Arc::new(Timed { inner, worker: worker.clone(), limit }))
}

impl Timed {
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn RunResolver) -> Result<T, Stuck> + Send + 'static,
    ) -> Result<T, Stuck> {
        let inner = self.inner.clone();
        let job: Job = Box::new(move || Ok(Box::new(question(inner.as_ref())?)));
        let answer = locked(&self.worker).ask(job, self.limit)?;
        answer.downcast().map(|answer| *answer).map_err(|_| Stuck("an answer belongs to another question"))
    }
}

impl Worker {
    fn ask(&mut self, job: Job, limit: Duration) -> Result<Answer, Stuck> {
        let mut work = locked(&self.desk.work);
        if matches!(*work, Work::Waiting(_) | Work::Begun) {
            return Err(Stuck("it is still busy with an earlier one"));
        }
        if !self.started {
            let desk = self.desk.clone();
            std::thread::Builder::new()
                .name("veilfold-resolver".to_owned())
                .spawn(move || desk.run())
                .map_err(|_| Stuck("the system gives no thread"))?;
            self.started = true;
        }
        *work = Work::Waiting(job);
        self.desk.changed.notify_all();
        let busy = |work: &mut Work| matches!(work, Work::Waiting(_) | Work::Begun);
        let waited = self.desk.changed.wait_timeout_while(work, limit, busy);
        let (mut work, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match core::mem::take(&mut *work) {
            Work::Done(told) => told,
            unfinished => {
                *work = unfinished;
                Err(Stuck("it took too long"))
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // What nobody began with is dropped when the lock is free: it may hold what is the app's.
        let _unbegun = core::mem::replace(&mut *locked(&self.desk.work), Work::Over);
        self.desk.changed.notify_all();
    }
}

impl Desk {
    /// The thread's whole life.
    fn run(&self) {
        loop {
            let idle = |work: &mut Work| !matches!(work, Work::Waiting(_) | Work::Over);
            let waited = self.changed.wait_while(locked(&self.work), idle);
            let mut work = waited.unwrap_or_else(PoisonError::into_inner);
            let Work::Waiting(job) = core::mem::replace(&mut *work, Work::Begun) else { return };
            drop(work);
            // A panic of the adapter around foreign code; those of resolvers are outcomes.
            let told = catch_unwind(AssertUnwindSafe(job)).unwrap_or(Err(Stuck("it panicked")));
            let mut work = locked(&self.work);
            if let Work::Over = *work {
                return;
            }
            *work = Work::Done(told);
            self.changed.notify_all();
        }
    }
}

/// No foreign code runs under these locks, so a poisoned one holds nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunResolver for Timed {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        self.ask(move |inner| inner.run(version, runs))
    }

    fn migrate(&self, version: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        self.ask(move |inner| inner.migrate(version, states))
    }

    fn module(&self) -> Option<[u8; 32]> {
        self.inner.module()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::resolver::{Call, Refusal, Resolver};
    use std::sync::mpsc::{Receiver, channel};

    /// Answers a call when it is let go.
    struct Slow(Mutex<Receiver<()>>);

    impl Resolver for Slow {
        fn resolve(&self, _: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
            if call.name == "wait" {
                let _ = self.0.lock().unwrap().recv();
            }
            Ok(None)
        }
    }

    fn run(name: &str) -> Vec<Run> {
        let call = Call {
            document: "d".to_owned(),
            name: name.to_owned(),
            args: Value::Null,
            version: 1,
            author: veilfold_wire::MemberNo(1),
            position: None,
            time_ms: 0,
        };
        vec![Run { state: None, format: 0, calls: vec![call] }]
    }

    #[test]
    fn what_never_ends_is_left_behind_and_asked_again_when_it_is_back() {
        let (go, gate) = channel();
        let resolvers = Resolvers::default().with("c", 1, Slow(Mutex::new(gate)));
        let resolvers = timed(resolvers, Duration::from_millis(50));
        let slow = resolvers.get("c", 1).unwrap();
        assert_eq!(slow.run(1, run("go")), Ok(vec![vec![Outcome::State(None)]]));
        assert!(slow.run(1, run("wait")).is_err());
        assert!(slow.run(1, run("go")).is_err(), "its thread is not free");
        go.send(()).unwrap();
        let again = || std::iter::repeat_with(|| slow.run(1, run("go"))).find_map(Result::ok);
        assert_eq!(again(), Some(vec![vec![Outcome::State(None)]]));
    }
}
