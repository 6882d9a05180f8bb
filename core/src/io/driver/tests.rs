//! What callers hear when the thread breaks, closes, or never starts.

use super::*;
use crate::ErrorKind;
use crate::engine::EngineConfig;
use crate::keys::{DeviceRootKey, SeededEntropy};
use crate::store::MemoryStore;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use veilfold_wire::SpaceId;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn engine() -> Result<Engine, Error> {
    let mut entropy = SeededEntropy::new(1);
    let root = DeviceRootKey::generate(&mut entropy);
    Engine::open(Box::new(MemoryStore::default()), Box::new(entropy), root, EngineConfig::default())
}

fn broken(_: &mut Core) -> Result<(), Error> {
    panic!("an assumption that a test breaks")
}

#[test]
fn a_panic_is_an_error_for_all_who_wait_and_all_who_come_later() {
    let runtime = runtime();
    runtime.block_on(async {
        let driver = Driver::start(runtime.handle().clone(), engine).await.unwrap();
        let bell = driver.call(|core| Ok(core.watch_status(SpaceId([1; 32])))).await.unwrap();
        let rung = bell.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        let slow = driver.call(|core| {
            std::thread::sleep(Duration::from_millis(50));
            broken(core)
        });
        let behind = driver.call(|core| Ok(core.now_ms()));
        let (slow, behind) = tokio::join!(slow, behind);
        assert_eq!(slow.unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(behind.unwrap_err().kind, ErrorKind::Internal);
        rung.await;
        assert!(driver.is_ended());
        assert_eq!(driver.call(|core| Ok(core.now_ms())).await.unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(driver.call_blocking(|core| Ok(core.now_ms())).unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(driver.close().await.unwrap_err().kind, ErrorKind::Internal);
    });
}

#[test]
fn a_panic_while_opening_is_an_error_of_opening() {
    let runtime = runtime();
    runtime.block_on(async {
        let failed = Driver::start(runtime.handle().clone(), || panic!("at the start")).await;
        assert_eq!(failed.unwrap_err().kind, ErrorKind::Internal);
        let refused =
            Driver::start(runtime.handle().clone(), || Err(Error::invalid("mine", "not today"))).await;
        assert_eq!(refused.unwrap_err().code, "mine");
    });
}

#[test]
fn what_was_called_before_closing_is_done_and_what_comes_after_is_told() {
    let runtime = runtime();
    runtime.block_on(async {
        let driver = Driver::start(runtime.handle().clone(), engine).await.unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        for n in 0..100 {
            let told = told.clone();
            driver.post(move |_| told.send(n).unwrap()).unwrap();
        }
        drop(told);
        let (one, two) = tokio::join!(driver.close(), driver.close());
        assert_eq!((one, two), (Ok(()), Ok(())));
        assert_eq!(heard.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
        let late = driver.call(|core| Ok(core.now_ms())).await.unwrap_err();
        assert_eq!((late.kind, late.code), (ErrorKind::Invalid, "closed"));
        assert!(driver.post(|_| ()).is_err());
    });
}

#[test]
fn a_thread_without_a_handle_ends() {
    struct Held {
        /// Closes its channel when the engine is dropped.
        _held: std::sync::mpsc::Sender<()>,
    }
    impl crate::keys::Entropy for Held {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(7);
        }
    }
    let runtime = runtime();
    runtime.block_on(async {
        let (held, gone) = std::sync::mpsc::channel();
        let open = move || {
            let root = DeviceRootKey::generate(&mut SeededEntropy::new(1));
            let store = Box::new(MemoryStore::default());
            Engine::open(store, Box::new(Held { _held: held }), root, EngineConfig::default())
        };
        let driver = Driver::start(runtime.handle().clone(), open).await.unwrap();
        drop(driver);
        // Ends by itself: the engine and what it holds are dropped.
        assert!(gone.recv().is_err());
    });
}
