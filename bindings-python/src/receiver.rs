//! How finished work reaches an event loop: a queue, and one byte on a socket pair that the loop reads.
//!
//! No thread of the core ever enters the interpreter: it queues the result as it is (no Python object among it) and
//! writes the byte; conversion happens in [`Receiver::drain`], on the loop's own thread.

use std::io::{Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyList;
use sessile::{Code, Error};

use crate::error::{OrRaise, border};
use crate::task::Given;

/// A result that waits to be converted where the interpreter is.
type Finished = Box<dyn FnOnce(Python<'_>) -> Given + Send>;

/// The mailbox of one event loop.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Receiver {
    mailbox: Arc<Mailbox>,
    next: AtomicU64,
}

struct Mailbox {
    finished: Mutex<Vec<(u64, Finished)>>,
    // Both ends live as long as anyone may still write: the write never meets a closed pipe, hence no SIGPIPE.
    reading: UnixStream,
    writing: UnixStream,
}

impl Mailbox {
    fn put(&self, number: u64, finished: Finished) {
        let mut queue = self.finished.lock();
        queue.push((number, finished));
        if queue.len() == 1 {
            // One byte a burst. A full pipe has bytes enough to wake the loop.
            let _ = (&self.writing).write(&[1]);
        }
    }
}

#[pymethods]
impl Receiver {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Receiver> {
        border(py, || {
            let pair = UnixStream::pair().and_then(|(reading, writing)| {
                reading.set_nonblocking(true)?;
                writing.set_nonblocking(true)?;
                Ok((reading, writing))
            });
            let (reading, writing) = pair
                .map_err(|error| Error::new(Code::Io, format!("no socket pair for the event loop: {error}")))
                .or_raise(py)?;
            let mailbox = Arc::new(Mailbox { finished: Mutex::default(), reading, writing });
            Ok(Receiver { mailbox, next: AtomicU64::new(0) })
        })
    }

    /// The descriptor to be watched for reading.
    fn fileno(&self) -> i32 {
        self.mailbox.reading.as_raw_fd()
    }

    /// What has finished since the last call: `(number, result, exception)`, one of the two is None.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        border(py, || {
            let mut bytes = [0; 64];
            while matches!((&self.mailbox.reading).read(&mut bytes), Ok(read) if read == bytes.len()) {}
            let finished = mem::take(&mut *self.mailbox.finished.lock());
            let answers = PyList::empty(py);
            for (number, finished) in finished {
                match finished(py) {
                    Ok(value) => answers.append((number, value, py.None()))?,
                    Err(error) => answers.append((number, py.None(), error.into_value(py)))?,
                }
            }
            Ok(answers)
        })
    }
}

/// An operation that has not finished yet: the number under which its result will come.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Pending {
    /// The number that `Receiver.drain` will give.
    #[pyo3(get)]
    number: u64,
}

impl Pending {
    pub(crate) fn new(number: u64) -> Pending {
        Pending { number }
    }
}

impl Receiver {
    /// A number for one operation, and what the core calls with its result on a thread of its own.
    pub(crate) fn expect<T: Send + 'static>(
        &self,
        convert: impl FnOnce(Python<'_>, T) -> Given + Send + 'static,
    ) -> (u64, impl FnOnce(sessile::Result<T>) + Send + 'static) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mailbox = self.mailbox.clone();
        let done = move |result: sessile::Result<T>| {
            mailbox.put(number, Box::new(move |py| convert(py, result.or_raise(py)?)));
        };
        (number, done)
    }
}
