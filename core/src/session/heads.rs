//! The heads that this process has verified, so that a Put needs no read first. Bounded; a stale one only fails its guard.

use std::sync::Arc;

use parking_lot::Mutex;

use super::seen::Seen;
use crate::backend::{BlindMap, Space, StorageId};

const SHARDS: usize = 16;
/// 14,320 in all. A table that is more than 7/16 full doubles where one goes and another comes, again and again: so many
/// stay within 2,048 places.
const HEADS_PER_SHARD: usize = 895;

/// See the module.
#[derive(Default)]
pub(crate) struct Heads([Mutex<Shard>; SHARDS]);

type Shard = BlindMap<(Space, StorageId), Arc<Seen>>;

impl Heads {
    pub(crate) fn get(&self, space: &Space, id: &StorageId) -> Option<Arc<Seen>> {
        self.shard(id).lock().get(&(*space, *id)).cloned()
    }

    pub(crate) fn put(&self, space: &Space, id: &StorageId, seen: Arc<Seen>) {
        let mut shard = self.shard(id).lock();
        if shard.len() >= HEADS_PER_SHARD
            && !shard.contains_key(&(*space, *id))
            && let Some(any) = shard.keys().next().copied()
        {
            shard.remove(&any);
        }
        shard.insert((*space, *id), seen);
    }

    pub(crate) fn forget(&self, space: &Space, id: &StorageId) {
        self.shard(id).lock().remove(&(*space, *id));
    }

    fn shard(&self, id: &StorageId) -> &Mutex<Shard> {
        &self.0[usize::from(id[1]) % SHARDS]
    }
}
