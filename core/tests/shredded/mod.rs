//! A store whose configuration shreds, in a folder with a keyring.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sessile::{Code, Execution, Keyring, Options, Store};

pub const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
pub const CONFIG: &str =
    r#"{"name": "Cart", "shred": true, "schema": {"userId": "string", "note": "string"}, "selector": "userId"}"#;

/// A folder with a keyring, `sessions.db` and `secrets.db`.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        Keyring::generate(place.file("keyring.json")).unwrap();
        place
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn open(&self, secrets: bool) -> Store {
        let mut options = json!({"url": sqlite(&self.file("sessions.db")), "keyring": self.file("keyring.json")});
        if secrets {
            options["secrets"] = sqlite(&self.file("secrets.db")).into();
        }
        Store::open(Options::from_json(&options.to_string()).unwrap()).wait().unwrap()
    }

    pub fn with_config(&self) -> Store {
        let store = self.open(true);
        store.configs().create(CONFIG).wait().unwrap();
        store
    }
}

pub fn sqlite(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

pub fn memory() -> Store {
    let store = Store::open(Options::from_json(r#"{"url": "memory:", "secrets": "memory:"}"#).unwrap()).wait().unwrap();
    store.configs().create(CONFIG).wait().unwrap();
    store
}

pub fn user(store: &Store, subject: &str) -> Execution {
    let token = store.tokens().issue(&json!({"sub": subject}).to_string(), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap()
}

pub fn start(store: &Store, subject: &str) -> Value {
    let data = json!({"userId": subject, "note": "hello"}).to_string();
    serde_json::from_str(&store.sessions().start("cart", &data, None).wait().unwrap()).unwrap()
}

pub fn parsed(text: sessile::Result<String>) -> Value {
    serde_json::from_str(&text.unwrap()).unwrap()
}

pub fn code<T: std::fmt::Debug>(result: sessile::Result<T>) -> Code {
    result.unwrap_err().code()
}
