//! Where a PostgreSQL is, as its URL says: `postgresql://[user@]host[:port]/database[?sslmode=…]`.
//!
//! The host may be a folder with the server's socket, escaped (`%2Fvar%2Frun%2Fpostgresql`). `sslmode` is `verify-full` or
//! `disable`; without it, who is on another machine is asked for its certificate. No URL holds a password.

use std::net::IpAddr;

use super::super::network::{Host, unescaped};
use crate::error::{Error, Result, fail};

const PORT: u16 = 5432;
const SHAPE: &str = "a URL is postgresql://[user@]host[:port]/database[?sslmode=verify-full]";

/// A store's URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) host: Host,
    pub(super) is_tls: bool,
    /// `None`: as this process's user is called.
    pub(super) user: Option<String>,
    pub(super) database: String,
}

impl Address {
    /// Reads what follows `scheme:`; `None` when the scheme is none of PostgreSQL.
    pub(in crate::backend) fn parse(scheme: &str, rest: &str) -> Option<Result<Address>> {
        matches!(scheme, "postgresql" | "postgres").then(|| Address::read(rest))
    }

    fn read(rest: &str) -> Result<Address> {
        // The URL is not quoted: it may hold the password that it should not hold.
        let wrong = |why: &str| invalid(format!("postgresql: {why}; {SHAPE}"));
        let rest = rest.strip_prefix("//").ok_or_else(|| wrong("two slashes must follow"))?;
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let (authority, database) = place.split_once('/').ok_or_else(|| wrong("the database is missing"))?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err(invalid(
                    "postgresql: no password rides in a URL, for URLs end up in logs: pass it as the backend's \
                     password, or name its environment variable in the option passwordEnv"
                        .to_owned(),
                ));
            }
            Some((user, host)) => (Some(unescaped(user).ok_or_else(|| wrong("the user is not readable"))?), host),
            None => (None, authority),
        };
        let database = unescaped(database).filter(|name| !name.contains(['/', '#']));
        let database = database.ok_or_else(|| wrong("the name of the database is missing or not readable"))?;
        let host = Host::parse(host, PORT).ok_or_else(|| wrong("it is one host, and a port from 1 to 65535"))?;
        let name = unescaped(&host.name).filter(|name| !name.contains(','));
        let host = Host::new(name.ok_or_else(|| wrong("it is one host"))?, host.port);

        let mut is_tls = !is_here(&host.name);
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            is_tls = match pair.split_once('=') {
                Some(("sslmode", "verify-full")) => true,
                Some(("sslmode", "disable")) => false,
                Some(("sslmode", _)) => {
                    return Err(wrong("sslmode is verify-full or disable: the others trust whoever answers"));
                }
                _ => return Err(wrong("what follows ? is not understood: pass it as an option")),
            };
        }
        if is_tls && host.name.starts_with('/') {
            return Err(wrong("a socket has no TLS"));
        }
        Ok(Address { host, is_tls, user, database })
    }

    /// The socket's file, where the host is a folder.
    pub(super) fn socket(&self) -> Option<String> {
        let folder = Some(&self.host.name).filter(|name| name.starts_with('/'))?;
        Some(format!("{folder}/.s.PGSQL.{}", self.host.port))
    }
}

/// Whether it is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
        let of = |host: &str, port, is_tls| Address {
            host: Host::new(host, port),
            is_tls,
            user: None,
            database: "shop".to_owned(),
        };
        let table = [
            ("postgresql://localhost/shop", of("localhost", 5432, false)),
            ("postgres://127.0.0.1:6432/shop", of("127.0.0.1", 6432, false)),
            ("postgresql://db.example/shop", of("db.example", 5432, true)),
            ("postgresql://db.example/shop?sslmode=disable", of("db.example", 5432, false)),
            ("postgresql://[::1]:7/shop?sslmode=verify-full", of("::1", 7, true)),
            ("postgresql://%2Frun%2Fpostgresql/shop", of("/run/postgresql", 5432, false)),
            (
                "postgresql://a%40b@localhost/shop",
                Address { user: Some("a@b".to_owned()), ..of("localhost", 5432, false) },
            ),
        ];
        for (url, wanted) in table {
            assert_eq!(parse(url).unwrap(), wanted, "{url}");
        }
        let socket = parse("postgresql://%2Frun%2Fpostgresql:7/shop").unwrap().socket();
        assert_eq!(socket.as_deref(), Some("/run/postgresql/.s.PGSQL.7"));
        assert!(Address::parse("redis", "//h").is_none());
    }

    #[test]
    fn bad_urls_say_why_and_never_quote() {
        let table = [
            ("postgresql://u:secret@h/d", "passwordEnv"),
            ("postgresql:h/d", "slashes"),
            ("postgresql://secret", "database"),
            ("postgresql://secret/", "database"),
            ("postgresql:///secret", "host"),
            ("postgresql://secret:0/d", "port"),
            ("postgresql://a,secret/d", "one host"),
            ("postgresql://secret/d?sslmode=require", "verify-full"),
            ("postgresql://h/d?password=secret", "option"),
            ("postgresql://%2Fsecret/d?sslmode=verify-full", "socket"),
        ];
        for (url, says) in table {
            let error = parse(url).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{url}");
            assert!(error.message().contains(says), "{url}: {}", error.message());
            assert!(!error.message().contains("secret"), "{url}");
        }
    }
}
