//! A copy of the file as of one instant, made while others read and write.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::file::{beside, sync_folder};
use super::lock::Pause;
use super::{Attempt, Sqlite, connection};
use crate::error::{Error, Result, fail};
use crate::task::may_block;

const DOING: &str = "back the store up";

impl Sqlite {
    /// Copies the file to `path`, where nothing is yet. It has its name only once it is whole and on the disk.
    pub(in super::super) async fn backup(&self, path: &Path) -> Result<()> {
        self.usable().await?;
        may_block().await;
        let exists = || fail!(AlreadyExists, "{} exists already: a backup never replaces a file", path.display());
        if path.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let path = absolute(path)?;
        let part = Part::new(&path)?;
        let until = Instant::now() + self.settings.deadline;
        // The reader stays in its snapshot for as long as the copy takes: the log is begun anew only after that.
        let copied = self.readers.lend(Some(until), |from| copy(from, &part.0, until))?;
        copied.ok_or_else(|| super::busy(DOING))?.map_err(|trouble| trouble.named(DOING))?;
        let failed = |error: io::Error| unwritten(&path, &error);
        File::open(&part.0).and_then(|file| file.sync_all()).map_err(failed)?;
        match fs::hard_link(&part.0, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists()),
            linked => linked.map_err(failed)?,
        }
        drop(part);
        sync_folder(&path).map_err(failed)
    }
}

fn copy(from: &Connection, part: &Path, until: Instant) -> Attempt<()> {
    let mut to = connection::for_a_copy(part)?;
    let backup = Backup::new(from, &mut to)?;
    let mut pause = Pause::until(until);
    loop {
        // All of it in one step: between two, a write of others would make it begin anew.
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            _ => pause.sleep(DOING)?,
        }
    }
}

/// The copy until it is whole: a file that goes when this is dropped.
struct Part(PathBuf);

impl Part {
    fn new(path: &Path) -> Result<Part> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| fail!(Unavailable, "the system gave no random bytes"))?;
        let part = beside(path, &format!("-{:016x}.part", u64::from_be_bytes(random)));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        made.map_err(|error| unwritten(path, &error))?;
        Ok(Part(part))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Left behind, it is in nobody's way.
        let _ = fs::remove_file(&self.0);
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_none() {
        return Err(fail!(InvalidArgument, "{:?} names no file to back up to", path.display().to_string()));
    }
    std::path::absolute(path).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    fail!(Io, "could not write the backup {}: {error}", path.display())
}
