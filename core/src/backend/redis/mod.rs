//! `redis://` and its kin: one primary, one behind sentinels, or a cluster; Redis from 6.2 on, or Valkey.
//!
//! A session is a hash with a field for each cell; what belongs to one bucket lies in one slot. A read is one command, a
//! change one call of a small script that looks at every guard before it writes anything. Redis's own expiry is a hint,
//! relative, and a day late: the sealed head decides.

mod address;
mod decode;
mod encode;
mod error;
mod greeting;
mod keys;
mod link;
mod range;
mod route;
mod script;
#[cfg(test)]
#[path = "../../../tests/servers/redis.rs"]
mod server;
mod sweep;
#[cfg(test)]
mod tests;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::time::Instant;
use zeroize::Zeroizing;

pub(crate) use self::address::Address;
use self::decode::FIELDS;
use self::error::strange;
use self::keys::Bucket;
use self::range::{Range, limit_text};
use self::route::{Answer, Call, Router};
use self::script::Script;
use self::sweep::due_at;
use super::network::{Remote, Repeat, Tls, settled};
use super::{
    Access, BlindUser, CellId, Cells, Change, Listed, MetaKey, Outcome, Record, Replacement,
    Settings as BackendSettings, Space, StorageId, UserRecord, UserSessions,
};
use crate::clock::Time;
use crate::error::{Result, fail};

/// How the servers are reached.
pub(super) struct Settings {
    address: Address,
    password: Option<Zeroizing<String>>,
    tls: Option<Tls>,
    allow_eviction: bool,
    /// A replica will do.
    read_only: bool,
    connect: Duration,
}

/// See the module.
pub(crate) struct Redis {
    settings: Arc<Settings>,
    remote: Remote<Router>,
}

impl Redis {
    /// Reads the files of TLS, and connects to nobody. May block.
    pub(super) fn new(address: Address, settings: BackendSettings, access: Access) -> Result<Redis> {
        let tls = Tls::of(address.is_tls, &access.tls, "that begins with rediss")?;
        if address.user.is_some() && access.password.is_none() {
            return Err(fail!(InvalidArgument, "the URL names a user: their password is missing, see passwordEnv")
                .with("argument", "passwordEnv"));
        }
        let Access { password, allow_eviction, connect, .. } = access;
        let BackendSettings { deadline, read_only, .. } = settings;
        let remote = Remote::new(deadline, read_only);
        let settings = Settings { address, password, tls, allow_eviction, read_only, connect };
        Ok(Redis { settings: Arc::new(settings), remote })
    }

