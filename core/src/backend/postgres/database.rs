//! The server as calls see it: connections from a pool, the tables made where there are none, another try where it is safe.
//!
//! What a call seldom comes to, like making a connection or the tables, is boxed: it would make every call as large.

use std::sync::Arc;

use deadpool::managed::{Object, Pool, PoolError};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::super::network::{Patience, Repeat, Traffic, lost, timed_out};
use super::Settings;
use super::connect::{Connector, Wire};
use super::error::{Failure, failure, strange};
use super::statement::{Kind, Parameter, Statement, Texts};
use crate::error::{Code, Error, Result, fail};

/// Tries to reach a server that cannot be reached.
const TRIES: u32 = 4;
/// The format of the tables that this library knows.
const FORMAT: i32 = 1;

/// See the module. On the engine.
pub(in crate::backend) struct Database {
    settings: Arc<Settings>,
    pool: Pool<Connector>,
    /// Once the tables are known to be there.
    prepared: OnceCell<()>,
}

/// The rows that answer, and whether an answer to the same call was lost before.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    pub(super) was_lost: bool,
}

impl Database {
    pub(super) fn new(settings: Arc<Settings>, traffic: Arc<Traffic>) -> Database {
        let builder = Pool::builder(Connector { settings: settings.clone(), traffic }).max_size(settings.connections);
        // Building fails only where time-outs are set and there is no runtime to keep them.
        let pool = builder.build().unwrap_or_else(|_| unreachable!("the pool keeps no time-outs"));
        Database { settings, pool, prepared: OnceCell::new() }
    }

    /// Of the pool: how many there are, how many nobody has, how many calls wait for one.
    pub(super) fn connections(&self) -> Value {
        let status = self.pool.status();
        json!({"open": status.size, "idle": status.available, "waiting": status.waiting})
    }

    pub(super) async fn send(&self, statement: &Statement, deadline: Instant) -> Result<Answer> {
        self.prepared.get_or_try_init(|| Box::pin(self.prepare(statement.doing, deadline))).await?;
        let repeat = statement.kind.repeat();
        let mut patience = Patience::until(deadline);
        let mut was_lost = false;
        let mut unmet: Option<Error> = None;
        loop {
            let after = |error: Error| if was_lost { lost(error) } else { error };
            let mut wire = match self.wire(statement.doing, deadline).await {
                Ok(wire) => wire,
                Err(error) => {
                    // Why there was no connection before tells more than that there was no time for another try.
                    let is_late = error.code() == Code::Timeout;
                    let error = if is_late { unmet.take().unwrap_or(error) } else { error };
                    let is_vain = is_late || !error.retryable() || patience.tries() + 1 >= TRIES;
                    if is_vain || !patience.pause().await {
                        return Err(after(error));
                    }
                    unmet = Some(error);
                    continue;
                }
            };
            let error = match ask(&mut wire, statement, was_lost, deadline).await {
                Ok(rows) => return Ok(Answer { rows, was_lost }),
                Err(Failure::Final(error)) => return Err(after(error)),
                Err(Failure::Wait(error)) => after(error),
                Err(Failure::Lost(error)) => {
                    // Whatever else comes from it is not an answer to what is asked next.
                    drop(Object::take(wire));
                    match repeat {
                        Repeat::Freely => error,
                        Repeat::Recognised => {
                            was_lost = true;
                            lost(error)
                        }
                        Repeat::Never => return Err(lost(error)),
                    }
                }
            };
            if error.code() == Code::Timeout || !patience.pause().await {
                return Err(error);
            }
        }
    }

