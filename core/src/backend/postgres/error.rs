//! What a server's errors mean to a caller. Its own text stays out of messages: it may quote what was sent.

use tokio_postgres::error::SqlState;

use super::super::network::unavailable;
use super::address::Address;
use crate::error::{Error, fail};

/// Why a call gave nothing.
pub(super) enum Failure {
    /// Nothing was applied, and it is a matter of time.
    Wait(Error),
    /// Nothing was applied.
    Final(Error),
    /// It may have been carried out.
    Lost(Error),
}

pub(super) fn failure(doing: &str, error: &tokio_postgres::Error) -> Failure {
    let Some(state) = error.code() else {
        return Failure::Lost(unavailable("connection", format!("could not {doing}: the connection broke")));
    };
    let wait = |reason, why: &str| Failure::Wait(unavailable(reason, format!("could not {doing}: {why}")));
    let full = |what: &str| Failure::Final(fail!(Io, "could not {doing}: the server's {what} is full"));
    if let Some(error) = credentials(doing, state) {
        return Failure::Final(error);
    }
    match *state {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            wait("conflict", "others changed the same at the same time")
        }
        SqlState::LOCK_NOT_AVAILABLE => {
            Failure::Final(fail!(Timeout, "could not {doing}: others were at it until the deadline"))
        }
        SqlState::QUERY_CANCELED => Failure::Final(
            fail!(
                Timeout,
                "could not {doing}: the server cancelled it, by its statement_timeout or by its administrator"
            )
            .with("reason", "cancelled"),
        ),
        // A server that ends a connection may do so after a commit, and before it is told.
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::IDLE_SESSION_TIMEOUT => {
            Failure::Lost(unavailable("shutdown", format!("could not {doing}: the server ended the connection")))
        }
        SqlState::CANNOT_CONNECT_NOW => wait("starting", "the server starts or stops"),
        SqlState::TOO_MANY_CONNECTIONS => wait("connections", "the server has as many connections as it takes"),
        SqlState::READ_ONLY_SQL_TRANSACTION => Failure::Final(fail!(
            ReadOnly,
            "could not {doing}: the server, or its user, may only read: give the primary's address, or open the store \
             with readOnly"
        )),
        SqlState::INSUFFICIENT_PRIVILEGE => Failure::Final(unavailable(
            "permission",
            format!("could not {doing}: the server's user lacks a privilege; docs/postgresql.md lists those needed"),
        )),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_FUNCTION | SqlState::INVALID_SCHEMA_NAME => {
            Failure::Final(unavailable(
                "schema",
                format!("could not {doing}: the store's tables or functions are gone; open the store again"),
            ))
        }
        SqlState::DISK_FULL => full("disk"),
        SqlState::OUT_OF_MEMORY => full("memory"),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            Failure::Final(fail!(Corrupt, "could not {doing}: the server finds its data damaged"))
        }
        _ => Failure::Final(
            fail!(Io, "could not {doing}: the server answered with the error {:?}", state.code())
                .with("reason", "server"),
        ),
    }
}

/// A connection that could not be set up.
pub(super) fn refused_at_connecting(address: &Address, error: &tokio_postgres::Error) -> Error {
    let doing = format!("log in to {}", address.host);
    let Some(state) = error.code() else {
        // What is wrong with a login that was not even sent: a password was wanted.
        return match error.to_string().contains("configuration") {
            true => authentication(&doing),
            false => unavailable(
                "connection",
                format!("could not {doing}: the connection broke; is it a PostgreSQL, and without TLS?"),
            ),
        };
    };
    match failure(&doing, error) {
        _ if *state == SqlState::INVALID_CATALOG_NAME => {
            fail!(InvalidArgument, "{} has no such database: make it, or correct the URL", address.host)
                .with("argument", "url")
        }
        Failure::Wait(error) | Failure::Final(error) | Failure::Lost(error) => error,
    }
}

fn credentials(doing: &str, state: &SqlState) -> Option<Error> {
    let refused = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(state);
    refused.then(|| authentication(doing))
}

fn authentication(doing: &str) -> Error {
    unavailable(
        "authentication",
        format!("could not {doing}: the server refuses the user or the password; see the option passwordEnv"),
    )
}

/// What answers is no PostgreSQL, or what is stored there is not ours.
pub(super) fn strange(doing: &str) -> Error {
    unavailable("protocol", format!("could not {doing}: what the server answered is not what was asked for"))
}
