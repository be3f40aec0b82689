//! Keys: keyrings and their files, and the keys of an open store (`verb(store, ticket, …)`).

use sessile::{Keyring, Result, Store};

use crate::border::Exports;
use crate::reply::{self, Value};

/// One step of a key's life, in the file at a path.
type Step = fn(String, &str) -> Result<()>;

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    keyrings(exports)?;
    stores(exports)
}

fn keyrings(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("keyringGenerate", |call| {
        Keyring::generate(call.text(0)?).map(|()| Value::Nothing).and_then(|value| call.now(value))
    })?;
    exports.define("keyringGenerateJson", |call| call.now(Value::Text(Keyring::generate_json()?)))?;
    exports.define("keyringAdd", |call| {
        let added = Keyring::add(call.text(0)?, &call.text(1)?)?;
        call.now(Value::Text(added))
    })?;
    let steps: [(&str, Step); 4] = [
        ("keyringPromote", Keyring::promote),
        ("keyringRetire", Keyring::retire),
        ("keyringRevoke", Keyring::revoke),
        ("keyringDrop", Keyring::drop),
    ];
    for (name, step) in steps {
        exports.define(name, move |call| {
            step(call.text(0)?, &call.text(1)?)?;
            call.now(Value::Nothing)
        })?;
    }
    exports.define("keyringDescribe", |call| call.now(Value::Text(Keyring::describe(call.text(0)?)?)))
}

fn stores(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("storeReloadKeys", |call| {
        let keyring = call.text_or_bytes(2)?;
        call.answer(call.on_store(|store| store.reload_keys(keyring.as_deref()))?, reply::nothing)
    })?;
    exports.define("storeRewrap", |call| {
        let page = call.text(2)?;
        call.answer(call.on_store(|store| store.rewrap(Some(&page)))?, reply::text)
    })?;
    exports.define("storeCopyTo", |call| {
        let (other, page) = (call.handle(2)?, call.text(3)?);
        let other = call.on_table(|table| table.store(other).cloned())?;
        call.answer(call.on_store(|store| store.copy_to(&other, Some(&page)))?, reply::text)
    })?;
    exports.define("storeKeyUsage", |call| call.answer(call.on_store(Store::key_usage)?, reply::text))?;
    exports.define("storeDropKey", |call| {
        let key = call.text(2)?;
        call.answer(call.on_store(|store| store.drop_key(&key))?, reply::nothing)
    })
}
