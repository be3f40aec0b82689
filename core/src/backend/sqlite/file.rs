//! The database file before SQLite opens it: where it is, whose it is, who may read it.
//!
//! POSIX gives a process one set of locks on a file: closing *any* descriptor of it drops those that every SQLite
//! connection of the process holds. So a file that this process has open is never opened here a second time, and one
//! that somebody else in this process has open, another copy of SQLite say, is refused.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

use super::super::{Settings, forked};
use super::error::busy;
use super::filesystem;
use super::schema::Schema;
use crate::error::{Error, Result, fail};

/// Device and inode: a file has one, whatever its names.
pub(super) type Inode = (u64, u64);

/// The files that stores of this process have open: the process and how many.
static OPEN: Mutex<Option<HashMap<Inode, (u32, usize)>>> = Mutex::new(None);

/// One store's entry among the open files; taken back with [`OpenFile::release`], which a forked child never calls.
pub(super) struct OpenFile(Inode);

impl OpenFile {
    pub(super) fn release(self) {
        if let Some(open) = OPEN.lock().as_mut()
            && let Some((_, stores)) = open.get_mut(&self.0)
        {
            *stores -= 1;
            if *stores == 0 {
                open.remove(&self.0);
            }
        }
    }
}

/// The file while a store is being opened on it; others of this process wait.
pub(super) struct Opening {
    path: PathBuf,
    open: MutexGuard<'static, Option<HashMap<Inode, (u32, usize)>>>,
    /// A store of this process has it open already, so it was checked.
    known: bool,
    schema: &'static Schema,
}

impl Opening {
    /// Finds the file and refuses what is not ours, without touching it.
    pub(super) fn new(
        given: &Path,
        settings: &Settings,
        schema: &'static Schema,
        deadline: Instant,
    ) -> Result<Opening> {
        let path = resolved(given, settings.read_only)?;
        if let Some(folder) = path.parent().filter(|_| !settings.allow_network_filesystem) {
            filesystem::check(folder)?;
        }
        // With a deadline: in a forked child the lock may be held by a thread that is not there.
        let open = OPEN.try_lock_until(deadline).ok_or_else(|| busy("open the store"))?;
        let mut opening = Opening { path, open, known: false, schema };
        if let Some(found) = opening.found()? {
            opening.admit(&found)?;
            let foreign = if opening.known { None } else { foreign(&opening.path, schema)? };
            // What looks foreign may be a store that another process is just making, under the lock.
            if let Some(error) = foreign
                && !opening.lock_path().exists()
            {
                return Err(error);
            }
        }
        Ok(opening)
    }

    /// The path with links resolved: two names of one file must share one lock file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        beside(&self.path, "-lock")
    }

    /// Refuses a file that is not there, or that nobody has made a store of yet.
    pub(super) fn check_made(&self) -> Result<()> {
        match self.found()? {
            Some(found) if found.len() > 0 => Ok(()),
            _ => Err(fail!(NotFound, "{} is no store yet, and is not to be made one: readOnly", self.path.display())),
        }
    }

    /// Makes the file if it is not there and checks it if it is; under the write lock. Whether it is empty.
    pub(super) fn prepare(&mut self) -> Result<bool> {
        if self.found()?.is_none() {
            // Mode 0600 from the first instant; SQLite gives its -wal and -shm files the mode of this one.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fail!(Io, "could not make {}: {error}", self.path.display())),
            }
        }
        match self.found()? {
            Some(found) => self.admit(&found)?,
            None => return Err(moved(&self.path)),
        }
        if !self.known
            && let Some(error) = foreign(&self.path, self.schema)?
        {
            return Err(error);
        }
        Ok(self.found()?.is_none_or(|found| found.len() == 0))
    }

    /// The file as it is now.
    pub(super) fn inode(&self) -> Result<Inode> {
        self.found()?.as_ref().map(inode).ok_or_else(|| moved(&self.path))
    }

    /// The store is open: enters it among the open files.
    pub(super) fn done(mut self) -> Result<OpenFile> {
        let inode = self.inode()?;
        let (_, stores) = self.open.get_or_insert_default().entry(inode).or_insert((process::id(), 0));
        *stores += 1;
        Ok(OpenFile(inode))
    }

    fn found(&self) -> Result<Option<Metadata>> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_file() => Ok(Some(found)),
            Ok(_) => Err(fail!(Unsupported, "{} is not a regular file", self.path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail!(Io, "could not look at {}: {error}", self.path.display())),
        }
    }

    /// Whether this process may open the file: not if it inherited it, nor if a stranger in it has it open.
    fn admit(&mut self, found: &Metadata) -> Result<()> {
        let inode = inode(found);
        match self.open.as_ref().and_then(|open| open.get(&inode)) {
            Some((pid, _)) if *pid == process::id() => {
                self.known = true;
                Ok(())
            }
            Some(_) => Err(forked()),
            None if held_by_a_stranger(inode) => Err(fail!(
                Unsupported,
                "this process has {} open by other means (another copy of SQLite?); closing it there would drop the \
                 locks held here",
                self.path.display()
            )),
            None => Ok(()),
        }
    }
}

