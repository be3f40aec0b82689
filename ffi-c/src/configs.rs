//! The configurations of a store: made, read, changed, deleted, carried over.

use std::mem::MaybeUninit;

use crate::border::{Out, enter};
use crate::buffer::{buffer_of, enter_text, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{look_up, sessile_store_t};
use crate::text::sessile_str_t;

/// Makes a configuration: a kind of session, named by its tag within the store's workspace, product and env.
///
/// `definition` is a JSON object; all but its name may be left out:
/// {"name":"User session","tag":"user_session","description":"Who is signed in to the shop",
/// "expiry":7,"period":"months","idle":{"value":30,"period":"mins"},
/// "schema":{"userId":"string","email":"string","role":"string"},"form":"shorthand","selector":"userId",
/// "tokenExpiry":24,"tokenPeriod":"hours","refreshExpiry":30,"refreshPeriod":"days",
/// "maxSessionsPerUser":5,"onLimit":"evict_oldest","shred":false,"refreshGrace":10,
/// "maxLifetime":{"value":1,"period":"years"},"retention":{"value":90,"period":"days"},"acr":["mfa"],"maxAuthAge":3600}
///
/// - name: 1 to 120 characters; tag: [a-z0-9][a-z0-9._-]{0,63}, made of the name by default.
/// - expiry, idle, tokenExpiry, refreshExpiry, maxLifetime, retention: a whole number from 1 of secs, mins, hours,
///   days, weeks, months or years, in any case, singular or plural. An expiry of null: never; a retention: for ever.
/// - schema: field names and type words (form "shorthand"), sample data ("sample") or a JSON Schema ("json-schema").
/// - selector: the schema's field that names the user, one of sessile_selector_options; without it nothing starts.
/// - onLimit: "evict_oldest" or "reject"; refreshGrace: 0 to 3600 seconds; acr: one text or several; maxAuthAge: seconds.
///
/// `out` (may be NULL): the configuration as it is now in force, with every member of a definition, defaults filled in,
/// and those that the store adds:
/// {"tag":"user_session","name":"User session",...,"selector":"$Session{userId}","selectorType":"string",
/// "jsonSchema":{...},"schemaClass":"separable","version":1,"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"..."}
/// Without a schema form, jsonSchema, schemaClass, selector and selectorType are null, like the schema.
///
/// SESSILE_CONFIG_INVALID: the details say which "member" and what was "given", of an unknown one the "nearest" that
/// there is; SESSILE_ALREADY_EXISTS: the tag is taken; SESSILE_INVALID_JSON; SESSILE_LIMIT_EXCEEDED.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_create(
    store: *mut sessile_store_t,
    definition: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let config = look_up(store)?.configs().create(definition.required("definition")?).wait()?;
        out.give_with(|| buffer_of(config.into_bytes()));
        Ok(())
    })
}

/// The configuration with this tag, as sessile_configs_create gives it; SESSILE_NOT_FOUND. The built-in "global" is
/// there too; its createdAt and updatedAt are null.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_get(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.configs().get(tag.required("tag")?).wait())
}

/// All configurations, sorted by tag, a page at a time: {"configs":[{"tag":"global",...},...],"nextCursor":null}.
/// `page` is a JSON object, {"limit":100,"cursor":"..."}, both optional, or absent: at most so many (1 to 1000, 100 by
/// default), from where the page before said in its nextCursor, which is null on the last. A page that is not so:
/// SESSILE_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_list(
    store: *mut sessile_store_t,
    page: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.configs().list(page.optional("page")?).wait())
}

/// Changes a configuration. `changes` is a JSON object of a definition's members (sessile_configs_create) with their
/// new values; null resets one to its default, what is not named stays. Tag, selector and shred can't change. Times and
/// quota count for sessions begun afterwards, the schema for writes afterwards. `out` (may be NULL): the configuration
/// as it is now. SESSILE_NOT_FOUND, SESSILE_CONFIG_INVALID; "global" can't change.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_update(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    changes: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (tag, changes) = (tag.required("tag")?, changes.required("changes")?);
        let config = look_up(store)?.configs().update(tag, changes).wait()?;
        out.give_with(|| buffer_of(config.into_bytes()));
        Ok(())
    })
}

/// Deletes a configuration: SESSILE_CONFLICT while sessions of it live, unless `force`, which ends them. It takes a
/// second and the deadline of an operation: until then other processes may still hold it. SESSILE_NOT_FOUND,
/// SESSILE_CONFIG_INVALID ("global" stays).
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_delete(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    force: bool,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.configs().delete(tag.required("tag")?, force).wait())
}

/// Definitions to carry over to another workspace, product, env or store, for sessile_configs_import:
/// {"sessileConfigs":1,"configs":[{"name":"User session","tag":"user_session",...},...]}. `tags` is a JSON array of
/// tags, or absent: all. "global" is never among them: every store has it.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_export(
    store: *mut sessile_store_t,
    tags: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.configs().export(tags.optional("tags")?).wait())
}

/// Takes in a document of sessile_configs_export. `replace`: a configuration that is there with another definition is
/// updated, else it is an error. `out` (may be NULL): what became of each tag,
/// {"created":["user_session"],"updated":[],"unchanged":[]}.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_configs_import(
    store: *mut sessile_store_t,
    document: sessile_str_t,
    replace: bool,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let imported = look_up(store)?.configs().import(document.required("document")?, replace).wait()?;
        out.give_with(|| buffer_of(imported.into_bytes()));
        Ok(())
    })
}

/// The fields that a configuration with this schema (JSON text, in any of its three forms) may take as its selector, in
/// the schema's order: [{"selector":"$Session{userId}","path":"userId","type":"string"}]. `type` is string, integer,
/// number or boolean; a definition takes either spelling, selector or path. SESSILE_CONFIG_INVALID says what is wrong
/// with the schema and where.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_selector_options(
    schema: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || sessile::selector_options(schema.required("schema")?))
}
