//! The keyring as a file: made so that nobody else ever sees half of it, read only if nobody else could have.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
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
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    fail!(Io, "the keyring {} could not be written: {}", path.display(), error.kind())
}

/// Tells one state of a file from another: every write of it gives another, and so does another file in its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What stands there now, without opening it. `KEYRING_INVALID` if nothing does.
pub(super) fn stamp(path: &Path) -> Result<FileStamp> {
    let meta = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
    Ok(FileStamp {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    })
}

/// Replaces the file by what `change` makes of it: a new file beside it, on the disk before it takes the old one's place,
/// with the old one's owner and mode. Those who change it at one time do so one after the other; a reader sees the old
/// file or the new one.
pub(super) fn replace<T>(path: &Path, change: impl FnOnce(&[u8]) -> Result<(Zeroizing<String>, T)>) -> Result<T> {
    let trouble = |error: &io::Error| unwritten(path, error);
    // The folder is what is locked: the file itself is another one after each change.
    let folder = File::open(folder_of(path)).map_err(|error| trouble(&error))?;
    rustix::fs::flock(&folder, rustix::fs::FlockOperation::LockExclusive).map_err(|error| trouble(&error.into()))?;
    let (bytes, meta) = read_with_meta(path)?;
    let (text, given) = change(&bytes)?;
    let temporary = beside(path)?;
    let written = write_new(&temporary, &text)
        .and_then(|()| keep_owner(&temporary, &meta))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(trouble(&error));
    }
    folder.sync_all().map_err(|error| trouble(&error))?;
    Ok(given)
}

/// Root may change the keyring of a service: it stays the service's.
fn keep_owner(path: &Path, was: &fs::Metadata) -> io::Result<()> {
    let new = File::open(path)?;
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (was.uid(), was.gid()) {
        std::os::unix::fs::fchown(&new, Some(was.uid()), Some(was.gid()))?;
    }
    new.set_permissions(fs::Permissions::from_mode(was.mode() & 0o777))?;
    new.sync_all()
}

/// Reads the file if only this user (or root) can have written or read it. What is checked is the open descriptor.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    read_with_meta(path).map(|(bytes, _)| bytes)
}

fn read_with_meta(path: &Path) -> Result<(Zeroizing<Vec<u8>>, fs::Metadata)> {
    let refuse = |reason: &str, why: &str| invalid(reason, format!("keyring {}: {why}", path.display()));
    let opened =
        OpenOptions::new().read(true).custom_flags(NOFOLLOW | rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path);
    let file = opened.map_err(|error| unreadable(path, &error))?;
    let meta = file.metadata().map_err(|error| refuse("unreadable", &error.kind().to_string()))?;
    if !meta.is_file() {
        return Err(refuse("not_a_file", "it is not a regular file"));
    }
    if let Some((reason, why)) = exposed(meta.mode(), meta.uid(), rustix::process::geteuid().as_raw()) {
        return Err(refuse(reason, &format!("{why} (mode {:o}): chmod 600", meta.mode() & 0o777)));
    }
    if meta.len() > MOST {
        return Err(refuse("size", "it is larger than 64 KiB"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST as usize));
    let read = file.take(MOST).read_to_end(&mut bytes);
    read.map_err(|error| refuse("unreadable", &error.kind().to_string()))?;
    Ok((bytes, meta))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let refuse = |reason: &str, why: &str| invalid(reason, format!("keyring {}: {why}", path.display()));
    match error.kind() {
        io::ErrorKind::NotFound => refuse("missing", "there is no such file; Keyring.generate(path) makes one"),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            refuse("symlink", "it is a symbolic link")
        }
        kind => refuse("unreadable", &format!("it cannot be opened: {kind}")),
    }
}

