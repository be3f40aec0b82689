//! The tables, and the pragmas that can be set only before there are any.
//!
//! Rowid tables with a BLOB primary key: WITHOUT ROWID reads rows of 1 KB 2.5 × slower. The exception is `entry`, which
//! is nothing but its key: there a rowid table would hold every entry twice. `cells` comes last, so that a read of the
//! head alone never follows a row's overflow pages.

use rusqlite::Connection;

use super::error::mapped;
use crate::error::{Result, fail};

/// "sssl" in ASCII; tells a sessile store from any other SQLite file, to us and to `file(1)`.
pub(super) const APPLICATION_ID: i32 = 0x7373_736c;
/// The version of these tables.
pub(super) const USER_VERSION: i32 = 1;

/// Verbatim what `sqlite_schema` keeps of them.
const SCHEMA: [&str; 7] = [
    "CREATE TABLE session(key BLOB PRIMARY KEY NOT NULL, head BLOB, touch BLOB, version INTEGER NOT NULL, \
     updated INTEGER, size INTEGER NOT NULL, count INTEGER NOT NULL, expires INTEGER, cells BLOB NOT NULL)",
    "CREATE INDEX session_expires ON session(expires) WHERE expires IS NOT NULL",
    "CREATE TABLE field(key BLOB NOT NULL, cell BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(key, cell))",
    "CREATE TABLE user(key BLOB PRIMARY KEY NOT NULL, generation INTEGER NOT NULL, sealed BLOB NOT NULL)",
    "CREATE TABLE entry(space BLOB NOT NULL, user BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY(space, user, id)) \
     WITHOUT ROWID",
    "CREATE INDEX entry_session ON entry(space, id)",
    "CREATE TABLE meta(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)",
];

/// Makes the tables in an empty file, all or nothing.
pub(super) fn create(connection: &Connection) -> Result<()> {
    let made = connection.execute_batch(&format!(
        "PRAGMA page_size = 4096;
         PRAGMA auto_vacuum = INCREMENTAL;
         BEGIN EXCLUSIVE;
         {};
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {USER_VERSION};
         COMMIT;",
        SCHEMA.join(";\n")
    ));
    made.map_err(|error| mapped("make the store's tables", &error))
}

/// Refuses a file whose tables are not exactly ours: one more index or trigger would run with every write.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let read = || -> rusqlite::Result<(i32, i32, Vec<String>)> {
        let id = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let mut statement = connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?;
        let tables = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok((id, version, tables))
    };
    let (id, version, tables) = read().map_err(|error| mapped("read the store's tables", &error))?;
    identity(id, version)?;
    if tables != SCHEMA {
        return Err(fail!(Corrupt, "the database's tables are not those of a sessile store of version {USER_VERSION}"));
    }
    Ok(())
}

/// Refuses another program's file, and one of a newer sessile.
pub(super) fn identity(application_id: i32, user_version: i32) -> Result<()> {
    if application_id != APPLICATION_ID {
        return Err(fail!(
            Unsupported,
            "the file is not a sessile store, but another SQLite database (application id {application_id:#x}); it was \
             left as it is"
        ));
    }
    if user_version > USER_VERSION {
        return Err(fail!(
            FormatTooNew,
            "the file has version {user_version}, this sessile knows up to {USER_VERSION}; it was left as it is"
        ));
    }
    if user_version < USER_VERSION {
        return Err(fail!(Corrupt, "the file claims version {user_version}, which no sessile ever wrote"));
    }
    Ok(())
}
