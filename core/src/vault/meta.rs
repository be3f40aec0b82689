//! Check values of a namespace's keys: another key is known as the store opens, not by an empty-looking store.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::derive::{Context, derive, push_part};
use super::envelope::FORMAT;
use super::keyring::Keyring;
use super::namespace::Namespace;
use crate::backend::MetaKey;
use crate::error::{Result, fail};

/// SHA-256 of "sessile/meta", workspace, product and env, each led by its length; the first 16 bytes. Under no key: it
/// must be found with the wrong one.
pub(crate) fn key(namespace: &Namespace) -> MetaKey {
    let mut input = Vec::new();
    for part in ["sessile/meta", &namespace.workspace, &namespace.product, &namespace.env] {
        push_part(&mut input, part.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&Sha256::digest(&input)[..16]);
    key
}

/// A record: format (1) ‖ check of the index key (16) ‖ (data key id (4) ‖ its check (16))*. What to store instead of
/// `stored`, if keys are new; `KEY_UNAVAILABLE` for another index key, `KEY_MISMATCH` for other bytes of a known id.
pub(crate) fn check(keyring: &Keyring, namespace: &Namespace, stored: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    let context = Context { namespace, tag: "", config: &[0; 16] };
    let check_of = |key: &[u8; 32]| -> [u8; 16] {
        let derived = derive(key, &context, "check");
        let mut first = [0; 16];
        first.copy_from_slice(&derived[..16]);
        first
    };
    let mut record = match stored {
        None => [&[FORMAT][..], &check_of(keyring.index_key())].concat(),
        Some(stored) => {
            let malformed = || fail!(Corrupt, "the store's key check values are damaged");
            match stored.first() {
                Some(&FORMAT) => {}
                Some(&newer) if newer > FORMAT => {
                    return Err(fail!(
                        FormatTooNew,
                        "the store's key check values have format {newer}, this version reads {FORMAT}"
                    ));
                }
                _ => return Err(malformed()),
            }
            if stored.len() < 17 || (stored.len() - 17) % 20 != 0 {
                return Err(malformed());
            }
            if !bool::from(check_of(keyring.index_key()).ct_eq(&stored[1..17])) {
                return Err(fail!(
                    KeyUnavailable,
                    "this store was made with another keyring: its index key is not this one"
                ));
            }
            stored.to_vec()
        }
    };
    let known = record.len();
    for key in keyring.data_keys() {
        let check = check_of(&key.bytes);
        let id = key.id.to_be_bytes();
        match record[17..known].chunks_exact(20).find(|entry| entry[..4] == id) {
            Some(entry) if bool::from(entry[4..].ct_eq(&check)) => {}
            Some(_) => {
                return Err(fail!(
                    KeyMismatch,
                    "data key {} of this keyring has other bytes than the one this store knows",
                    key.id
                )
                .with("keyId", key.id));
            }
            None => {
                record.extend(id);
                record.extend(check);
            }
        }
    }
    Ok((stored.is_none() || record.len() > known).then_some(record))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, keyring, keyring_of, namespace};
    use super::*;
    use crate::error::Code;

    #[test]
    fn keys_are_known_again() {
        let one = keyring(&[(1, "primary")]);
        let record = check(&one, &namespace(), None).unwrap().expect("a new store has it written");
        assert_eq!(record.len(), 1 + 16 + 20);
        assert_eq!(check(&one, &namespace(), Some(&record)).unwrap(), None);

        let two = keyring(&[(1, "retired"), (2, "primary")]);
        let longer = check(&two, &namespace(), Some(&record)).unwrap().expect("a new key is written down");
        assert_eq!((longer.len(), &longer[..record.len()]), (1 + 16 + 40, &record[..]));
        assert_eq!(check(&two, &namespace(), Some(&longer)).unwrap(), None);
        assert_eq!(
            check(&one, &namespace(), Some(&longer)).unwrap(),
            None,
            "a key that this keyring lacks stays known"
        );
    }

    #[test]
    fn other_keys_are_refused() {
        let record = check(&keyring(&[(1, "primary")]), &namespace(), None).unwrap().unwrap();
        let other_index = keyring_of(&[(1, "primary")], 0xAA);
        assert_eq!(code(check(&other_index, &namespace(), Some(&record))), Code::KeyUnavailable);

        let mut other_bytes = record.clone();
        other_bytes[1 + 16 + 4] ^= 1;
        let error = check(&keyring(&[(1, "primary")]), &namespace(), Some(&other_bytes)).unwrap_err();
        assert_eq!((error.code(), &error.details()["keyId"]), (Code::KeyMismatch, &1.into()));

        let elsewhere = Namespace::new("default", "shop", "dev").unwrap();
        assert_eq!(code(check(&keyring(&[(1, "primary")]), &elsewhere, Some(&record))), Code::KeyUnavailable);
    }

    #[test]
    fn other_bytes_are_refused() {
        let keyring = keyring(&[(1, "primary")]);
        let record = check(&keyring, &namespace(), None).unwrap().unwrap();
        for length in 0..record.len() {
            // Cut after the index key's check it is a record that knows no data key yet.
            let expected = if length == 17 { None } else { Some(Code::Corrupt) };
            assert_eq!(
                check(&keyring, &namespace(), Some(&record[..length])).err().map(|e| e.code()),
                expected,
                "{length} bytes"
            );
        }
        assert_eq!(code(check(&keyring, &namespace(), Some(&[&record[..], &[0]].concat()))), Code::Corrupt);
        for (format, expected) in [(0, Code::Corrupt), (2, Code::FormatTooNew), (255, Code::FormatTooNew)] {
            let mut other = record.clone();
            other[0] = format;
            assert_eq!(code(check(&keyring, &namespace(), Some(&other))), expected);
        }
    }

    #[test]
    fn the_key_is_the_namespaces() {
        let of = |workspace, product, env| key(&Namespace::new(workspace, product, env).unwrap());
        let all = [of("a", "b", "c"), of("ab", "b", "c"), of("a", "bb", "c"), of("b", "a", "c"), of("a", "b", "d")];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{i}");
        }
    }
}
