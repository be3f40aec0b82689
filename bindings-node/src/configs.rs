//! The configurations of a store: `verb(store, ticket, …)`. Definitions and replies are JSON text.

use crate::border::Exports;
use crate::reply::{self, Value};

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("configsCreate", |call| {
        let definition = call.text(2)?;
        call.answer(call.on_store(|store| store.configs().create(&definition))?, reply::exact_text)
    })?;
    exports.define("configsGet", |call| {
        let tag = call.text(2)?;
        call.answer(call.on_store(|store| store.configs().get(&tag))?, reply::exact_text)
    })?;
    exports.define("configsList", |call| {
        let page = call.text(2)?;
        call.answer(call.on_store(|store| store.configs().list(Some(&page)))?, reply::exact_text)
    })?;
    exports.define("configsUpdate", |call| {
        let (tag, changes) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_store(|store| store.configs().update(&tag, &changes))?, reply::exact_text)
    })?;
    exports.define("configsDelete", |call| {
        let (tag, force) = (call.text(2)?, call.flag(3)?);
        call.answer(call.on_store(|store| store.configs().delete(&tag, force))?, reply::nothing)
    })?;
    exports.define("configsExport", |call| {
        let tags = call.optional_text(2)?;
        call.answer(call.on_store(|store| store.configs().export(tags.as_deref()))?, reply::exact_text)
    })?;
    exports.define("configsImport", |call| {
        let (document, replace) = (call.text(2)?, call.flag(3)?);
        call.answer(call.on_store(|store| store.configs().import(&document, replace))?, reply::text)
    })?;
    exports.define("selectorOptions", |call| call.now(Value::Text(sessile::selector_options(&call.text(0)?)?)))
}
