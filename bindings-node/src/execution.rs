//! Executions, sub-processes and steps.

use sessile::{Code, CommitOptions, Error, Exactness, Execution, Output, Result, Step};

use crate::border::{Answer, Call, Exports};
use crate::reply::{self, Value};
use crate::table::Entry;

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("executionId", |call| call.now(Value::Text(call.on_execution(|run| run.id().to_owned())?)))?;
    exports.define("executionSubprocessId", |call| {
        call.now(Value::Text(call.on_execution(|run| run.subprocess_id().to_owned())?))
    })?;
    exports.define("executionName", |call| call.now(Value::Text(call.on_execution(|run| run.name().to_owned())?)))?;

    exports.define("executionLocal", |call| session(call, Execution::local))?;
    exports.define("executionScoped", |call| session(call, Execution::scoped))?;
    exports.define("executionGlobal", |call| {
        let tag = call.optional_text(1)?;
        session(call, |run| run.global(tag.as_deref()))
    })?;
    exports.define("executionScopedGlobal", |call| {
        let tag = call.optional_text(1)?;
        session(call, |run| run.scoped_global(tag.as_deref()))
    })?;

    exports.define("executionSubprocess", |call| {
        let name = call.text(1)?;
        call.now(Value::Entry(Entry::Execution(call.on_execution(|run| run.subprocess(&name))??)))
    })?;
    exports.define("executionSubprocessById", |call| {
        let id = call.text(1)?;
        call.now(Value::Entry(Entry::Execution(call.on_execution(|run| run.subprocess_by_id(&id))??)))
    })?;
    exports.define("executionCommit", |call| {
        let options = CommitOptions { exclusive: call.flag(2)? };
        call.answer(call.on_execution(|run| run.commit(options))?, reply::committed)
    })?;
    exports.define("executionEnd", |call| {
        call.on_execution(Execution::end)?;
        call.now(Value::Nothing)
    })?;
    exports.define("executionRenew", |call| {
        let token = call.text(2)?;
        call.answer(call.on_execution(|run| run.renew(&token))?, reply::nothing)
    })?;
    exports
        .define("executionCheckpoint", |call| call.answer(call.on_execution(Execution::checkpoint)?, reply::bytes))?;

    // stepParse(text, store?): within the limits of the store, or the defaults.
    exports.define("stepParse", |call| {
        let text = call.text(0)?;
        let step = match call.optional_handle(1)? {
            None => Step::parse(&text)?,
            Some(store) => call.on_table(|table| Step::parse_within(&text, table.store(store)?.limits()))?,
        };
        call.now(Value::Entry(Entry::Step(step)))
    })?;
    // The operation, then the names that cross in object mode.
    exports.define("stepShape", |call| {
        let handle = call.handle(0)?;
        let shape = call.on_table(|table| {
            let step = table.step(handle)?;
            Ok(std::iter::once(step.operation()).chain(step.fields()).map(str::to_owned).collect())
        })?;
        call.now(Value::Texts(shape))
    })?;
    exports.define("stepJson", |call| {
        let handle = call.handle(0)?;
        call.now(Value::Text(call.on_table(|table| Ok(table.step(handle)?.to_json()))?))
    })?;

    // step(execution, ticket, step, message?): nothing = the message as it came.
    exports.define("step", |call| {
        let message = call.optional_text(3)?;
        step(call, message.as_deref(), |output| {
            Ok(match output {
                Output::Unchanged => Value::Nothing,
                Output::Message(message) => Value::Text(message),
            })
        })
    })?;
    exports.define("stepBytes", |call| {
        let message = call.bytes(3)?;
        let not_text = |_| Error::new(Code::InvalidJson, "the message is not UTF-8");
        step(call, Some(std::str::from_utf8(&message).map_err(not_text)?), |output| {
            Ok(match output {
                Output::Unchanged => Value::Nothing,
                Output::Message(message) => Value::Bytes(message.into_bytes()),
            })
        })
    })?;
    // Object mode: the message holds only what the step names, and the output is read as JavaScript values.
    exports.define("stepObject", |call| {
        let message = call.optional_text(3)?;
        step(call, message.as_deref(), |output| {
            output.check_exact(Exactness::Double)?;
            Ok(match output {
                Output::Unchanged => Value::Nothing,
                Output::Message(message) => Value::Text(message),
            })
        })
    })
}

fn session(call: &Call<'_, '_>, of: impl FnOnce(&Execution) -> sessile::Session) -> Result<Answer> {
    call.now(Value::Entry(Entry::Session(call.on_execution(of)?)))
}

fn step(call: &Call<'_, '_>, message: Option<&str>, into: fn(Output) -> Result<Value>) -> Result<Answer> {
    let (execution, step) = (call.handle(0)?, call.handle(2)?);
    let task = call.on_table(|table| Ok(table.execution(execution)?.step(table.step(step)?, message)))?;
    call.answer(task, into)
}
