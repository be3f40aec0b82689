//! Executions and their sub-processes.

use std::mem::MaybeUninit;

use sessile::{CommitOptions, Execution, Output, Result, Session, Step, Store};

use crate::border::{Out, enter, release};
use crate::buffer::{buffer, buffer_of, buffer_or_null, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{free, handle, look_up, sessile_execution_t, sessile_session_t, sessile_step_t, sessile_store_t};
use crate::text::sessile_str_t;

/// An execution with its store, by whose limits its steps are read.
pub(crate) struct Run {
    execution: Execution,
    store: Store,
}

impl Run {
    fn step(
        &self,
        step: &Step,
        message: Option<&str>,
        out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    ) -> Result<()> {
        let output = self.execution.step(step, message).wait()?;
        out.give_with(|| match output {
            Output::Unchanged => buffer_or_null(message),
            Output::Message(message) => buffer_of(message.into_bytes()),
        });
        Ok(())
    }
}

/// Starts an execution. `trigger` is JSON ({"type":"rest","security":"jwt"}) or absent, `token` a JWT or absent. It
/// never fails for its token: the first Global operation verifies it, and the error is that operation's.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_new(
    store: *mut sessile_store_t,
    trigger: sessile_str_t,
    token: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_execution_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let store = look_up(store)?;
        let execution = store.execution(trigger.optional("trigger")?, token.optional("token")?)?;
        out.write(handle(Run { execution, store: (*store).clone() })?);
        Ok(())
    })
}

/// Takes up an execution from a checkpoint (any bytes), at most 24 hours old. An execution that had an identity wants
/// a token of the same one.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_resume(
    store: *mut sessile_store_t,
    checkpoint: sessile_str_t,
    trigger: sessile_str_t,
    token: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_execution_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let store = look_up(store)?;
        let checkpoint = checkpoint.required_bytes("checkpoint")?;
        let execution = store.resume(checkpoint, trigger.optional("trigger")?, token.optional("token")?).wait()?;
        out.write(handle(Run { execution, store: (*store).clone() })?);
        Ok(())
    })
}

/// Runs a step given as JSON text. `message` is JSON text; absent or empty counts as {}. The output message: for PUT
/// and DELETE the message as it came, byte for byte (NULL if it was absent). `out` may be NULL if nobody reads it.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_step(
    execution: *mut sessile_execution_t,
    step: sessile_str_t,
    message: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let run = look_up(execution)?;
        let step = Step::parse_within(step.required("step")?, run.store.limits())?;
        run.step(&step, message.optional("message")?, out)
    })
}

/// Runs a step that was parsed before; see sessile_execution_step.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_run_step(
    execution: *mut sessile_execution_t,
    step: *mut sessile_step_t,
    message: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (run, step) = (look_up(execution)?, look_up(step)?);
        run.step(&step, message.optional("message")?, out)
    })
}

/// The shared Local session.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_local(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_session_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    session(execution, out, err, |run| Ok(run.local()))
}

/// This sub-process's own version of the Local session; at the root the shared one.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_scoped(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_session_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    session(execution, out, err, |run| Ok(run.scoped()))
}

/// The user's Global session of config `tag` (absent: the token's own, else "global"). It opens at its first verb,
/// which gives SESSILE_GLOBAL_NOT_ALLOWED or SESSILE_TOKEN_… if it may not.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_global(
    execution: *mut sessile_execution_t,
    tag: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_session_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    session(execution, out, err, |run| Ok(run.global(tag.optional("tag")?)))
}

/// This sub-process's own version of that Global session; sessile_session_commit writes its changes.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_scoped_global(
    execution: *mut sessile_execution_t,
    tag: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_session_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    session(execution, out, err, |run| Ok(run.scoped_global(tag.optional("tag")?)))
}

/// Starts a sub-process below this one, with its own version of the Local session.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_subprocess(
    execution: *mut sessile_execution_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_execution_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let run = look_up(execution)?;
        let execution = run.execution.subprocess(name.required("name")?)?;
        out.write(handle(Run { execution, store: run.store.clone() })?);
        Ok(())
    })
}

/// The open sub-process with that id, after sessile_execution_resume.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_subprocess_by_id(
    execution: *mut sessile_execution_t,
    id: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_execution_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let run = look_up(execution)?;
        let execution = run.execution.subprocess_by_id(id.required("id")?)?;
        out.write(handle(Run { execution, store: run.store.clone() })?);
        Ok(())
    })
}

/// Applies this sub-process's Local changes to its parent's version: {"put":[names],"deleted":[names]}. `exclusive`:
/// no field to be changed may have changed in the parent since the snapshot, else SESSILE_CONFLICT names them.
/// `out` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_commit(
    execution: *mut sessile_execution_t,
    exclusive: bool,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let committed = look_up(execution)?.execution.commit(CommitOptions { exclusive }).wait()?;
        out.give_with(|| buffer_of(committed.to_json().into_bytes()));
        Ok(())
    })
}

/// Ends a sub-process and all below it, discarding what was not committed; for the execution itself: closes it, and
/// its Local data is gone. The handle stays and wants to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_end(
    execution: *mut sessile_execution_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        look_up(execution)?.execution.end();
        Ok(())
    })
}

/// Puts a fresh token of the same identity in place.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_renew(
    execution: *mut sessile_execution_t,
    token: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(execution)?.execution.renew(token.required("token")?).wait())
}

/// The host's own name for what it is doing (a request's or a trace's id), 1 to 256 bytes, which the audit events of the
/// execution and its sub-processes then bear; absent: none any more.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_set_request_id(
    execution: *mut sessile_execution_t,
    id: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(execution)?.execution.set_request_id(id.optional("id")?))
}

/// The Local state, sealed: bytes, not text, for sessile_execution_resume.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_checkpoint(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(look_up(execution)?.execution.checkpoint().wait()?));
        Ok(())
    })
}

/// The execution's id: 32 hex digits, the same for all its sub-processes.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_id(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer(look_up(execution)?.execution.id().as_bytes()));
        Ok(())
    })
}

/// The id of this sub-process: its path from the root, "" for the execution itself, then "1", "1.3".
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_subprocess_id(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer(look_up(execution)?.execution.subprocess_id().as_bytes()));
        Ok(())
    })
}

/// The name given to this sub-process; "" for the execution itself.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_name(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer(look_up(execution)?.execution.name().as_bytes()));
        Ok(())
    })
}

/// Frees the handle. Local data that was not ended goes with the last handle of its execution, sub-processes and
/// sessions. NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_execution_free(execution: *mut sessile_execution_t) {
    release(|| free(execution));
}

fn session(
    execution: *mut sessile_execution_t,
    out: Option<&mut MaybeUninit<*mut sessile_session_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
    of: impl FnOnce(&Execution) -> Result<Session>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(handle(of(&look_up(execution)?.execution)?)?);
        Ok(())
    })
}
