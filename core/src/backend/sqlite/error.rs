//! What SQLite's result codes mean to a caller.

use rusqlite::ErrorCode;

use crate::error::{Error, fail};

/// `SQLITE_READONLY_DBMOVED`: the file was moved or removed under an open connection.
const READONLY_DBMOVED: i32 = 8 | (4 << 8);

/// The error of `doing` ("read a session"). SQLite's own text stays out: it may quote what was bound, and
/// "database is locked" tells nobody what to do.
pub(super) fn mapped(doing: &str, error: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return match error {
            // A column of another type, a number out of range: not written by us.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => {
                fail!(Corrupt, "could not {doing}: the stored record is damaged")
            }
            _ => fail!(Internal, "could not {doing}: the SQLite binding refused; please report it"),
        };
    };
    let number = failure.extended_code;
    match failure.code {
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            fail!(
                Corrupt,
                "could not {doing}: the database file is damaged, or its disk does not give it (SQLite {number}); if that \
                 stays so, restore a backup"
            )
        }
        ErrorCode::DiskFull => fail!(Io, "could not {doing}: the disk is full"),
        ErrorCode::ReadOnly if number == READONLY_DBMOVED => {
            fail!(Io, "could not {doing}: the database file was moved or removed while it was open")
        }
        ErrorCode::ReadOnly => fail!(ReadOnly, "could not {doing}: the database file or its folder is read-only"),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => busy(doing),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            fail!(
                Io,
                "could not {doing}: the database file or its -wal or -shm file cannot be opened (SQLite {number})"
            )
        }
        ErrorCode::SystemIoFailure | ErrorCode::NoLargeFileSupport => {
            fail!(Io, "could not {doing}: reading or writing the database file failed (SQLite {number})")
        }
        ErrorCode::OutOfMemory => fail!(Io, "could not {doing}: out of memory"),
        // What stands there was looked up before, in the same transaction: table and index don't agree.
        ErrorCode::ConstraintViolation => {
            fail!(
                Corrupt,
                "could not {doing}: the database file is damaged (SQLite {number}); check it, and restore a backup"
            )
        }
        // The tables were checked at opening: what no longer fits them was changed from outside.
        ErrorCode::Unknown => {
            fail!(Corrupt, "could not {doing}: the database's tables are not those of a sessile store")
        }
        _ => fail!(Internal, "could not {doing}: SQLite answered {number}; please report it"),
    }
}

/// `BUSY`: somebody else held the store until the deadline.
pub(super) fn busy(doing: &str) -> Error {
    fail!(Busy, "could not {doing}: others held the store until the deadline; try again")
}

/// Whether waiting may help: a lock of a process that does not know our lock file, a recovery, a last close.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;
    use crate::error::Code;

    #[test]
    fn what_a_damaged_file_says_is_no_fault_of_ours() {
        for number in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_ERROR] {
            let error = mapped("change a session", &rusqlite::Error::SqliteFailure(ffi::Error::new(number), None));
            assert_eq!(error.code(), Code::Corrupt, "{number}");
        }
    }
}
