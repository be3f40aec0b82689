//! How the store's files are opened and closed: for good, and for a fork.

use std::mem;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::super::{Settings, forked};
use super::error::busy;
use super::file::Opening;
use super::group::Group;
use super::lock::WriteLock;
use super::log::Log;
use super::readers::Readers;
use super::schema::{self, Schema};
use super::{Sqlite, Writer, connection};
use crate::error::Result;
use crate::task::may_block;

impl Sqlite {
    /// Opens the file, making it if need be. Blocks, at most until the deadline where others hold it.
    pub(in super::super) fn open(path: &Path, settings: Settings) -> Result<Sqlite> {
        Sqlite::open_as(path, settings, &schema::CURRENT)
    }

    pub(super) fn open_as(path: &Path, settings: Settings, schema: &'static Schema) -> Result<Sqlite> {
        let until = Instant::now() + settings.deadline;
        let mut opening = Opening::new(path, &settings, schema, until)?;
        let log = Log::default();
        let writer = Writer::open(&mut opening, &settings, schema, &log, until)?;
        let readers = Readers::new(opening.path().to_owned(), opening.inode()?, settings.read_only);
        if settings.read_only {
            let checked = readers.lend(Some(until), |connection| schema.check(connection))?;
            checked.unwrap_or_else(|| Err(busy("open the store")))?;
        }
        Ok(Sqlite {
            settings,
            schema,
            pid: AtomicU32::new(process::id()),
            writer: Mutex::new(writer),
            writers_waiting: AtomicU32::new(0),
            suspended: AtomicBool::new(false),
            readers,
            group: Group::default(),
            log,
            file: Mutex::new(Some(opening.done()?)),
        })
    }

    /// Before a fork, when no call is under way: closes every descriptor, for a connection that a child inherits holds
    /// no locks and takes away those that the child's own would hold.
    pub(in super::super) fn suspend(&self) {
        let mut writer = self.writer.lock();
        if !self.readers.is_closed() && !self.suspended.load(Ordering::Acquire) {
            self.readers.suspend();
            *writer = None;
            self.release_file();
            self.suspended.store(true, Ordering::Release);
        }
    }

    /// In a child: what was suspended in the parent is the child's to open.
    pub(in super::super) fn adopt(&self) -> bool {
        let nothing_inherited = self.suspended.load(Ordering::Acquire) || self.readers.is_closed();
        if nothing_inherited {
            self.pid.store(process::id(), Ordering::Relaxed);
        }
        nothing_inherited
    }

    /// What every call begins with: this process's own store, open.
    pub(super) async fn usable(&self) -> Result<()> {
        self.own()?;
        if self.suspended.load(Ordering::Acquire) {
            may_block().await;
            self.reopen()?;
        }
        Ok(())
    }

    /// Opens again what was closed before a fork: the same file, or none.
    fn reopen(&self) -> Result<()> {
        let until = Instant::now() + self.settings.deadline;
        let doing = "open the store again after a fork";
        let mut writer = self.writer.try_lock_until(until).ok_or_else(|| busy(doing))?;
        if !self.suspended.load(Ordering::Acquire) {
            return Ok(());
        }
        self.readers.check_in_place()?;
        let mut opening = Opening::new(self.readers.path(), &self.settings, self.schema, until)?;
        let opened = Writer::open(&mut opening, &self.settings, self.schema, &self.log, until)?;
        self.readers.check_in_place()?;
        *self.file.lock() = Some(opening.done()?);
        *writer = opened;
        self.suspended.store(false, Ordering::Release);
        Ok(())
    }

    /// `FORKED` in a child of the process that opened the store. Looks at nothing else: in a child any lock may be
    /// held by a thread that is not there.
    pub(super) fn own(&self) -> Result<()> {
        if self.pid.load(Ordering::Relaxed) == process::id() { Ok(()) } else { Err(forked()) }
    }

    pub(in super::super) async fn close(&self) -> Result<()> {
        self.own()?;
        may_block().await;
        self.close_now();
        Ok(())
    }

    /// Readers first, so that the writer is the last connection: SQLite then brings the log into the file, if no other
    /// process has it open, and removes it.
    fn close_now(&self) {
        let mut writer = self.writer.lock();
        self.readers.close();
        *writer = None;
        self.suspended.store(false, Ordering::Release);
        self.release_file();
    }

    /// Last of all: what is not entered as open must have no descriptor left.
    fn release_file(&self) {
        if let Some(file) = self.file.lock().take() {
            file.release();
        }
    }
}

impl Writer {
    /// `None` where nothing is to be written.
    fn open(
        opening: &mut Opening,
        settings: &Settings,
        schema: &Schema,
        log: &Log,
        until: Instant,
    ) -> Result<Option<Writer>> {
        if settings.read_only {
            opening.check_made()?;
            return Ok(None);
        }
        let lock = WriteLock::open(&opening.lock_path())?;
        let connection = {
            let _held = lock.hold("open the store", until)?;
            let empty = opening.prepare()?;
            connection::writer(opening.path(), empty, schema, settings.durability, log, until)?
        };
        Ok(Some(Writer { connection, lock }))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if self.own().is_ok() {
            self.close_now();
        } else {
            mem::forget(self.writer.get_mut().take());
            self.readers.forget();
        }
    }
}
