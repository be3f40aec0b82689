//! When a session was last used: a time and its MAC, written without reading anything first.

use hmac::Mac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::head::Life;
use super::random::{first_16, hmac};
use crate::backend::{StorageId, Touch};
use crate::clock::Time;

/// The key of touches: derived from the index key, so that rotating data keys never makes a touch unreadable.
pub(crate) struct TouchKey(pub(super) Zeroizing<[u8; 32]>);

impl TouchKey {
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
        let mut mac = hmac(&self.0[..]);
        mac.update(id);
        mac.update(life);
        mac.update(time);
        first_16(mac)
    }
}
