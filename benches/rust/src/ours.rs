//! Stores of ours with sessions in them, as their users make them.

use sessile::{Keyring, Options, Session, Store, VerifiedToken};

use crate::Outcome;
use crate::plan::Plan;

pub const TRIGGER: &str = r#"{"type": "rest", "security": "jwt"}"#;

/// For so many sessions' users a token's text is kept: as many as the store itself remembers, with room.
pub const KNOWN: usize = 5_000;

/// A store with a session for each of many users.
pub struct Filled {
    pub store: Store,
    pub tokens: Vec<VerifiedToken>,
    pub texts: Vec<String>,
}

/// Opens a store; one that is not in memory gets a keyring beside its file.
pub fn open(plan: &Plan, url: &str, name: &str, more: &str) -> Outcome<Store> {
    let options = Options::from_json(&format!(r#"{{"url": "{url}"{more}}}"#))?;
    if url == "memory:" {
        return Ok(Store::open(options).wait()?);
    }
    let keyring = plan.file(&format!("{name}.keyring.json"))?;
    if !keyring.exists() {
        Keyring::generate(&keyring)?;
    }
    Ok(Store::open(options.keyring_file(&keyring)).wait()?)
}

/// A store in a file of that name.
pub fn open_file(plan: &Plan, name: &str, more: &str) -> Outcome<Store> {
    let url = format!("sqlite:{}", plan.file(&format!("{name}.db"))?.display());
    open(plan, &url, name, more)
}

/// Gives each of `count` users a session with these fields; keeps the token of each `keep`th, and of the first its text.
pub fn fill(store: Store, fields: &str, count: usize, keep: usize) -> Outcome<Filled> {
    let mut filled = Filled { store, tokens: Vec::new(), texts: Vec::new() };
    for user in 0..count {
        let text = filled.store.tokens().issue(&format!(r#"{{"sub": "user{user}"}}"#), 86_400).wait()?;
        let token = filled.store.verify(&text).wait()?;
        filled.store.global(&token, None)?.put(fields, None).wait()?;
        if user % keep == 0 {
            filled.tokens.push(token);
            if filled.texts.len() < KNOWN {
                filled.texts.push(text);
            }
        }
    }
    Ok(filled)
}

impl Filled {
    /// The Global session of a user whose token has been verified.
    pub fn session(&self, key: usize) -> Session {
        self.store.global(&self.tokens[key % self.tokens.len()], None).expect("a session")
    }
}
