//! A case's store: its options, clock and secrets, in memory, on SQLite or on a server.

use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sessile::{Clock, Keyring, Options, Result, Store, Time};
use tempfile::TempDir;

use crate::postgres;
use crate::redis::Server;
use crate::redis::cluster::{Cluster, Emptier};
use crate::suite::{Case, tests_folder};

/// Which backend a case that names none runs on.
#[derive(Clone, Copy)]
pub enum Pass<'a> {
    Memory,
    Sqlite,
    /// Emptied for each case.
    Redis(&'a Server),
    /// The same.
    Cluster(&'a Cluster, &'a Mutex<Emptier>),
    /// The same.
    Postgres(&'a postgres::Server, &'a Mutex<postgres::Console>),
}

/// Quicker than to make the tables again.
const EMPTY: &str = "DO $$ BEGIN IF to_regclass('sessile.format') IS NOT NULL THEN \
    DELETE FROM sessile.session; DELETE FROM sessile.cell; DELETE FROM sessile.user_record; \
    DELETE FROM sessile.listing; DELETE FROM sessile.meta; END IF; END $$";

/// What a case's store is opened with; the folder lives as long as the case.
pub struct Place {
    options: serde_json::Map<String, serde_json::Value>,
    /// The keyring's file, if it has one.
    pub keyring: Option<std::path::PathBuf>,
    secrets: Vec<(String, Vec<u8>)>,
    pub clock: Clock,
    _folder: TempDir,
}

impl Place {
    pub fn of(case: &Case, pass: Pass<'_>) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut options = case.options.clone();
        options.entry("audit").or_insert(true.into());
        let mut keyring = None;
        let sqlite = format!("sqlite:{}", folder.path().join("sessions.db").display());
        if let Some(golden) = &case.golden {
            let from = tests_folder().join("golden").join(golden);
            for file in ["sessions.db", "keyring.json"] {
                std::fs::copy(from.join(file), folder.path().join(file)).expect("a golden file");
            }
            owner_only(&folder.path().join("keyring.json"));
            options.insert("url".into(), sqlite.into());
            keyring = Some(folder.path().join("keyring.json"));
        } else if !options.contains_key("url") {
            let url = match pass {
                Pass::Memory => "memory:".to_owned(),
                Pass::Sqlite => sqlite,
                Pass::Redis(server) => {
                    server.ask(&["FLUSHALL"]);
                    server.url()
                }
                Pass::Cluster(cluster, emptier) => {
                    emptier.lock().expect("an emptier").empty();
                    cluster.url()
                }
                Pass::Postgres(server, console) => {
                    console.lock().expect("a console").run(EMPTY);
                    server.url()
                }
            };
            if !matches!(pass, Pass::Memory) {
                let path = folder.path().join("keyring.json");
                Keyring::generate(&path).expect("a new keyring");
                keyring = Some(path);
            }
            options.insert("url".into(), url.into());
            if !matches!(pass, Pass::Memory) && options.contains_key("secrets") {
                let secrets = format!("sqlite:{}", folder.path().join("secrets.db").display());
                options.insert("secrets".into(), secrets.into());
            }
        }
        let start = case.clock.as_deref().unwrap_or("2026-01-01T00:00:00Z");
        let decode = |text: &str| BASE64_STANDARD.decode(text).expect("a secret in base64");
        Place {
            options,
            keyring,
            secrets: case.secrets.iter().map(|(issuer, secret)| (issuer.clone(), decode(secret))).collect(),
            clock: Clock::manual(Time::parse(start).expect("the case's clock")),
            _folder: folder,
        }
    }

    pub fn open(&self) -> Result<Store> {
        let text = serde_json::Value::Object(self.options.clone()).to_string();
        let mut options = Options::from_json(&text)?.clock(self.clock.clone());
        if let Some(keyring) = &self.keyring {
            options = options.keyring_file(keyring);
        }
        for (issuer, secret) in &self.secrets {
            options = options.issuer_secret(issuer, secret);
        }
        Store::open(options).wait()
    }
}

/// A keyring that others may read is refused; a checkout may have widened its mode.
fn owner_only(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("a keyring of our own");
}
