//! A key's life in the keyring file: pending → primary → retired → revoked → dropped. Each step is one change of the file,
//! whole or not at all; stores that are open follow it by themselves.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::keyring::{DataKey, KeyState, Keyring, SigningKey};
use super::keyring_file;
use super::ring::RIPE_AFTER;
use crate::clock::{Clock, Time};
use crate::error::{Error, Result, fail};

/// Keys are named by text: a data key by its id (`"2"`), a signing key by its kid. Every call gives `KEYRING_INVALID` for a
/// file that is none, `NOT_FOUND` for a key that is not in it, `CONFLICT` for a step that its state forbids, and `IO`.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("keyring.json");
/// use sessile::{Code, Keyring};
///
/// Keyring::generate(&path)?;
/// assert_eq!(Keyring::add(&path, "data")?, "2");
/// // Not before every process has read it.
/// assert_eq!(Keyring::promote(&path, "2").unwrap_err().code(), Code::Conflict);
/// # Ok::<(), sessile::Error>(())
/// ```
impl Keyring {
    /// Adds a pending key, `kind` `"data"` or `"signing"`; its name. It opens (or verifies), and does not seal yet.
    pub fn add(path: impl AsRef<Path>, kind: &str) -> Result<String> {
        step(path.as_ref(), |keyring| {
            let (data, signing) = keyring.keys_mut();
            match kind {
                "data" => {
                    let newest = data.iter().map(|key| key.id).max().unwrap_or_default();
                    let id = newest.checked_add(1).ok_or_else(|| conflict("no data key's id is left", "id"))?;
                    data.push(DataKey::random(id, KeyState::Pending)?);
                    Ok(id.to_string())
                }
                "signing" => {
                    let key = SigningKey::random(KeyState::Pending)?;
                    let kid = key.kid.clone();
                    signing.push(key);
                    Ok(kid)
                }
                other => Err(fail!(InvalidArgument, "kind: {other:?} given; \"data\" or \"signing\" wanted")
                    .with("argument", "kind")),
            }
        })
    }

    /// The key is primary from now on, and the one that was is retired. A pending one must be 60 seconds old, so that
    /// every process has it before anything is sealed with it: `CONFLICT` with `waitSeconds` until then.
    pub fn promote(path: impl AsRef<Path>, key: &str) -> Result<()> {
        step(path.as_ref(), |keyring| {
            let found = find(keyring, key)?;
            let (state, created) = (*found.state, found.created);
            match state {
                KeyState::Primary => return Ok(()),
                KeyState::Revoked => return Err(conflict("a revoked key is not made primary: add a new one", "state")),
                KeyState::Pending => check_age(created)?,
                KeyState::Retired => {}
            }
            let is_data = found.is_data;
            let (data, signing) = keyring.keys_mut();
            let states: Vec<&mut KeyState> = match is_data {
                true => data.iter_mut().map(|key| &mut key.state).collect(),
                false => signing.iter_mut().map(|key| &mut key.state).collect(),
            };
            states
                .into_iter()
                .filter(|state| **state == KeyState::Primary)
                .for_each(|state| *state = KeyState::Retired);
            *find(keyring, key)?.state = KeyState::Primary;
            Ok(())
        })
    }

    /// The key opens what it sealed, and nothing more: one that was pending and is not wanted, or was revoked too soon.
    /// The primary is retired by promoting another.
    pub fn retire(path: impl AsRef<Path>, key: &str) -> Result<()> {
        set_state(path.as_ref(), key, KeyState::Retired)
    }

    /// The key opens nothing any more: what is still sealed with it is `KEY_REVOKED` from then on. To be undone by
    /// [`retire`](Keyring::retire).
    pub fn revoke(path: impl AsRef<Path>, key: &str) -> Result<()> {
        set_state(path.as_ref(), key, KeyState::Revoked)
    }

    /// Takes a revoked key out of the file: nobody can ever open what it sealed. Of the data keys the newest stays, for
    /// its id would be given again. [`Store::drop_key`](crate::Store::drop_key) makes sure that nothing is lost.
    pub fn drop(path: impl AsRef<Path>, key: &str) -> Result<()> {
        step(path.as_ref(), |keyring| {
            check_droppable(keyring, key, &[KeyState::Revoked])?;
            let (data, signing) = keyring.keys_mut();
            data.retain(|there| there.id.to_string() != key);
            signing.retain(|there| there.kid != key);
            Ok(())
        })
    }

    /// Revokes a retired data key that is to be dropped; what it was. `NOT_FOUND`; `CONFLICT` if it can't be.
    pub(crate) fn revoke_to_drop(path: &Path, key: &str) -> Result<KeyState> {
        step(path, |keyring| {
            check_droppable(keyring, key, &[KeyState::Retired, KeyState::Revoked])?;
            Ok(std::mem::replace(find(keyring, key)?.state, KeyState::Revoked))
        })
    }

    /// What is in the file, without a key:
    /// `{"data":[{"id":1,"state":"primary","created":"…"}],"signing":[{"kid":"…","state":"primary","created":"…"}]}`.
    pub fn describe(path: impl AsRef<Path>) -> Result<String> {
        Ok(Keyring::from_file(path.as_ref())?.description().to_string())
    }

