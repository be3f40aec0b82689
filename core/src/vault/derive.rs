//! HKDF-SHA256 from a key of the keyring to the key of one purpose, in one place.

use hkdf::Hkdf;
use sha2::Sha256;
use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::namespace::Namespace;

/// The place that a derived key is bound to.
pub(crate) struct Context<'a> {
    pub(crate) namespace: &'a Namespace,
    /// Empty (with an all-zero id) for keys of the namespace itself.
    pub(crate) tag: &'a str,
    pub(crate) config: &'a [u8; 16],
}

/// HKDF-SHA256 without salt; info = "sessile/1", purpose, workspace, product, env, tag, config id, each led by its
/// length in two bytes: no two places share an info.
pub(crate) fn derive(key: &[u8; 32], context: &Context, purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut info = Vec::with_capacity(128);
    let Namespace { workspace, product, env } = context.namespace;
    for part in ["sessile/1", purpose, workspace, product, env, context.tag] {
        push_part(&mut info, part.as_bytes());
    }
    push_part(&mut info, context.config);
    let mut derived = Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "RFC 5869 allows 255 times the hash's 32 bytes")]
    Hkdf::<Sha256>::new(None, key).expand(&info, &mut *derived).expect("32 bytes can be had");
    derived
}

/// A part, led by its length in two big-endian bytes; a part of 65535 bytes or more by ff ff and eight bytes of length.
/// No two lists of parts are written alike.
pub(crate) fn push_part(to: &mut Vec<u8>, part: &[u8]) {
    write_part(part, |bytes| to.extend(bytes));
}

/// [`push_part`] into whatever takes bytes.
pub(super) fn write_part(part: &[u8], mut write: impl FnMut(&[u8])) {
    write(&lead(part));
    write(part);
}

/// The length that leads a part.
pub(super) fn lead(part: &[u8]) -> SmallVec<[u8; 10]> {
    match u16::try_from(part.len()) {
        Ok(short) if short != LONG => SmallVec::from_slice(&short.to_be_bytes()),
        _ => [&LONG.to_be_bytes()[..], &(part.len() as u64).to_be_bytes()].into_iter().flatten().copied().collect(),
    }
}

/// How many bytes [`push_part`] writes.
pub(super) fn part_length(part: &[u8]) -> usize {
    part.len() + if part.len() < usize::from(LONG) { 2 } else { 10 }
}

/// Takes a part off the front; `None` if there is none, or its length is not the shortest way to write it.
pub(super) fn split_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (short, rest) = bytes.split_first_chunk::<2>()?;
    match u16::from_be_bytes(*short) {
        LONG => {
            let (long, rest) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_be_bytes(*long)).ok()?;
            if length < usize::from(LONG) { None } else { rest.split_at_checked(length) }
        }
        short => rest.split_at_checked(usize::from(short)),
    }
}

/// Stands where a short length would: the length does not fit in two bytes and follows in eight.
const LONG: u16 = u16::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_back() {
        for length in [0, 1, 2, 255, 256, 65_533, 65_534, 65_535, 65_536, 70_000] {
            let part = vec![7; length];
            let mut bytes = Vec::new();
            push_part(&mut bytes, &part);
            assert_eq!(bytes.len(), part_length(&part));
            bytes.extend(b"rest");
            assert_eq!(split_part(&bytes), Some((&part[..], &b"rest"[..])), "{length}");
        }
        let long = |length: u64| [&[0xFF, 0xFF][..], &length.to_be_bytes(), &[0; 10]].concat();
        for bad in [vec![], vec![0], vec![0, 1], vec![0xFF; 9], long(10), long(65_534), long(65_535), long(u64::MAX)] {
            assert_eq!(split_part(&bad), None, "{bad:?}");
        }
    }
}
