//! Sessions and their verbs: Local, Scoped and Global alike.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use sessile::{CommitOptions, Json};

use crate::border::{Out, enter, release};
use crate::buffer::{buffer, buffer_of, buffer_or_null, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{free, look_up, sessile_session_t};
use crate::text::{sessile_str_t, texts, ttl as seconds};
use crate::update::{self, sessile_update_fn};

/// One field's value as JSON text; *out = NULL if it is absent.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_get(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let value = look_up(session)?.get(name.required("name")?).wait()?;
        out.write(buffer_or_null(value.as_ref().map(Json::as_str)));
        Ok(())
    })
}

/// Those of the `count` fields that are there, as one JSON object in the order asked for.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_get_many(
    session: *mut sessile_session_t,
    names: *const sessile_str_t,
    count: usize,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        // SAFETY: the header demands `count` readable slices at `names`; the borrow ends with this call.
        let names = unsafe { texts(names, count, "names") }?;
        out.write(buffer_of(look_up(session)?.get_many(&names).wait()?.to_json().into_bytes()));
        Ok(())
    })
}

/// One field's value with its version, an opaque text compared for equality; both NULL if the field is absent.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_get_versioned(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    version: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (out, version) = (out.required("out")?, version.required("version")?);
        let found = look_up(session)?.get_versioned(name.required("name")?).wait()?;
        out.write(buffer_or_null(found.as_ref().map(|found| found.value.as_str())));
        version.write(buffer_or_null(found.as_ref().map(|found| found.version.as_str())));
        Ok(())
    })
}

/// All fields as one JSON object, sorted by name.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_all(
    session: *mut sessile_session_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(look_up(session)?.all().wait()?.to_json().into_bytes()));
        Ok(())
    })
}

/// The names of all fields as a JSON array, sorted. On a Global session it reads and opens every field.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_keys(
    session: *mut sessile_session_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let names = look_up(session)?.keys().wait()?;
        out.write(buffer_of(serde_json::Value::from(names).to_string().into_bytes()));
        Ok(())
    })
}

/// Whether the field is there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_contains(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<bool>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(look_up(session)?.contains(name.required("name")?).wait()?);
        Ok(())
    })
}

/// Puts every member of `fields` (a JSON object), all or nothing. `ttl`: whole seconds until they go, at least 1, or
/// SESSILE_NO_TTL.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_put(
    session: *mut sessile_session_t,
    fields: sessile_str_t,
    ttl: u64,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(session)?.put(fields.required("fields")?, seconds(ttl)).wait())
}

/// Puts one field. `value` is JSON text; `ttl` as in sessile_session_put.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_put_one(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    value: sessile_str_t,
    ttl: u64,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(session)?.put_one(name.required("name")?, value.required("value")?, seconds(ttl)).wait())
}

/// Deletes `count` fields; absent ones are no error. `deleted` (may be NULL): how many were there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_delete(
    session: *mut sessile_session_t,
    names: *const sessile_str_t,
    count: usize,
    deleted: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        // SAFETY: the header demands `count` readable slices at `names`; the borrow ends with this call.
        let names = unsafe { texts(names, count, "names") }?;
        deleted.give(look_up(session)?.delete(&names).wait()?);
        Ok(())
    })
}

/// Deletes all fields. `deleted` (may be NULL): how many were there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_clear(
    session: *mut sessile_session_t,
    deleted: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        deleted.give(look_up(session)?.clear().wait()?);
        Ok(())
    })
}

/// Adds `by` (a JSON number) to a number field; an absent one counts as 0. Integers stay exact within 64 bits.
/// `sum` (may be NULL): the new value as JSON text.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_increment(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    by: sessile_str_t,
    sum: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let value = look_up(session)?.increment(name.required("name")?, by.required("by")?).wait()?;
        sum.give_with(|| buffer(value.as_str().as_bytes()));
        Ok(())
    })
}

/// Appends the elements of `values` (a JSON array) to an array field; an absent one counts as empty. `length` (may be
/// NULL): how many elements it has now.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_append(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    values: sessile_str_t,
    length: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        length.give(look_up(session)?.append(name.required("name")?, values.required("values")?).wait()?);
        Ok(())
    })
}

