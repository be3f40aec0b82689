//! Stores, clocks, tokens.

use serde_json::json;
use sessile::{Clock, Code, Error, Options, Result, Store, Time, VerifiedToken};

use crate::border::{Exports, whole};
use crate::reply::{self, Value};
use crate::table::Entry;

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("codes", |call| {
        let codes = Code::ALL.iter().map(|code| {
            let (number, category) = (code.number(), code.category().as_str());
            format!(
                r#""{}":{{"number":{number},"category":"{category}","retryable":{}}}"#,
                code.name(),
                code.retryable()
            )
        });
        call.now(Value::Text(format!("{{{}}}", codes.collect::<Vec<_>>().join(","))))
    })?;

    exports.define("clockManual", |call| call.now(Value::Entry(Entry::Clock(Clock::manual(time(call.number(0)?))))))?;
    exports.define("clockNow", |call| {
        let handle = call.handle(0)?;
        let now = call.on_table(|table| Ok(table.clock(handle)?.now()))?;
        call.now(Value::Number(now.millis() as f64))
    })?;
    exports.define("clockSet", |call| {
        let (handle, to) = (call.handle(0)?, time(call.number(1)?));
        call.on_table(|table| table.clock(handle)?.set(to))?;
        call.now(Value::Nothing)
    })?;
    exports.define("clockAdvance", |call| {
        let (handle, by) = (call.handle(0)?, call.number(1)? as i64);
        call.on_table(|table| table.clock(handle)?.advance(by))?;
        call.now(Value::Nothing)
    })?;

    // options(text, ticket, [clock, keyringEnv, keyringBytes, backendPassword, issuer, secret, issuer, secret, …])
    exports.define("storeOpen", |call| {
        let mut options = Options::from_json(&call.text(0)?)?;
        if let Some(handle) = call.optional_handle(2)? {
            options = options.clock(call.on_table(|table| table.clock(handle).cloned())?);
        }
        if let Some(variable) = call.optional_text(3)? {
            options = options.keyring_env(&variable);
        }
        if let Some(bytes) = call.text_or_bytes(4)? {
            options = options.keyring_bytes(&bytes);
        }
        if let Some(password) = call.optional_text(5)? {
            options = options.backend_password(&password);
        }
        let mut next = 6;
        while let Some(issuer) = call.optional_text(next)? {
            options = options.issuer_secret(&issuer, &call.bytes(next + 1)?);
            next += 2;
        }
        call.answer(Store::open(options), store)
    })?;
    exports.define("storeSweep", |call| {
        let budget = count(call.number(2)?, "budget")?;
        call.answer(call.on_store(|store| store.sweep(budget))?, reply::count)
    })?;
    exports.define("storeHasEvents", |call| call.now(Value::Flag(call.on_store(Store::has_events)?)))?;
    // A JSON array.
    exports.define("storeDrainEvents", |call| {
        let max = count(call.number(1)?, "max")?;
        let events = call.on_store(|store| store.drain_events(max as usize))?;
        call.now(Value::Text(format!("[{}]", events.join(","))))
    })?;
    exports.define("storeFlush", |call| call.answer(call.on_store(Store::flush)?, reply::nothing))?;
    exports.define("storeBackup", |call| {
        let path = call.text(2)?;
        call.answer(call.on_store(|store| store.backup(&path))?, reply::nothing)
    })?;
    exports.define("storeCheck", |call| call.answer(call.on_store(Store::check)?, reply::text))?;
    exports.define("storeClose", |call| call.answer(call.on_store(Store::close)?, reply::nothing))?;
    exports.define("storeExecution", |call| {
        let (trigger, token, request_id) = (call.optional_text(1)?, call.optional_text(2)?, call.optional_text(3)?);
        let execution = call.on_store(|store| store.execution(trigger.as_deref(), token.as_deref()))??;
        execution.set_request_id(request_id.as_deref())?;
        call.now(Value::Entry(Entry::Execution(execution)))
    })?;
    exports.define("storeResume", |call| {
        let (checkpoint, trigger, token) = (call.bytes(2)?, call.optional_text(3)?, call.optional_text(4)?);
        let request_id = call.optional_text(5)?;
        let resumed = call.on_store(|store| store.resume(&checkpoint, trigger.as_deref(), token.as_deref()))?;
        call.answer(resumed, move |execution| {
            execution.set_request_id(request_id.as_deref())?;
            Ok(Value::Entry(Entry::Execution(execution)))
        })
    })?;
    exports.define("storeVerify", |call| {
        let token = call.text(2)?;
        call.answer(call.on_store(|store| store.verify(&token))?, |token| Ok(Value::Entry(Entry::Token(token))))
    })?;
    exports.define("storeGlobal", |call| {
        let (store, token, tag) = (call.handle(0)?, call.handle(1)?, call.optional_text(2)?);
        let session = call.on_table(|table| table.store(store)?.global(table.token(token)?, tag.as_deref()))?;
        call.now(Value::Entry(Entry::Session(session)))
    })?;
    exports.define("tokenClaims", |call| {
        let handle = call.handle(0)?;
        call.now(call.on_table(|table| Ok(claims(table.token(handle)?)))?)
    })?;
    exports.define("tokensIssue", |call| {
        let (claims, ttl) = (call.text(2)?, whole(call.number(3)?, "ttl")?);
        call.answer(call.on_store(|store| store.tokens().issue(&claims, ttl))?, reply::text)
    })?;
    exports.define("tokensJwks", |call| call.answer(call.on_store(|store| store.tokens().jwks())?, reply::text))
}

fn store(store: Store) -> Result<Value> {
    Ok(Value::Entry(Entry::Store(store)))
}

/// How many at most.
fn count(number: f64, what: &str) -> Result<u32> {
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        Ok(number as u32)
    } else {
        let wanted = format!("{what}: a whole number from 0 to {} is expected", u32::MAX);
        Err(Error::new(Code::InvalidArgument, wanted))
    }
}

/// What a proof says, as JSON text; times in milliseconds since 1970.
fn claims(token: &VerifiedToken) -> Value {
    let claims = json!({
        "realm": token.realm(),
        "subject": token.subject(),
        "issuer": token.issuer(),
        "id": token.id(),
        "issuedAt": token.issued_at().millis(),
        "expiresAt": token.expires_at().millis(),
        "acr": token.acr(),
        "authenticatedAt": token.authenticated_at().map(Time::millis),
    });
    Value::Text(claims.to_string())
}

fn time(millis: f64) -> Time {
    Time::from_millis(millis as i64)
}