    pub(crate) fn description(&self) -> serde_json::Value {
        let data = self.data_keys().iter();
        let data: Vec<_> = data
            .map(|key| json!({"id": key.id, "state": key.state.as_str(), "created": key.created.to_string()}))
            .collect();
        let signing = self.signing_keys().iter();
        let signing: Vec<_> = signing
            .map(|key| json!({"kid": key.kid, "state": key.state.as_str(), "created": key.created.to_string()}))
            .collect();
        json!({"data": data, "signing": signing})
    }
}

/// One step, under the file's lock. A file that would be no keyring afterwards is not written.
fn step<T>(path: &Path, change: impl FnOnce(&mut Keyring) -> Result<T>) -> Result<T> {
    keyring_file::replace(path, |bytes| {
        let mut keyring =
            Keyring::from_bytes(bytes).map_err(|error| error.at(format_args!("keyring {}", path.display())))?;
        let given = change(&mut keyring)?;
        keyring.check()?;
        Ok((keyring.to_json()?, given))
    })
}

fn set_state(path: &Path, key: &str, wanted: KeyState) -> Result<()> {
    step(path, |keyring| {
        let found = find(keyring, key)?;
        if *found.state == KeyState::Primary {
            return Err(conflict("the key is primary: promote another one first", "state"));
        }
        *found.state = wanted;
        Ok(())
    })
}

fn check_droppable(keyring: &mut Keyring, key: &str, allowed: &[KeyState]) -> Result<()> {
    let found = find(keyring, key)?;
    let (state, is_data) = (*found.state, found.is_data);
    if !allowed.contains(&state) {
        return Err(conflict(&format!("the key is {}: revoke it first", state.as_str()), "state"));
    }
    let newest = keyring.data_keys().iter().map(|key| key.id).max().unwrap_or_default();
    match is_data && key == newest.to_string() {
        true => Err(conflict("the newest data key stays, for its id would be given again", "newest")),
        false => Ok(()),
    }
}

struct Found<'a> {
    state: &'a mut KeyState,
    created: Time,
    is_data: bool,
}

fn find<'a>(keyring: &'a mut Keyring, name: &str) -> Result<Found<'a>> {
    let (data, signing) = keyring.keys_mut();
    let data = data.iter_mut().find(|key| key.id.to_string() == name);
    let signing = signing.iter_mut().find(|key| key.kid == name);
    match (data, signing) {
        (Some(key), None) => Ok(Found { state: &mut key.state, created: key.created, is_data: true }),
        (None, Some(key)) => Ok(Found { state: &mut key.state, created: key.created, is_data: false }),
        (Some(_), Some(_)) => {
            Err(fail!(InvalidArgument, "key: a data key and a signing key are named {name:?}").with("argument", "key"))
        }
        (None, None) => Err(fail!(
            NotFound,
            "the keyring has no key {name:?}: a data key's id or a signing key's kid is \
                                             wanted"
        )
        .with("what", "key")),
    }
}

fn check_age(created: Time) -> Result<()> {
    let age = u64::try_from(Clock::system().now().millis() - created.millis()).unwrap_or_default();
    let left = RIPE_AFTER.saturating_sub(Duration::from_millis(age));
    if left.is_zero() {
        return Ok(());
    }
    let seconds = left.as_millis().div_ceil(1000) as u64;
    Err(conflict(
        &format!("the key was added a moment ago: promote it in {seconds} s, when every process has it"),
        "age",
    )
    .with("waitSeconds", seconds))
}

