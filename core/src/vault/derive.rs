//! HKDF-SHA256 from a key of the keyring to the key of one purpose, in one place.

use hkdf::Hkdf;
use sha2::Sha256;
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

/// A part, led by its length in two big-endian bytes. Names and tags are far below 64 KiB; subjects are held to 512 bytes.
pub(crate) fn push_part(to: &mut Vec<u8>, part: &[u8]) {
    debug_assert!(part.len() <= usize::from(u16::MAX));
    to.extend((part.len() as u16).to_be_bytes());
    to.extend(part);
}
