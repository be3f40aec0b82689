//! Tokens that verified a moment ago, by their whole text: the same text again needs no signature checked.
//!
//! A place is found by a keyed hash of the text's end; what stands there counts only if its whole text is equal. Only what
//! verified is kept, for a minute, under the key set that it verified under; time and revocation are asked at every hit.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::token::VerifiedToken;
use crate::clock::Time;
use crate::hand::Hand;

const SHARDS: usize = 16;
/// 14,320 in all: as many as a table of 2,048 places takes that doubles where one goes and another comes, once it is more
/// than 7/16 full. Tokens fall unevenly: with 10,000 that are used in turn, none of a shard's has to make room.
const TOKENS_PER_SHARD: usize = 895;

/// For how long a token is known.
const KEPT: Duration = Duration::from_secs(60);

/// How much of a text makes its hash: the end of a signature tells tokens apart, and costs the same for any length.
const HASHED: usize = 32;

/// See the module.
pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    hash: RandomState,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Default)]
struct Shard {
    /// By place: a hash already.
    known: HashMap<u64, Known, foldhash::fast::RandomState>,
    hand: Hand,
}

struct Known {
    text: Zeroizing<Box<str>>,
    token: VerifiedToken,
    since: Instant,
}

/// What the cache has seen since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheStats {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// Tokens that are known now.
    pub(crate) tokens: usize,
}

impl Cache {
    pub(super) fn new() -> Cache {
        Cache {
            shards: Default::default(),
            hash: RandomState::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The token with exactly that text, if it is known and good at `now`.
    pub(super) fn get(&self, text: &str, now: Time) -> Option<VerifiedToken> {
        let place = self.place(text);
        let mut shard = self.shard(place).lock();
        let found = match shard.known.get(&place) {
            Some(known) if **known.text != *text => None,
            Some(known) if known.is_good(now) => Some(known.token.clone()),
            Some(_) => {
                shard.known.remove(&place);
                None
            }
            None => None,
        };
        drop(shard);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Keeps a token that has just verified; any other one makes room.
    pub(super) fn put(&self, text: &str, token: VerifiedToken) {
        let place = self.place(text);
        let mut shard = self.shard(place).lock();
        let Shard { known, hand } = &mut *shard;
        hand.make_room(known, &place, TOKENS_PER_SHARD);
        known.insert(place, Known { text: Zeroizing::new(text.into()), token, since: Instant::now() });
    }

    pub(super) fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            tokens: self.shards.iter().map(|shard| shard.lock().known.len()).sum(),
        }
    }

    fn place(&self, text: &str) -> u64 {
        let bytes = text.as_bytes();
        self.hash.hash_one(&bytes[bytes.len().saturating_sub(HASHED)..])
    }

    fn shard(&self, place: u64) -> &Mutex<Shard> {
        &self.shards[place as usize % SHARDS]
    }
}

impl Known {
    fn is_good(&self, now: Time) -> bool {
        self.since.elapsed() < KEPT && self.token.is_good_at(now) && self.token.is_of_current_keys()
    }
}