/// The file that SQLite or we keep beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Waits until the log, and its place in the folder, are on the disk. A descriptor of it may be closed: SQLite has its
/// locks on other files.
pub(super) fn sync_log(path: &Path) -> Result<()> {
    let log = match File::open(beside(path, "-wal")) {
        Ok(log) => log.sync_data(),
        // Nothing was written since the log was last brought in.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    log.and_then(|()| sync_folder(path)).map_err(|error| fail!(Io, "could not flush {}: {error}", path.display()))
}

/// Waits until the names in the folder of `path` are on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Refuses a file that is no longer the one that was opened: what is written to one that was moved away is lost to
/// everybody else, and a connection that is opened by its path sees another.
pub(super) fn check_in_place(path: &Path, opened: Inode) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if inode(&found) == opened => Ok(()),
        _ => Err(moved(path)),
    }
}

fn moved(path: &Path) -> Error {
    fail!(Io, "{} was moved, removed or replaced while it was open; close the store and open it again", path.display())
}

fn inode(found: &Metadata) -> Inode {
    (found.dev(), found.ino())
}

/// Whether a descriptor of this process is open on the file, where the platform can tell.
fn held_by_a_stranger(inode: Inode) -> bool {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return false };
    descriptors.flatten().any(|descriptor| {
        // Follows the link to the open file itself; some are closed between listing and looking.
        fs::metadata(descriptor.path()).is_ok_and(|open| (open.dev(), open.ino()) == inode)
    })
}

/// The path with links resolved. Unless it is only to be read, its folder is made, for this user alone, if it is the last
/// that is missing.
fn resolved(given: &Path, read_only: bool) -> Result<PathBuf> {
    let Some(name) = given.file_name() else {
        return Err(fail!(InvalidArgument, "sqlite:{} names no file", given.display()));
    };
    if let Ok(path) = fs::canonicalize(given) {
        return Ok(path);
    }
    let folder = match given.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !read_only && !folder.exists() {
        // Whether it went well is seen below; somebody else may have made it meanwhile.
        let _ = DirBuilder::new().mode(0o700).create(folder);
    }
    match fs::canonicalize(folder) {
        Ok(folder) => Ok(folder.join(name)),
        Err(error) => Err(fail!(Io, "the folder {} cannot be used: {error}", folder.display())),
    }
}

/// Why the file is none of ours: by its first bytes, so that it need not be opened for writing to find out.
fn foreign(path: &Path, schema: &Schema) -> Result<Option<Error>> {
    let mut header = Vec::with_capacity(100);
    let read = File::open(path).and_then(|file| file.take(100).read_to_end(&mut header));
    if let Err(error) = read {
        return Err(fail!(Io, "could not read {}: {error}", path.display()));
    }
    if header.is_empty() {
        return Ok(None);
    }
    let number = |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
    let identity = match (header.starts_with(b"SQLite format 3\0"), number(68), number(60)) {
        (true, Some(application_id), Some(user_version)) => schema.admit(application_id, user_version),
        _ => Err(fail!(Unsupported, "the file is not a sessile store: not an SQLite database; it was left as it is")),
    };
    Ok(identity.err().map(|error| error.at(path.display())))
}
