//! Seal and open, by those who could do it: what a field costs at least. Sessile has no such call in public: it seals as
//! the first of them does.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use chacha20::{R20, hchacha};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use libsodium_sys as sodium;

use crate::Outcome;
use crate::bench::Bench;

const KEY: [u8; 32] = [7; 32];
const DATA: &[u8; 80] = &[1; 80];

pub fn run(bench: &Bench) -> Outcome {
    for size in [64, 256, 1024, 4096] {
        let name = format!("rust.seal.{size}");
        if !bench.plan.wants(&name) {
            continue;
        }
        let mut group = bench.group(&name);
        let plain = vec![42; size];

        let (given, mut sealed, mut opened) = (plain.clone(), plain.clone(), plain.clone());
        group.add("aws-lc behind HChaCha20 (XChaCha20)", move |n| {
            sealed.copy_from_slice(&given);
            let (key, once) = once(&nonce(n));
            let tag = key.seal_in_place_separate_tag(once, Aad::from(DATA), &mut sealed).expect("sealed");
            let (key, once) = self::once(&nonce(n));
            key.open_separate_gather(once, Aad::from(DATA), &sealed, tag.as_ref(), &mut opened).expect("opened");
        });

        let (given, mut buffer) = (plain.clone(), plain.clone());
        let cipher = XChaCha20Poly1305::new(&Key::from(KEY));
        group.add("chacha20poly1305 (XChaCha20)", move |n| {
            buffer.copy_from_slice(&given);
            let nonce = XNonce::from(nonce::<24>(n));
            let tag = cipher.encrypt_inout_detached(&nonce, DATA, buffer.as_mut_slice().into()).expect("sealed");
            cipher.decrypt_inout_detached(&nonce, DATA, buffer.as_mut_slice().into(), &tag).expect("opened");
        });

        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &KEY)?);
        let (given, mut buffer) = (plain.clone(), plain.clone());
        group.add("aws-lc (ChaCha20)", move |n| {
            buffer.clear();
            buffer.extend_from_slice(&given);
            let nonce = || Nonce::assume_unique_for_key(nonce::<12>(n));
            key.seal_in_place_append_tag(nonce(), Aad::from(DATA), &mut buffer).expect("sealed");
            key.open_in_place(nonce(), Aad::from(DATA), &mut buffer).expect("opened").len()
        });

        let key = ring::aead::LessSafeKey::new(
            ring::aead::UnboundKey::new(&ring::aead::CHACHA20_POLY1305, &KEY).expect("a key"),
        );
        let (given, mut buffer) = (plain.clone(), plain.clone());
        group.add("ring (ChaCha20)", move |n| {
            buffer.clear();
            buffer.extend_from_slice(&given);
            let nonce = || ring::aead::Nonce::assume_unique_for_key(nonce::<12>(n));
            key.seal_in_place_append_tag(nonce(), ring::aead::Aad::from(DATA), &mut buffer).expect("sealed");
            key.open_in_place(nonce(), ring::aead::Aad::from(DATA), &mut buffer).expect("opened").len()
        });

        // SAFETY: asked once before its other functions, as it wants.
        assert!(unsafe { sodium::sodium_init() } >= 0);
        let (given, mut sealed, mut opened) = (plain.clone(), vec![0; size + 16], vec![0; size]);
        group
            .add("libsodium (XChaCha20)", move |n| seal_with_sodium(&given, &mut sealed, &mut opened, &nonce::<24>(n)));

        let (given, mut buffer) = (plain.clone(), plain.clone());
        group.add("memcpy twice", move |_| {
            buffer.copy_from_slice(std::hint::black_box(&given));
            std::hint::black_box(&mut buffer).copy_from_slice(std::hint::black_box(&given));
        });
        group.run();
    }
    Ok(())
}

fn nonce<const N: usize>(n: usize) -> [u8; N] {
    let mut nonce = [0; N];
    nonce[..8].copy_from_slice(&n.to_le_bytes());
    nonce
}

/// The key and the nonce of one message.
fn once(nonce: &[u8; 24]) -> (LessSafeKey, Nonce) {
    let (first, last) = nonce.split_first_chunk::<16>().expect("16 bytes");
    let mut rest = [0; 12];
    rest[4..].copy_from_slice(last);
    let key: [u8; 32] = hchacha::<R20>(&KEY.into(), first.into()).into();
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key).expect("a key");
    (LessSafeKey::new(key), Nonce::assume_unique_for_key(rest))
}

fn seal_with_sodium(given: &[u8], sealed: &mut [u8], opened: &mut [u8], nonce: &[u8; 24]) {
    assert!(sealed.len() == given.len() + 16 && opened.len() == given.len());
    // SAFETY: all pointers are of slices as long as is said, and the tag has its 16 bytes.
    let (put, taken) = unsafe {
        let put = sodium::crypto_aead_xchacha20poly1305_ietf_encrypt(
            sealed.as_mut_ptr(),
            std::ptr::null_mut(),
            given.as_ptr(),
            given.len() as u64,
            DATA.as_ptr(),
            DATA.len() as u64,
            std::ptr::null(),
            nonce.as_ptr(),
            KEY.as_ptr(),
        );
        let taken = sodium::crypto_aead_xchacha20poly1305_ietf_decrypt(
            opened.as_mut_ptr(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            sealed.as_ptr(),
            sealed.len() as u64,
            DATA.as_ptr(),
            DATA.len() as u64,
            nonce.as_ptr(),
            KEY.as_ptr(),
        );
        (put, taken)
    };
    assert_eq!((put, taken), (0, 0));
}
