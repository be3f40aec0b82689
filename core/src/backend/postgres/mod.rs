//! `postgresql://`: PostgreSQL from 13 on, directly or behind a pgbouncer.
//!
//! A session is a row, its cells are rows of their own. A read is one statement, and so of one instant. A change is a call
//! of a function that locks the rows that decide before it looks at them, and writes nothing before all was decided. Every
//! call is one exchange of messages on any of a few connections.

mod address;
mod arguments;
mod connect;
mod database;
mod error;
mod prepared;
mod rows;
#[cfg(test)]
#[path = "../../../tests/servers/postgres.rs"]
#[allow(dead_code, reason = "other tests do more with it")]
mod server;
mod statement;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_postgres::Row;
use zeroize::Zeroizing;

pub(crate) use self::address::Address;
use self::database::{Answer, Database};
use self::error::strange;
use self::statement::{Kind, Parameter, Statement, Texts};
use super::network::{Remote, Repeat, Tls, settled};
use super::{
    Access, BlindUser, Cells, Change, Listed, MetaKey, Outcome, Record, Replacement, Settings as BackendSettings,
    Space, StorageId, UserRecord, UserSessions,
};
use crate::clock::Time;
use crate::error::{Result, fail};

const SCHEMA: &str = "sessile";

/// How the server is reached, and where in its database the store lies.
pub(super) struct Settings {
    address: Address,
    password: Option<Zeroizing<String>>,
    tls: Option<Tls>,
    connect: Duration,
    connections: usize,
    read_only: bool,
    texts: Texts,
}

/// See the module.
pub(crate) struct Postgres {
    settings: Arc<Settings>,
    remote: Remote<Database>,
}

impl Postgres {
    /// Reads the files of TLS, and connects to nobody. May block.
    pub(super) fn new(address: Address, settings: BackendSettings, access: Access) -> Result<Postgres> {
        let tls = Tls::of(address.is_tls, &access.tls, "with sslmode=verify-full")?;
        let schema = access.schema.as_deref().unwrap_or(SCHEMA);
        check_name(schema)?;
        let BackendSettings { deadline, read_only, .. } = settings;
        let settings = Settings {
            address,
            password: access.password,
            tls,
            connect: access.connect,
            connections: access.connections.max(1),
            read_only,
            texts: Texts::new(schema),
        };
        Ok(Postgres { settings: Arc::new(settings), remote: Remote::new(deadline, read_only) })
    }