    async fn wire(&self, doing: &str, deadline: Instant) -> Result<Object<Connector>> {
        match timeout_at(deadline, self.pool.get()).await {
            Ok(Ok(wire)) => Ok(wire),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(_)) => Err(strange(doing)),
            Err(_) => Err(timed_out(doing)),
        }
    }

    /// Looks for the tables, and makes them where there are none. Whoever else does so at the same time waits.
    async fn prepare(&self, doing: &'static str, deadline: Instant) -> Result<()> {
        let mut patience = Patience::until(deadline);
        let mut unmet: Option<Error> = None;
        loop {
            let outcome = match self.wire(doing, deadline).await {
                Ok(wire) => {
                    let found = self.look_and_make(&wire, deadline).await;
                    if found.is_err() {
                        // In the middle of a transaction, perhaps.
                        drop(Object::take(wire));
                    }
                    found
                }
                Err(error) if error.retryable() => Err(Failure::Wait(error)),
                Err(error) => Err(Failure::Final(error)),
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                // What was made, was made once.
                Err(Failure::Wait(error) | Failure::Lost(error)) => {
                    let is_late = error.code() == Code::Timeout;
                    let error = if is_late { unmet.take().unwrap_or(error) } else { error };
                    if is_late || patience.tries() + 1 >= TRIES || !patience.pause().await {
                        return Err(error);
                    }
                    unmet = Some(error);
                }
            }
        }
    }

    async fn look_and_make(&self, wire: &Wire, deadline: Instant) -> Result<(), Failure> {
        if look(wire, &self.settings.texts, deadline).await? {
            return Ok(());
        }
        let schema = &self.settings.texts.schema;
        if self.settings.read_only {
            return Err(Failure::Final(fail!(
                ReadOnly,
                "the schema {schema:?} holds no store, and opened with readOnly none is made"
            )));
        }
        let run = |text: String| async move {
            let made = timeout_at(deadline, wire.client.batch_execute(&text)).await;
            made.map_err(|_| Failure::Lost(timed_out(MAKING)))?.map_err(|error| failure(MAKING, &error))
        };
        // Who had to wait for the lock finds the tables, and leaves them alone.
        run(self.settings.texts.lock_migrations()).await?;
        let format = format!("\"{schema}\".format");
        let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&format, Type::TEXT)];
        let asked = wire.client.query_typed("SELECT to_regclass($1) IS NOT NULL", &parameters);
        let found = timeout_at(deadline, asked).await.map_err(|_| Failure::Lost(timed_out(MAKING)))?;
        let found = found.map_err(|error| failure(MAKING, &error))?;
        if found.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
            run("ROLLBACK".to_owned()).await?;
            return look(wire, &self.settings.texts, deadline).await.map(|_| ());
        }
        run(self.settings.texts.migration()).await
    }
}

const MAKING: &str = "make the store's tables";

/// Whether the tables are there, of a format that this library knows.
async fn look(wire: &Wire, texts: &Texts, deadline: Instant) -> Result<bool, Failure> {
    let doing = "look for the store's tables";
    let found = timeout_at(deadline, wire.client.query_typed(&texts.format, &[])).await;
    let found = match found.map_err(|_| Failure::Lost(timed_out(doing)))? {
        Ok(rows) => rows.first().map(|row| row.try_get::<_, i32>(0)),
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(failure(doing, &error)),
    };
    match found {
        None => Ok(false),
        Some(Ok(version)) if version <= FORMAT => Ok(true),
        Some(Ok(version)) => Err(Failure::Final(fail!(
            FormatTooNew,
            "the store's tables are of format {version}; this library knows {FORMAT}"
        ))),
        Some(Err(_)) => Err(Failure::Final(strange(doing))),
    }
}

fn is_absent(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|state| [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(state))
}

/// One exchange.
async fn ask(wire: &mut Wire, statement: &Statement, again: bool, deadline: Instant) -> Result<Vec<Row>, Failure> {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    // Less than there is: who waited in vain should be told so by the server, for then nothing was applied.
    let wait = left - left / 4;
    // 0 would be for ever.
    let told = [Parameter::Number(i64::try_from(wait).unwrap_or(i64::MAX).max(1)), Parameter::Flag(again)];
    let told = if matches!(statement.kind, Kind::Change(_)) { &told[..] } else { &[] };
    let (values, types): (Vec<&(dyn ToSql + Sync)>, Vec<Type>) =
        told.iter().chain(&statement.parameters).map(Parameter::as_sql).unzip();
    let answered = wire.prepared.query(&wire.client, &statement.text, &values, &types, deadline);
    match timeout_at(deadline, answered).await {
        Ok(answered) => answered.map_err(|error| failure(statement.doing, &error)),
        Err(_) => Err(Failure::Lost(timed_out(statement.doing))),
    }
}
