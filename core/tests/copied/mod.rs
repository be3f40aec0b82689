//! Stores of one keyring on several backends, and what their users see of them.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::path::PathBuf;

use serde_json::{Value, json};
use sessile::{Clock, Keyring, Options, Session, Store, Time};

pub const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const SHOP: &str = r#"{"name": "Shop", "tag": "shop", "schema": {"userId": "string", "note": "any"}, "selector": "userId",
    "idle": {"value": 2, "period": "days"}, "maxSessionsPerUser": 2}"#;
const CART: &str = r#"{"name": "Cart", "tag": "cart", "shred": true, "schema": {"userId": "string", "note": "any"}, "selector": "userId"}"#;

/// A folder, a keyring, a clock that stands still, and stores of one product.
pub struct Place {
    folder: tempfile::TempDir,
    pub keyring: String,
    pub clock: Clock,
}

impl Place {
    pub fn new() -> Place {
        let clock = Clock::manual(Time::parse("2026-05-04T10:00:00Z").unwrap());
        Place { folder: tempfile::tempdir().unwrap(), keyring: Keyring::generate_json().unwrap(), clock }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn sqlite(&self, name: &str) -> String {
        format!("sqlite:{}", self.file(name).display())
    }

    /// With time for a machine that is busy, and with the members of `more`.
    pub fn options(&self, url: &str, more: Value) -> Options {
        let mut options = json!({"url": url, "product": "shop", "limits": {"deadline": 60000, "connect": 60000}});
        more.as_object().unwrap().iter().for_each(|(name, value)| options[name] = value.clone());
        let options = Options::from_json(&options.to_string()).unwrap();
        options.keyring_bytes(self.keyring.as_bytes()).clock(self.clock.clone())
    }

    pub fn open(&self, url: &str) -> Store {
        Store::open(self.options(url, json!({}))).wait().unwrap()
    }

    /// A store whose users' secrets lie there.
    pub fn with_secrets(&self, url: &str, secrets: &str) -> Store {
        Store::open(self.options(url, json!({"secrets": secrets}))).wait().unwrap()
    }
}

/// The keyring with a newer key, which was made long ago.
pub fn with_another_key(keyring: &str) -> String {
    let mut parsed: Value = serde_json::from_str(keyring).unwrap();
    let made: Value = serde_json::from_str(&Keyring::generate_json().unwrap()).unwrap();
    let mut key = made["data"][0].clone();
    (key["id"], key["state"], key["created"]) = (2.into(), "primary".into(), "2026-01-01T00:00:00Z".into());
    parsed["data"][0]["state"] = "retired".into();
    parsed["data"].as_array_mut().unwrap().push(key);
    parsed.to_string()
}

pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn make_configs(store: &Store) {
    store.configs().create(SHOP).wait().unwrap();
    store.configs().create(CART).wait().unwrap();
}

pub fn login(store: &Store, subject: &str) -> String {
    store.tokens().issue(&json!({"sub": subject}).to_string(), 86_400).wait().unwrap()
}

pub fn standing(store: &Store, token: &str, tag: Option<&str>) -> Session {
    store.execution(Some(JWT), Some(token)).unwrap().global(tag)
}

pub fn start(store: &Store, tag: &str, user: &str) -> Value {
    let data = json!({"userId": user, "note": format!("of {user}")}).to_string();
    parsed(&store.sessions().start(tag, &data, None).wait().unwrap())
}

pub fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap()
}

/// All that the store's users, and whoever looks after them, can see.
pub fn seen(store: &Store, clock: &Clock, tokens: &[String]) -> Value {
    let sessions = store.sessions();
    let of = |tag: &str| {
        json!({
            "list": parsed(&sessions.list(tag, None, None).wait().unwrap()),
            "users": parsed(&sessions.users(tag, None).wait().unwrap()),
            "dashboard": parsed(&sessions.dashboard(tag).wait().unwrap()),
        })
    };
    let verified: Vec<Value> = tokens.iter().map(|token| parsed(&sessions.verify(token).wait().unwrap())).collect();
    // That a session was used is noted aside, once a minute: not before all of it has been is anything compared.
    let is_noted = |session: &Value| {
        let last = Time::parse(session["lastSeenAt"].as_str().unwrap()).unwrap();
        let is_verified = verified.iter().any(|verdict| verdict["sessionId"] == session["sessionId"]);
        !is_verified || clock.now().millis() < last.millis() + 60_000
    };
    let are_noted = |tag| {
        parsed(&sessions.list(tag, None, None).wait().unwrap())["sessions"].as_array().unwrap().iter().all(is_noted)
    };
    crate::redis::wait_until("every use is noted", || ["shop", "cart"].into_iter().all(are_noted));
    json!({
        "configs": parsed(&store.configs().list(None).wait().unwrap()),
        "shop": of("shop"), "cart": of("cart"), "global": of("global"), "verified": verified,
    })
}

/// Copies everything, `limit` records at a time: copied, unchanged, skipped.
pub fn copy_all(from: &Store, to: &Store, limit: u64) -> [u64; 3] {
    let (mut cursor, mut sums) = (Value::Null, [0; 3]);
    loop {
        let options = json!({"limit": limit, "cursor": cursor}).to_string();
        let result = parsed(&from.copy_to(to, Some(&options)).wait().unwrap());
        for (sum, member) in sums.iter_mut().zip(["copied", "unchanged", "skipped"]) {
            *sum += result[member].as_u64().unwrap();
        }
        cursor = result["cursor"].clone();
        assert_eq!(result["done"], cursor.is_null());
        if cursor.is_null() {
            return sums;
        }
    }
}

/// Nothing is missing, and nothing is to be found that should not be there.
pub fn is_sound(store: &Store) -> Value {
    let report = parsed(&store.check().wait().unwrap());
    assert_eq!(report["ok"], true, "{report}");
    report
}
