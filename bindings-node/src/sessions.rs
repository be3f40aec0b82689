//! The life of users' sessions: `verb(store, ticket, …)`. Users, pages and replies are JSON text.

use crate::border::{Exports, whole};
use crate::reply;

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    tokens(exports)?;
    sessions(exports)?;
    users(exports)
}

fn tokens(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("sessionsStart", |call| {
        let (tag, data, ttl) = (call.text(2)?, call.text(3)?, call.ttl(4)?);
        call.answer(call.on_store(|store| store.sessions().start(&tag, &data, ttl))?, reply::text)
    })?;
    exports.define("sessionsVerify", |call| {
        let token = call.text(2)?;
        call.answer(call.on_store(|store| store.sessions().verify(&token))?, reply::verification)
    })?;
    exports.define("sessionsRefresh", |call| {
        let token = call.text(2)?;
        call.answer(call.on_store(|store| store.sessions().refresh(&token))?, reply::text)
    })
}

fn sessions(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("sessionsRevoke", |call| {
        let session = call.text(2)?;
        call.answer(call.on_store(|store| store.sessions().revoke(&session))?, reply::nothing)
    })?;
    exports.define("sessionsRevokeAll", |call| {
        let (tag, user, except) = (call.text(2)?, call.text(3)?, call.optional_text(4)?);
        call.answer(call.on_store(|store| store.sessions().revoke_all(&tag, &user, except.as_deref()))?, reply::count)
    })?;
    exports.define("sessionsList", |call| {
        let (tag, user, page) = (call.text(2)?, call.optional_text(3)?, call.text(4)?);
        let listed = call.on_store(|store| store.sessions().list(&tag, user.as_deref(), Some(&page)))?;
        call.answer(listed, reply::exact_text)
    })?;
    exports.define("sessionsUpdate", |call| {
        let (session, data) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_store(|store| store.sessions().update(&session, &data))?, reply::nothing)
    })?;
    exports.define("sessionsExtend", |call| {
        let (session, ttl) = (call.text(2)?, whole(call.number(3)?, "ttl")?);
        call.answer(call.on_store(|store| store.sessions().extend(&session, ttl))?, |end| reply::expiry(Some(end)))
    })
}

fn users(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("sessionsUsers", |call| {
        let (tag, page) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_store(|store| store.sessions().users(&tag, Some(&page)))?, reply::exact_text)
    })?;
    exports.define("sessionsUser", |call| {
        let (tag, user) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_store(|store| store.sessions().user(&tag, &user))?, reply::exact_text)
    })?;
    exports.define("sessionsDashboard", |call| {
        let tag = call.text(2)?;
        call.answer(call.on_store(|store| store.sessions().dashboard(&tag))?, reply::text)
    })?;
    exports.define("sessionsForget", |call| {
        let (tag, user) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_store(|store| store.sessions().forget(&tag, &user))?, reply::count)
    })
}
