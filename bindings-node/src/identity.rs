//! Revocations of tokens and issuers, logout tokens, and what there is to know of a store: `verb(store, ticket, …)`.

use sessile::{Store, Time};

use crate::border::Exports;
use crate::reply::{self, Value};

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("storeRevokeIssuer", |call| {
        let (issuer, not_before) = (call.text(2)?, call.optional_number(3)?);
        let not_before = not_before.map(|millis| Time::from_millis(millis as i64));
        call.answer(call.on_store(|store| store.revoke_issuer(&issuer, not_before))?, reply::nothing)
    })?;
    exports.define("storeRevokeToken", |call| {
        let token = call.text(2)?;
        call.answer(call.on_store(|store| store.revoke_token(&token))?, reply::nothing)
    })?;
    exports.define("storeRevokeTokenId", |call| {
        let (issuer, jti) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_store(|store| store.revoke_token_id(&issuer, &jti))?, reply::nothing)
    })?;
    exports.define("storeAcceptLogoutToken", |call| {
        let token = call.text(2)?;
        call.answer(call.on_store(|store| store.accept_logout_token(&token))?, reply::count)
    })?;
    exports.define("storeHealth", |call| call.answer(call.on_store(Store::health)?, reply::text))?;
    exports.define("storeStats", |call| call.now(Value::Text(call.on_store(Store::stats)?)))
}
