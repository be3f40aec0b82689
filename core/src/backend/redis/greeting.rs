//! What is asked of a server before it is trusted with sessions: its version, its mode, and that it forgets nothing.

use redis::Value;

use super::super::network::unavailable;
use super::Settings;
use super::address::{Host, Topology};
use crate::error::{Error, Result, fail};

/// Scripts that write after reading a clock-free state, `ZADD LT`, TLS and ACL: all there since this one.
const OLDEST: (u32, u32) = (6, 2);

/// Judges the answer to `INFO`.
pub(super) fn judge(settings: &Settings, host: &Host, answer: &Value) -> Result<()> {
    let text = match answer {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::VerbatimString { text, .. } => Some(&**text),
        Value::ServerError(error) if error.code() == "NOPERM" && settings.allow_eviction => return Ok(()),
        Value::ServerError(error) if error.code() == "NOPERM" => {
            return Err(unavailable(
                "permission",
                format!(
                    "{host}: the server's user may not ask INFO, so nobody can tell whether the server evicts keys: give it +info"
                ),
            ));
        }
        Value::ServerError(error) if matches!(error.code(), "NOAUTH" | "WRONGPASS") => {
            return Err(super::error::authentication(&format!("log in to {host}")));
        }
        Value::ServerError(error) if error.code() == "LOADING" => return Err(loading(host)),
        _ => None,
    };
    let text = text.ok_or_else(|| super::error::strange(&format!("talk to {host}")))?;
    let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default();

    let version = of("redis_version");
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Err(fail!(
            Unsupported,
            "{host} is Redis {version}; {}.{} is the oldest that will do",
            OLDEST.0,
            OLDEST.1
        ));
    }
    if of("loading") == "1" {
        return Err(loading(host));
    }
    check_mode(&settings.address.topology, host, of("redis_mode"))?;
    let policy = of("maxmemory_policy");
    if !settings.allow_eviction && !matches!(policy, "" | "noeviction") {
        return Err(fail!(
            Unsupported,
            "{host} evicts keys when its memory is full (maxmemory-policy {policy}), and sessions would vanish: set it to \
             noeviction, or pass the option allowEviction"
        )
        .with("reason", "eviction"));
    }
    match (&settings.address.topology, of("role")) {
        _ if settings.read_only => Ok(()),
        (Topology::Single, "slave") => {
            Err(fail!(ReadOnly, "{host} is a replica, which can only be read; give the primary's address"))
        }
        (Topology::Sentinel(_), "slave") => Err(demoted(host)),
        _ => Ok(()),
    }
}

fn check_mode(topology: &Topology, host: &Host, mode: &str) -> Result<()> {
    let advice = match (topology, mode) {
        (Topology::Cluster, "standalone") => "is no node of a cluster: use redis://",
        (Topology::Single | Topology::Sentinel(_), "cluster") => "is a node of a cluster: use redis+cluster://",
        (_, "sentinel") => "is a sentinel: use redis+sentinel://",
        _ => return Ok(()),
    };
    Err(fail!(Unsupported, "{host} {advice}").with("argument", "url"))
}

fn loading(host: &Host) -> Error {
    unavailable("loading", format!("{host} is loading its data: try again in a moment"))
}

fn demoted(host: &Host) -> Error {
    unavailable("failover", format!("{host} is no primary any more, and its successor is not known yet"))
}
