//! Keys from a file: read again when it changes. What can't be read or admitted, a half-written file for one, leaves the
//! last good set in force.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};

use super::jwk::Reason;
use super::keys::Loaded;

/// The file is looked at no more often than that.
const PAUSE: Duration = Duration::from_secs(1);

/// A key set has 64 KiB at most, from a file as from a URL.
pub(super) const SET_BYTES: u64 = 64 * 1024;

/// See the module.
pub(super) struct KeyFile {
    path: PathBuf,
    loaded: RwLock<Arc<Loaded>>,
    look: Mutex<Look>,
}

struct Look {
    at: Instant,
    /// The file as it was when it was last read to the end; `None`: it could not be, so it is read again.
    stamp: Option<Stamp>,
    trouble: Option<Reason>,
}

/// What changes when a file does: a copy may keep length and time of the old one, and be written in its place.
type Stamp = (Option<SystemTime>, u64, u64, (i64, i64));

impl KeyFile {
    pub(super) fn open(path: &Path) -> Result<KeyFile, Reason> {
        let (text, stamp) = read(path)?;
        let loaded = Loaded::admit(&text)?;
        let look = Look { at: Instant::now(), stamp: Some(stamp), trouble: None };
        Ok(KeyFile { path: path.to_owned(), loaded: RwLock::new(loaded), look: Mutex::new(look) })
    }

    /// The set in force: the file's, as of a second ago at most. One caller a second looks, the others go on.
    pub(super) fn current(&self) -> Arc<Loaded> {
        if let Some(mut look) = self.look.try_lock()
            && look.at.elapsed() >= PAUSE
        {
            look.at = Instant::now();
            self.reload(&mut look);
        }
        self.loaded.read().clone()
    }

    pub(super) fn trouble(&self) -> Option<Reason> {
        self.look.lock().trouble.clone()
    }

    fn reload(&self, look: &mut Look) {
        if look.stamp.is_some() && look.stamp == std::fs::metadata(&self.path).ok().map(|seen| stamp(&seen)) {
            return;
        }
        match read(&self.path).and_then(|(text, stamp)| Ok((Loaded::admit(&text)?, stamp))) {
            Ok((loaded, stamp)) => {
                *self.loaded.write() = loaded;
                (look.stamp, look.trouble) = (Some(stamp), None);
            }
            Err(why) => (look.stamp, look.trouble) = (None, Some(why)),
        }
    }
}

/// The text, and the stamp of what was read: taken before reading, so that a change meanwhile is seen next time.
fn read(path: &Path) -> Result<(String, Stamp), Reason> {
    let refused = |error: std::io::Error| format!("the key set's file can't be read: {}", error.kind());
    let file = open(path).map_err(refused)?;
    let seen = file.metadata().map_err(refused)?;
    if !seen.is_file() {
        return Err("the key set's file is not a regular file".to_owned());
    }
    let stamp = stamp(&seen);
    let mut text = String::new();
    file.take(SET_BYTES + 1).read_to_string(&mut text).map_err(refused)?;
    match text.len() as u64 > SET_BYTES {
        true => Err("the key set's file has more than 64 KiB".to_owned()),
        false => Ok((text, stamp)),
    }
}

/// Opens it without waiting: for a pipe nobody may ever write, and whoever verifies a token would wait.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn stamp(seen: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    (seen.modified().ok(), seen.len(), seen.ino(), (seen.ctime(), seen.ctime_nsec()))
}

#[cfg(not(unix))]
fn stamp(seen: &Metadata) -> Stamp {
    (seen.modified().ok(), seen.len(), 0, (0, 0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::jwk::tests::{ed, with};
    use super::*;

    fn set(kid: &str) -> String {
        json!({"keys": [with(ed(), "kid", json!(kid))]}).to_string()
    }

    impl KeyFile {
        /// What `current` gives a second later.
        fn later(&self) -> Arc<Loaded> {
            self.look.lock().at -= PAUSE;
            self.current()
        }
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_bad_one_keeps_the_last_good_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        std::fs::write(&path, set("one")).unwrap();
        let file = KeyFile::open(&path).unwrap();
        let first = file.current();
        assert!(first.set.find(Some("one")).is_some());

        let two = set("two");
        std::fs::write(&path, &two).unwrap();
        assert_eq!(file.current().generation, first.generation, "not looked at within the second");
        let second = file.later();
        assert!(second.set.find(Some("two")).is_some() && second.set.find(Some("one")).is_none());
        assert_eq!(file.later().generation, second.generation, "the same file is the same set");

        for bad in [&two[..two.len() / 2], "", "{\"keys\":[]}", &" ".repeat(70_000)] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(file.later().generation, second.generation, "{}", &bad[..bad.len().min(20)]);
            assert!(file.trouble().is_some());
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file.later().generation, second.generation);

        // As programs do that replace a file whole: the new one has another inode.
        std::fs::write(folder.path().join("new"), set("three")).unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(file.later().set.find(Some("three")).is_some());
        assert_eq!(file.trouble(), None);
    }

    #[test]
    fn another_set_of_the_same_length_and_time_is_another_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let write = |set: &str| {
            std::fs::write(&path, set).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        };
        write(&set("one"));
        let file = KeyFile::open(&path).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        write(&set("two"));
        assert!(file.later().set.find(Some("two")).is_some());
    }

    /// A link that is swapped, as orchestrators do it, and what is no file: nobody waits for a pipe.
    #[test]
    fn links_are_followed_and_what_is_no_file_keeps_the_last_good_set() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let link = |target: &str| {
            std::os::unix::fs::symlink(at(target), at("new")).unwrap();
            std::fs::rename(at("new"), at("jwks.json")).unwrap();
        };
        std::fs::write(at("one.json"), set("one")).unwrap();
        std::fs::write(at("two.json"), set("two")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        link("one.json");
        let file = KeyFile::open(&at("jwks.json")).unwrap();
        link("two.json");
        let second = file.later();
        assert!(second.set.find(Some("two")).is_some() && second.set.find(Some("one")).is_none());
        let (sender, receiver) = std::sync::mpsc::channel();
        let path = at("pipe");
        std::thread::spawn(move || sender.send(KeyFile::open(&path).is_err()));
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(true), "somebody waits for a pipe");
        for target in ["folder", "pipe", "nowhere"] {
            link(target);
            assert_eq!(file.later().generation, second.generation, "{target}");
            assert!(file.trouble().is_some(), "{target}");
        }
        link("one.json");
        assert!(file.later().set.find(Some("one")).is_some());
    }

    #[test]
    fn a_first_set_must_be_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        assert!(KeyFile::open(&path).is_err());
        std::fs::write(&path, "{").unwrap();
        assert!(KeyFile::open(&path).is_err());
    }
}