    pub(super) async fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        let (doing, texts) = ("read a session", &self.settings.texts);
        let wanted = match cells {
            Cells::None => Some(Vec::new()),
            Cells::Some(cells) => Some(cells.iter().map(|cell| Some(cell.to_vec())).collect()),
            Cells::All => None,
        };
        let is_whole = wanted.is_none();
        let mut parameters = vec![Parameter::bytes(space), Parameter::bytes(id), Parameter::Blobs(wanted)];
        if user.is_none() && !is_whole {
            return self.reading(doing, &texts.read_cells, parameters, |found| rows::record_by_cells(&found)).await;
        }
        parameters.push(Parameter::Bytes(user.map(|user| user.to_vec())));
        self.reading(doing, &texts.read, parameters, |rows| rows::record(rows.first()?)).await
    }

    pub(super) async fn find(
        &self,
        space: &Space,
        id: &StorageId,
    ) -> Result<(Record, Option<(BlindUser, UserSessions)>)> {
        let parameters = vec![Parameter::bytes(space), Parameter::bytes(id)];
        self.reading("read a session", &self.settings.texts.find, parameters, |rows| rows::found(rows.first()?)).await
    }

    pub(super) async fn apply(&self, changes: &[Change]) -> Result<Outcome> {
        let doing = "change a session";
        let kind = Kind::Change(Repeat::of(changes));
        let Answer { rows, was_lost } =
            self.running(doing, &self.settings.texts.apply, arguments::apply(changes), kind).await?;
        settled(rows.first().and_then(rows::outcome).ok_or_else(|| strange(doing)), was_lost, doing)
    }

    pub(super) async fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        let doing = "seal anew";
        let fitting: Vec<usize> = (0..replacements.len()).filter(|at| replacements[*at].keeps_length()).collect();
        let parameters = arguments::replace(space, fitting.iter().map(|at| &replacements[*at]));
        let mut replaced = vec![false; replacements.len()];
        if fitting.is_empty() {
            self.remote.check_writable(doing)?;
            return Ok(replaced);
        }
        let kind = Kind::Change(Repeat::Recognised);
        let answer = self.running(doing, &self.settings.texts.replace, parameters, kind).await?;
        let done = answer.rows.first().and_then(rows::flags).filter(|done| done.len() == fitting.len());
        for (at, done) in fitting.into_iter().zip(done.ok_or_else(|| strange(doing))?) {
            replaced[at] = done;
        }
        Ok(replaced)
    }

    pub(super) async fn page(
        &self,
        space: &Space,
        user: Option<&BlindUser>,
        after: Option<(BlindUser, StorageId)>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        let (after_user, after_id) = after.map_or((Vec::new(), Vec::new()), |(user, id)| (user.to_vec(), id.to_vec()));
        let parameters = vec![
            Parameter::bytes(space),
            Parameter::Bytes(user.map(|user| user.to_vec())),
            Parameter::bytes(after_user),
            Parameter::bytes(after_id),
            at_most(limit),
        ];
        self.reading("list sessions", &self.settings.texts.page, parameters, |found| all(&found, rows::listed)).await
    }

    pub(super) async fn ids(&self, space: &Space, after: Option<&StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        let after = after.map_or(&[][..], |id| &id[..]);
        let parameters = vec![Parameter::bytes(space), Parameter::bytes(after), at_most(limit)];
        let id = |row: &Row| rows::bytes(row, 0)??.try_into().ok();
        self.reading("list what is stored", &self.settings.texts.ids, parameters, move |found| all(&found, id)).await
    }

    pub(super) async fn user(&self, space: &Space, user: &BlindUser) -> Result<UserSessions> {
        let parameters = vec![Parameter::bytes(space), Parameter::bytes(user)];
        let decode = |found: Vec<Row>| rows::user_sessions(found.first()?, user);
        self.reading("read a user's sessions", &self.settings.texts.user, parameters, decode).await
    }

    pub(super) async fn page_users(
        &self,
        space: &Space,
        after: Option<BlindUser>,
        limit: usize,
    ) -> Result<Vec<(BlindUser, UserRecord)>> {
        let after = after.map_or_else(Vec::new, |user| user.to_vec());
        let parameters = vec![Parameter::bytes(space), Parameter::bytes(after), at_most(limit)];
        let decode = |found: Vec<Row>| all(&found, rows::listed_user);
        self.reading("list users", &self.settings.texts.page_users, parameters, decode).await
    }

    pub(super) async fn sweep(&self, now: Time, budget: usize) -> Result<u64> {
        let doing = "sweep expired sessions";
        let parameters = vec![Parameter::Number(now.millis()), at_most(budget)];
        let answer = self.running(doing, &self.settings.texts.sweep, parameters, Kind::Sweep).await?;
        answer.rows.first().and_then(rows::number).ok_or_else(|| strange(doing))
    }

    pub(super) async fn read_meta(&self, key: &MetaKey) -> Result<Option<Box<[u8]>>> {
        let decode = |found: Vec<Row>| match found.first() {
            Some(row) => rows::bytes(row, 0).map(|bytes| bytes.map(Vec::into_boxed_slice)),
            None => Some(None),
        };
        self.reading("read a meta record", &self.settings.texts.read_meta, vec![Parameter::bytes(key)], decode).await
    }

    pub(super) async fn apply_meta(
        &self,
        key: &MetaKey,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<Result<(), Option<Box<[u8]>>>> {
        let doing = "change a meta record";
        let expected = Parameter::Bytes(expected.map(<[u8]>::to_vec));
        let parameters = vec![Parameter::bytes(key), expected, Parameter::bytes(new)];
        let kind = Kind::Change(Repeat::Recognised);
        let answer = self.running(doing, &self.settings.texts.apply_meta, parameters, kind).await?;
        let row = answer.rows.first().ok_or_else(|| strange(doing))?;
        match (rows::flag(row), rows::bytes(row, 1)) {
            (Some(true), _) => Ok(Ok(())),
            (Some(false), Some(standing)) => Ok(Err(standing.map(Vec::into_boxed_slice))),
            _ => Err(strange(doing)),
        }
    }

    pub(super) fn remote(&self) -> &Remote<Database> {
        &self.remote
    }

    pub(super) fn stats(&self) -> Value {
        self.remote.stats("postgresql", |database| Some(database.connections()))
    }

    async fn reading<T>(
        &self,
        doing: &'static str,
        text: &Arc<str>,
        parameters: Vec<Parameter>,
        decode: impl FnOnce(Vec<Row>) -> Option<T>,
    ) -> Result<T> {
        let answer = self.running(doing, text, parameters, Kind::Read).await?;
        decode(answer.rows).ok_or_else(|| strange(doing))
    }

    /// Does it on the engine.
    async fn running(
        &self,
        doing: &'static str,
        text: &Arc<str>,
        parameters: Vec<Parameter>,
        kind: Kind,
    ) -> Result<Answer> {
        if kind != Kind::Read {
            self.remote.check_writable(doing)?;
        }
        let statement = Statement { doing, text: text.clone(), parameters, kind };
        let send = move |database: Arc<Database>, deadline| async move { database.send(&statement, deadline).await };
        self.remote.run(|traffic| Database::new(self.settings.clone(), traffic), send).await
    }
}

fn all<T>(found: &[Row], decode: impl Fn(&Row) -> Option<T>) -> Option<Vec<T>> {
    found.iter().map(decode).collect()
}

fn at_most(limit: usize) -> Parameter {
    Parameter::Number(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// A schema's name is quoted, never escaped.
fn check_name(schema: &str) -> Result<()> {
    let mut letters = schema.bytes();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    if begins && schema.len() < 64 && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_') {
        return Ok(());
    }
    Err(fail!(InvalidArgument, "the option schema is a name of at most 63 of A-Z, a-z, 0-9 and _, no digit first")
        .with("argument", "schema"))
}