/// Who else could have written or read a file of that mode and owner: the reason to refuse it, if there is one.
fn exposed(mode: u32, owner: u32, us: u32) -> Option<(&'static str, &'static str)> {
    const ROOT: u32 = 0;
    if owner != ROOT && owner != us {
        return Some(("owner", "it belongs to another user"));
    }
    if mode & 0o007 != 0 {
        return Some(("world_readable", "others may use it"));
    }
    if mode & 0o020 != 0 {
        return Some(("group_writable", "its group may change it"));
    }
    // Root gives its group to a service on purpose: that is how orchestrators mount secrets (0440).
    if mode & 0o050 != 0 && owner != ROOT {
        return Some(("group_readable", "its group may use it"));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};
    use std::sync::Barrier;
    use std::thread;

    use super::super::Keyring;
    use super::*;
    use crate::error::Code;

    fn reason(path: &Path) -> String {
        let error = Keyring::from_file(path).unwrap_err();
        assert_eq!(error.code(), Code::KeyringInvalid, "{error}");
        error.details()["reason"].as_str().unwrap().to_owned()
    }

    fn generated(folder: &Path) -> PathBuf {
        let path = folder.join("keyring.json");
        Keyring::generate(&path).unwrap();
        path
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_generated_file_is_ours_alone_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = generated(folder.path());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names(folder.path()), ["keyring.json"]);
        let text = fs::read_to_string(&path).unwrap();
        let read = Keyring::from_file(&path).unwrap();
        assert_eq!(read.index_key(), Keyring::from_bytes(text.as_bytes()).unwrap().index_key());
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn what_exists_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "mine").unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        let before = names(folder.path()).len();
        for name in ["file", "folder", "link", "dangling"] {
            assert_eq!(Keyring::generate(at(name)).unwrap_err().code(), Code::AlreadyExists, "{name}");
        }
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
        assert!(!at("nowhere").exists());
        assert_eq!(names(folder.path()).len(), before, "nothing is left beside");
    }

    #[test]
    fn a_file_needs_a_folder_and_a_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Keyring::generate(folder.path().join("no/keyring.json")).unwrap_err().code(), Code::Io);
        assert_eq!(Keyring::generate("/").unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(Keyring::generate("").unwrap_err().code(), Code::InvalidArgument);
    }

    #[test]
    fn of_two_threads_one_wins() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keyring.json");
            let start = Barrier::new(2);
            let generate = || {
                start.wait();
                Keyring::generate(&path).map_err(|error| error.code())
            };
            let (one, other) = thread::scope(|scope| {
                let other = scope.spawn(generate);
                (generate(), other.join().unwrap())
            });
            assert!(matches!((one, other), (Ok(()), Err(Code::AlreadyExists)) | (Err(Code::AlreadyExists), Ok(()))));
            assert_eq!(names(folder.path()), ["keyring.json"]);
            Keyring::from_file(&path).unwrap();
        }
    }

    #[test]
    fn modes_and_owners() {
        let (us, root, other) = (1000, 0, 1001);
        let table = [
            (0o600, us, None),
            (0o400, us, None),
            (0o600, root, None),
            (0o440, root, None),
            (0o640, root, None),
            (0o600, other, Some("owner")),
            (0o604, us, Some("world_readable")),
            (0o602, us, Some("world_readable")),
            (0o444, root, Some("world_readable")),
            (0o640, us, Some("group_readable")),
            (0o610, us, Some("group_readable")),
            (0o620, us, Some("group_writable")),
            (0o660, root, Some("group_writable")),
        ];
        for (mode, owner, expected) in table {
            assert_eq!(exposed(mode, owner, us).map(|(reason, _)| reason), expected, "{mode:o} {owner}");
        }
    }

    #[test]
    fn what_is_not_a_private_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(reason(&at("missing")), "missing");
        let path = generated(folder.path());

        set_mode(&path, 0o644);
        assert_eq!(reason(&path), "world_readable");
        set_mode(&path, 0o660);
        assert_eq!(reason(&path), "group_writable");
        set_mode(&path, 0o640);
        if rustix::process::geteuid().is_root() {
            Keyring::from_file(&path).unwrap();
            set_mode(&path, 0o600);
            chown(&path, Some(65534), None).unwrap();
            assert_eq!(reason(&path), "owner");
            chown(&path, Some(0), None).unwrap();
        } else {
            assert_eq!(reason(&path), "group_readable");
            set_mode(&path, 0o000);
            assert_eq!(reason(&path), "unreadable");
        }
        set_mode(&path, 0o600);
        Keyring::from_file(&path).unwrap();

        symlink(&path, at("link")).unwrap();
        assert_eq!(reason(&at("link")), "symlink");
        fs::create_dir(at("folder")).unwrap();
        assert_eq!(reason(&at("folder")), "not_a_file");
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
        assert_eq!(reason(&at("fifo")), "not_a_file", "and nobody waited for a writer");
    }

    #[test]
    fn sizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = generated(folder.path());
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() - 1 {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(reason(&path), "format", "{length} bytes");
        }
        let mut padded = whole;
        padded.resize(MOST as usize, b' ');
        fs::write(&path, &padded).unwrap();
        Keyring::from_file(&path).unwrap();
        padded.push(b' ');
        fs::write(&path, &padded).unwrap();
        assert_eq!(reason(&path), "size");
    }
}
