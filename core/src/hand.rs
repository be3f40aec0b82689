//! Which entry of a full map makes room for another one.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Goes round a map. Were it always the map's first entry, what comes to lie before that one would go at once, and what lies
/// behind it would stay for good.
#[derive(Default)]
pub(crate) struct Hand(usize);

impl Hand {
    /// Where `map` holds `most` entries, none of them of `key`, takes the next one out.
    pub(crate) fn make_room<K, V, S>(&mut self, map: &mut HashMap<K, V, S>, key: &K, most: usize) -> Option<V>
    where
        K: Copy + Eq + Hash,
        S: BuildHasher,
    {
        if map.len() < most || map.contains_key(key) {
            return None;
        }
        self.next(map).and_then(|other| map.remove(&other))
    }

    /// The key of an entry, in turn; `None` of an empty map.
    pub(crate) fn next<K: Copy, V, S>(&mut self, map: &HashMap<K, V, S>) -> Option<K> {
        self.0 = self.0.wrapping_add(1);
        map.keys().nth(self.0.checked_rem(map.len())?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in use is put again when it is missed, as all the maps of this crate are used.
    #[test]
    fn what_is_in_use_stays_or_comes_back_for_long_however_much_passes_by() {
        const MOST: usize = 112;
        let mut map: HashMap<u64, ()> = HashMap::new();
        let mut hand = Hand::default();
        let mut put = |map: &mut HashMap<u64, ()>, key| {
            hand.make_room(map, &key, MOST);
            map.insert(key, ());
        };
        let (mut hits, mut looks) = (0, 0);
        for passing in 0..MOST as u64 * 40 {
            put(&mut map, 1_000 + passing);
            let used = passing % 20;
            // The first times it is new.
            looks += u64::from(passing >= MOST as u64 * 20);
            match map.contains_key(&used) {
                true => hits += u64::from(passing >= MOST as u64 * 20),
                false => put(&mut map, used),
            }
            assert!(map.len() <= MOST);
        }
        assert!(hits * 10 >= looks * 7, "{hits} of {looks}");
        assert_eq!(Hand::default().next(&HashMap::<u64, ()>::new()), None);
    }
}
