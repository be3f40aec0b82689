//! Bytes for bytes: a cell sealed anew under another key takes the place of the one it was made of, if that one still
//! stands there. Nothing else about the record changes, so no writer notices but by the bytes.

use super::{BlindUser, CellId, StorageId};

/// A sealed cell of a space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Head(StorageId),
    Field(StorageId, CellId),
    User(BlindUser),
}

/// See the module. Both have one length, one stamp and one expiry: sizes and guards stay true.
pub(crate) struct Replacement {
    pub(crate) place: Place,
    pub(crate) old: Box<[u8]>,
    pub(crate) new: Box<[u8]>,
}

impl Replacement {
    pub(super) fn keeps_length(&self) -> bool {
        self.old.len() == self.new.len()
    }
}

impl Place {
    pub(super) fn bucket(&self) -> u8 {
        match self {
            Place::Head(id) | Place::Field(id, _) => id[0],
            Place::User(user) => user[0],
        }
    }

    /// The row it lies in; `None` for a user's record.
    pub(super) fn row(&self) -> Option<StorageId> {
        match *self {
            Place::Head(id) | Place::Field(id, _) => Some(id),
            Place::User(_) => None,
        }
    }
}
