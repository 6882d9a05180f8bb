//! Resolvers of the app on a thread of their own, with a limit on how long an answer may take.
//!
//! Code that never ends cannot be stopped from outside; it can only be left behind. The engine's
//! thread goes on, the Space holds, and the resolver is not asked again before it has come back.

use crate::model::Fields;
use crate::resolver::{Outcome, Resolvers, Run, RunResolver, Stuck};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// The thread that runs resolvers, started when it is first needed.
#[derive(Default)]
struct Worker {
    /// Its jobs, and the end of its last one.
    running: Option<Sender<Job>>,
    /// A job that took too long: its answer, whenever it comes, says that the thread is free again.
    late: Option<Receiver<()>>,
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
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(late) = &worker.late {
            match late.try_recv() {
                Err(std::sync::mpsc::TryRecvError::Empty) => {
                    return Err(Stuck("it is still busy with an earlier one"));
                }
                Ok(()) | Err(std::sync::mpsc::TryRecvError::Disconnected) => worker.late = None,
            }
        }
        let (answer, answered): (SyncSender<Result<T, Stuck>>, _) = sync_channel(1);
        let (over, is_over) = channel();
        let inner = self.inner.clone();
        let job: Job = Box::new(move || {
            // A panic of the adapter around foreign code; those of resolvers are outcomes.
            let told = catch_unwind(AssertUnwindSafe(|| question(inner.as_ref())));
            // Whoever asked may have stopped waiting.
            let _ = answer.send(told.unwrap_or(Err(Stuck("it panicked"))));
            let _ = over.send(());
        });
        worker.send(job)?;
        match answered.recv_timeout(self.limit) {
            Ok(told) => told,
            Err(RecvTimeoutError::Timeout) => {
                worker.late = Some(is_over);
                Err(Stuck("it took too long"))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Stuck("its thread is gone")),
        }
    }
}

impl Worker {
    fn send(&mut self, job: Job) -> Result<(), Stuck> {
        let job = match &self.running {
            Some(running) => match running.send(job) {
                Ok(()) => return Ok(()),
                Err(gone) => gone.0,
            },
            None => job,
        };
        let (jobs, inbox) = channel::<Job>();
        std::thread::Builder::new()
            .name("veilfold-resolver".to_owned())
            .spawn(move || inbox.into_iter().for_each(|job| job()))
            .map_err(|_| Stuck("the system gives no thread"))?;
        let sent = jobs.send(job).map_err(|_| Stuck("its thread is gone"));
        self.running = Some(jobs);
        sent
    }
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
    use std::sync::mpsc::Receiver;

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
