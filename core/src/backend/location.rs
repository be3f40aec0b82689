//! Where a store is, as its URL says.

use std::path::{Path, PathBuf};

use super::{postgres, redis};
use crate::error::{Result, fail};

/// A store's URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location<'a> {
    /// `memory:`
    Memory,
    /// `postgresql://`
    Postgres(postgres::Address),
    /// `redis://` and its kin
    Redis(redis::Address),
    /// `sqlite:PATH`
    Sqlite(&'a Path),
}

const ACCEPTED: &str =
    "memory:, sqlite:PATH, postgresql://, redis:// or rediss://, redis+sentinel:// or redis+cluster://";

impl Location<'_> {
    /// `memory:`, `sqlite:PATH`, `sqlite:///ABSOLUTE/PATH` or one of a server's; else `INVALID_ARGUMENT` naming what is
    /// accepted.
    pub(crate) fn parse(url: &str) -> Result<Location<'_>> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(fail!(InvalidArgument, "a store's URL begins with its scheme: {ACCEPTED}"));
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Location::Memory),
            "memory" => Err(fail!(InvalidArgument, "memory: takes nothing after the colon")),
            "sqlite" => Ok(Location::Sqlite(Path::new(sqlite_path(rest)?))),
            _ => {
                if let Some(address) = postgres::Address::parse(scheme, rest) {
                    return Ok(Location::Postgres(address?));
                }
                if let Some(address) = redis::Address::parse(scheme, rest) {
                    return Ok(Location::Redis(address?));
                }
                // Only the scheme is named: the rest of a URL may hold a password.
                Err(fail!(InvalidArgument, "unknown store {scheme:?}: a URL is {ACCEPTED}"))
            }
        }
    }
}

impl Location<'_> {
    /// Whether both are one file.
    pub(crate) fn is_same_file(&self, other: &Location<'_>) -> bool {
        let (Location::Sqlite(one), Location::Sqlite(other)) = (self, other) else { return false };
        one == other || resolved(one).is_some_and(|one| Some(one) == resolved(other))
    }
}

/// The path without links and dots; of a file that is not there yet, as far as its folder goes.
fn resolved(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    })
}

/// All of it is the path, `?` and `%` too.
fn sqlite_path(rest: &str) -> Result<&str> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => {
            return Err(fail!(
                InvalidArgument,
                "sqlite:// takes an absolute path: sqlite:///folder/file, or sqlite:./file"
            ));
        }
        None => rest,
    };
    match path {
        "" => Err(fail!(InvalidArgument, "sqlite: needs a path: sqlite:./sessions.db")),
        ":memory:" => Err(fail!(InvalidArgument, "a store in memory is memory:, not sqlite::memory:")),
        path if path.contains('\0') => Err(fail!(InvalidArgument, "a path has no NUL character")),
        path => Ok(path),
    }
}
