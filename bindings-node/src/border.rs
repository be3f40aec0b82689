//! The border between one JavaScript environment and the core: arguments in, replies or errors out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{
    Either3, Env, FromNapiValue, Function, FunctionCallContext, JsObjectValue, Object, Uint8Array,
};
use sessile::{Code, Error, Execution, Result, Session, Store, Task, guard};

use crate::queue::{Queue, Wake};
use crate::reply::{NOTHING, PENDING, Reply, Value};
use crate::table::{Handle, Table};

/// What one environment (the main thread, or a worker) has of its own.
#[derive(Default)]
pub struct Border {
    table: RefCell<Table>,
    queue: Arc<Queue>,
    /// Operations under way; only the environment's thread counts them.
    pending: Cell<usize>,
}

impl Border {
    fn reply(&self, value: Value) -> Reply {
        value.into_reply(|entry| self.table.borrow_mut().insert(entry))
    }

    /// One more operation is under way: the event loop has to wait for it.
    fn began(&self, env: &Env) -> napi::Result<()> {
        self.pending.set(self.pending.get() + 1);
        if self.pending.get() == 1 { self.queue.hold_loop(env, true) } else { Ok(()) }
    }

    /// What has finished, flat: ticket, error text or nothing, value, and so on.
    fn drain(&self, env: &Env) -> napi::Result<Vec<Reply>> {
        let finished = self.queue.drain();
        if !finished.is_empty() {
            self.pending.set(self.pending.get().saturating_sub(finished.len()));
            if self.pending.get() == 0 {
                self.queue.hold_loop(env, false)?;
            }
        }
        let mut replies = Vec::with_capacity(finished.len() * 3);
        for (ticket, result) in finished {
            replies.push(Reply::F(ticket));
            match result {
                Ok(value) => replies.extend([NOTHING, self.reply(value)]),
                Err(error) => replies.extend([Reply::C(error_text(&error)), NOTHING]),
            }
        }
        Ok(replies)
    }

    /// The environment is going down. Operations under way finish on their threads and answer nobody.
    fn close(&self) {
        self.queue.disconnect();
        let table = self.table.borrow_mut().take_all();
        drop(table);
    }
}

/// Where the functions of the module are put.
pub struct Exports<'env> {
    target: Object<'env>,
    env: Env,
    border: Rc<Border>,
}

impl<'env> Exports<'env> {
    pub fn new(target: Object<'env>, env: Env) -> napi::Result<Exports<'env>> {
        let border = Rc::new(Border::default());
        env.add_env_cleanup_hook(border.clone(), |border| border.close())?;
        let mut exports = Exports { target, env, border };
        exports.scheduling()?;
        Ok(exports)
    }

    /// Exports a function of the core. A panic in it becomes `PANIC`. By convention its first argument is the handle
    /// it acts on, the second the ticket (0: synchronous).
    pub fn define(&mut self, name: &str, body: impl Fn(&Call<'_, '_>) -> Result<Answer> + 'static) -> napi::Result<()> {
        let border = self.border.clone();
        let function: Function<'_, (), Reply> =
            self.env.create_function_from_closure(name, move |context| {
                match guard(|| body(&Call { context: &context, border: &border })) {
                    Ok(Answer::Now(value)) => Ok(border.reply(value)),
                    Ok(Answer::Later) => border.began(context.env).map(|()| PENDING),
                    Err(error) => Err(napi::Error::from_reason(error_text(&error))),
                }
            })?;
        self.target.set_named_property(name, function)
    }

    /// `connect(settle)`, `drain()` and `release(handle)`.
    fn scheduling(&mut self) -> napi::Result<()> {
        let border = self.border.clone();
        let connect: Function<'_, (), ()> = self.env.create_function_from_closure("connect", move |context| {
            let settle: Function<'_, (), napi::bindgen_prelude::Unknown<'static>> = context.get(0)?;
            let wake: Wake = settle.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
            border.queue.connect(wake);
            Ok(())
        })?;
        self.target.set_named_property("connect", connect)?;

        let border = self.border.clone();
        let drain: Function<'_, (), Vec<Reply>> =
            self.env.create_function_from_closure("drain", move |context| border.drain(context.env))?;
        self.target.set_named_property("drain", drain)?;

        self.define("release", |call| {
            let entry = call.border.table.borrow_mut().remove(call.handle(0)?);
            drop(entry);
            call.now(Value::Nothing)
        })
    }
}

/// What a native call comes to.
pub enum Answer {
    Now(Value),
    /// It is under way and will be in the queue under its ticket.
    Later,
}

/// One call: its arguments, and the border it came to.
pub struct Call<'call, 'scope> {
    context: &'call FunctionCallContext<'scope>,
    pub border: &'call Border,
}

