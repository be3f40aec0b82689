//! What is to be measured, and with which payloads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Outcome;

/// As `run.py` gives it.
#[derive(Deserialize)]
pub struct Plan {
    /// The folder that `payloads.py` filled.
    pub payloads: PathBuf,
    /// An empty folder for files of stores.
    pub folder: PathBuf,
    /// Groups whose names begin with one of these are measured; all for none.
    #[serde(default)]
    pub only: Vec<String>,
    pub rounds: usize,
    /// How long a round of one contestant takes, in milliseconds.
    pub millis: u64,
    pub sessions: usize,
    /// Sessions of the large store of the scale row; 0: it is left out.
    pub scale: usize,
    /// Steps during which memory may not grow.
    pub steps: u64,
    #[serde(default)]
    pub redis: Option<String>,
    #[serde(default)]
    pub postgres: Option<String>,
}

/// What `payloads.py` wrote.
#[derive(Deserialize)]
pub struct Payloads {
    pub small: Box<RawValue>,
    pub large: Box<RawValue>,
    pub changed: String,
    pub read: Vec<String>,
    pub keys: Vec<usize>,
    pub step: Box<RawValue>,
    pub put: Box<RawValue>,
    pub messages: BTreeMap<String, String>,
}

/// Tokens of one algorithm, and what verifies them.
#[derive(Deserialize)]
pub struct Signed {
    pub issuer: String,
    pub audience: String,
    pub jwk: Option<Value>,
    pub secret: Option<String>,
    pub tokens: Vec<String>,
}

impl Plan {
    pub fn parse(text: &str) -> Outcome<Plan> {
        Ok(serde_json::from_str(text)?)
    }

    pub fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|start| group.starts_with(start.as_str()))
    }

    pub fn payloads(&self) -> Outcome<Payloads> {
        Ok(serde_json::from_str(&std::fs::read_to_string(self.payloads.join("payloads.json"))?)?)
    }

    pub fn tokens(&self) -> Outcome<BTreeMap<String, Signed>> {
        Ok(serde_json::from_str(&std::fs::read_to_string(self.payloads.join("tokens.json"))?)?)
    }

    /// A file of that name in the folder, not there yet.
    pub fn file(&self, name: &str) -> Outcome<PathBuf> {
        std::fs::create_dir_all(&self.folder)?;
        Ok(self.folder.join(name))
    }
}

impl Payloads {
    /// The two sessions: their name and JSON text.
    pub fn sessions(&self) -> [(&'static str, &str); 2] {
        [("small", self.small.get()), ("large", self.large.get())]
    }

    /// The key of operation `n`, below `sessions`.
    pub fn key(&self, n: usize, sessions: usize) -> usize {
        self.keys[n % self.keys.len()] % sessions
    }

    /// The names of the three fields that are read.
    pub fn read(&self) -> Vec<&str> {
        self.read.iter().map(String::as_str).collect()
    }
}

/// A session as the peers of this language keep it.
pub fn fields(text: &str) -> Outcome<Map<String, Value>> {
    Ok(serde_json::from_str(text)?)
}
