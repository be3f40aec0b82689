//! The verbs of a session, each for both modes: `verb(session, ticket, …)`.

use sessile::{CommitOptions, Exactness, Session};

use crate::border::Exports;
use crate::reply::{self, Value};
use crate::table::Entry;

pub fn export(exports: &mut Exports<'_>) -> napi::Result<()> {
    reads(exports)?;
    writes(exports)?;
    updates(exports)?;
    paths(exports)?;
    times(exports)
}

fn reads(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("get", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.get(&name))?, reply::exact)
    })?;
    exports.define("getRaw", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.get(&name))?, reply::raw)
    })?;
    exports.define("getMany", |call| {
        let names = call.texts(2)?;
        call.answer(call.on_session(|session| session.get_many(&strs(&names)))?, reply::exact_fields)
    })?;
    exports.define("getVersioned", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.get_versioned(&name))?, reply::versioned)
    })?;
    exports.define("all", |call| call.answer(call.on_session(Session::all)?, reply::exact_fields))?;
    exports.define("allRaw", |call| call.answer(call.on_session(Session::all)?, reply::raw_fields))?;
    exports.define("keys", |call| call.answer(call.on_session(Session::keys)?, |keys| Ok(Value::Texts(keys))))?;
    exports.define("contains", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.contains(&name))?, reply::flag)
    })
}

fn writes(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("put", |call| {
        let (fields, ttl) = (call.text(2)?, call.ttl(3)?);
        call.answer(call.on_session(|session| session.put(&fields, ttl))?, reply::nothing)
    })?;
    exports.define("putRaw", |call| {
        let (name, value, ttl) = (call.text(2)?, call.text(3)?, call.ttl(4)?);
        call.answer(call.on_session(|session| session.put_one(&name, &value, ttl))?, reply::nothing)
    })?;
    exports.define("delete", |call| {
        let names = call.texts(2)?;
        call.answer(call.on_session(|session| session.delete(&strs(&names)))?, reply::count)
    })?;
    exports.define("clear", |call| call.answer(call.on_session(Session::clear)?, reply::count))?;
    exports.define("increment", |call| {
        let (name, by) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_session(|session| session.increment(&name, &by))?, |sum| {
            // The sum stands whatever JavaScript can make of it.
            reply::exact(Some(sum)).map_err(|error| error.with("applied", true))
        })
    })?;
    exports.define("incrementRaw", |call| {
        let (name, by) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_session(|session| session.increment(&name, &by))?, |sum| reply::raw(Some(sum)))
    })?;
    exports.define("append", |call| {
        let (name, values) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_session(|session| session.append(&name, &values))?, reply::count)
    })?;
    exports.define("putIfAbsent", |call| {
        let (name, value, ttl) = (call.text(2)?, call.text(3)?, call.ttl(4)?);
        call.answer(call.on_session(|session| session.put_if_absent(&name, &value, ttl))?, reply::flag)
    })?;
    exports.define("take", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.take_exact(&name, Exactness::Double))?, reply::exact)
    })?;
    exports.define("takeRaw", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.take(&name))?, reply::raw)
    })
}

fn updates(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("putIf", |call| {
        let (name, value, version, ttl) = (call.text(2)?, call.text(3)?, call.optional_text(4)?, call.ttl(5)?);
        call.answer(call.on_session(|session| session.put_if(&name, &value, version.as_deref(), ttl))?, reply::text)
    })?;
    exports.define("update", |call| {
        let name = call.text(1)?;
        call.now(Value::Entry(Entry::Update(call.on_session(|session| session.update(&name))?)))
    })?;
    exports.define("updateCurrent", |call| {
        let handle = call.handle(0)?;
        call.answer(call.on_table(|table| Ok(table.update(handle)?.current()))?, reply::exact)
    })?;
    exports.define("updateTryCommit", |call| {
        let (handle, value) = (call.handle(0)?, call.optional_text(2)?);
        call.answer(call.on_table(|table| Ok(table.update(handle)?.try_commit(value.as_deref())))?, reply::flag)
    })?;
    exports.define("sessionCommit", |call| {
        let options = CommitOptions { exclusive: call.flag(2)? };
        call.answer(call.on_session(|session| session.commit(options))?, reply::committed)
    })?;
    exports.define("sessionEnd", |call| call.answer(call.on_session(Session::end)?, reply::nothing))
}

fn paths(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("getPath", |call| {
        let (name, pointer) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_session(|session| session.get_path(&name, &pointer))?, reply::exact)
    })?;
    exports.define("putPath", |call| {
        let (name, pointer, value) = (call.text(2)?, call.text(3)?, call.text(4)?);
        call.answer(call.on_session(|session| session.put_path(&name, &pointer, &value))?, reply::nothing)
    })?;
    exports.define("deletePath", |call| {
        let (name, pointer) = (call.text(2)?, call.text(3)?);
        call.answer(call.on_session(|session| session.delete_path(&name, &pointer))?, reply::flag)
    })
}

fn times(exports: &mut Exports<'_>) -> napi::Result<()> {
    exports.define("setTtl", |call| {
        let (name, ttl) = (call.text(2)?, call.ttl(3)?);
        call.answer(call.on_session(|session| session.set_ttl(&name, ttl))?, reply::flag)
    })?;
    exports.define("expiresAt", |call| {
        let name = call.text(2)?;
        call.answer(call.on_session(|session| session.expires_at(&name))?, reply::expiry)
    })?;
    exports.define("info", |call| {
        call.answer(call.on_session(Session::info)?, |info| {
            Ok(info.map_or(Value::Nothing, |info| Value::Text(info.to_json())))
        })
    })
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
