//! The connection to one server: made when first needed, shared by all callers, made again after it broke.
//!
//! Many callers' commands go down one connection, one after the other, without waiting for each other's answers. All in
//! here runs on the engine. What a call seldom comes to, like making a connection, is boxed: it would make every
//! call as large.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::super::network::{Traffic, timed_out, unavailable, unreachable_host};
use super::Settings;
use super::address::Host;
use super::{error, greeting};
use crate::error::{Error, Result};

/// What a server is to us, and so how it is greeted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// It holds sessions.
    Data,
    /// It knows which server does.
    Sentinel,
}

/// See the module.
pub(super) struct Link {
    pub(super) host: Host,
    pub(super) role: Role,
    settings: Arc<Settings>,
    traffic: Arc<Traffic>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// When the last attempt to connect failed, and why.
    failed: Option<(Instant, Error)>,
}

struct Connection {
    channel: MultiplexedConnection,
    driver: Driver,
    answered: Mutex<Instant>,
}

/// Why there is no answer.
pub(super) enum Trouble {
    /// Nothing was sent.
    Unsent(Error),
    /// What was sent may have been carried out.
    Lost(Error),
}

impl Link {
    pub(super) fn new(host: Host, role: Role, settings: Arc<Settings>, traffic: Arc<Traffic>) -> Link {
        Link { host, role, settings, traffic, state: tokio::sync::Mutex::default() }
    }

    /// Sends commands in one go; their answers, in order. A server's refusals are among them.
    pub(super) async fn exchange(
        &self,
        doing: &str,
        commands: &[&Cmd],
        deadline: Instant,
    ) -> Result<Vec<Value>, Trouble> {
        let connection = self.connection(doing, deadline).await.map_err(Trouble::Unsent)?;
        let mut channel = connection.channel.clone();
        let sent = Instant::now();
        let answers = async {
            match commands {
                [command] => Ok(vec![channel.send_packed_command(command).await?]),
                several => {
                    let mut all = Pipeline::with_capacity(several.len());
                    for command in several {
                        all.add_command((*command).clone());
                    }
                    channel.send_packed_commands(&all, 0, several.len()).await
                }
            }
        };
        match timeout_at(deadline, answers).await {
            Ok(Ok(values)) => {
                *connection.answered.lock() = Instant::now();
                Ok(values)
            }
            Ok(Err(broken)) => {
                connection.driver.0.abort();
                Err(Trouble::Lost(match broken.is_io_error() || broken.is_connection_dropped() {
                    true => {
                        unavailable("connection", format!("could not {doing}: the connection to {} broke", self.host))
                    }
                    false => error::strange(doing),
                }))
            }
            Err(_) => {
                // Answers come in order: one that came since tells that the server lives, and only this one takes long.
                if *connection.answered.lock() < sent {
                    connection.driver.0.abort();
                }
                Err(Trouble::Lost(timed_out(doing)))
            }
        }
    }

    /// Gives the connection up; the next exchange makes a new one.
    pub(super) async fn forget(&self) {
        if let Some(connection) = self.state.lock().await.connection.take() {
            connection.driver.0.abort();
        }
    }

    async fn connection(&self, doing: &str, deadline: Instant) -> Result<Arc<Connection>> {
        let asked = Instant::now();
        let mut state = timeout_at(deadline, self.state.lock()).await.map_err(|_| timed_out(doing))?;
        if let Some(connection) = state.connection.as_ref().filter(|connection| !connection.driver.0.is_finished()) {
            return Ok(connection.clone());
        }
        state.connection = None;
        if let Some((at, error)) = &state.failed
            && *at >= asked
        {
            // Somebody else has just tried: as many attempts as callers would not find it any sooner.
            return Err(error.clone());
        }
        let limit = deadline.min(asked + self.settings.connect);
        let connected = timeout_at(limit, Box::pin(self.connect())).await.unwrap_or_else(|_| {
            let why = format!("could not {doing}: {} did not take a connection in time", self.host);
            Err(unavailable("connection", why))
        });
        match connected {
            Ok(connection) => {
                self.traffic.connected();
                let connection = Arc::new(connection);
                state.connection = Some(connection.clone());
                state.failed = None;
                Ok(connection)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect((&*self.host.name, self.host.port)).await;
        let stream = stream.map_err(|error| unreachable_host(&self.host, &error))?;
        // Failing costs time, not correctness.
        let _ = stream.set_nodelay(true);
        match &self.settings.tls {
            Some(tls) => self.log_in(tls.secure(&self.host.name, stream).await?).await,
            None => self.log_in(stream).await,
        }
    }

    async fn log_in(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Connection> {
        let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
        if self.role == Role::Data {
            login = login.set_db(self.settings.address.database);
            if let Some(user) = &self.settings.address.user {
                login = login.set_username(user);
            }
            if let Some(password) = &self.settings.password {
                login = login.set_password(&**password);
            }
        }
        // Every exchange has a deadline of its own; the crate's are half a second.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let opened = MultiplexedConnection::new_with_config(&login, stream, config).await;
        let (mut channel, driver) = opened.map_err(|error| error::refused_at_connecting(&self.host, &error))?;
        let driver = Driver(tokio::spawn(driver).abort_handle());
        if self.role == Role::Data {
            let answer = channel.send_packed_command(&redis::cmd("INFO")).await;
            let answer = answer.map_err(|error| error::refused_at_connecting(&self.host, &error))?;
            greeting::judge(&self.settings, &self.host, &answer)?;
        }
        Ok(Connection { channel, driver, answered: Mutex::new(Instant::now()) })
    }
}

/// The task that reads and writes; ended with the connection, or with the attempt to make one.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Longest time that a server which may be one of several is waited for, before the next is asked.
pub(super) const NEXT_AFTER: Duration = Duration::from_millis(300);
