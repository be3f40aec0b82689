//! Which entry of a full map makes room for another one.

use std::collections::HashMap;

/// Goes round a map. Were it always the map's first entry, what comes to lie before that one would go at once, and what lies
/// behind it would stay for good.
#[derive(Default)]
pub(crate) struct Hand(usize);

impl Hand {
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
        const MOST: u64 = 112;
        let mut map: HashMap<u64, ()> = HashMap::new();
        let mut hand = Hand::default();
        let mut put = |map: &mut HashMap<u64, ()>, key| {
            if map.len() as u64 >= MOST
                && !map.contains_key(&key)
                && let Some(any) = hand.next(map)
            {
                map.remove(&any);
            }
            map.insert(key, ());
        };
        let (mut hits, mut looks) = (0, 0);
        for passing in 0..MOST * 40 {
            put(&mut map, 1_000 + passing);
            let used = passing % 20;
            // The first times it is new.
            looks += u64::from(passing >= MOST * 20);
            match map.contains_key(&used) {
                true => hits += u64::from(passing >= MOST * 20),
                false => put(&mut map, used),
            }
            assert!(map.len() as u64 <= MOST);
        }
        assert!(hits * 10 >= looks * 7, "{hits} of {looks}");
        assert_eq!(Hand::default().next(&HashMap::<u64, ()>::new()), None);
    }
}
