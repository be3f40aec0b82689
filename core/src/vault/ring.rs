//! The keyring in force: which keys open, which one seals and signs. Everything derived from a keyring follows it.
//!
//! A file is looked at again when it may have changed (a `stat`, every five seconds at most) and at once when a cell names
//! a key that is not here. What was read last stays in force when the file is no keyring any more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use subtle::ConstantTimeEq;

use super::keyring::{DataKey, KeyState, Keyring, SigningKey, invalid};
use super::keyring_file::{self, FileStamp};
use super::news::{MOST_NEWS, News, differences};
use crate::clock::{Clock, Time};
use crate::error::{Code, Error, Result};

/// How old a key must be, for this process, before it seals or signs: by then every process has read it.
pub(crate) const RIPE_AFTER: Duration = Duration::from_secs(60);

/// How often the file is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long a look may take that somebody waits for while another thread is at it.
const LOOK_WAIT: Duration = Duration::from_millis(200);

/// See the module.
pub(crate) struct Ring {
    /// The file it is read from, if it is one.
    path: Option<PathBuf>,
    /// The file as it was read last.
    read: Mutex<Option<FileStamp>>,
    force: RwLock<Arc<InForce>>,
    /// What was in force before a keyring whose keys were not compared with the store's yet.
    before: Mutex<Option<Arc<InForce>>>,
    /// Whether there is one: every operation asks.
    unchecked: AtomicBool,
    /// Counts the changes of what is in force.
    epoch: AtomicU64,
    /// Why the last keyring that was offered is not in force.
    trouble: Mutex<Option<Error>>,
    /// What became of the keys, until somebody asks: [`take_news`](Ring::take_news).
    news: Mutex<Vec<News>>,
    has_news: AtomicBool,
    made: Instant,
    /// When it was last looked at, in milliseconds since `made`.
    looked: AtomicU64,
}

/// A keyring, and what it means by now.
pub(crate) struct InForce {
    pub(crate) keyring: Keyring,
    /// What is sealed with. Usually the primary.
    pub(crate) sealing: DataKey,
    /// What is signed with. Usually the primary.
    pub(crate) signing: SigningKey,
    /// When each key may seal or sign.
    ripe: HashMap<Name, Instant>,
    /// Whether its keys were compared with the check values that the store keeps.
    checked: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Name {
    Data(u32),
    Signing(String),
}

impl InForce {
    /// What a process begins with. A key made a moment ago may be unknown to others: what it replaced seals on.
    fn first(keyring: Keyring, now: Instant, wall: Time) -> InForce {
        let ripe_at = |created: Time| {
            let age = u64::try_from(wall.millis() - created.millis()).unwrap_or_default();
            now + RIPE_AFTER.saturating_sub(Duration::from_millis(age))
        };
        let data = keyring.data_keys().iter().map(|key| (Name::Data(key.id), ripe_at(key.created)));
        let signing = keyring.signing_keys().iter().map(|key| (Name::Signing(key.kid.clone()), ripe_at(key.created)));
        let ripe: HashMap<Name, Instant> = data.chain(signing).collect();

        let primary = keyring.primary().clone();
        let older = keyring.data_keys().iter().filter(|key| key.state == KeyState::Retired);
        let older = older.max_by_key(|key| (key.created, key.id)).cloned();
        let sealing = match older {
            Some(older) if !is_ripe(&ripe, &Name::Data(primary.id), now) => older,
            _ => primary,
        };
        let primary = keyring.primary_signing().clone();
        let older = keyring.signing_keys().iter().filter(|key| key.state == KeyState::Retired);
        let older = older.max_by(|a, b| (a.created, &a.kid).cmp(&(b.created, &b.kid))).cloned();
        let signing = match older {
            Some(older) if !is_ripe(&ripe, &Name::Signing(primary.kid.clone()), now) => older,
            _ => primary,
        };
        InForce { keyring, sealing, signing, ripe, checked: true }
    }

