//! Keys that come from a user's own secret: what is sealed with them is lost with it, in every copy.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hkdf::Hkdf;
use parking_lot::Mutex;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::push_part;
use super::envelope::Seals;
use super::random::Entropy;
use crate::backend::{BlindUser, Space};
use crate::error::Result;
use crate::hand::Hand;

/// 32 random bytes, one a user of a config that shreds.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// How long a process goes by a secret that it read: it may have been destroyed since.
const KEPT: Duration = Duration::from_secs(1);

/// See the module. All of it is zeroed when it is dropped.
pub(crate) struct UserKeys {
    pub(crate) user: BlindUser,
    pub(super) fields: Seals,
    persons: Seals,
    secret: Secret,
    /// When the secret was last known to be there; `None`: it is not.
    read: Mutex<Option<Instant>>,
}

impl UserKeys {
    pub(super) fn derive(fields: &Seals, space: &Space, user: &BlindUser, secret: Secret, read: Instant) -> UserKeys {
        let of_secret = |purpose| mixed(&secret[..], purpose, space, user);
        // The id of the only key there is: so a box says under which secret it was closed.
        let id = of_secret("person id").first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
        let (in_field, space, whose) = (secret.clone(), *space, *user);
        let of_field = move |key: &[u8; 32]| {
            let both = Zeroizing::new([&key[..], &in_field[..]].concat());
            mixed(&both, "field", &space, &whose)
        };
        UserKeys {
            user: *user,
            fields: fields.mixed(Arc::new(of_field)),
            persons: Seals::single("person", id, &of_secret("person"), &of_secret("person nonce")),
            secret,
            read: Mutex::new(Some(read)),
        }
    }

    /// Whether the secret was there less than a second ago.
    pub(crate) fn is_fresh(&self) -> bool {
        self.read.lock().is_some_and(|read| read.elapsed() < KEPT)
    }

    pub(super) fn seal_person(&self, plain: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.persons.seal(&self.user, &[], plain, entropy)
    }

    pub(super) fn open_person(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.persons.open(&self.user, &[], sealed)
    }
}

/// HKDF-SHA256 without salt; info = "sessile/1", purpose, space, user id, each led by its length.
fn mixed(key: &[u8], purpose: &str, space: &Space, user: &BlindUser) -> Zeroizing<[u8; 32]> {
    let mut info = Vec::with_capacity(80);
    for part in ["sessile/1".as_bytes(), purpose.as_bytes(), space, user] {
        push_part(&mut info, part);
    }
    let mut derived = Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "RFC 5869 allows 255 times the hash's 32 bytes")]
    Hkdf::<Sha256>::new(None, key).expand(&info, &mut *derived).expect("32 bytes can be had");
    derived
}

/// The keys of the users that a process met lately.
#[derive(Default)]
pub(super) struct KnownKeys(Mutex<Known>);

#[derive(Default)]
struct Known {
    keys: HashMap<BlindUser, Arc<UserKeys>>,
    hand: Hand,
}

/// Users of one config whose keys are kept.
const MOST: usize = 1024;

impl KnownKeys {
    /// Those that are fresh.
    pub(super) fn get(&self, user: &BlindUser) -> Option<Arc<UserKeys>> {
        self.0.lock().keys.get(user).filter(|keys| keys.is_fresh()).cloned()
    }

    /// The keys that the secret gives, which was read then: those of before, if it is the same.
    pub(super) fn keep(
        &self,
        user: &BlindUser,
        secret: Secret,
        read: Instant,
        derive: impl FnOnce(Secret) -> UserKeys,
    ) -> Arc<UserKeys> {
        let mut known = self.0.lock();
        let Known { keys: known, hand } = &mut *known;
        if let Some(keys) = known.get(user)
            && bool::from(keys.secret.ct_eq(&secret[..]))
        {
            let mut last = keys.read.lock();
            // One that this process destroyed does not come back to life by a read that began before.
            if last.is_some() {
                *last = (*last).max(Some(read));
                drop(last);
                return keys.clone();
            }
        }
        hand.make_room(known, user, MOST);
        let keys = Arc::new(derive(secret));
        known.insert(*user, keys.clone());
        keys
    }

    /// Nobody goes on with that user's keys.
    pub(super) fn forget(&self, user: &BlindUser) {
        if let Some(keys) = self.0.lock().keys.remove(user) {
            *keys.read.lock() = None;
        }
    }
}

impl fmt::Debug for UserKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKeys").finish_non_exhaustive()
    }
}
