//! When a session was last used: a time and its MAC, written without reading anything first.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::derive::{Context, derive};
use super::head::Life;
use super::random::{first_16, hmac};
use crate::backend::{StorageId, Touch};
use crate::clock::Time;

/// The key of touches: derived from the index key, so that rotating data keys never makes a touch unreadable.
pub(crate) struct TouchKey(Hmac<Sha256>);

impl TouchKey {
    pub(crate) fn derive(index_key: &[u8; 32], context: &Context) -> TouchKey {
        TouchKey(hmac(&derive(index_key, context, "touch")[..]))
    }

    /// time (8) ‖ HMAC-SHA256(storage id ‖ life ‖ time), its first 16 bytes.
    pub(crate) fn seal(&self, id: &StorageId, life: &Life, time: Time) -> Touch {
        let mut touch = [0; 24];
        let time = time.millis().to_be_bytes();
        touch[..8].copy_from_slice(&time);
        touch[8..].copy_from_slice(&self.mac(id, life, &time));
        touch
    }

    /// The time; `None` if the touch is not of this session's life.
    pub(crate) fn open(&self, id: &StorageId, life: &Life, touch: &Touch) -> Option<Time> {
        let (time, mac) = touch.split_first_chunk::<8>()?;
        let good: bool = self.mac(id, life, time).ct_eq(mac).into();
        good.then(|| Time::from_millis(i64::from_be_bytes(*time)))
    }

    fn mac(&self, id: &StorageId, life: &Life, time: &[u8]) -> [u8; 16] {
        let mut mac = self.0.clone();
        mac.update(id);
        mac.update(life);
        mac.update(time);
        first_16(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_touch_is_of_one_life_of_one_session() {
        let key = TouchKey(hmac(&[1; 32]));
        let (id, life) = ([2; 17], [3; 16]);
        for millis in [i64::MIN, -1, 0, 1, 1_800_000_000_000, i64::MAX] {
            let time = Time::from_millis(millis);
            let touch = key.seal(&id, &life, time);
            assert_eq!(touch[..8], millis.to_be_bytes());
            assert_eq!(key.open(&id, &life, &touch), Some(time));
            assert_eq!(key.open(&[9; 17], &life, &touch), None);
            assert_eq!(key.open(&id, &[9; 16], &touch), None);
            assert_eq!(TouchKey(hmac(&[9; 32])).open(&id, &life, &touch), None);
            for bit in 0..24 * 8 {
                let mut flipped = touch;
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(key.open(&id, &life, &flipped), None, "bit {bit}");
            }
        }
    }
}