impl Call<'_, '_> {
    pub fn now(&self, value: Value) -> Result<Answer> {
        Ok(Answer::Now(value))
    }

    /// Waits for the task where we stand (ticket 0), or starts it.
    pub fn answer<T: Send + 'static>(
        &self,
        task: Task<T>,
        into: impl FnOnce(T) -> Result<Value> + Clone + Send + 'static,
    ) -> Result<Answer> {
        let ticket = self.number(1)?;
        if ticket == 0.0 {
            return task.wait().and_then(into).map(Answer::Now);
        }
        let (queue, later) = (self.border.queue.clone(), into.clone());
        match task.start(move |result| queue.push(ticket, result.and_then(later))) {
            Some(result) => result.and_then(into).map(Answer::Now),
            None => Ok(Answer::Later),
        }
    }

    pub fn on_table<T>(&self, look: impl FnOnce(&Table) -> Result<T>) -> Result<T> {
        look(&self.border.table.borrow())
    }

    /// The store, execution or session that the first argument stands for.
    pub fn on_store<T>(&self, act: impl FnOnce(&Store) -> T) -> Result<T> {
        let handle = self.handle(0)?;
        self.on_table(|table| table.store(handle).map(act))
    }

    pub fn on_execution<T>(&self, act: impl FnOnce(&Execution) -> T) -> Result<T> {
        let handle = self.handle(0)?;
        self.on_table(|table| table.execution(handle).map(act))
    }

    pub fn on_session<T>(&self, act: impl FnOnce(&Session) -> T) -> Result<T> {
        let handle = self.handle(0)?;
        self.on_table(|table| table.session(handle).map(act))
    }

    fn argument<T: FromNapiValue>(&self, index: usize, wanted: &str) -> Result<T> {
        self.context
            .get(index)
            .map_err(|_| Error::new(Code::InvalidArgument, format!("argument {index}: {wanted} is expected")))
    }

    fn optional<T: FromNapiValue>(&self, index: usize, wanted: &str) -> Result<Option<T>> {
        if index < self.context.length() { self.argument(index, wanted) } else { Ok(None) }
    }

    pub fn handle(&self, index: usize) -> Result<Handle> {
        self.argument(index, "a handle")
    }

    pub fn optional_handle(&self, index: usize) -> Result<Option<Handle>> {
        self.optional(index, "a handle")
    }

    pub fn number(&self, index: usize) -> Result<f64> {
        self.argument(index, "a number")
    }

    pub fn optional_number(&self, index: usize) -> Result<Option<f64>> {
        self.optional(index, "a number")
    }

    pub fn flag(&self, index: usize) -> Result<bool> {
        self.argument(index, "a boolean")
    }

    pub fn text(&self, index: usize) -> Result<String> {
        self.argument(index, "a string")
    }

    pub fn optional_text(&self, index: usize) -> Result<Option<String>> {
        self.optional(index, "a string")
    }

    pub fn texts(&self, index: usize) -> Result<Vec<String>> {
        self.argument(index, "an array of strings")
    }

    pub fn bytes(&self, index: usize) -> Result<Uint8Array> {
        self.argument(index, "a Uint8Array")
    }

    /// JSON text, as a string or as bytes of UTF-8.
    pub fn text_or_bytes(&self, index: usize) -> Result<Option<Vec<u8>>> {
        match self.optional::<Either3<String, Uint8Array, ()>>(index, "a string or a Uint8Array")? {
            Some(Either3::A(text)) => Ok(Some(text.into_bytes())),
            Some(Either3::B(bytes)) => Ok(Some(bytes.to_vec())),
            Some(Either3::C(())) | None => Ok(None),
        }
    }

    /// A ttl in whole seconds; that it is at least 1 is the core's to say.
    pub fn ttl(&self, index: usize) -> Result<Option<u64>> {
        match self.optional::<f64>(index, "a number of seconds")? {
            None => Ok(None),
            Some(seconds) => whole(seconds, "ttl").map(Some),
        }
    }
}

/// A JavaScript number as a whole one, never negative.
pub fn whole(number: f64, what: &str) -> Result<u64> {
    const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=MAX_SAFE).contains(&number) {
        Ok(number as u64)
    } else {
        Err(Error::new(Code::InvalidArgument, format!("{what}: a whole number of seconds is expected, at least 1")))
    }
}

/// How an error crosses: the façade knows it by its first member and makes a `SessileError` of it.
fn error_text(error: &Error) -> String {
    let (code, message) = (error.code().name(), serde_json::Value::from(error.message()));
    format!(r#"{{"sessile":"{code}","message":{message},"details":{}}}"#, error.details_json())
}