/// Puts a field that is not there yet. `put` (may be NULL): whether it was put.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_put_if_absent(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    value: sessile_str_t,
    ttl: u64,
    put: Option<&mut MaybeUninit<bool>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (name, value) = (name.required("name")?, value.required("value")?);
        put.give(look_up(session)?.put_if_absent(name, value, seconds(ttl)).wait()?);
        Ok(())
    })
}

/// Gets and deletes a field; *out = NULL if it is absent.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_take(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let value = look_up(session)?.take(name.required("name")?).wait()?;
        out.write(buffer_or_null(value.as_ref().map(Json::as_str)));
        Ok(())
    })
}

/// Puts a field if its version is `version` (absent: if the field is absent), else SESSILE_CONFLICT. `new_version`
/// may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_put_if(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    value: sessile_str_t,
    version: sessile_str_t,
    ttl: u64,
    new_version: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (name, value) = (name.required("name")?, value.required("value")?);
        let put = look_up(session)?.put_if(name, value, version.optional("version")?, seconds(ttl)).wait()?;
        new_version.give_with(|| buffer_of(put.into_bytes()));
        Ok(())
    })
}

/// Reads a field, lets `change` make its new value, and puts that if nobody changed the field meanwhile; else once
/// more, until the deadline, then SESSILE_CONFLICT. `change` is called on this thread, outside any lock.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_update(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    change: sessile_update_fn,
    user_data: *mut c_void,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    let mut given_up = 0;
    let status = enter(err, || {
        given_up = update::run(&*look_up(session)?, name.required("name")?, change, user_data)?;
        Ok(())
    });
    if status == 0 { given_up } else { status }
}

/// The value at a JSON Pointer inside a field ("": the field itself); *out = NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_get_path(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    pointer: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let value = look_up(session)?.get_path(name.required("name")?, pointer.required("pointer")?).wait()?;
        out.write(buffer_or_null(value.as_ref().map(Json::as_str)));
        Ok(())
    })
}

/// Sets the value at a JSON Pointer inside a field; "-" appends to an array. A missing parent is SESSILE_NOT_FOUND.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_put_path(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    pointer: sessile_str_t,
    value: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (name, pointer) = (name.required("name")?, pointer.required("pointer")?);
        look_up(session)?.put_path(name, pointer, value.required("value")?).wait()
    })
}

/// Removes the value at a JSON Pointer inside a field. `deleted` (may be NULL): whether it was there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_delete_path(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    pointer: sessile_str_t,
    deleted: Option<&mut MaybeUninit<bool>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (name, pointer) = (name.required("name")?, pointer.required("pointer")?);
        deleted.give(look_up(session)?.delete_path(name, pointer).wait()?);
        Ok(())
    })
}

/// Sets a field's ttl in whole seconds, at least 1; SESSILE_NO_TTL removes it. `found` (may be NULL): whether the
/// field is there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_set_ttl(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    ttl: u64,
    found: Option<&mut MaybeUninit<bool>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        found.give(look_up(session)?.set_ttl(name.required("name")?, seconds(ttl)).wait()?);
        Ok(())
    })
}

/// When a field goes, as JSON text: an RFC 3339 string, or null if it stays; *out = NULL if the field is absent.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_expires_at(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let found = look_up(session)?.expires_at(name.required("name")?).wait()?;
        let json = found.map(|expires| serde_json::Value::from(expires.map(|time| time.to_string())).to_string());
        out.write(buffer_or_null(json.as_deref()));
        Ok(())
    })
}

/// Version and times: {"version":…,"createdAt":…,"updatedAt":…,"expiresAt":…,"lastSeenAt":…}; *out = NULL for a
/// Global session that nobody began.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_info(
    session: *mut sessile_session_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let info = look_up(session)?.info().wait()?.map(|info| info.to_json());
        out.write(buffer_or_null(info.as_deref()));
        Ok(())
    })
}

/// Ends the session: Local is emptied, a Global one is over for everybody who holds it.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_end(
    session: *mut sessile_session_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(session)?.end().wait())
}

/// For a session of sessile_execution_scoped_global: writes its changes, see sessile_execution_commit. `out` may be
/// NULL. Elsewhere SESSILE_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_commit(
    session: *mut sessile_session_t,
    exclusive: bool,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let committed = look_up(session)?.commit(CommitOptions { exclusive }).wait()?;
        out.give_with(|| buffer_of(committed.to_json().into_bytes()));
        Ok(())
    })
}

/// Frees the handle, not the session. NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_session_free(session: *mut sessile_session_t) {
    release(|| free(session));
}
