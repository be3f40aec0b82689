//! The readers that are lent out.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::connection;
use super::error::{busy, is_busy, mapped};
use super::file::{self, Inode, beside};
use crate::error::{Error, Result};

/// Readers at once; more would only queue on the page cache's memory.
const READERS: usize = 8;

/// The readers, opened when first needed.
pub(super) struct Readers {
    path: PathBuf,
    inode: Inode,
    /// Whether this process must change nothing at all.
    read_only: bool,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    /// What the idle ones were opened on.
    seen: Seen,
    lent: usize,
    closed: bool,
}

/// The state of a file that is read without a lock; nothing else tells that it was changed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    /// Somebody may write: SQLite's locks tell.
    #[default]
    Shared,
    /// Nobody has it open for writing: its length and its last change, in seconds and nanoseconds.
    Still(u64, (i64, i64)),
}

/// A place among the readers, taken until dropped.
struct Place<'a>(&'a Readers);

impl Readers {
    pub(super) fn new(path: PathBuf, inode: Inode, read_only: bool) -> Readers {
        Readers { path, inode, read_only, state: Mutex::default(), returned: Condvar::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lends a reader to `work`. All out: with `wait`, waits that long for one to come back, then `BUSY`; without,
    /// `None`. `None` also when SQLite was busy as one was opened: ask again.
    pub(super) fn lend<T>(&self, wait: Option<Instant>, work: impl FnOnce(&Connection) -> T) -> Result<Option<T>> {
        let seen = self.look();
        let Some((place, idle)) = self.place(seen, wait)? else { return Ok(None) };
        let connection = match idle {
            Some(connection) => connection,
            None => {
                self.check_in_place()?;
                match self.open(seen) {
                    Ok(connection) => connection,
                    Err(error) if is_busy(&error) => return Ok(None),
                    Err(error) => return Err(self.refused(&error)),
                }
            }
        };
        let done = work(&connection);
        place.give_back(connection, seen);
        Ok(Some(done))
    }

    pub(super) fn is_any_open(&self) -> bool {
        let state = self.state.lock();
        state.lent > 0 || !state.idle.is_empty()
    }

    fn place(&self, seen: Seen, wait: Option<Instant>) -> Result<Option<(Place<'_>, Option<Connection>)>> {
        let mut state = self.state.lock();
        if state.seen != seen {
            state.idle.clear();
            state.seen = seen;
        }
        loop {
            if state.closed {
                return Err(super::closed());
            }
            if state.lent < READERS {
                state.lent += 1;
                return Ok(Some((Place(self), state.idle.pop())));
            }
            match wait {
                None => return Ok(None),
                Some(deadline) if self.returned.wait_until(&mut state, deadline).timed_out() => {
                    return Err(busy("read: no connection came free"));
                }
                Some(_) => {}
            }
        }
    }

    /// Refuses a file that is no longer the one that was opened.
    pub(super) fn check_in_place(&self) -> Result<()> {
        file::check_in_place(&self.path, self.inode)
    }

    /// `CLOSED`, or refused as by [`check_in_place`](Readers::check_in_place).
    pub(super) fn check_usable(&self) -> Result<()> {
        if self.is_closed() {
            return Err(super::closed());
        }
        self.check_in_place()
    }

    /// A log with something in it means that somebody writes, or was killed while they did.
    fn look(&self) -> Seen {
        if !self.read_only || fs::metadata(beside(&self.path, "-wal")).is_ok_and(|log| log.len() > 0) {
            return Seen::Shared;
        }
        match fs::metadata(&self.path) {
            Ok(found) => Seen::Still(found.len(), (found.mtime(), found.mtime_nsec())),
            Err(_) => Seen::Shared,
        }
    }

    fn open(&self, seen: Seen) -> rusqlite::Result<Connection> {
        match seen {
            Seen::Shared if !self.read_only => connection::reading(&self.path),
            Seen::Shared => connection::reading_only(&self.path),
            Seen::Still(..) => connection::reading_immutable(&self.path),
        }
    }

    fn refused(&self, error: &rusqlite::Error) -> Error {
        let error = mapped("open a connection for reading", error);
        match self.read_only && !beside(&self.path, "-shm").exists() {
            true => error.at("its -wal file holds what only a store that may write here can bring in"),
            false => error,
        }
    }

    /// Lends no more, waits for those that are out, closes all.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.returned.notify_all();
        while state.lent > 0 {
            self.returned.wait(&mut state);
        }
        state.idle.clear();
    }

    /// Closes those that are not lent out, which before a fork are all; later ones are opened when needed.
    pub(super) fn suspend(&self) {
        self.state.lock().idle.clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Leaves the connections as they are: they belong to the process this one was forked from.
    pub(super) fn forget(&mut self) {
        self.state.get_mut().idle.drain(..).for_each(std::mem::forget);
    }
}

impl Place<'_> {
    fn give_back(self, connection: Connection, seen: Seen) {
        // Also when closing: `close` waits for the place and closes what it finds.
        let mut state = self.0.state.lock();
        if state.seen == seen {
            state.idle.push(connection);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.lent -= 1;
        if state.closed {
            self.0.returned.notify_all();
        } else {
            self.0.returned.notify_one();
        }
    }
}
