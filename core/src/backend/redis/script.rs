//! The scripts: small, called by their hash, sent whole where a server does not know them.

use std::sync::LazyLock;

use redis::{Arg, Cmd};

/// A Lua script and its SHA-1.
pub(super) struct Script {
    source: &'static str,
    hash: LazyLock<String>,
}

macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script = Script {
            source: include_str!($file),
            hash: LazyLock::new(|| redis::Script::new(include_str!($file)).get_hash().to_owned()),
        };
    };
}

script!(APPLY, "lua/apply.lua");
script!(DUE, "lua/due.lua");
script!(FIND, "lua/find.lua");
script!(IDS, "lua/ids.lua");
script!(LIST, "lua/list.lua");
script!(META, "lua/meta.lua");
script!(PUT, "lua/put.lua");
script!(READ, "lua/read.lua");
script!(REPLACE, "lua/replace.lua");
script!(SWEEP, "lua/sweep.lua");
script!(USERS, "lua/users.lua");

static ALL: [&Script; 11] = [&APPLY, &DUE, &FIND, &IDS, &LIST, &META, &PUT, &READ, &REPLACE, &SWEEP, &USERS];

impl Script {
    /// A call by hash; its arguments come after.
    pub(super) fn call<'a>(&self, keys: impl ExactSizeIterator<Item = &'a [u8]>) -> Cmd {
        // Room for most: to grow costs more than to be written.
        let mut command = Cmd::with_capacity(48, 768);
        command.arg("EVALSHA").arg(&*self.hash).arg(keys.len());
        for key in keys {
            command.arg(key);
        }
        command
    }
}

/// The same call with the script in place of its hash; `None` when it calls no script.
pub(super) fn whole(command: &Cmd) -> Option<Cmd> {
    let mut arguments = command.args_iter().filter_map(|argument| match argument {
        Arg::Simple(bytes) => Some(bytes),
        _ => None,
    });
    if arguments.next() != Some(b"EVALSHA") {
        return None;
    }
    let hash = arguments.next()?;
    let script = ALL.iter().find(|script| script.hash.as_bytes() == hash)?;
    let mut whole = redis::cmd("EVAL");
    whole.arg(script.source);
    for argument in arguments {
        whole.arg(argument);
    }
    Some(whole)
}