fn conflict(message: &str, reason: &str) -> Error {
    fail!(Conflict, "{message}").with("reason", reason)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;
    use std::thread;

    use super::*;
    use crate::error::Code;

    fn made() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.json");
        Keyring::generate(&path).unwrap();
        (folder, path)
    }

    /// Every key of the file was made long ago.
    fn age(path: &Path) {
        step(path, |keyring| {
            let (data, signing) = keyring.keys_mut();
            data.iter_mut().for_each(|key| key.created = Time::from_secs(0));
            signing.iter_mut().for_each(|key| key.created = Time::from_secs(0));
            Ok(())
        })
        .unwrap();
    }

    fn states(path: &Path) -> Vec<(String, &'static str)> {
        let keyring = Keyring::from_file(path).unwrap();
        keyring.data_keys().iter().map(|key| (key.id.to_string(), key.state.as_str())).collect()
    }

    fn refused(result: Result<()>) -> (Code, String) {
        let error = result.unwrap_err();
        (error.code(), error.details()["reason"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_data_key_lives_from_pending_to_dropped() {
        let (_folder, path) = made();
        let before = Keyring::from_file(&path).unwrap();
        assert_eq!(Keyring::add(&path, "data").unwrap(), "2");
        assert_eq!(states(&path), [("1".into(), "primary"), ("2".into(), "pending")]);
        let early = Keyring::promote(&path, "2").unwrap_err();
        assert!((1..=60).contains(&early.details()["waitSeconds"].as_u64().unwrap()), "{early:?}");
        age(&path);
        Keyring::promote(&path, "2").unwrap();
        Keyring::promote(&path, "2").unwrap();
        assert_eq!(states(&path), [("1".into(), "retired"), ("2".into(), "primary")]);
        assert_eq!(refused(Keyring::retire(&path, "2")), (Code::Conflict, "state".into()));
        assert_eq!(refused(Keyring::revoke(&path, "2")), (Code::Conflict, "state".into()));
        assert_eq!(refused(Keyring::drop(&path, "2")), (Code::Conflict, "state".into()));
        assert_eq!(refused(Keyring::drop(&path, "1")), (Code::Conflict, "state".into()), "it still opens");
        Keyring::revoke(&path, "1").unwrap();
        assert_eq!(refused(Keyring::promote(&path, "1")), (Code::Conflict, "state".into()));
        Keyring::retire(&path, "1").unwrap();
        Keyring::promote(&path, "1").unwrap();
        Keyring::promote(&path, "2").unwrap();
        Keyring::revoke(&path, "1").unwrap();
        Keyring::drop(&path, "1").unwrap();
        assert_eq!(states(&path), [("2".into(), "primary")]);
        let after = Keyring::from_file(&path).unwrap();
        assert_eq!(after.index_key(), before.index_key());
        assert_eq!(after.signing_keys()[0].seed, before.signing_keys()[0].seed);
    }

    #[test]
    fn an_id_is_never_given_twice() {
        let (_folder, path) = made();
        Keyring::add(&path, "data").unwrap();
        Keyring::revoke(&path, "2").unwrap();
        assert_eq!(refused(Keyring::drop(&path, "2")), (Code::Conflict, "newest".into()));
        assert_eq!(Keyring::add(&path, "data").unwrap(), "3");
        Keyring::drop(&path, "2").unwrap();
        assert_eq!(states(&path), [("1".into(), "primary"), ("3".into(), "pending")]);
    }

    #[test]
    fn a_signing_key_likewise() {
        let (_folder, path) = made();
        let old = Keyring::from_file(&path).unwrap().signing_keys()[0].kid.clone();
        let new = Keyring::add(&path, "signing").unwrap();
        assert_eq!(refused(Keyring::promote(&path, &new)), (Code::Conflict, "age".into()));
        age(&path);
        Keyring::promote(&path, &new).unwrap();
        Keyring::revoke(&path, &old).unwrap();
        Keyring::drop(&path, &old).unwrap();
        let keyring = Keyring::from_file(&path).unwrap();
        assert_eq!((keyring.signing_keys().len(), keyring.primary_signing().kid.as_str()), (1, new.as_str()));
        assert_eq!(states(&path), [("1".into(), "primary")]);
    }

    #[test]
    fn other_names_kinds_and_files_are_refused() {
        let (folder, path) = made();
        let code = |result: Result<()>| result.unwrap_err().code();
        assert_eq!(code(Keyring::add(&path, "index").map(drop)), Code::InvalidArgument);
        for name in ["", "3", "01", " 1", "nobody"] {
            assert_eq!(code(Keyring::retire(&path, name)), Code::NotFound, "{name:?}");
        }
        let missing = folder.path().join("missing.json");
        assert_eq!(code(Keyring::add(&missing, "data").map(drop)), Code::KeyringInvalid);
        let before = fs::read(&path).unwrap();
        assert_eq!(code(Keyring::promote(&path, "9")), Code::NotFound);
        assert_eq!(fs::read(&path).unwrap(), before, "a refused step writes nothing");
        fs::write(&path, b"{}").unwrap();
        assert_eq!(code(Keyring::retire(&path, "1")), Code::KeyringInvalid);
        assert_eq!(fs::read(&path).unwrap(), b"{}", "what is no keyring is left alone");
    }

    #[test]
    fn the_file_stays_private_and_whole_under_many_hands() {
        let (folder, path) = made();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let reads = thread::scope(|scope| {
            let adders: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..5).for_each(|_| drop(Keyring::add(&path, "data").unwrap()))))
                .collect();
            let mut reads = 0;
            while adders.iter().any(|adder| !adder.is_finished()) {
                Keyring::from_file(&path).unwrap();
                reads += 1;
            }
            reads
        });
        assert!(reads > 0);
        let keyring = Keyring::from_file(&path).unwrap();
        let ids: Vec<u32> = keyring.data_keys().iter().map(|key| key.id).collect();
        assert_eq!(ids, (1..=21).collect::<Vec<_>>(), "no step of anybody's was lost");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o400);
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left beside");
    }

    #[test]
    fn a_description_has_no_key() {
        let (_folder, path) = made();
        let shown = Keyring::describe(&path).unwrap();
        let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for secret in ["/data/0/key", "/index/key", "/signing/0/key"] {
            assert!(!shown.contains(file.pointer(secret).unwrap().as_str().unwrap()));
        }
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!((&shown["data"][0]["id"], &shown["data"][0]["state"]), (&1.into(), &"primary".into()));
        assert_eq!(shown["signing"][0]["kid"], file["signing"][0]["kid"]);
    }
}
