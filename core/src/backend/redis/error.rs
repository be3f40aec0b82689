//! What a server's refusals mean to a caller. Its own text stays out of messages: it may quote what was sent.

use redis::{RedisError, ServerError, ServerErrorKind};

use super::super::network::unavailable;
use super::address::Host;
use crate::error::{Error, fail};

/// What is to be done about a refusal. Nothing was applied.
pub(super) enum Refusal {
    /// The script is not known there.
    NoScript,
    /// The slot lies elsewhere from now on.
    Moved(Host),
    /// The slot is on its way there: this call only.
    Ask(Host),
    /// A matter of time: another try may do.
    Wait(Error),
    /// It is no primary any more.
    Demoted(Error),
    Final(Error),
}

/// `asked`: the host that refused; a redirect without a host's name means that one.
pub(super) fn refusal(doing: &str, asked: &Host, error: &ServerError) -> Refusal {
    use ServerErrorKind as Kind;
    let detail = error.details().unwrap_or_default();
    let wait = |reason, why: &str| Refusal::Wait(unavailable(reason, format!("could not {doing}: {why}")));
    match error.kind() {
        Some(Kind::NoScript) => Refusal::NoScript,
        Some(kind @ (Kind::Moved | Kind::Ask)) => match (redirect(detail, asked), kind) {
            (Some(host), Kind::Moved) => Refusal::Moved(host),
            (Some(host), _) => Refusal::Ask(host),
            (None, _) => Refusal::Final(strange(doing)),
        },
        Some(Kind::BusyLoading) => wait("loading", "the server is loading its data"),
        Some(Kind::MasterDown | Kind::ClusterDown | Kind::TryAgain) => {
            wait("cluster", "the part of the cluster that it lies in is down or moving")
        }
        Some(Kind::ReadOnly) => Refusal::Demoted(fail!(
            ReadOnly,
            "could not {doing}: the server is a replica, which can only be read; give the primary's address"
        )),
        Some(Kind::NoPerm) => Refusal::Final(unavailable(
            "permission",
            format!("could not {doing}: the server's user lacks a permission; docs/redis.md lists the commands needed"),
        )),
        // A script met a key of a slot that has just gone elsewhere.
        Some(Kind::ResponseError | Kind::ExecAbort | Kind::CrossSlot) if detail.contains("non local key") => {
            wait("cluster", "the slot that it lies in is moving")
        }
        _ => match error.code() {
            "BUSY" => wait("busy", "the server is busy with somebody's script"),
            "OOM" => Refusal::Final(fail!(Io, "could not {doing}: the server's memory is full")),
            "MISCONF" => Refusal::Final(fail!(Io, "could not {doing}: the server cannot write its data to its disk")),
            "NOREPLICAS" => wait("replicas", "the server has fewer replicas than it wants for a write"),
            "UNBLOCKED" => wait("cluster", "the server was demoted meanwhile"),
            "WRONGTYPE" => Refusal::Final(fail!(Corrupt, "could not {doing}: a stored record is not one of ours")),
            "NOAUTH" | "WRONGPASS" => Refusal::Final(authentication(doing)),
            code => Refusal::Final(
                fail!(Io, "could not {doing}: the server answered with the error {code:?}").with("reason", "server"),
            ),
        },
    }
}

/// A connection that could not be set up.
pub(super) fn refused_at_connecting(host: &Host, error: &RedisError) -> Error {
    let doing = format!("log in to {host}");
    match error.code() {
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => authentication(&doing),
        Some("LOADING") => unavailable("loading", format!("could not {doing}: the server is loading its data")),
        Some("NOPERM") => unavailable("permission", format!("could not {doing}: the server's user lacks a permission")),
        Some("NOAUTH" | "WRONGPASS") => authentication(&doing),
        Some("ERR") => {
            fail!(InvalidArgument, "could not {doing}: the server has no such database, or takes no password")
                .with("argument", "url")
        }
        _ if error.is_io_error() || error.is_connection_dropped() => unavailable(
            "connection",
            format!("could not {doing}: the connection broke; is it a Redis, and without TLS?"),
        ),
        _ => strange(&doing),
    }
}

pub(super) fn authentication(doing: &str) -> Error {
    unavailable(
        "authentication",
        format!("could not {doing}: the server refuses the user or the password; see the option passwordEnv"),
    )
}

/// What answers is no Redis, or what is stored there is not ours.
pub(super) fn strange(doing: &str) -> Error {
    unavailable("protocol", format!("could not {doing}: what answered does not speak as a Redis does"))
}

/// `3999 127.0.0.1:6381`; without a name it is the host that was asked.
fn redirect(detail: &str, asked: &Host) -> Option<Host> {
    let (_, place) = detail.split_once(' ')?;
    let (name, port) = place.split_whitespace().next()?.rsplit_once(':')?;
    let name = if name.is_empty() { &asked.name } else { name.trim_matches(['[', ']']) };
    Some(Host::new(name, port.parse().ok()?))
}
