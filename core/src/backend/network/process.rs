//! A value that belongs to one process.

use std::process;
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::{Error, Result, fail};

/// A lock that is held this long was held by a thread of the parent as this process was forked off.
pub(in crate::backend) const STUCK: Duration = Duration::from_secs(1);

/// A value made when it is first needed. A forked child that finds its parent's forgets it, without dropping it: to
/// drop a connection would speak to the parent's server. It makes its own.
pub(in crate::backend) struct PerProcess<T>(Mutex<Option<(u32, T)>>);

impl<T: Clone> PerProcess<T> {
    pub(in crate::backend) const fn new() -> PerProcess<T> {
        PerProcess(Mutex::new(None))
    }

    /// This process's value, made by `make` if there is none.
    pub(in crate::backend) fn get(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut slot = self.0.try_lock_for(STUCK).ok_or_else(stuck)?;
        forget_inherited(&mut slot);
        match &*slot {
            Some((_, value)) => Ok(value.clone()),
            None => {
                let value = make()?;
                *slot = Some((process::id(), value.clone()));
                Ok(value)
            }
        }
    }

    /// This process's value, if there is one.
    pub(in crate::backend) fn peek(&self) -> Option<T> {
        let slot = self.0.try_lock_for(STUCK)?;
        slot.as_ref().filter(|(pid, _)| *pid == process::id()).map(|(_, value)| value.clone())
    }

    /// Takes the value away; `None` when this process has none.
    pub(in crate::backend) fn take(&self) -> Option<T> {
        let mut slot = self.0.try_lock_for(STUCK)?;
        forget_inherited(&mut slot);
        slot.take().map(|(_, value)| value)
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        forget_inherited(self.0.get_mut());
    }
}

fn forget_inherited<T>(slot: &mut Option<(u32, T)>) {
    if slot.as_ref().is_some_and(|(pid, _)| *pid != process::id()) {
        std::mem::forget(slot.take());
    }
}

/// Another thread of the parent held the lock at the moment of the fork, and is not there to release it.
pub(in crate::backend) fn stuck() -> Error {
    fail!(
        Forked,
        "this process was forked while another thread of its parent was at work on the store: open it after the fork"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_was_inherited_is_forgotten_and_what_is_ones_own_is_kept() {
        let own = PerProcess::new();
        let first = own.get(|| Ok(Arc::new(1))).unwrap();
        assert!(Arc::ptr_eq(&first, &own.get(|| Ok(Arc::new(2))).unwrap()));
        // As a child finds it.
        own.0.lock().as_mut().unwrap().0 += 1;
        let second = own.get(|| Ok(Arc::new(3))).unwrap();
        assert_eq!((*second, Arc::strong_count(&first)), (3, 2), "made anew, and the old one not dropped");
        assert!(own.take().is_some() && own.take().is_none());
    }
}
