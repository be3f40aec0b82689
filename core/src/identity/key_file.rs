//! Keys from a file: read again when it changes. What can't be read or admitted, a half-written file for one, leaves the
//! last good set in force.

use std::fs::{File, Metadata};
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

/// What changes when a file does.
type Stamp = (Option<SystemTime>, u64, u64);

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
    let file = File::open(path).map_err(refused)?;
    let stamp = stamp(&file.metadata().map_err(refused)?);
    let mut text = String::new();
    file.take(SET_BYTES + 1).read_to_string(&mut text).map_err(refused)?;
    match text.len() as u64 > SET_BYTES {
        true => Err("the key set's file has more than 64 KiB".to_owned()),
        false => Ok((text, stamp)),
    }
}

#[cfg(unix)]
fn stamp(seen: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    (seen.modified().ok(), seen.len(), seen.ino())
}

#[cfg(not(unix))]
fn stamp(seen: &Metadata) -> Stamp {
    (seen.modified().ok(), seen.len(), 0)
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
    fn a_first_set_must_be_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        assert!(KeyFile::open(&path).is_err());
        std::fs::write(&path, "{").unwrap();
        assert!(KeyFile::open(&path).is_err());
    }
}