    /// What another keyring makes of it. Its new keys open at once; what sealed before goes on sealing until the store
    /// has compared them and every process can have read them.
    fn follow(&self, keyring: Keyring, now: Instant) -> Result<InForce> {
        if !bool::from(keyring.index_key().ct_eq(self.keyring.index_key())) {
            return Err(invalid("index", "it has another index key than before: this key never changes".to_owned()));
        }
        for key in keyring.data_keys() {
            let known = self.keyring.data_keys().iter().find(|known| known.id == key.id);
            if known.is_some_and(|known| !bool::from(known.bytes.ct_eq(&*key.bytes))) {
                return Err(invalid("changed", format!("data key {} has other bytes than before", key.id)));
            }
        }
        for key in keyring.signing_keys() {
            let known = self.keyring.signing_keys().iter().find(|known| known.kid == key.kid);
            if known.is_some_and(|known| !bool::from(known.seed.ct_eq(&*key.seed))) {
                return Err(invalid("changed", format!("signing key {:?} has other bytes than before", key.kid)));
            }
        }
        let ripe_at = |name: Name| {
            let at = self.ripe.get(&name).copied().unwrap_or(now + RIPE_AFTER);
            (name, at)
        };
        let data = keyring.data_keys().iter().map(|key| ripe_at(Name::Data(key.id)));
        let signing = keyring.signing_keys().iter().map(|key| ripe_at(Name::Signing(key.kid.clone())));
        let ripe = data.chain(signing).collect();
        let next =
            InForce { sealing: self.sealing.clone(), signing: self.signing.clone(), ripe, checked: false, keyring };
        Ok(InForce { signing: next.due_signing(now).clone(), ..next })
    }

    /// Whether that data key opens.
    pub(crate) fn opens(&self, id: u32) -> bool {
        self.keyring.data_keys().iter().any(|key| key.id == id && key.state.opens())
    }

    /// How long it takes until the primary seals.
    pub(crate) fn sealing_in(&self, now: Instant) -> Duration {
        let at = self.ripe.get(&Name::Data(self.keyring.primary().id));
        at.map_or(RIPE_AFTER, |at| at.saturating_duration_since(now))
    }

    /// What should seal by now.
    fn due_sealing(&self, now: Instant) -> &DataKey {
        let primary = self.keyring.primary();
        let goes_on = self.keyring.data_keys().iter().any(|key| key.id == self.sealing.id && key.state.opens());
        match (self.checked, goes_on) {
            // Its bytes may not be those that the store knows under that id.
            (false, _) => &self.sealing,
            (true, true) if !is_ripe(&self.ripe, &Name::Data(primary.id), now) => &self.sealing,
            _ => primary,
        }
    }

    fn due_signing(&self, now: Instant) -> &SigningKey {
        let primary = self.keyring.primary_signing();
        let goes_on = self.keyring.signing_keys().iter().any(|key| key.kid == self.signing.kid && key.state.opens());
        if goes_on && !is_ripe(&self.ripe, &Name::Signing(primary.kid.clone()), now) { &self.signing } else { primary }
    }

    /// The same keyring as it means something else by now; `None` if it does not.
    fn settled(&self, now: Instant) -> Option<InForce> {
        let (sealing, signing) = (self.due_sealing(now), self.due_signing(now));
        let same = (sealing.id, &signing.kid) == (self.sealing.id, &self.signing.kid);
        (!same).then(|| InForce {
            keyring: self.keyring.clone(),
            sealing: sealing.clone(),
            signing: signing.clone(),
            ripe: self.ripe.clone(),
            checked: self.checked,
        })
    }
}

/// A key that nothing is known of is not ripe.
fn is_ripe(ripe: &HashMap<Name, Instant>, name: &Name, now: Instant) -> bool {
    ripe.get(name).is_some_and(|at| *at <= now)
}

impl Ring {
    /// A keyring that changes only when it is [given](Ring::adopt) another.
    pub(crate) fn given(keyring: Keyring) -> Ring {
        Ring::of(keyring, None, None)
    }

