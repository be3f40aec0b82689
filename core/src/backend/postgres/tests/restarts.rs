//! A server that is killed and started again, under load: nothing that was told to be applied is gone, nothing twice.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;

#[test]
fn killed_and_started_again_under_load() {
    let mut server = Server::start(&[]);
    let backend = open_with(&server.url(), |settings, _| settings.deadline = Duration::from_secs(2)).unwrap();
    contract::increment(&backend, 200, 0);
    let (certain, uncertain) = (AtomicU32::new(1), AtomicU32::new(0));
    // Of as many rounds as there are with SESSILE_TORTURE, the test runs five.
    let rounds = if std::env::var_os("SESSILE_TORTURE").is_some() { 50 } else { 5 };
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for salt in 0..4 {
                let (backend, stop, certain, uncertain) = (&backend, &stop, &certain, &uncertain);
                scope.spawn(move || {
                    for n in round * 1_000_000.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let (sure, maybe) = increments(backend, salt, n..n + 1);
                        certain.fetch_add(sure, Ordering::Relaxed);
                        uncertain.fetch_add(maybe, Ordering::Relaxed);
                        if (sure, maybe) == (0, 0) {
                            thread::sleep(Duration::from_millis(10));
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(200));
            server.restart();
            let before = certain.load(Ordering::Relaxed);
            wait_until("writes go on", || certain.load(Ordering::Relaxed) > before + 10);
            stop.store(true, Ordering::Relaxed);
        });
        let (certain, uncertain) = (certain.load(Ordering::Relaxed), uncertain.load(Ordering::Relaxed));
        let counted = contract::counted(&backend);
        assert!(
            (certain..=certain + uncertain).contains(&counted),
            "round {round}: {certain} + {uncertain}, {counted}"
        );
    }
}
