//! Connections: how each is set up.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::Durability;
use super::error::{is_busy, mapped};
use super::lock::Pause;
use super::log::Log;
use super::schema::Schema;
use crate::error::{Result, fail};

/// More than there are statements.
const STATEMENTS: usize = 32;

/// 16 MiB for the pages that the writer goes back to, eight times what SQLite gives: it is one for the whole process. The
/// index of 200,000 sessions stays in it, whichever of them come.
const CACHE: &str = "PRAGMA cache_size = -16384";

/// The connection that writes; it makes the tables in an empty file and brings older ones up to date. Called under the
/// write lock.
pub(super) fn writer(
    path: &Path,
    empty: bool,
    schema: &Schema,
    durability: Durability,
    log: &Log,
    deadline: Instant,
) -> Result<Connection> {
    let mut pause = Pause::until(deadline);
    let mut again = |error: rusqlite::Error| match is_busy(&error) {
        true => pause.sleep("open the store"),
        false => Err(mapped("open the store", &error).at(path.display())),
    };
    let mut connection = loop {
        match reading_and_writing(path).and_then(|connection| set_sync(&connection, durability).map(|()| connection)) {
            Ok(connection) => break connection,
            Err(error) => again(error)?,
        }
    };
    if empty {
        schema.create(&connection)?;
    }
    schema.bring_up_to_date(&connection).and_then(|()| schema.check(&connection)).map_err(|e| e.at(path.display()))?;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => break,
            Ok(_) => {
                return Err(fail!(
                    Unsupported,
                    "{}: this file system has no shared memory, which SQLite's write-ahead log needs",
                    path.display()
                ));
            }
            Err(error) => again(error)?,
        }
    }
    connection.execute_batch(CACHE).map_err(|error| mapped("open the store", &error))?;
    log.watch(&mut connection).map_err(|error| mapped("open the store", &error))?;
    Ok(connection)
}

/// Whether a commit waits for the disk. Outside a transaction only.
pub(super) fn set_sync(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.execute_batch(match durability {
        Durability::Interval => "PRAGMA synchronous = NORMAL",
        Durability::Commit => "PRAGMA synchronous = FULL",
    })
}

/// For reading and writing.
fn reading_and_writing(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// For reading beside others, some of whom write.
pub(super) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = reading_and_writing(path)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

/// For reading a file that this process must not change.
pub(super) fn reading_only(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// For reading a file that nobody changes: without a lock, and without a file beside it.
pub(super) fn reading_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = b"file://".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => uri.push(*byte),
            _ => uri.extend(format!("%{byte:02X}").bytes()),
        }
    }
    uri.extend(b"?immutable=1");
    let uri = PathBuf::from(OsString::from_vec(uri));
    opened(&uri, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// For making a copy in a file of this process alone. It is of no use until it is whole: there is nothing to undo in it.
pub(super) fn for_a_copy(path: &Path) -> rusqlite::Result<Connection> {
    let connection = reading_and_writing(path)?;
    connection.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")?;
    Ok(connection)
}

/// An absolute path, so that neither `:memory:` nor `file:` can mean anything but a file's name: the bundled SQLite
/// reads URIs whatever the flags say.
fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    debug_assert!(path.is_absolute());
    opened(path, access)
}

fn opened(name: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = access
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(name, flags)?;
    // A hostile file must neither run what it brings along nor be believed about its own layout.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute_batch(&format!(
        "PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA busy_timeout = 0;
         PRAGMA foreign_keys = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {};",
        Log::KEPT
    ))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