    /// The keyring in that file, followed as it changes.
    pub(crate) fn file(path: PathBuf) -> Result<Ring> {
        // Before it is read: what changes meanwhile is read once more.
        let stamp = keyring_file::stamp(&path)?;
        Ok(Ring::of(Keyring::from_file(&path)?, Some(path), Some(stamp)))
    }

    fn of(keyring: Keyring, path: Option<PathBuf>, read: Option<FileStamp>) -> Ring {
        let now = Instant::now();
        Ring {
            path,
            read: Mutex::new(read),
            force: RwLock::new(Arc::new(InForce::first(keyring, now, Clock::system().now()))),
            before: Mutex::default(),
            unchecked: AtomicBool::new(false),
            epoch: AtomicU64::new(1),
            trouble: Mutex::default(),
            news: Mutex::default(),
            has_news: AtomicBool::new(false),
            made: now,
            looked: AtomicU64::new(0),
        }
    }

    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.force.read().clone()
    }

    /// Whether that data key opens.
    pub(crate) fn opens(&self, id: u32) -> bool {
        self.force.read().opens(id)
    }

    /// Another number after each change.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Why the keyring that stands in the file, or was given last, is not in force.
    pub(crate) fn trouble(&self) -> Option<Error> {
        self.trouble.lock().clone()
    }

