//! Blind ids: HMACs of names under keys derived from the index key. Equal names give equal ids in one place, and only there.

use hmac::Mac;
use zeroize::Zeroizing;

use super::derive::{Context, derive, write_part};
use super::random::{first_16, hmac};

/// The key of one kind of blind id.
pub(crate) struct BlindKey(Zeroizing<[u8; 32]>);

impl BlindKey {
    pub(crate) fn derive(index_key: &[u8; 32], context: &Context, purpose: &str) -> BlindKey {
        BlindKey(derive(index_key, context, purpose))
    }

    /// HMAC-SHA256 over the parts, each led by its length; the first 16 bytes.
    pub(crate) fn blind(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = hmac(&self.0[..]);
        parts.iter().for_each(|part| write_part(part, |bytes| mac.update(bytes)));
        first_16(mac)
    }
}
