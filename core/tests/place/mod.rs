//! A folder with a store and its keyring, and what the tests of keys do with them.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sessile::{Keyring, Options, Session, Store};

pub const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
pub const CONFIG: &str =
    r#"{"name": "Shop", "tag": "shop", "schema": {"userId": "string", "note": "any"}, "selector": "userId"}"#;

pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        Keyring::generate(place.keyring()).unwrap();
        place
    }

    pub fn keyring(&self) -> PathBuf {
        self.0.path().join("keyring.json")
    }

    pub fn store(&self) -> Store {
        open(self.0.path())
    }

    /// Adds a data key that was made long ago.
    pub fn add(&self) -> String {
        let key = Keyring::add(self.keyring(), "data").unwrap();
        self.age();
        key
    }

    pub fn age(&self) {
        let mut file: Value = serde_json::from_slice(&fs::read(self.keyring()).unwrap()).unwrap();
        for kind in ["data", "signing"] {
            for key in file[kind].as_array_mut().unwrap() {
                key["created"] = "2026-01-01T00:00:00Z".into();
            }
        }
        fs::write(self.keyring(), file.to_string()).unwrap();
    }

    /// 1 retired, 2 primary, both long known to whoever opens the store afterwards.
    pub fn rotate(&self) {
        let key = self.add();
        Keyring::promote(self.keyring(), &key).unwrap();
    }
}

pub fn open(folder: &Path) -> Store {
    let options = Options::new(&format!("sqlite:{}", folder.join("sessions.db").display()));
    Store::open(options.keyring_file(folder.join("keyring.json"))).wait().unwrap()
}

pub fn global(store: &Store, subject: &str) -> Session {
    let token = store.tokens().issue(&json!({"sub": subject}).to_string(), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap().global(None)
}

pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What is sealed with a key: heads, fields, users, configs.
pub fn usage(store: &Store, id: u64) -> [u64; 4] {
    let usage = parsed(&store.key_usage().wait().unwrap());
    let keys = usage["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["id"] == id).unwrap_or(&Value::Null);
    ["heads", "fields", "users", "configs"].map(|kind| key[kind].as_u64().unwrap_or_default())
}

pub fn rewrap_all(store: &Store, limit: u64) -> (u64, u64) {
    let (mut cursor, mut rewrapped, mut skipped) = (Value::Null, 0, 0);
    loop {
        let options = json!({"limit": limit, "cursor": cursor}).to_string();
        let result = parsed(&store.rewrap(Some(&options)).wait().unwrap());
        rewrapped += result["rewrapped"].as_u64().unwrap();
        skipped += result["skipped"].as_u64().unwrap();
        cursor = result["cursor"].clone();
        assert_eq!(result["done"], cursor.is_null());
        if cursor.is_null() {
            return (rewrapped, skipped);
        }
    }
}
