//! The heads that this process has verified, so that a Put needs no read first. Bounded; a stale one only fails its guard.

use std::sync::Arc;

use parking_lot::Mutex;

use super::seen::Seen;
use crate::backend::{BlindMap, Space, StorageId};
use crate::hand::Hand;

const SHARDS: usize = 16;
/// 14,320 in all. A table that is more than 7/16 full doubles where one goes and another comes, again and again: so many
/// stay within 2,048 places.
const HEADS_PER_SHARD: usize = 895;

/// See the module.
#[derive(Default)]
pub(crate) struct Heads([Mutex<Shard>; SHARDS]);

#[derive(Default)]
struct Shard {
    seen: BlindMap<(Space, StorageId), Arc<Seen>>,
    hand: Hand,
}

impl Heads {
    pub(crate) fn get(&self, space: &Space, id: &StorageId) -> Option<Arc<Seen>> {
        self.shard(id).lock().seen.get(&(*space, *id)).cloned()
    }

    pub(crate) fn put(&self, space: &Space, id: &StorageId, seen: Arc<Seen>) {
        let mut shard = self.shard(id).lock();
        let Shard { seen: known, hand } = &mut *shard;
        let key = (*space, *id);
        hand.make_room(known, &key, HEADS_PER_SHARD);
        known.insert(key, seen);
    }

    pub(crate) fn forget(&self, space: &Space, id: &StorageId) {
        self.shard(id).lock().seen.remove(&(*space, *id));
    }

    fn shard(&self, id: &StorageId) -> &Mutex<Shard> {
        &self.0[usize::from(id[1]) % SHARDS]
    }
}
