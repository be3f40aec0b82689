//! How a store is opened: everything but secrets as JSON, secrets through doors of their own.

use std::mem::MaybeUninit;

use parking_lot::Mutex;
use sessile::{Code, Error, Options, Result};

use crate::border::{Out, enter, release};
use crate::error::sessile_error_t;
use crate::handle::{free, handle, look_up, sessile_clock_t, sessile_options_t};
use crate::text::sessile_str_t;

/// Makes options from a JSON object: {"url": "sqlite:./sessions.db"}, and optionally
///
/// - workspace, product, env ("default", "default", "dev"), issuers (array), limits (object), keyring (a path);
/// - durability: "interval" (the default: a power cut may take the last moments) or "commit";
/// - readOnly: true opens a file without changing anything; every change is SESSILE_READ_ONLY, a file that is not there
///   SESSILE_NOT_FOUND;
/// - allowNetworkFilesystem: true lets a file lie on NFS, SMB or FUSE, which is SESSILE_UNSUPPORTED otherwise; only where
///   one machine alone ever opens it;
/// - audit: true keeps audit events for sessile_store_drain_events;
/// - secrets: the URL of a second backend, kept out of backups, for the users' secrets of configurations that shred.
///
/// For a server ("redis://HOST", "postgresql://USER@HOST/DATABASE", see docs/redis.md and docs/postgresql.md):
///
/// - passwordEnv: the environment variable that holds its password, else sessile_options_set_backend_password;
/// - tls: {"ca": ..., "cert": ..., "key": ...}, files in PEM form; without ca the system's authorities are trusted, cert
///   and key are the client's;
/// - allowEviction: true takes a Redis that may forget sessions when it is full, which is SESSILE_UNSUPPORTED otherwise;
/// - schema: where a PostgreSQL has the tables ("sessile");
/// - lazy: true lets the store open where the server cannot be reached;
/// - in limits: deadline and connect, in milliseconds (2000 and 1000), and connections to a PostgreSQL (4).
///
/// Unknown members are an error.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_new(
    json: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_options_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(handle(Mutex::new(Some(Options::from_json(json.required("json")?)?)))?);
        Ok(())
    })
}

/// The keyring is this file; read when the store opens.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_keyring_file(
    options: *mut sessile_options_t,
    path: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let path = path.required("path")?;
        set(options, |options| options.keyring_file(path))
    })
}

/// The keyring is this JSON text.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_keyring_bytes(
    options: *mut sessile_options_t,
    bytes: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let bytes = bytes.required_bytes("bytes")?;
        set(options, |options| options.keyring_bytes(bytes))
    })
}

/// The keyring is the JSON text in this environment variable; read when the store opens.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_keyring_env(
    options: *mut sessile_options_t,
    variable: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let variable = variable.required("variable")?;
        set(options, |options| options.keyring_env(variable))
    })
}

/// The password of the server behind the URL, which goes before "passwordEnv". One in the URL is refused: URLs end up in
/// logs.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_backend_password(
    options: *mut sessile_options_t,
    password: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let password = password.required("password")?;
        set(options, |options| options.backend_password(password))
    })
}

/// The HMAC secret (any bytes) of an issuer that the JSON declared "symmetric": true.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_issuer_secret(
    options: *mut sessile_options_t,
    issuer: sessile_str_t,
    secret: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (issuer, secret) = (issuer.required("issuer")?, secret.required_bytes("secret")?);
        set(options, |options| options.issuer_secret(issuer, secret))
    })
}

/// The clock to use instead of the system's.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_clock(
    options: *mut sessile_options_t,
    clock: *mut sessile_clock_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let clock = look_up(clock)?;
        set(options, |options| options.clock((*clock).clone()))
    })
}

/// Frees options. NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_free(options: *mut sessile_options_t) {
    release(|| free(options));
}

pub(crate) fn set(options: *mut sessile_options_t, change: impl FnOnce(Options) -> Options) -> Result<()> {
    let options = look_up(options)?;
    let mut options = options.lock();
    *options = Some(change(options.take().ok_or_else(taken)?));
    Ok(())
}

/// A store was opened with these options: they are gone.
pub(crate) fn taken() -> Error {
    Error::new(Code::Closed, "a store was opened with these options; make new ones for the next")
}
