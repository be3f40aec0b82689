//! Blind ids: HMACs of names under keys derived from the index key. Equal names give equal ids in one place, and only there.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::derive::{Context, derive, write_part};
use super::random::{first_16, hmac};

/// The key of one kind of blind id, in the MAC already: that is half of what a short one takes. It zeroes itself.
pub(crate) struct BlindKey(Hmac<Sha256>);

impl BlindKey {
    pub(crate) fn derive(index_key: &[u8; 32], context: &Context, purpose: &str) -> BlindKey {
        BlindKey(hmac(&derive(index_key, context, purpose)[..]))
    }

    /// HMAC-SHA256 over the parts, each led by its length; the first 16 bytes.
    pub(crate) fn blind(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| write_part(part, |bytes| mac.update(bytes)));
        first_16(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::namespace;
    use super::super::{Identifier, Namespace};
    use super::*;

    fn key(index: u8, namespace: &Namespace, tag: &str, config: u8, purpose: &str) -> BlindKey {
        BlindKey::derive(&[index; 32], &Context { namespace, tag, config: &[config; 16] }, purpose)
    }

    #[test]
    fn equal_names_are_equal_in_one_place_only() {
        let here = namespace();
        let there = Namespace::new("default", "shop", "dev").unwrap();
        let all = [
            key(1, &here, "tag", 2, "user").blind(&[b"ab", b"c"]),
            key(1, &here, "tag", 2, "user").blind(&[b"a", b"bc"]),
            key(1, &here, "tag", 2, "user").blind(&[b"abc"]),
            key(1, &here, "tag", 2, "user").blind(&[b"abc", b""]),
            key(1, &here, "tag", 2, "user").blind(&[b"", b"abc"]),
            key(1, &here, "tag", 2, "user").blind(&[]),
            key(1, &here, "tag", 2, "user").blind(&[b"c", b"ab"]),
            key(1, &here, "tag", 2, "cell").blind(&[b"ab", b"c"]),
            key(1, &here, "tag", 3, "user").blind(&[b"ab", b"c"]),
            key(1, &here, "gat", 2, "user").blind(&[b"ab", b"c"]),
            key(1, &there, "tag", 2, "user").blind(&[b"ab", b"c"]),
            key(9, &here, "tag", 2, "user").blind(&[b"ab", b"c"]),
        ];
        assert_eq!(all[0], key(1, &here, "tag", 2, "user").blind(&[b"ab", b"c"]));
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{i}");
        }
    }

    #[test]
    fn long_parts_keep_their_length() {
        let key = key(1, &namespace(), "tag", 2, "user");
        let long = vec![b'x'; 70_000];
        let blind = |at: usize| key.blind(&[&long[..at], &long[at..]]);
        // Cut to two bytes these lengths would be equal: 65536 + 10 and 10.
        assert_ne!(key.blind(&[&long[..65_546]]), key.blind(&[&long[..10]]));
        let all: Vec<_> = [10, 4_464, 65_534, 65_535, 65_536, 69_990].into_iter().map(blind).collect();
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{i}");
        }
    }

    #[test]
    fn users_standing_sessions_and_cells_are_told_apart_by_every_part() {
        let vault = super::super::fixture::vault(&[(1, "primary")]);
        let (one, other) = (vault.config("a", &[1; 16]), vault.config("b", &[2; 16]));
        let text = |text: &str| Identifier::String(text.into());
        let users = [
            one.user("r", &text("u1")),
            one.user("r", &text("u2")),
            one.user("r", &text("1")),
            one.user("r", &Identifier::Integer(1)),
            one.user("r", &Identifier::Number(1.0)),
            one.user("r", &Identifier::Boolean(true)),
            one.user("ru", &text("1")),
            other.user("r", &text("u1")),
        ];
        for (i, user) in users.iter().enumerate() {
            assert!(!users[..i].contains(user), "{i}");
        }
        let standing = one.standing("r", "u1", &users[0]);
        assert_eq!(standing, one.standing("r", "u1", &users[0]));
        assert_eq!(standing[0], users[0][0], "the user's bucket");
        assert_ne!(standing[1..], one.standing("ru", "1", &users[0])[1..]);
        assert_ne!(standing[1..], other.standing("r", "u1", &users[0])[1..]);
        assert_ne!(one.cell_id(&standing, "a"), one.cell_id(&standing, "b"));
        assert_ne!(one.cell_id(&standing, "a"), one.cell_id(&[0; 17], "a"));
        assert_ne!(vault.identity_mac("r", "u1"), vault.identity_mac("ru", "1"));
    }
}
