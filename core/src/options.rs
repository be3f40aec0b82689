//! How a store is opened: everything but secrets as JSON, secrets through doors of their own.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::backend::{Durability, TlsFiles};
use crate::clock::Clock;
use crate::error::{Result, fail};
use crate::identity::Secrets;
use crate::json::nearest;
use crate::limits::Limits;

/// What [`Store::open`](crate::Store::open) needs.
///
/// JSON members: `url` (required: `memory:`, `sqlite:PATH`, `redis://HOST`…, `postgresql://HOST/DATABASE`), `workspace`,
/// `product`, `env` (default `default`, `default`, `dev`), `issuers` (array), `limits` (object), `durability` (`"interval"`, the default, or
/// `"commit"`; for SQLite), `keyring` (a path), `secrets` (the URL of a second backend, kept out of backups, for the users'
/// secrets of configurations that shred), `readOnly` (boolean: nothing is changed, every change is `READ_ONLY`),
/// `allowNetworkFilesystem` (boolean: a file may lie on NFS, SMB or FUSE, which is refused otherwise; only where one
/// machine alone ever opens it), `audit` (boolean: audit events are kept for [`drain_events`](crate::Store::drain_events)).
/// For a server: `passwordEnv` (the environment variable that holds its password), `tls` (object: `ca`, `cert`, `key`,
/// files in PEM form), `allowEviction` (boolean: a server that may forget sessions when it is full is fine), `lazy`
/// (boolean: opening does not fail where the server cannot be reached), `schema` (of a PostgreSQL: `sessile`). An unknown
/// member is an error.
pub struct Options {
    pub(crate) members: Members,
    pub(crate) keyring: KeyringSource,
    backend_password: Option<Zeroizing<String>>,
    pub(crate) issuer_secrets: Secrets,
    pub(crate) clock: Clock,
}

/// The members that ride in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Members {
    pub(crate) url: String,
    #[serde(default = "default_name")]
    pub(crate) workspace: String,
    #[serde(default = "default_name")]
    pub(crate) product: String,
    #[serde(default = "default_env")]
    pub(crate) env: String,
    #[serde(default)]
    pub(crate) issuers: Vec<Box<RawValue>>,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) durability: Durability,
    #[serde(default)]
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) allow_network_filesystem: bool,
    #[serde(default)]
    pub(crate) tls: TlsFiles,
    #[serde(default)]
    pub(crate) allow_eviction: bool,
    #[serde(default)]
    pub(crate) lazy: bool,
    #[serde(default)]
    pub(crate) schema: Option<String>,
    #[serde(default)]
    password_env: Option<String>,
    #[serde(default)]
    pub(crate) secrets: Option<String>,
    #[serde(default)]
    pub(crate) audit: bool,
    #[serde(default)]
    keyring: Option<PathBuf>,
}

const MEMBERS: [&str; 17] = [
    "url",
    "workspace",
    "product",
    "env",
    "issuers",
    "limits",
    "durability",
    "keyring",
    "secrets",
    "readOnly",
    "allowNetworkFilesystem",
    "passwordEnv",
    "tls",
    "allowEviction",
    "lazy",
    "audit",
    "schema",
];

fn default_name() -> String {
    "default".to_owned()
}

fn default_env() -> String {
    "dev".to_owned()
}

/// Where the keyring comes from.
pub(crate) enum KeyringSource {
    None,
    File(PathBuf),
    Bytes(Zeroizing<Vec<u8>>),
    Env(String),
    Callback(KeyringCallback),
}

/// Gives the JSON of a keyring, from wherever it is kept.
pub(crate) type KeyringCallback = Box<dyn Fn() -> Result<Vec<u8>> + Send + Sync>;

impl Options {
    /// Options for `url` alone: `memory:`, `sqlite:PATH`.
    pub fn new(url: &str) -> Options {
        let members = Members {
            url: url.to_owned(),
            workspace: default_name(),
            product: default_name(),
            env: default_env(),
            issuers: Vec::new(),
            limits: Limits::default(),
            durability: Durability::default(),
            read_only: false,
            allow_network_filesystem: false,
            tls: TlsFiles::default(),
            allow_eviction: false,
            lazy: false,
            schema: None,
            password_env: None,
            secrets: None,
            audit: false,
            keyring: None,
        };
        Options::of(members)
    }

