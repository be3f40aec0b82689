//! The keys of one issuer, wherever they come from, and when they were last seen to be the issuer's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::jwk::Reason;
use super::jwks::{KeySet, Refused};
use super::key_file::KeyFile;
use super::key_url::KeyUrl;

/// Where an issuer's keys come from.
pub(super) enum Keys {
    /// The options: they never change.
    Fixed(Arc<Loaded>),
    /// The store's keyring, as its signer follows it.
    Own(RwLock<Arc<Loaded>>),
    File(KeyFile),
    Url(Arc<KeyUrl>),
}

/// A key set that is in force, or was.
pub(super) struct Loaded {
    pub(super) set: KeySet,
    pub(super) refused: Vec<Refused>,
    /// Another one for each set that this process loads: what was verified under one is looked at again under the next.
    pub(super) generation: u64,
}

impl Loaded {
    pub(super) fn of(set: KeySet, refused: Vec<Refused>) -> Arc<Loaded> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Arc::new(Loaded { set, refused, generation: LAST.fetch_add(1, Ordering::Relaxed) })
    }

    pub(super) fn admit(jwks: &str) -> Result<Arc<Loaded>, Reason> {
        KeySet::admit(jwks).map(|(set, refused)| Loaded::of(set, refused))
    }
}

impl Keys {
    pub(super) fn fixed(set: KeySet, refused: Vec<Refused>) -> Keys {
        Keys::Fixed(Loaded::of(set, refused))
    }

    pub(super) fn own(set: KeySet) -> Keys {
        Keys::Own(RwLock::new(Loaded::of(set, Vec::new())))
    }

    /// Puts another set in force, of the store's own issuer.
    pub(super) fn replace(&self, set: KeySet) {
        if let Keys::Own(keys) = self {
            *keys.write() = Loaded::of(set, Vec::new());
        }
    }

    /// The set in force. It never waits for the network; `None` if there is none yet, or none that is young enough.
    pub(super) fn current(&self) -> Option<Arc<Loaded>> {
        match self {
            Keys::Fixed(keys) => Some(keys.clone()),
            Keys::Own(keys) => Some(keys.read().clone()),
            Keys::File(file) => Some(file.current()),
            Keys::Url(url) => url.current(),
        }
    }

    /// What may be fetched when a key is missing.
    pub(super) fn to_fetch(&self) -> Option<Arc<KeyUrl>> {
        match self {
            Keys::Url(url) => Some(url.clone()),
            _ => None,
        }
    }

    /// Why the last attempt to load them failed, if it did.
    pub(super) fn trouble(&self) -> Option<String> {
        match self {
            Keys::Fixed(_) | Keys::Own(_) => None,
            Keys::File(file) => file.trouble(),
            Keys::Url(url) => url.trouble(),
        }
    }
}
