//! What a store must do: read a head and some cells, apply guarded changes, page an index, sweep.
//!
//! A backend sees sealed bytes and blind ids only. It never computes a MAC and never opens a cell; the two numbers it
//! reads inside sealed bytes (a field's stamp and expiry, a touch's time) stand in the clear at fixed offsets.

mod any;
#[cfg(test)]
#[path = "../../tests/servers/authority.rs"]
mod authority;
mod change;
#[cfg(test)]
mod contract;
mod location;
mod memory;
mod network;
pub(crate) mod postgres;
#[cfg(test)]
#[path = "../../tests/servers/proxy.rs"]
mod proxy;
pub(crate) mod redis;
mod replace;
mod sqlite;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

pub(crate) use self::any::Backend;
pub(crate) use self::location::Location;
pub(crate) use self::network::TlsFiles;
pub(crate) use self::replace::{Place, Replacement};
use crate::clock::Time;
use crate::error::{Error, fail};
use crate::limits::Limits;

/// A config within a workspace, product and env, blinded: nothing crosses from one space into another.
pub(crate) type Space = [u8; 16];
/// A user of a config, blinded. The first byte is the user's bucket.
pub(crate) type BlindUser = [u8; 16];
/// A session: bucket, then 16 bytes.
pub(crate) type StorageId = [u8; 17];
/// A field of a session, blinded.
pub(crate) type CellId = [u8; 16];
/// A map by blinded ids. They are MACs already, so that nobody outside picks where they fall.
pub(crate) type BlindMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
/// A field's version: new at each put.
pub(crate) type Stamp = [u8; 16];
/// When a session was last used: 8 bytes big-endian milliseconds, then a MAC of 16.
pub(crate) type Touch = [u8; 24];

/// A sealed head, as it is stored. Who keeps it shares it: with the row in memory, what is known of it and the guard of a
/// change.
pub(crate) type SealedHead = Arc<[u8]>;

/// A sealed field, as it is stored: format (1), key id (4), stamp (16), expiry (8, big-endian milliseconds, 0 = none),
/// nonce (24), ciphertext and tag.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedField(pub(crate) Box<[u8]>);

impl SealedField {
    pub(crate) const STAMP: std::ops::Range<usize> = 5..21;
    pub(crate) const EXPIRY: std::ops::Range<usize> = 21..29;

    /// The stamp; `None` when the bytes are too short to hold one.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.0.get(Self::STAMP)?.try_into().ok()
    }

    /// The expiry hint; the sealed record decides.
    pub(crate) fn expiry(&self) -> Option<Time> {
        let millis = i64::from_be_bytes(self.0.get(Self::EXPIRY)?.try_into().ok()?);
        (millis != 0).then(|| Time::from_millis(millis))
    }
}

/// What was read of one session, all of one instant. All absent when nothing is stored.
#[derive(Clone, Default)]
pub(crate) struct Record {
    pub(crate) head: Option<SealedHead>,
    pub(crate) touch: Option<Touch>,
    /// Changes so far (`v`).
    pub(crate) version: u64,
    /// When the last of them was; like `v` under no MAC: it tells, it proves nothing.
    pub(crate) updated: Option<Time>,
    /// Sealed bytes of all fields (`n`): always their true sum.
    pub(crate) size: u64,
    /// How many fields. Those past their expiry count until the next change takes them away.
    pub(crate) count: u64,
    /// The cells asked for that are there.
    pub(crate) cells: Vec<(CellId, SealedField)>,
    /// The user record, when it was asked for and is there.
    pub(crate) user: Option<UserRecord>,
    /// When it was read; whoever dates reads sets it.
    pub(crate) span: Span,
}

/// From before something was asked for until after it was answered, in a count of this process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) began: u64,
    pub(crate) ended: u64,
}

/// Any time: it proves nothing.
impl Default for Span {
    fn default() -> Span {
        Span { began: 0, ended: u64::MAX }
    }
}

/// One a (config, realm, typed identifier).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UserRecord {
    pub(crate) sealed: Box<[u8]>,
    /// Raised by every begin, end, revoke and extend of that user. A new record's starts at the millisecond it was made
    /// in, so that one removed and made again later does not repeat what it had; never 0, which means "no record".
    pub(crate) generation: u64,
}

/// A session as the index lists it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) user: BlindUser,
    pub(crate) id: StorageId,
    /// `None` when the index names a session of which nothing is stored.
    pub(crate) head: Option<SealedHead>,
    pub(crate) touch: Option<Touch>,
}

/// What there is of one user, all of one instant.
pub(crate) struct UserSessions {
    pub(crate) record: Option<UserRecord>,
    /// All indexed sessions of theirs, in the order of their ids.
    pub(crate) sessions: Vec<Listed>,
}

/// Which cells a read or a refused change answers with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Cells {
    None,
    Some(Vec<CellId>),
    All,
}

/// Effects on one session and its user, applied all or nothing if every guard holds.
#[derive(Clone)]
pub(crate) struct Change {
    pub(crate) space: Space,
    pub(crate) id: StorageId,
    pub(crate) guard: Guard,
    pub(crate) effects: Effects,
    /// What a refusal answers with, besides head, touch, counters and the record of the user whose generation was
    /// guarded.
    pub(crate) answer: Cells,
}

