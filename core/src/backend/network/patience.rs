//! How long a call to a server may take, when it is tried again, and what is said when it was in vain.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, fail};
use crate::vault::fill_random;

/// The deadline of one call, and the pauses between its tries.
pub(crate) struct Patience {
    pub(crate) deadline: Instant,
    tries: u32,
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl Patience {
    pub(crate) fn until(deadline: Instant) -> Patience {
        Patience { deadline, tries: 0 }
    }

    /// Tries so far that were in vain.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// Waits before the next try: longer each time, and at random, so that many who failed together do not come back
    /// together. False when the deadline would pass meanwhile.
    pub(crate) async fn pause(&mut self) -> bool {
        let most = LONGEST_PAUSE.min(FIRST_PAUSE * (1 << self.tries.min(5)));
        self.tries += 1;
        let mut byte = [0];
        // Without randomness the pause is merely a full one.
        let share = fill_random(&mut byte).map_or(u32::from(u8::MAX), |()| u32::from(byte[0]));
        let pause = most / 2 + most / 2 * share / u32::from(u8::MAX);
        if Instant::now() + pause >= self.deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// `UNAVAILABLE`, with a reason for programs in its details.
pub(crate) fn unavailable(reason: &'static str, message: impl Into<String>) -> Error {
    Error::new(crate::Code::Unavailable, message).with("reason", reason)
}

/// `TIMEOUT` of a call that cannot have been carried out, or only reads.
pub(crate) fn timed_out(doing: &str) -> Error {
    fail!(Timeout, "could not {doing}: the server did not answer before the deadline")
}

/// The error of a change that may have been applied, for its answer was lost.
pub(crate) fn lost(error: Error) -> Error {
    error.with("maybeApplied", true)
}

/// `READ_ONLY` of a store that was opened so.
pub(crate) fn read_only(doing: &str) -> Error {
    fail!(ReadOnly, "could not {doing}: the store was opened with readOnly")
}