    /// Options from JSON text. `INVALID_JSON`; `INVALID_ARGUMENT` naming the member and, for an unknown one, the
    /// nearest known.
    pub fn from_json(text: &str) -> Result<Options> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            fail!(InvalidJson, "options: not JSON (line {}, column {})", error.line(), error.column())
        })?;
        let Value::Object(members) = &value else {
            return Err(fail!(InvalidArgument, "options are an object like {{\"url\":\"memory:\"}}")
                .with("argument", "options"));
        };
        if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let hint = nearest(unknown, &MEMBERS).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            return Err(
                fail!(InvalidArgument, "options have no member {unknown:?}{hint}").with("member", unknown.as_str())
            );
        }
        for name in MEMBERS {
            let Some(given) = members.get(name) else { continue };
            let wanted = match name {
                "issuers" => given.is_array().then_some(()).ok_or("an array"),
                "readOnly" | "allowNetworkFilesystem" | "allowEviction" | "lazy" | "audit" => {
                    given.is_boolean().then_some(()).ok_or("true or false")
                }
                "limits" | "tls" => given.is_object().then_some(()).ok_or("an object"),
                _ => given.is_string().then_some(()).ok_or("a string"),
            };
            if let Err(wanted) = wanted {
                return Err(fail!(InvalidArgument, "options: {name:?} is {wanted}").with("member", name));
            }
        }
        // From the text, not from the value: the issuers are kept as they were written. No limit is a secret.
        serde_json::from_str(text)
            .map(Options::of)
            .map_err(|error| fail!(InvalidArgument, "options: {error}").with("argument", "options"))
    }

    fn of(mut members: Members) -> Options {
        let keyring = members.keyring.take().map_or(KeyringSource::None, KeyringSource::File);
        Options { members, keyring, backend_password: None, issuer_secrets: HashMap::new(), clock: Clock::system() }
    }

    /// The password of the server behind the URL. It goes before the member `passwordEnv`.
    pub fn backend_password(mut self, password: &str) -> Options {
        self.backend_password = Some(Zeroizing::new(password.to_owned()));
        self
    }

    /// The password, from wherever it is; read when the store opens.
    pub(crate) fn take_backend_password(&mut self) -> Result<Option<Zeroizing<String>>> {
        if let Some(password) = self.backend_password.take() {
            return Ok(Some(password));
        }
        let Some(variable) = &self.members.password_env else { return Ok(None) };
        match std::env::var(variable) {
            Ok(password) if !password.is_empty() => Ok(Some(Zeroizing::new(password))),
            _ => Err(fail!(InvalidArgument, "the environment variable {variable:?} holds no password")
                .with("argument", "passwordEnv")),
        }
    }

    /// The keyring is this file; read when the store opens.
    pub fn keyring_file(mut self, path: impl AsRef<Path>) -> Options {
        self.keyring = KeyringSource::File(path.as_ref().to_owned());
        self
    }

    /// The keyring is this JSON text.
    pub fn keyring_bytes(mut self, bytes: &[u8]) -> Options {
        self.keyring = KeyringSource::Bytes(Zeroizing::new(bytes.to_vec()));
        self
    }

    /// The keyring is the JSON text in this environment variable; read when the store opens.
    pub fn keyring_env(mut self, variable: &str) -> Options {
        self.keyring = KeyringSource::Env(variable.to_owned());
        self
    }

    /// The keyring is the JSON text that this gives, from a key service say. Called inside `open` and
    /// [`reload_keys`](crate::Store::reload_keys), on the caller's thread, and never else.
    pub fn keyring_callback(mut self, give: impl Fn() -> Result<Vec<u8>> + Send + Sync + 'static) -> Options {
        self.keyring = KeyringSource::Callback(Box::new(give));
        self
    }

    /// The HMAC secret of an issuer that was declared `"symmetric": true`.
    pub fn issuer_secret(mut self, issuer: &str, secret: &[u8]) -> Options {
        self.issuer_secrets.insert(issuer.to_owned(), Zeroizing::new(secret.to_vec()));
        self
    }

    /// The clock to use instead of the system's.
    pub fn clock(mut self, clock: Clock) -> Options {
        self.clock = clock;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the whole url: one of a network backend may hold a password.
        let scheme = self.members.url.split(':').next().unwrap_or_default();
        f.debug_struct("Options")
            .field("scheme", &scheme)
            .field("workspace", &self.members.workspace)
            .field("product", &self.members.product)
            .field("env", &self.members.env)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn bad_options_say_which_member() {
        let table = [
            (r#"{"url":"memory:","produkt":"x"}"#, "product"),
            (r#"{"url":1}"#, "url"),
            (r#"{"product":"x"}"#, "url"),
            (r#"{"url":"memory:","limits":{"fieldNames":1}}"#, "fieldName"),
            (r#"{"url":"memory:","durability":"always"}"#, "interval"),
            (r#"{"url":"sqlite:x","readOnly":"yes"}"#, "readOnly"),
            (r#"{"url":"sqlite:x","readonly":true}"#, "readOnly"),
            (r#"{"url":"memory:","audit":"yes"}"#, "true or false"),
            (r#"[]"#, "object"),
        ];
        for (text, says) in table {
            let error = Options::from_json(text).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{text}");
            assert!(error.message().contains(says), "{text}: {}", error.message());
        }
        assert_eq!(Options::from_json("{").unwrap_err().code(), Code::InvalidJson);
    }
}
