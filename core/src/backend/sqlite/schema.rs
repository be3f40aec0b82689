//! The tables, and the pragmas that can be set only before there are any.
//!
//! Rowid tables with a BLOB primary key: WITHOUT ROWID reads rows of 1 KB 2.5 × slower. The exception is `entry`, which
//! is nothing but its key: there a rowid table would hold every entry twice. `cells` comes last, so that a read of the
//! head alone never follows a row's overflow pages.

use rusqlite::Connection;

use super::error::mapped;
use crate::error::{Error, Result, fail};

/// "sssl" in ASCII; tells a sessile store from any other SQLite file, to us and to `file(1)`.
pub(super) const APPLICATION_ID: i32 = 0x7373_736c;
/// The tables of one version, and how a file of an older one gets there.
pub(super) struct Schema {
    /// Verbatim what `sqlite_schema` keeps of them.
    tables: &'static [&'static str],
    /// The first makes version 2 of version 1. A file that took all of them is like one that was made anew.
    steps: &'static [&'static str],
}

/// What this sessile reads and writes.
pub(super) const CURRENT: Schema = Schema::of(&TABLES, &[]);

const TABLES: [&str; 7] = [
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

impl Schema {
    pub(super) const fn of(tables: &'static [&'static str], steps: &'static [&'static str]) -> Schema {
        Schema { tables, steps }
    }

    pub(super) const fn version(&self) -> i32 {
        1 + self.steps.len() as i32
    }

    /// Makes the tables in an empty file, all or nothing.
    pub(super) fn create(&self, connection: &Connection) -> Result<()> {
        let made = connection.execute_batch(&format!(
            "PRAGMA page_size = 4096;
             PRAGMA auto_vacuum = INCREMENTAL;
             BEGIN EXCLUSIVE;
             {};
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {};
             COMMIT;",
            self.tables.join(";\n"),
            self.version()
        ));
        made.map_err(|error| mapped("make the store's tables", &error))
    }

    /// Takes the steps from the file's version to this one, in one transaction. Under the write lock, which makes it
    /// once for all processes that open the file at once; a killed one leaves the file as it was.
    pub(super) fn bring_up_to_date(&self, connection: &Connection) -> Result<()> {
        let doing = "bring the store's tables up to date";
        let (id, version) = read_identity(connection).map_err(|error| mapped(doing, &error))?;
        self.admit(id, version)?;
        let taken = usize::try_from(version - 1).unwrap_or(0);
        let Some(steps) = self.steps.get(taken..).filter(|steps| !steps.is_empty()) else { return Ok(()) };
        let made = connection.execute_batch(&format!(
            "BEGIN EXCLUSIVE;
             {};
             PRAGMA user_version = {};
             COMMIT;",
            steps.join(";\n"),
            self.version()
        ));
        made.map_err(|error| {
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
            mapped(doing, &error)
        })
    }

    /// Refuses a file whose tables are not exactly ours: one more index or trigger would run with every write.
    pub(super) fn check(&self, connection: &Connection) -> Result<()> {
        let read = || -> rusqlite::Result<(i32, i32, Vec<String>)> {
            let (id, version) = read_identity(connection)?;
            let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
            let mut statement = connection.prepare(sql)?;
            let tables = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok((id, version, tables))
        };
        let (id, version, tables) = read().map_err(|error| mapped("read the store's tables", &error))?;
        self.admit(id, version)?;
        let expected = self.version();
        if version < expected {
            return Err(fail!(
                ReadOnly,
                "the file has version {version}, this sessile reads {expected}: open it once for writing, which brings \
                 it up to date"
            ));
        }
        if tables != self.tables {
            return Err(fail!(Corrupt, "the database's tables are not those of a sessile store of version {expected}"));
        }
        Ok(())
    }

    /// Refuses a file that a newer sessile has brought up to date since it was opened; inside a transaction.
    pub(super) fn check_version(&self, connection: &Connection) -> Result<()> {
        let mut version = connection.prepare_cached("PRAGMA user_version").map_err(|error| mapped("write", &error))?;
        match version.query_row([], |row| row.get::<_, i32>(0)).map_err(|error| mapped("write", &error))? {
            version if version > self.version() => Err(self.too_new(version)),
            _ => Ok(()),
        }
    }

    /// Refuses another program's file, and one of a newer sessile.
    pub(super) fn admit(&self, application_id: i32, user_version: i32) -> Result<()> {
        if application_id != APPLICATION_ID {
            return Err(fail!(
                Unsupported,
                "the file is not a sessile store, but another SQLite database (application id {application_id:#x}); it \
                 was left as it is"
            ));
        }
        if user_version > self.version() {
            return Err(self.too_new(user_version));
        }
        if user_version < 1 {
            return Err(fail!(Corrupt, "the file claims version {user_version}, which no sessile ever wrote"));
        }
        Ok(())
    }

    fn too_new(&self, version: i32) -> Error {
        let known = self.version();
        fail!(FormatTooNew, "the file has version {version}, this sessile knows up to {known}; it was left as it is")
    }
}

fn read_identity(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let id = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((id, version))
}

/// Version 2, of which there is none yet: proves that files are brought up to date.
#[cfg(test)]
pub(super) const NEXT: Schema = Schema {
    tables: &{
        let mut tables = [""; TABLES.len() + 1];
        tables[TABLES.len()] = "CREATE TABLE note(text TEXT)";
        let mut at = 0;
        while at < TABLES.len() {
            tables[at] = TABLES[at];
            at += 1;
        }
        tables
    },
    steps: &["CREATE TABLE note(text TEXT); INSERT INTO note VALUES('migrated')"],
};