    /// What became of the keys since this was asked last.
    pub(crate) fn take_news(&self) -> Vec<News> {
        if !self.has_news.load(Ordering::Acquire) || !self.has_news.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *self.news.lock())
    }

    /// The oldest stay: they say how it began.
    fn note(&self, news: impl IntoIterator<Item = News>) {
        let mut noted = self.news.lock();
        let room = MOST_NEWS.saturating_sub(noted.len());
        noted.extend(news.into_iter().take(room));
        self.has_news.store(!noted.is_empty(), Ordering::Release);
    }

    /// A keyring that was offered is not in force. Said once, however often it is looked at.
    pub(crate) fn refuse(&self, why: &Error) {
        let mut trouble = self.trouble.lock();
        let is_known = trouble.as_ref().is_some_and(|known| known.message() == why.message());
        *trouble = Some(why.clone());
        drop(trouble);
        if !is_known {
            self.note([News::Refused(why.clone())]);
        }
    }

    /// Whether it is time to look at the file, or at which key seals by now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.since_look(now) >= LOOK_EVERY
    }

    /// Whether nobody looked for so long that keys may have come and gone: nothing is sealed before somebody did.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.since_look(now) >= RIPE_AFTER
    }

    fn since_look(&self, now: Instant) -> Duration {
        let looked = Duration::from_millis(self.looked.load(Ordering::Acquire));
        now.saturating_duration_since(self.made).saturating_sub(looked)
    }

    /// Looks at the file, and at which key seals by now. What is wrong with it is [kept](Ring::trouble).
    pub(crate) fn look(&self, now: Instant) {
        self.look_at_file(now);
        self.settle(now);
        let looked = now.saturating_duration_since(self.made).as_millis();
        self.looked.store(u64::try_from(looked).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// A key is asked for that is not here. Whether another keyring is in force now.
    pub(crate) fn look_for_more(&self) -> bool {
        let before = self.epoch();
        self.look_at_file(Instant::now());
        self.epoch() != before
    }

    fn look_at_file(&self, now: Instant) {
        let Some(path) = &self.path else { return };
        let Some(mut read) = self.read.try_lock_for(LOOK_WAIT) else { return };
        let found = keyring_file::stamp(path);
        match found {
            Ok(stamp) if *read == Some(stamp) => {}
            Ok(stamp) => {
                *read = Some(stamp);
                // Errors are kept, not given: nobody asked.
                let _ = Keyring::from_file(path)
                    .and_then(|keyring| self.adopt(keyring, now))
                    .inspect_err(|error| self.refuse(error));
            }
            Err(error) => {
                *read = None;
                self.refuse(&error);
            }
        }
    }

    /// Reads the file now, changed or not.
    pub(crate) fn reread(&self, now: Instant) -> Result<()> {
        if let Some(path) = &self.path {
            let mut read = self.read.lock();
            *read = None;
            let stamp = keyring_file::stamp(path);
            let adopted = stamp.and_then(|stamp| {
                *read = Some(stamp);
                Keyring::from_file(path).and_then(|keyring| self.adopt(keyring, now))
            });
            adopted.inspect_err(|error| self.refuse(error))?;
        }
        Ok(())
    }

    /// Puts the keyring in force that the host gave, if it gave one; why it is not is [kept](Ring::trouble) either way.
    pub(crate) fn offer(&self, given: Result<Keyring>, now: Instant) -> Result<()> {
        let adopted = given.and_then(|keyring| self.adopt(keyring, now));
        adopted.inspect_err(|error| self.refuse(error))
    }

    /// Puts another keyring in force, as far as it may be before its keys were compared with the store's.
    /// `KEYRING_INVALID` for one that is no later state of this one.
    fn adopt(&self, keyring: Keyring, now: Instant) -> Result<()> {
        let mut before = self.before.lock();
        let mut force = self.force.write();
        // What was checked last is what an unchecked one goes back to, and is measured by.
        let checked = before.clone().unwrap_or_else(|| force.clone());
        let next = checked.follow(keyring, now)?;
        self.note(differences(&force.keyring, &next.keyring));
        *before = Some(checked);
        self.unchecked.store(true, Ordering::Release);
        *force = Arc::new(next);
        *self.trouble.lock() = None;
        self.epoch.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Whether keys are in force that were not compared with the store's.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.unchecked.load(Ordering::Acquire)
    }

    /// The store's check values know these keys, or have them now: they may seal.
    pub(crate) fn confirm(&self, checked: &Arc<InForce>, now: Instant) {
        let mut before = self.before.lock();
        let mut force = self.force.write();
        if !Arc::ptr_eq(checked, &force) {
            return;
        }
        *before = None;
        self.unchecked.store(false, Ordering::Release);
        let next = InForce {
            keyring: force.keyring.clone(),
            sealing: force.sealing.clone(),
            signing: force.signing.clone(),
            ripe: force.ripe.clone(),
            checked: true,
        };
        *force = Arc::new(next);
        drop((before, force));
        self.settle(now);
    }

    /// The store knows other bytes under these ids: what was in force before is so again.
    pub(crate) fn reject(&self, checked: &Arc<InForce>, why: Error) {
        let mut before = self.before.lock();
        let mut force = self.force.write();
        if !Arc::ptr_eq(checked, &force) {
            return;
        }
        self.unchecked.store(false, Ordering::Release);
        if let Some(before) = before.take() {
            self.note(differences(&force.keyring, &before.keyring));
            *force = before;
            self.refuse(&why);
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn settle(&self, now: Instant) {
        let mut force = self.force.write();
        if let Some(settled) = force.settled(now) {
            *force = Arc::new(settled);
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Whether an error of comparing keys with the store's means that they are not the store's.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(error.code(), Code::KeyMismatch | Code::KeyUnavailable | Code::Corrupt | Code::FormatTooNew)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::fixture::{keyring, keyring_of, namespace};
    use super::super::{Entropy, Vault};
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// What the ring seals with at that instant, its keys known to be the store's.
    fn sealing(ring: &Ring, now: Instant) -> u32 {
        ring.settle(now);
        ring.confirm(&ring.in_force(), now);
        ring.in_force().sealing.id
    }

    #[test]
    fn nothing_is_sealed_with_a_key_that_came_less_than_60_seconds_ago() {
        let start = Instant::now();
        let ring = Ring::given(keyring(&[(1, "primary")]));
        ring.adopt(keyring(&[(1, "primary"), (2, "pending")]), start).unwrap();
        assert_eq!(sealing(&ring, start), 1);
        // It became primary too soon: what was sealed with goes on, retired as it is.
        ring.adopt(keyring(&[(1, "retired"), (2, "primary")]), start + seconds(10)).unwrap();
        assert_eq!(sealing(&ring, start + seconds(10)), 1);
        assert_eq!(sealing(&ring, start + seconds(59)), 1);
        assert_eq!(sealing(&ring, start + seconds(60)), 2);
        // And never goes back.
        assert_eq!(sealing(&ring, start + seconds(61)), 2);

        let ring = Ring::given(keyring(&[(1, "primary")]));
        ring.adopt(keyring(&[(1, "revoked"), (2, "primary")]), start).unwrap();
        assert_eq!(ring.in_force().sealing.id, 1, "until the new one is known to be the store's");
        assert_eq!(sealing(&ring, start), 2, "a revoked key seals nothing: in an emergency the new one does at once");
    }

    #[test]
    fn a_process_that_starts_goes_by_when_the_keys_were_made() {
        let wall = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let made = |age: i64| {
            let first = InForce::first(
                keyring(&[(1, "retired"), (2, "primary"), (3, "pending")]),
                Instant::now(),
                wall.plus_millis(age),
            );
            first.sealing.id
        };
        assert_eq!((made(0), made(59_999), made(60_000), made(1 << 40)), (1, 1, 2, 2));
        assert_eq!(made(-1_000_000), 1, "a key from the future may be just as new");
        let alone = InForce::first(keyring(&[(2, "primary"), (3, "pending")]), Instant::now(), wall);
        assert_eq!(alone.sealing.id, 2, "nothing else could seal");
    }

    #[test]
    fn a_keyring_of_other_keys_never_follows() {
        let ring = Ring::given(keyring(&[(1, "primary")]));
        let other_index = keyring_of(&[(1, "primary")], 0xAA);
        assert_eq!(ring.offer(Ok(other_index), Instant::now()).unwrap_err().details()["reason"], "index");
        assert!(ring.trouble().is_some());

        let mut other_bytes = keyring(&[(1, "primary")]);
        other_bytes.keys_mut().0[0].bytes[0] ^= 1;
        assert_eq!(ring.adopt(other_bytes, Instant::now()).unwrap_err().details()["reason"], "changed");
        let mut other_seed = keyring(&[(1, "primary")]);
        other_seed.keys_mut().1[0].seed[0] ^= 1;
        assert_eq!(ring.adopt(other_seed, Instant::now()).unwrap_err().details()["reason"], "changed");
        assert_eq!(ring.epoch(), 1, "nothing changed");

        ring.adopt(keyring(&[(1, "primary"), (2, "pending")]), Instant::now()).unwrap();
        assert!(ring.trouble().is_none());
    }

    #[test]
    fn a_refused_keyring_gives_way_to_the_one_before() {
        let ring = Ring::given(keyring(&[(1, "primary")]));
        ring.adopt(keyring(&[(1, "primary"), (2, "pending")]), Instant::now()).unwrap();
        let offered = ring.in_force();
        ring.adopt(keyring(&[(1, "primary"), (3, "pending")]), Instant::now()).unwrap();
        ring.reject(&offered, crate::error::fail!(KeyMismatch, "no"));
        assert_eq!(ring.in_force().keyring.data_keys()[1].id, 3, "another one was put in force meanwhile");
        ring.reject(&ring.in_force(), crate::error::fail!(KeyMismatch, "no"));
        assert_eq!(ring.in_force().keyring.data_keys().len(), 1);
        assert!(!ring.is_unchecked() && ring.trouble().unwrap().code() == Code::KeyMismatch);
    }

    #[test]
    fn derived_keys_follow() {
        let old = Vault::new(Arc::new(Ring::given(keyring(&[(1, "primary")]))), namespace());
        let ring = Arc::new(Ring::given(keyring(&[(1, "primary"), (2, "pending")])));
        let vault = Vault::new(ring.clone(), namespace());
        let sealed = |vault: &Vault| {
            let cell = vault.config("tag", &[9; 16]).seal_user(&[1; 16], &user(), &mut Entropy::fixed(1)).unwrap();
            (cell[4], cell)
        };
        let config = vault.config("tag", &[9; 16]);
        assert_eq!(sealed(&vault).0, 1);
        let now = Instant::now();
        ring.adopt(keyring(&[(1, "retired"), (2, "primary")]), now).unwrap();
        ring.confirm(&ring.in_force(), now);
        let (id, new) = sealed(&vault);
        assert_eq!(id, 2, "the key was known since the start");
        assert!(config.open_user(&[1; 16], &new).is_ok(), "whoever holds the config's keys follows, too");
        assert!(config.open_user(&[1; 16], &sealed(&old).1).is_ok());
        let refused = old.config("tag", &[9; 16]).open_user(&[1; 16], &new).unwrap_err();
        assert_eq!(refused.code(), Code::KeyUnavailable);
        ring.adopt(keyring(&[(1, "revoked"), (2, "primary")]), now).unwrap();
        assert_eq!(config.open_user(&[1; 16], &sealed(&old).1).unwrap_err().code(), Code::KeyRevoked);
    }

    fn user() -> super::super::User {
        let owner = super::super::Owner::plain("r", &super::super::Identifier::Integer(1));
        let first_seen = Time::from_secs(1);
        super::super::User { owner, first_seen, last_end: None, begun: 1, until: None }
    }

    #[test]
    fn a_file_is_followed_and_an_unknown_key_looked_for_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.json");
        Keyring::generate(&path).unwrap();
        let ring = Arc::new(Ring::file(path.clone()).unwrap());
        let vault = Vault::new(ring.clone(), namespace());
        let config = vault.config("tag", &[9; 16]);
        assert!(!ring.look_for_more(), "nothing changed");

        // Another process seals with a key that this one has not met.
        assert_eq!(Keyring::add(&path, "data").unwrap(), "2");
        let age = |created: &str| {
            fs::write(&path, fs::read_to_string(&path).unwrap().replace(created, "2026-01-01T00:00:00.000Z")).unwrap()
        };
        for created in Keyring::from_file(&path).unwrap().data_keys().iter().map(|key| key.created.to_string()) {
            age(&created);
        }
        Keyring::promote(&path, "2").unwrap();
        let other = Vault::new(Arc::new(Ring::file(path.clone()).unwrap()), namespace());
        let cell = other.config("tag", &[9; 16]).seal_user(&[1; 16], &user(), &mut Entropy::fixed(1)).unwrap();
        assert_eq!(cell[4], 2);
        config.open_user(&[1; 16], &cell).unwrap();
        assert_eq!(ring.in_force().sealing.id, 1, "it is not sealed with for that");

        // A file that is no keyring any more leaves the last one in force.
        let good = fs::read(&path).unwrap();
        for bad in [&b""[..], b"{}", &good[..good.len() / 2]] {
            fs::write(&path, bad).unwrap();
            ring.look(Instant::now());
            assert_eq!(ring.trouble().unwrap().code(), Code::KeyringInvalid);
            config.open_user(&[1; 16], &cell).unwrap();
        }
        fs::remove_file(&path).unwrap();
        ring.look(Instant::now());
        assert_eq!(ring.trouble().unwrap().details()["reason"], json!("missing"));
        config.open_user(&[1; 16], &cell).unwrap();
        crate::vault::keyring_file::create(&path, std::str::from_utf8(&good).unwrap()).unwrap();
        ring.look(Instant::now());
        assert!(ring.trouble().is_none());
    }

    #[test]
    fn when_to_look() {
        let ring = Ring::given(keyring(&[(1, "primary")]));
        let start = ring.made;
        assert!(!ring.is_due(start) && !ring.is_due(start + Duration::from_millis(4_999)));
        assert!(ring.is_due(start + seconds(5)) && !ring.is_overdue(start + seconds(59)));
        assert!(ring.is_overdue(start + seconds(60)));
        ring.look(start + seconds(60));
        assert!(!ring.is_due(start + seconds(64)) && ring.is_due(start + seconds(65)));
    }
}
