//! Audit events that a host is told of: on its own thread, as it is done with a call, with the interpreter in hand.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyWeakrefMethods, PyWeakrefReference};

use crate::store::Store;

/// Who is told of a store's events. It does not keep the store.
struct Watch {
    store: Py<PyWeakrefReference>,
    /// Takes an event's JSON text.
    on_event: Py<PyAny>,
    /// The process of the thread that is telling: events come one after the other. 0: none is.
    telling: AtomicU32,
}

/// Only ever held with the interpreter in hand, and while nothing of Python runs.
static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());
/// How many there are, told without the lock: most programs have none.
static WATCHED: AtomicUsize = AtomicUsize::new(0);

/// From now on `on_event` is told of that store's events, for as long as there is the store.
pub(crate) fn watch(store: &Bound<'_, Store>, on_event: Py<PyAny>) -> PyResult<()> {
    let watch = Watch { store: PyWeakrefReference::new(store)?.unbind(), on_event, telling: AtomicU32::new(0) };
    let mut watches = WATCHES.lock();
    watches.push(Arc::new(watch));
    WATCHED.store(watches.len(), Ordering::Release);
    Ok(())
}

/// At the end of a call.
pub(crate) fn tell(py: Python<'_>) {
    if WATCHED.load(Ordering::Acquire) == 0 {
        return;
    }
    let watches = WATCHES.lock().clone();
    let gone: Vec<_> = watches.iter().filter(|watch| !watch.tell_all(py)).collect();
    if !gone.is_empty() {
        let mut watches = WATCHES.lock();
        watches.retain(|watch| !gone.iter().any(|gone| Arc::ptr_eq(gone, watch)));
        WATCHED.store(watches.len(), Ordering::Release);
    }
}

impl Watch {
    /// False: the store is no more.
    fn tell_all(&self, py: Python<'_>) -> bool {
        let Some(store) = self.store.bind(py).upgrade() else { return false };
        let Ok(store) = store.cast::<Store>() else { return false };
        // Once more after the turn: what comes as another thread is about to end its own is told by neither otherwise.
        while store.get().0.has_events() && self.begin() {
            for event in store.get().0.drain_events(64) {
                if let Err(error) = self.on_event.call1(py, (PyBytes::new(py, event.as_bytes()),)) {
                    error.write_unraisable(py, Some(self.on_event.bind(py)));
                }
            }
            self.telling.store(0, Ordering::SeqCst);
        }
        true
    }

    /// Whether it is this thread's turn, which it is not in a call that `on_event` makes. A forked child does not wait for
    /// a thread of its parent's.
    fn begin(&self) -> bool {
        let (me, by) = (process::id(), self.telling.load(Ordering::SeqCst));
        by != me && self.telling.compare_exchange(by, me, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}
