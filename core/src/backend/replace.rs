//! Bytes for bytes: a cell sealed anew under another key takes the place of the one it was made of, if that one still
//! stands there. Nothing else about the record changes, so no writer notices but by the bytes.

use super::{Backend, BlindUser, CellId, Space, StorageId};
use crate::error::Result;

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
    /// The row it lies in; `None` for a user's record.
    pub(super) fn row(&self) -> Option<StorageId> {
        match *self {
            Place::Head(id) | Place::Field(id, _) => Some(id),
            Place::User(_) => None,
        }
    }
}

impl Backend {
    /// Replaces each cell whose bytes are still `old`; which were, in their order. Each is on its own: they need not lie in
    /// one bucket, nor be of one instant. On the disk before the call returns.
    pub(crate) async fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        if replacements.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Backend::Memory(memory) => memory.replace(space, replacements),
            Backend::Sqlite(sqlite) => sqlite.replace(space, replacements).await,
        }
    }

    /// The ids of all that lies in a space, whether an index names it or not, after `after`, at most `limit`, in order.
    pub(crate) async fn rows(&self, space: &Space, after: Option<StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        match self {
            Backend::Memory(memory) => memory.rows(space, after, limit),
            Backend::Sqlite(sqlite) => sqlite.rows(space, after, limit).await,
        }
    }
}
