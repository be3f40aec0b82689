//! The names of keys, and the cluster's slot each lies in.
//!
//! All of one bucket of one space has one hash tag, so that it lies in one slot: a session, its user's record, the index.
//! `sessile:{<space>.<bucket>}:` begins every key of a bucket; then `s:` and the session's 17 bytes, or one letter.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::super::{MetaKey, Space, StorageId};

/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16384;

/// When the next session of each bucket is over, for the sweep: one sorted set a database, space and bucket by time.
pub(super) const DUE: &[u8] = b"sessile:due";

/// Room for a session's key: what keys of a bucket begin with, a letter, a colon, its id.
const LONGEST: usize = 36 + 2 + 17;

/// One bucket of a space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) space: Space,
    pub(super) number: u8,
}

impl Bucket {
    pub(super) fn of(space: &Space, number: u8) -> Bucket {
        Bucket { space: *space, number }
    }

    /// As [`DUE`] names it.
    pub(super) fn member(&self) -> [u8; 17] {
        let mut member = [0; 17];
        member[..16].copy_from_slice(&self.space);
        member[16] = self.number;
        member
    }

    pub(super) fn from_member(member: &[u8]) -> Option<Bucket> {
        let (space, rest) = member.split_first_chunk()?;
        match rest {
            [number] => Some(Bucket { space: *space, number: *number }),
            _ => None,
        }
    }

    /// What all keys of the bucket begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        // Of every call: not by `format!`, which takes ten times as long.
        let mut prefix = String::with_capacity(LONGEST);
        prefix.push_str("sessile:{");
        BASE64_URL_SAFE_NO_PAD.encode_string(self.space, &mut prefix);
        prefix.push('.');
        prefix.extend(
            [self.number >> 4, self.number & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
        );
        prefix.push_str("}:");
        prefix.into_bytes()
    }

    pub(super) fn session(&self, id: &StorageId) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(b"s:");
        key.extend_from_slice(id);
        key
    }

    /// The keys that every script over a bucket is given, in this order: users' records (`r`, a hash), their order (`u`,
    /// a sorted set), the index (`i`, a sorted set of user and session), the users of each session (`o`, a hash), the
    /// expiry hints (`x`, a sorted set), all sessions (`a`, a sorted set).
    pub(super) fn shared(&self) -> [Vec<u8>; 6] {
        [b'r', b'u', b'i', b'o', b'x', b'a'].map(|letter| {
            let mut key = self.prefix();
            key.push(letter);
            key
        })
    }
}

pub(super) fn meta(key: &MetaKey) -> Vec<u8> {
    format!("sessile:meta:{}", BASE64_URL_SAFE_NO_PAD.encode(key)).into_bytes()
}

/// The slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it where it has none.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').map(|open| &key[open + 1..]);
    let tag = tag.and_then(|rest| rest.iter().position(|byte| *byte == b'}').map(|close| &rest[..close]));
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            },
        )
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `CLUSTER KEYSLOT` of Redis 7.0 answers.
    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        for (key, wanted) in [("123456789", 12739), ("foo", 12182), ("{foo}bar", 12182)] {
            assert_eq!(slot(key.as_bytes()), wanted, "{key}");
        }
        // Nothing between the braces, or no second one: all of the key counts.
        assert_ne!(slot(b"a{}b"), slot(b"c{}d"));
        assert_ne!(slot(b"{x"), slot(b"{y"));
    }

    #[test]
    fn keys_are_what_they_were() {
        let bucket = Bucket::of(&[0xfb; 16], 0x0e);
        assert_eq!(bucket.prefix(), b"sessile:{-_v7-_v7-_v7-_v7-_v7-w.0e}:");
        assert_eq!(bucket.session(&[7; 17]).len(), LONGEST);
        assert_eq!(Bucket::of(&[0; 16], 0xf1).shared()[3], b"sessile:{AAAAAAAAAAAAAAAAAAAAAA.f1}:o");
    }

    #[test]
    fn a_bucket_is_one_slot_whatever_the_bytes_of_an_id() {
        let bucket = Bucket::of(&[0xfe; 16], 0xb3);
        let wanted = slot(&bucket.prefix());
        assert!(bucket.shared().iter().all(|key| slot(key) == wanted));
        for byte in [b'{', b'}', 0, 255] {
            assert_eq!(slot(&bucket.session(&[byte; 17])), wanted);
        }
        assert_ne!(slot(&Bucket::of(&[0xfe; 16], 0xb4).prefix()), wanted);
        assert!(Bucket::from_member(&bucket.member()) == Some(bucket));
        assert!(Bucket::from_member(b"short").is_none());
    }
}
