//! Keyrings and places for the tests of this room.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Keyring, Namespace, Ring, Vault};
use crate::error::{Code, Result};

/// Data keys by id and state: key `id` is 32 bytes of `id`. The index key is 32 bytes of `index`.
pub(super) fn keyring_of(data: &[(u8, &str)], index: u8) -> Keyring {
    let key = |byte: u8| URL_SAFE_NO_PAD.encode([byte; 32]);
    let created = "2026-01-01T00:00:00Z";
    let data: Vec<Value> =
        data.iter().map(|(id, state)| json!({"id": id, "state": state, "created": created, "key": key(*id)})).collect();
    let signing = json!([{"kid": "s", "state": "primary", "created": created, "key": key(0xFE)}]);
    let text = json!({"format": 1, "data": data, "index": {"key": key(index)}, "signing": signing});
    Keyring::from_bytes(text.to_string().as_bytes()).unwrap()
}

pub(super) fn keyring(data: &[(u8, &str)]) -> Keyring {
    keyring_of(data, 0xEE)
}

pub(super) fn namespace() -> Namespace {
    Namespace::new("default", "shop", "prd").unwrap()
}

pub(super) fn vault(data: &[(u8, &str)]) -> Vault {
    vault_of(keyring(data), namespace())
}

pub(super) fn vault_of(keyring: Keyring, namespace: Namespace) -> Vault {
    Vault::new(Arc::new(Ring::given(keyring)), namespace)
}

/// The code of an error that must be there.
pub(super) fn code<T>(result: Result<T>) -> Code {
    result.err().expect("this must be refused").code()
}
