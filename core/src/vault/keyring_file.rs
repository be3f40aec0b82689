//! The keyring as a file: made so that nobody else ever sees half of it, read only if nobody else could have.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::keyring::invalid;
use super::random::fill_random;
use crate::error::{Error, Result, fail};

/// A keyring is a few hundred bytes; whatever is larger is none.
const MOST: u64 = 64 << 10;

const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// Writes the file whole or not at all: a temporary file beside it, then a hard link, which never replaces anything.
pub(super) fn create(path: &Path, text: &str) -> Result<()> {
    let temporary = beside(path)?;
    let written = write_new(&temporary, text).and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(fail!(AlreadyExists, "{} exists already: a keyring is never replaced", path.display())
                .with("path", path.display().to_string()));
        }
        Err(error) => return Err(unwritten(path, &error)),
    }
    removed.and_then(|()| sync_folder(path)).map_err(|error| unwritten(path, &error))
}

fn beside(path: &Path) -> Result<PathBuf> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    let mut name =
        path.file_name().ok_or_else(|| fail!(InvalidArgument, "the keyring's path names no file"))?.to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(bytes)));
    Ok(path.with_file_name(name))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(NOFOLLOW).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    fail!(Io, "the keyring {} could not be written: {}", path.display(), error.kind())
}

/// Reads the file if only this user (or root) can have written or read it. What is checked is the open descriptor.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let refuse = |reason: &str, why: &str| invalid(reason, format!("keyring {}: {why}", path.display()));
    let opened =
        OpenOptions::new().read(true).custom_flags(NOFOLLOW | rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path);
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refuse("missing", "there is no such file; Keyring.generate(path) makes one"),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            refuse("symlink", "it is a symbolic link")
        }
        kind => refuse("unreadable", &format!("it cannot be opened: {kind}")),
    })?;
    let meta = file.metadata().map_err(|error| refuse("unreadable", &error.kind().to_string()))?;
    if !meta.is_file() {
        return Err(refuse("not_a_file", "it is not a regular file"));
    }
    if meta.uid() != 0 && meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse("owner", "it belongs to another user"));
    }
    if meta.mode() & 0o007 != 0 {
        return Err(refuse(
            "world_readable",
            &format!("others may use it (mode {:o}): chmod 600", meta.mode() & 0o777),
        ));
    }
    if meta.mode() & 0o020 != 0 {
        return Err(refuse(
            "group_writable",
            &format!("its group may change it (mode {:o}): chmod 600", meta.mode() & 0o777),
        ));
    }
    if meta.mode() & 0o070 != 0 && meta.uid() != 0 {
        return Err(refuse(
            "group_readable",
            &format!("its group may use it (mode {:o}): chmod 600", meta.mode() & 0o777),
        ));
    }
    if meta.len() > MOST {
        return Err(refuse("size", "it is larger than 64 KiB"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST as usize));
    let read = file.take(MOST).read_to_end(&mut bytes);
    read.map_err(|error| refuse("unreadable", &error.kind().to_string()))?;
    Ok(bytes)
}
