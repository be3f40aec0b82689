//! Bytes as a sealed field, a head and a keyring file.

use std::sync::{Arc, LazyLock};

use super::config_vault::ConfigVault;
use super::{Entropy, Head, Keyring, fixture, head};
use crate::backend::SealedField;
use crate::clock::Time;
use crate::error::Code;

static VAULT: LazyLock<Arc<ConfigVault>> =
    LazyLock::new(|| fixture::vault(&[(1, "retired"), (2, "primary"), (3, "revoked")]).config("cart", &[7; 16]));

const ID: [u8; 17] = [3; 17];
const LIFE: [u8; 16] = [4; 16];

/// Nobody can make up a sealed cell, and none is read for what it is not.
fn refuse<T>(opened: crate::error::Result<T>) {
    let refusals = [Code::Corrupt, Code::KeyUnavailable, Code::KeyRevoked, Code::FormatTooNew];
    let code = opened.err().expect("nobody holds the key of this cell").code();
    assert!(refusals.contains(&code), "{code:?}");
}

/// Bytes as a field's cell, as what stands inside one, and as a place to damage a good one at.
pub fn field(data: &[u8]) {
    let vault = &*VAULT;
    let cell = vault.cell_id(&ID, "cart");
    refuse(vault.field_seals(None, &ID, &LIFE).open(&cell, None, &SealedField(data.into())));
    if let Ok(opened) = super::field::read(data, [0; 16], None) {
        assert_eq!(*super::field::plain(opened.name, opened.value), *data);
    }
    let Ok(value) = std::str::from_utf8(data) else { return };
    let mut entropy = Entropy::draw().unwrap();
    let (cell, mut sealed) = vault
        .field_seals(None, &ID, &LIFE)
        .seal("cart", value, Some(Time::from_millis(9)), [5; 16], &mut entropy)
        .unwrap();
    let mut seals = vault.field_seals(None, &ID, &LIFE);
    let opened = seals.open(&cell, None, &sealed).unwrap();
    assert_eq!((opened.name, opened.value, opened.stamp), ("cart", value, [5; 16]));
    let at = data.iter().fold(0usize, |at, byte| at.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = at % sealed.0.len();
    sealed.0[at] ^= 1 << (at % 8);
    refuse(seals.open(&cell, None, &sealed));
}

/// Bytes as a head's cell, and as what stands inside one.
pub fn head(data: &[u8]) {
    refuse(VAULT.open_head(&ID, data));
    if let Ok(head) = Head::from_bytes(data) {
        let written = head.to_bytes();
        assert!(Head::from_bytes(&written).unwrap() == head, "a head is what was written of it");
    }
    let _ = head::read_identity(data);
}

/// Bytes as a keyring file: what is taken is written so that it reads the same.
pub fn keyring(data: &[u8]) {
    match Keyring::from_bytes(data) {
        Err(error) => assert_eq!(error.code(), Code::KeyringInvalid),
        Ok(keyring) => {
            let text = keyring.to_json().unwrap();
            assert_eq!(*Keyring::from_bytes(text.as_bytes()).unwrap().to_json().unwrap(), *text);
        }
    }
}