/// What must hold for a change to be applied.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    pub(crate) head: HeadGuard,
    /// The session's version (`v`).
    pub(crate) version: Option<u64>,
    /// A field's stamp; `None`: the field is absent (a cell whose expiry is at or before `now` counts as absent).
    pub(crate) stamps: Vec<(CellId, Option<Stamp>)>,
    /// The user's generation; 0: there is no user record.
    pub(crate) generation: Option<(BlindUser, u64)>,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum HeadGuard {
    #[default]
    Any,
    Absent,
    /// Byte for byte.
    Is(SealedHead),
}

/// What a change does, in this order: clear, delete, put.
#[derive(Clone)]
pub(crate) struct Effects {
    pub(crate) head: Option<SealedHead>,
    /// Stored only if its time is larger than the stored one's.
    pub(crate) touch: Option<Touch>,
    /// Stored whatever stood there, or removed: for a new life.
    pub(crate) reset_touch: bool,
    /// All cells go; the version goes on unless `restart` says where from.
    pub(crate) clear: bool,
    /// `v` starts from that number, zero for a new life (and is then raised, with `raise_version`).
    pub(crate) restart: Option<u64>,
    pub(crate) delete: Vec<CellId>,
    pub(crate) put: Vec<(CellId, SealedField)>,
    /// Whether `v` is raised by one.
    pub(crate) raise_version: bool,
    pub(crate) user: Option<(BlindUser, UserEffect)>,
    /// This session's entry in the index of that user: added or removed.
    pub(crate) index: Option<(BlindUser, bool)>,
    /// When the backend may drop the session's row and its index entry on its own; a hint. A change with a `head` sets
    /// it, `None` for never; one without sets it only to `Some`, and not with a `touch` that is older than the stored one.
    pub(crate) expires: Option<Time>,
    /// Sealed bytes and fields that may not be exceeded by the result of a change that puts something.
    pub(crate) max_size: u64,
    pub(crate) max_count: u64,
    /// The instant of the change. Cells whose expiry is at or before it leave with a change that raises the version.
    pub(crate) now: Time,
    /// On the disk before the call returns, whatever the store's durability.
    pub(crate) durable: bool,
}

/// What a change does to a user's record.
#[derive(Clone)]
pub(crate) enum UserEffect {
    /// Written, its generation raised by one; a new record's starts at `max(1, now)`, in milliseconds.
    Write(Box<[u8]>),
    /// Removed, if it is there.
    Remove,
}

impl Effects {
    /// The session is over: this head stands, no field and no touch, and the row may go then.
    pub(crate) fn close(&mut self, head: SealedHead, expires: Time) {
        self.head = Some(head);
        self.clear = true;
        self.reset_touch = true;
        self.expires = Some(expires);
    }

    /// A change that does nothing yet, within these limits.
    pub(crate) fn nothing(now: Time, limits: &Limits) -> Effects {
        Effects {
            head: None,
            touch: None,
            reset_touch: false,
            clear: false,
            restart: None,
            delete: Vec::new(),
            put: Vec::new(),
            raise_version: false,
            user: None,
            index: None,
            expires: None,
            max_size: limits.session as u64,
            max_count: limits.fields as u64,
            now,
            durable: false,
        }
    }
}

/// What became of a change, or of several that were one.
pub(crate) enum Outcome {
    /// Applied; the session's version after it (of several: after the last), and how many of `delete` (with `clear`: of
    /// all cells) were there and not expired at `now`, in all.
    Applied { version: u64, deleted: u64 },
    /// A guard failed: nothing was changed, this is what stands there.
    Refused(Record),
    /// The result would exceed a limit: nothing was changed.
    TooLarge { size: u64, count: u64 },
}

/// One record that belongs to no session: the key check values of a namespace, and later the catalog.
pub(crate) type MetaKey = [u8; 16];

/// When a write counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// Survives the death of the process; a power cut may lose the last moments, never integrity.
    #[default]
    Interval,
    /// On the disk before the call returns.
    Commit,
}

/// How a backend is opened.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) durability: Durability,
    /// How long any call, opening too, waits for others.
    pub(crate) deadline: Duration,
    /// Nothing is changed, made or locked; every change is `READ_ONLY`.
    pub(crate) read_only: bool,
    /// Whether a file may lie where other machines could open it too.
    pub(crate) allow_network_filesystem: bool,
}

/// How the server of a backend is reached; of no concern to one that has none.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// Bounds how long a connection may take.
    pub(crate) connect: Duration,
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) tls: TlsFiles,
    /// A server may forget sessions when it is full.
    pub(crate) allow_eviction: bool,
    /// Where in a database the tables lie; `None`: as usual.
    pub(crate) schema: Option<String>,
    /// At most so many connections, where calls do not share one.
    pub(crate) connections: usize,
}

/// What a forked child is told that uses its parent's store.
pub(crate) fn forked() -> Error {
    fail!(Forked, "this process was forked from one that had the store open: open it after the fork, in each process")
}
