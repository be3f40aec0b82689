//! The native addon of the npm package `sessile`: conversion, error mapping and scheduling, and nothing else.
//!
//! Its only caller is the TypeScript façade in `lib/`. Values cross as JSON text, objects of the core as handles, which
//! are indices into a [table](table::Table) of the environment. Plain functions on number handles, because napi-rs's
//! classes take a process-wide lock at every call of a method.
#![deny(unsafe_code)]

mod border;
mod configs;
mod execution;
mod identity;
mod keys;
mod lint;
mod queue;
mod reply;
mod session;
mod sessions;
mod store;
mod table;

use napi::bindgen_prelude::{Env, Object};

use crate::border::Exports;

/// Fills the module's exports, once for each environment (the main thread, each worker).
#[napi_derive::napi(module_exports)]
#[allow(unsafe_code)]
pub fn exports(target: Object<'_>, env: Env) -> napi::Result<()> {
    let mut exports = Exports::new(target, env)?;
    store::export(&mut exports)?;
    identity::export(&mut exports)?;
    keys::export(&mut exports)?;
    execution::export(&mut exports)?;
    session::export(&mut exports)?;
    configs::export(&mut exports)?;
    sessions::export(&mut exports)?;
    lint::export(&mut exports)
}