    pub(super) async fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        let doing = "read a session";
        let bucket = Bucket::of(space, id[0]);
        let key = bucket.session(id);
        let asked: Vec<CellId> = if let Cells::Some(cells) = cells { cells.clone() } else { Vec::new() };
        let is_whole = *cells == Cells::All;
        let command = match user {
            Some(user) => {
                let [records, ..] = bucket.shared();
                let mut call = script::READ.call([&key[..], &records[..]].into_iter());
                call.arg(user);
                call
            }
            None => {
                // With room for all: to grow costs more than to be written.
                let (count, size) =
                    (asked.len() + FIELDS.len() + 2, key.len() + asked.len() * size_of::<CellId>() + 16);
                let mut command = Cmd::with_capacity(count, size);
                command.arg(if is_whole { "HGETALL" } else { "HMGET" }).arg(&key);
                command
            }
        };
        let command = if is_whole { command } else { with_fields(command, &asked) };
        let is_plain = user.is_none();
        self.reading(doing, key, command, move |value| {
            let values = decode::array(value)?;
            match (is_plain, is_whole) {
                (false, _) => decode::record_with_user(values, &asked),
                (true, true) => decode::whole_record(values),
                (true, false) => decode::record(values, &asked),
            }
        })
        .await
    }

    pub(super) async fn find(
        &self,
        space: &Space,
        id: &StorageId,
    ) -> Result<(Record, Option<(BlindUser, UserSessions)>)> {
        let bucket = Bucket::of(space, id[0]);
        let mut call = over(&bucket, &script::FIND);
        call.arg(id).arg(session_prefix(&bucket));
        self.reading("read a session", bucket.session(id), call, decode::found).await
    }

    pub(super) async fn apply(&self, changes: &[Change]) -> Result<Outcome> {
        let Some(first) = changes.first() else { return Err(fail!(Internal, "a change of nothing")) };
        let doing = "change a session";
        self.remote.check_writable(doing)?;
        let bucket = Bucket::of(&first.space, first.id[0]);
        let changes = changes.to_vec();
        self.running(move |router, deadline| async move {
            let hint = changes.iter().filter_map(|change| change.effects.hint().flatten()).min();
            let key = bucket.session(&changes[0].id);
            let call = || Call {
                doing,
                key: &key,
                deadline,
                repeat: Repeat::of(&changes),
                aside: hint.map(|at| due_at(&bucket, at.millis())),
            };
            let whole = |again| Cow::Owned(encode::apply(&bucket, &changes, again));
            if let Some(put) = encode::put(&key, &changes) {
                // Repeated, it has to see whether it was applied before.
                let make = |again| if again { whole(again) } else { Cow::Borrowed(&put) };
                let Answer { value, was_lost } = router.send(call(), make).await?;
                // Nothing: nothing was written, and what follows sees why.
                if value != Value::Nil {
                    let decode = if was_lost { decode::outcome } else { decode::put_outcome };
                    return settled(decode(value, &changes).ok_or_else(|| strange(doing)), was_lost, doing);
                }
            }
            let Answer { value, was_lost } = router.send(call(), whole).await?;
            settled(decode::outcome(value, &changes).ok_or_else(|| strange(doing)), was_lost, doing)
        })
        .await
    }

    pub(super) async fn page(
        &self,
        space: &Space,
        user: Option<&BlindUser>,
        after: Option<(BlindUser, StorageId)>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        let from = after.map(|(user, id)| [&user[..], &id[..]].concat());
        let buckets = match (user, &after) {
            (Some(user), Some((before, _))) if before > user => return Ok(Vec::new()),
            (Some(user), _) => user[0]..=user[0],
            (None, after) => after.map_or(0, |(user, _)| user[0])..=u8::MAX,
        };
        let user = user.copied();
        self.walk("list sessions", space, buckets, limit, decode_list, move |bucket, limit| {
            let range = match user {
                Some(user) => Range::of(&user).after(from.as_deref()),
                None => Range::ALL.after(from.as_deref().filter(|from| from[0] == bucket.number)),
            };
            list(bucket, &range, limit, None)
        })
        .await
    }

    pub(super) async fn ids(&self, space: &Space, after: Option<&StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        let after = after.copied();
        let buckets = after.map_or(0, |id| id[0])..=u8::MAX;
        self.walk("list what is stored", space, buckets, limit, decode::ids, move |bucket, limit| {
            let from = after.as_ref().map(|id| &id[..]);
            let range = Range::ALL.after(from.filter(|from| from[0] == bucket.number));
            let mut call = over(bucket, &script::IDS);
            call.arg(range.from).arg(range.to).arg(limit_text(limit)).arg(session_prefix(bucket));
            call
        })
        .await
    }

    pub(super) async fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        let doing = "seal anew";
        self.remote.check_writable(doing)?;
        let mut replaced = vec![false; replacements.len()];
        let mut buckets: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (place, replacement) in replacements.iter().enumerate().filter(|(_, it)| it.keeps_length()) {
            buckets.entry(replacement.place.bucket()).or_default().push(place);
        }
        for (number, places) in buckets {
            let bucket = Bucket::of(space, number);
            let calls = [false, true]
                .map(|again| encode::replace(&bucket, places.iter().map(|place| &replacements[*place]), again));
            let answers = self
                .running(move |router, deadline| async move {
                    let key = bucket.prefix();
                    let call = Call { doing, key: &key, deadline, repeat: Repeat::Recognised, aside: None };
                    let answer = router.send(call, |again| Cow::Borrowed(&calls[usize::from(again)])).await?;
                    decode::array(answer.value).ok_or_else(|| strange(doing))
                })
                .await?;
            if answers.len() != places.len() {
                return Err(strange(doing));
            }
            for (place, answer) in places.into_iter().zip(answers) {
                replaced[place] = decode::number(&answer) == Some(1);
            }
        }
        Ok(replaced)
    }

    pub(super) async fn user(&self, space: &Space, user: &BlindUser) -> Result<UserSessions> {
        let bucket = Bucket::of(space, user[0]);
        let command = list(&bucket, &Range::of(user), usize::MAX, Some(user));
        self.reading("read a user's sessions", bucket.prefix(), command, decode::user_sessions).await
    }

    pub(super) async fn page_users(
        &self,
        space: &Space,
        after: Option<BlindUser>,
        limit: usize,
    ) -> Result<Vec<(BlindUser, UserRecord)>> {
        let buckets = after.map_or(0, |user| user[0])..=u8::MAX;
        self.walk("list users", space, buckets, limit, decode::users, move |bucket, limit| {
            let from = after.as_ref().map(|user| &user[..]);
            let range = Range::ALL.after(from.filter(|from| from[0] == bucket.number));
            let mut call = over(bucket, &script::USERS);
            call.arg(range.from).arg(range.to).arg(limit_text(limit));
            call
        })
        .await
    }

    pub(super) async fn sweep(&self, now: Time, budget: usize) -> Result<u64> {
        let doing = "sweep expired sessions";
        self.remote.check_writable(doing)?;
        self.running(move |router, deadline| async move { sweep::sweep(&router, doing, now, budget, deadline).await })
            .await
    }

    pub(super) async fn read_meta(&self, key: &MetaKey) -> Result<Option<Box<[u8]>>> {
        let key = keys::meta(key);
        let command = redis::cmd("GET").arg(&key).take();
        let decode = |value| decode::bytes(value).map(|bytes| bytes.map(Vec::into_boxed_slice));
        self.reading("read a meta record", key, command, decode).await
    }

    pub(super) async fn apply_meta(
        &self,
        key: &MetaKey,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<Result<(), Option<Box<[u8]>>>> {
        let doing = "change a meta record";
        self.remote.check_writable(doing)?;
        let key = keys::meta(key);
        let expected = expected.map_or_else(|| b"-".to_vec(), encode::marked);
        let new = new.to_vec();
        self.running(move |router, deadline| async move {
            let make = |again| {
                let mut call = script::META.call([&key[..]].into_iter());
                call.arg(&expected).arg(&new).arg(u8::from(again));
                Cow::Owned(call)
            };
            let call = Call { doing, key: &key, deadline, repeat: Repeat::Recognised, aside: None };
            match router.send(call, make).await?.value {
                Value::Int(1) => Ok(Ok(())),
                other => {
                    let standing = decode::array(other).and_then(|mut values| decode::bytes(values.pop()?));
                    Ok(Err(standing.ok_or_else(|| strange(doing))?.map(Vec::into_boxed_slice)))
                }
            }
        })
        .await
    }

    pub(super) fn remote(&self) -> &Remote<Router> {
        &self.remote
    }

    async fn reading<T: Send + 'static>(
        &self,
        doing: &'static str,
        key: Vec<u8>,
        command: Cmd,
        decode: impl FnOnce(Value) -> Option<T> + Send + 'static,
    ) -> Result<T> {
        self.running(move |router, deadline| async move {
            let call = Call { doing, key: &key, deadline, repeat: Repeat::Freely, aside: None };
            let Answer { value, .. } = router.send(call, |_| Cow::Borrowed(&command)).await?;
            decode(value).ok_or_else(|| strange(doing))
        })
        .await
    }

    /// Does `work` on the engine.
    async fn running<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<Router>, Instant) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.remote.run(|traffic| Router::new(self.settings.clone(), traffic), work).await
    }
}

fn with_fields(mut command: Cmd, cells: &[CellId]) -> Cmd {
    for field in FIELDS {
        command.arg(field);
    }
    for cell in cells {
        command.arg(cell);
    }
    command
}

/// A call of a script over a bucket as a whole.
fn over(bucket: &Bucket, script: &Script) -> Cmd {
    script.call(bucket.shared().iter().map(Vec::as_slice))
}

fn list(bucket: &Bucket, range: &Range, limit: usize, user: Option<&BlindUser>) -> Cmd {
    let mut call = over(bucket, &script::LIST);
    call.arg(&range.from).arg(&range.to).arg(limit_text(limit)).arg(session_prefix(bucket));
    call.arg(user.map_or(&[][..], |user| &user[..]));
    call
}

fn decode_list(value: Value) -> Option<Vec<Listed>> {
    decode::user_sessions(value).map(|found| found.sessions)
}

fn session_prefix(bucket: &Bucket) -> Vec<u8> {
    let mut prefix = bucket.prefix();
    prefix.extend_from_slice(b"s:");
    prefix
}
