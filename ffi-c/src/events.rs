//! Audit events that a host is told of: as one of its own threads is done with a call, never on a thread or under a lock
//! of ours.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::{process, ptr, thread};

use parking_lot::RwLock;
use sessile::fork;

use crate::border::enter;
use crate::buffer::{buffer, sessile_buffer_free, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{look_up, sessile_store_t};

/// Is told of an audit event, a JSON object as in sessile_store_drain_events; it belongs to the caller of this function. It
/// may call this library, but must not leave by longjmp or a C++ exception.
pub type sessile_event_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const sessile_buffer_t)>;

/// Who is told of a store's events.
struct Watch {
    /// The store's handle: what it stands for may close meanwhile.
    store: usize,
    tell: unsafe extern "C" fn(*mut c_void, *const sessile_buffer_t),
    user_data: usize,
    stopped: AtomicBool,
    /// The process of the thread that is telling: events come one after the other. 0: none is.
    telling: AtomicU32,
}

static WATCHES: RwLock<Vec<Arc<Watch>>> = RwLock::new(Vec::new());
/// How many there are, told without the lock: most programs have none.
static WATCHED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is in a function of the host's.
    static TELLING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Has `on_event` told of the store's audit events, in their order, one at a time: on the threads that call this library, as
/// they are done with a call and before it returns (of any handle: whoever comes first tells what there is). The store
/// was opened with "audit"; what it told is not in sessile_store_drain_events any more. NULL: nobody is told any more,
/// and nobody is being told when the call returns, unless it is made from `on_event` itself. Freeing the store's handle
/// tells what is left and ends it too.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_on_event(
    store: *mut sessile_store_t,
    on_event: sessile_event_fn,
    user_data: *mut c_void,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        look_up(store)?;
        forget(store);
        if let Some(tell) = on_event {
            let (store, user_data) = (store.addr(), user_data.expose_provenance());
            let (stopped, telling) = (AtomicBool::new(false), AtomicU32::new(0));
            let watch = Arc::new(Watch { store, tell, user_data, stopped, telling });
            let mut watches = WATCHES.write();
            watches.push(watch);
            WATCHED.store(watches.len(), Ordering::Release);
        }
        Ok(())
    })
}

/// At the end of a call, when no fork waits for it any more.
pub(crate) fn tell() {
    if WATCHED.load(Ordering::Acquire) == 0 || TELLING.get() {
        return;
    }
    // No fork comes while the lock is held.
    let Ok(watches) = fork::within(|| WATCHES.read().clone()) else { return };
    watches.iter().for_each(|watch| watch.tell_all());
}

/// Tells what is left, and no more.
pub(crate) fn end(store: *mut sessile_store_t) {
    if WATCHED.load(Ordering::Acquire) > 0 {
        tell();
        forget(store);
    }
}

/// Nobody is told of that store's events any more; whoever is being told now is waited for.
fn forget(store: *mut sessile_store_t) {
    let mut gone = Vec::new();
    {
        let mut watches = WATCHES.write();
        watches.retain(|watch| {
            let stays = watch.store != store.addr();
            if !stays {
                gone.push(watch.clone());
            }
            stays
        });
        WATCHED.store(watches.len(), Ordering::Release);
    }
    for watch in gone {
        watch.stopped.store(true, Ordering::SeqCst);
        while !TELLING.get() && watch.telling.load(Ordering::SeqCst) == process::id() {
            thread::yield_now();
        }
    }
}

impl Watch {
    fn tell_all(&self) {
        let Ok(store) = look_up::<sessile_store_t>(ptr::without_provenance_mut(self.store)) else { return };
        // Once more after the turn: what comes as another thread is about to end its own is told by neither otherwise.
        while store.has_events() && self.begin() {
            TELLING.set(true);
            for event in store.drain_events(64) {
                if self.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let event = buffer(event.as_bytes());
                // SAFETY: the function is the host's, its `user_data` too; the event lives until after the call.
                unsafe { (self.tell)(ptr::with_exposed_provenance_mut(self.user_data), event) };
                sessile_buffer_free(event);
            }
            TELLING.set(false);
            self.telling.store(0, Ordering::SeqCst);
        }
    }

    /// Whether it is this thread's turn. A forked child does not wait for a thread of its parent's.
    fn begin(&self) -> bool {
        let (me, by) = (process::id(), self.telling.load(Ordering::SeqCst));
        let free = by != me && self.telling.compare_exchange(by, me, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if free && self.stopped.load(Ordering::SeqCst) {
            self.telling.store(0, Ordering::SeqCst);
            return false;
        }
        free
    }
}
