//! The connection to one server: made when first needed, shared by all callers, made again after it broke.
//!
//! Many callers' commands go down one connection, one after the other, without waiting for each other's answers. All in
//! here runs on the engine. What a call seldom comes to, like making a connection, is boxed: it would make every
//! call as large.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Cmd, Value};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::super::network::{Traffic, timed_out, unavailable, unreachable_host};
use super::Settings;
use super::address::Host;
use super::wire::{Silence, Wire};
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
    wire: Mutex<Option<Arc<Wire>>>,
    /// Held by who connects: when the last attempt failed, and why.
    failed: tokio::sync::Mutex<Option<(Instant, Error)>>,
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
        Link { host, role, settings, traffic, wire: Mutex::default(), failed: tokio::sync::Mutex::default() }
    }

    /// Sends commands in one go; their answers, in order. A server's refusals are among them.
    pub(super) async fn exchange(
        &self,
        doing: &str,
        commands: &[&Cmd],
        deadline: Instant,
    ) -> Result<Vec<Value>, Trouble> {
        let wire = match self.standing() {
            Some(wire) => wire,
            None => Box::pin(self.connected(doing, deadline)).await.map_err(Trouble::Unsent)?,
        };
        let broken = || unavailable("connection", format!("could not {doing}: the connection to {} broke", self.host));
        wire.exchange(commands, deadline).await.map_err(|silence| match silence {
            Silence::Over => Trouble::Unsent(broken()),
            Silence::Broken => Trouble::Lost(broken()),
            Silence::Malformed => Trouble::Lost(error::strange(doing)),
            Silence::Late => Trouble::Lost(timed_out(doing)),
        })
    }

    /// Gives the connection up; the next exchange makes a new one.
    pub(super) fn forget(&self) {
        if let Some(wire) = self.wire.lock().take() {
            wire.end();
        }
    }

    fn standing(&self) -> Option<Arc<Wire>> {
        self.wire.lock().as_ref().filter(|wire| !wire.is_over()).cloned()
    }

    async fn connected(&self, doing: &str, deadline: Instant) -> Result<Arc<Wire>> {
        let asked = Instant::now();
        let mut failed = timeout_at(deadline, self.failed.lock()).await.map_err(|_| timed_out(doing))?;
        if let Some(wire) = self.standing() {
            return Ok(wire);
        }
        if let Some((at, error)) = &*failed
            && *at >= asked
        {
            // Somebody else has just tried: as many attempts as callers would not find it any sooner.
            return Err(error.clone());
        }
        let limit = deadline.min(asked + self.settings.connect);
        let connected = timeout_at(limit, self.connect(limit)).await.unwrap_or_else(|_| {
            let why = format!("could not {doing}: {} did not take a connection in time", self.host);
            Err(unavailable("connection", why))
        });
        match connected {
            Ok(wire) => {
                self.traffic.connected();
                let wire = Arc::new(wire);
                *self.wire.lock() = Some(wire.clone());
                *failed = None;
                Ok(wire)
            }
            Err(error) => {
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self, limit: Instant) -> Result<Wire> {
        let stream = TcpStream::connect((&*self.host.name, self.host.port)).await;
        let stream = stream.map_err(|error| unreachable_host(&self.host, &error))?;
        // Failing costs time, not correctness.
        let _ = stream.set_nodelay(true);
        let wire = match &self.settings.tls {
            Some(tls) => Wire::new(tls.secure(&self.host.name, stream).await?),
            None => Wire::new(stream),
        };
        self.log_in(&wire, limit).await?;
        Ok(wire)
    }

    async fn log_in(&self, wire: &Wire, limit: Instant) -> Result<()> {
        if self.role == Role::Sentinel {
            return Ok(());
        }
        let Settings { address, password, .. } = &*self.settings;
        let mut commands = Vec::new();
        if let Some(password) = password {
            let mut login = redis::cmd("AUTH");
            if let Some(user) = &address.user {
                login.arg(user);
            }
            login.arg(&**password);
            commands.push(login);
        }
        if address.database != 0 {
            commands.push(redis::cmd("SELECT").arg(address.database).take());
        }
        commands.push(redis::cmd("INFO"));
        let asked: Vec<&Cmd> = commands.iter().collect();
        let answers = wire.exchange(&asked, limit).await;
        let mut answers = answers.map_err(|silence| error::silent_at_connecting(&self.host, silence))?.into_iter();
        let info = answers.next_back().unwrap_or(Value::Nil);
        if password.is_some()
            && let Some(Value::ServerError(_)) = answers.next()
        {
            return Err(error::authentication(&format!("log in to {}", self.host)));
        }
        if let Some(Value::ServerError(refused)) = answers.next() {
            return Err(error::refused_at_connecting(&self.host, &refused));
        }
        greeting::judge(&self.settings, &self.host, &info)
    }
}

/// Longest time that a server which may be one of several is waited for, before the next is asked.
pub(super) const NEXT_AFTER: Duration = Duration::from_millis(300);
