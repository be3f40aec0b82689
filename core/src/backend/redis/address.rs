//! Where a Redis is, as its URL says.
//!
//! `redis://[user@]host[:port][/db]` is one primary, `redis+cluster://[user@]host[:port],…` a cluster, and
//! `redis+sentinel://[user@]host[:port],…/name[/db]` the primary that the sentinels at these hosts call `name`. With
//! `rediss` in place of `redis` all connections are TLS. No URL holds a password: URLs end up in logs.

pub(super) use super::super::network::Host;
use super::super::network::unescaped;
use crate::error::{Error, Result, fail};

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
/// What a server has unless it was told otherwise; a larger number is answered by the server itself.
const DATABASES: i64 = 1 << 20;

/// How the servers at an address work together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topology {
    Single,
    /// The name that the sentinels know the primary by.
    Sentinel(String),
    Cluster,
}

/// A store's URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) topology: Topology,
    /// Of the server, of sentinels, or of some of a cluster's nodes; at least one.
    pub(super) hosts: Vec<Host>,
    pub(super) is_tls: bool,
    pub(super) user: Option<String>,
    pub(super) database: i64,
}

impl Address {
    /// Reads what follows `scheme:`; `None` when the scheme is none of Redis.
    pub(in crate::backend) fn parse(scheme: &str, rest: &str) -> Option<Result<Address>> {
        let (transport, topology) = scheme.split_once('+').unwrap_or((scheme, ""));
        let is_tls = match transport {
            "redis" => false,
            "rediss" => true,
            _ => return None,
        };
        let topology = match topology {
            "" if !scheme.contains('+') => Topology::Single,
            "cluster" => Topology::Cluster,
            "sentinel" => Topology::Sentinel(String::new()),
            _ => return None,
        };
        Some(Address::read(scheme, rest, is_tls, topology))
    }

    fn read(scheme: &str, rest: &str, is_tls: bool, topology: Topology) -> Result<Address> {
        let shape = match topology {
            Topology::Single => "[user@]host[:port][/db]",
            Topology::Cluster => "[user@]host[:port],host[:port]",
            Topology::Sentinel(_) => "[user@]host[:port],host[:port]/name[/db]",
        };
        // The URL is not quoted: it may hold the password that it should not hold.
        let wrong = |why: &str| invalid(format!("{scheme}: {why}; a URL is {scheme}://{shape}"));
        let rest = rest.strip_prefix("//").ok_or_else(|| wrong("two slashes must follow"))?;
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(before, after)| (before, Some(after)));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err(invalid(format!(
                    "{scheme}: no password rides in a URL, for URLs end up in logs: pass it as the backend's password, or \
                     name its environment variable in the option passwordEnv"
                )));
            }
            Some((user, hosts)) => (Some(unescaped(user).ok_or_else(|| wrong("the user is not readable"))?), hosts),
            None => (None, authority),
        };
        if rest.contains(['?', '#']) {
            return Err(wrong("what follows ? or # is not understood: pass it as an option"));
        }
        let port = if matches!(topology, Topology::Sentinel(_)) { SENTINEL_PORT } else { REDIS_PORT };
        let hosts: Option<Vec<Host>> = hosts.split(',').map(|host| Host::parse(host, port)).collect();
        let hosts = hosts.ok_or_else(|| wrong("a host is missing, or a port is no number from 1 to 65535"))?;
        let mut parts = path.into_iter().flat_map(|path| path.split('/')).filter(|part| !part.is_empty());
        let topology = match topology {
            Topology::Single if hosts.len() > 1 => return Err(wrong("it is one host")),
            Topology::Sentinel(_) => {
                let name = parts.next().and_then(unescaped);
                Topology::Sentinel(name.ok_or_else(|| wrong("the name of the primary is missing"))?)
            }
            other => other,
        };
        let database = match (parts.next(), &topology) {
            (None, _) => 0,
            (Some("0"), Topology::Cluster) => 0,
            (Some(_), Topology::Cluster) => return Err(wrong("a cluster has one database only")),
            (Some(text), _) => text
                .parse()
                .ok()
                .filter(|number| (0..DATABASES).contains(number))
                .ok_or_else(|| wrong("the database is a number from 0"))?,
        };
        match parts.next() {
            None => Ok(Address { topology, hosts, is_tls, user, database }),
            Some(_) => Err(wrong("there is more than the database")),
        }
    }
}

fn invalid(message: String) -> Error {
    fail!(InvalidArgument, "{message}").with("argument", "url")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn parse(url: &str) -> Result<Address> {
        let (scheme, rest) = url.split_once(':').unwrap();
        Address::parse(scheme, rest).unwrap()
    }

    #[test]
    fn urls_are_read() {
        let local = |port| Host::new("localhost", port);
        let plain =
            Address { topology: Topology::Single, hosts: vec![local(6379)], is_tls: false, user: None, database: 0 };
        let sentinel = |database| Address {
            topology: Topology::Sentinel("main".into()),
            hosts: vec![local(26379), Host::new("b", 7)],
            database,
            ..plain.clone()
        };
        let table = [
            ("redis://localhost", plain.clone()),
            ("redis://localhost/", plain.clone()),
            ("redis://localhost:6380/3", Address { hosts: vec![local(6380)], database: 3, ..plain.clone() }),
            ("rediss://a%40b@localhost", Address { is_tls: true, user: Some("a@b".into()), ..plain.clone() }),
            ("redis://[::1]:7", Address { hosts: vec![Host::new("::1", 7)], ..plain.clone() }),
            (
                "redis+cluster://localhost,[::1]",
                Address {
                    topology: Topology::Cluster,
                    hosts: vec![local(6379), Host::new("::1", 6379)],
                    ..plain.clone()
                },
            ),
            ("redis+sentinel://localhost,b:7/main", sentinel(0)),
            ("redis+sentinel://localhost,b:7/main/2", sentinel(2)),
        ];
        for (url, wanted) in table {
            assert_eq!(parse(url).unwrap(), wanted, "{url}");
        }
        assert!(Address::parse("postgresql", "//h").is_none() && Address::parse("redis+x", "//h").is_none());
    }

    #[test]
    fn bad_urls_say_why_and_never_quote() {
        let table = [
            ("redis://u:secret@h", "passwordEnv"),
            ("redis://:secret@h", "passwordEnv"),
            ("redis:h", "slashes"),
            ("redis://", "host"),
            ("redis://secret:0", "port"),
            ("redis://a,b", "one host"),
            ("redis://a/x", "database"),
            ("redis://a/-1", "database"),
            ("redis://a/1/2", "more"),
            ("redis://a?password=secret", "option"),
            ("redis+cluster://a/1", "one database"),
            ("redis+sentinel://a", "name"),
        ];
        for (url, says) in table {
            let error = parse(url).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{url}");
            assert!(error.message().contains(says), "{url}: {}", error.message());
            assert!(!error.message().contains("secret"), "{url}");
        }
    }
}
