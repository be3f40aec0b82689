//! Connections: how each is set up, and the readers that are lent out.

use std::path::{Path, PathBuf};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::Durability;
use super::error::{busy, is_busy, mapped};
use super::file::{self, Inode};
use super::lock::Pause;
use super::schema;
use crate::error::{Result, fail};

/// Readers at once; more would only queue on the page cache's memory.
const READERS: usize = 8;
/// More than there are statements.
const STATEMENTS: usize = 32;

/// The connection that writes; it makes the tables in an empty file. Called under the write lock.
pub(super) fn writer(path: &Path, empty: bool, durability: Durability, deadline: Instant) -> Result<Connection> {
    let mut pause = Pause::until(deadline);
    let connection = loop {
        match connect(path).and_then(|connection| set_sync(&connection, durability).map(|()| connection)) {
            Ok(connection) => break connection,
            Err(error) if is_busy(&error) => pause.sleep("open the store")?,
            Err(error) => return Err(mapped("open the store", &error).at(path.display())),
        }
    };
    if empty {
        schema::create(&connection)?;
    }
    schema::check(&connection).map_err(|error| error.at(path.display()))?;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(connection),
            Ok(_) => {
                return Err(fail!(
                    Unsupported,
                    "{}: this file system has no shared memory, which SQLite's write-ahead log needs",
                    path.display()
                ));
            }
            Err(error) if is_busy(&error) => pause.sleep("open the store")?,
            Err(error) => return Err(mapped("open the store", &error).at(path.display())),
        }
    }
}

/// Whether a commit waits for the disk. Outside a transaction only.
pub(super) fn set_sync(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.execute_batch(match durability {
        Durability::Interval => "PRAGMA synchronous = NORMAL",
        Durability::Commit => "PRAGMA synchronous = FULL",
    })
}

/// An absolute path, so that neither `:memory:` nor `file:` can mean anything but a file's name: the bundled SQLite
/// reads URIs whatever the flags say.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    debug_assert!(path.is_absolute());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    // A hostile file must neither run what it brings along nor be believed about its own layout.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA busy_timeout = 0;
         PRAGMA foreign_keys = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The readers, opened when first needed.
pub(super) struct Readers {
    path: PathBuf,
    inode: Inode,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    lent: usize,
    closed: bool,
}

/// A place among the readers, taken until dropped.
struct Place<'a>(&'a Readers);

impl Readers {
    pub(super) fn new(path: PathBuf, inode: Inode) -> Readers {
        Readers { path, inode, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Lends a reader to `work`. All out: with `wait`, waits that long for one to come back, then `BUSY`; without,
    /// `None`. `None` also when SQLite was busy as one was opened: ask again.
    pub(super) fn lend<T>(&self, wait: Option<Instant>, work: impl FnOnce(&Connection) -> T) -> Result<Option<T>> {
        let Some((place, idle)) = self.place(wait)? else { return Ok(None) };
        let connection = match idle {
            Some(connection) => connection,
            None => {
                self.check_in_place()?;
                match self.open() {
                    Ok(connection) => connection,
                    Err(error) if is_busy(&error) => return Ok(None),
                    Err(error) => return Err(mapped("open a connection for reading", &error)),
                }
            }
        };
        let done = work(&connection);
        place.give_back(connection);
        Ok(Some(done))
    }

    fn place(&self, wait: Option<Instant>) -> Result<Option<(Place<'_>, Option<Connection>)>> {
        let mut state = self.state.lock();
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

    fn open(&self) -> rusqlite::Result<Connection> {
        let connection = connect(&self.path)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        Ok(connection)
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

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the connections as they are: they belong to the process this one was forked from.
    pub(super) fn forget(&mut self) {
        self.state.get_mut().idle.drain(..).for_each(std::mem::forget);
    }
}

impl Place<'_> {
    fn give_back(self, connection: Connection) {
        // Also when closing: `close` waits for the place and closes what it finds.
        self.0.state.lock().idle.push(connection);
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
