//! Bytes for bytes.

use super::super::Space;
use super::super::replace::{Place, Replacement};
use super::Memory;
use super::partition::Partition;
use crate::error::Result;

impl Memory {
    pub(in super::super) fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        let replaced = replacements.iter().map(|replacement| {
            let mut shard = self.lock(replacement.place.bucket())?;
            let partition = shard.get_mut(space).filter(|_| replacement.keeps_length());
            Ok(partition.is_some_and(|partition| partition.replace(replacement)))
        });
        replaced.collect()
    }
}

impl Partition {
    fn replace(&mut self, Replacement { place, old, new }: &Replacement) -> bool {
        let standing = match place {
            Place::Head(id) => {
                let head = self.rows.get_mut(id).and_then(|row| row.head.as_mut()).filter(|head| ***head == **old);
                // Not where it lies: it is shared.
                return head.map(|head| *head = new[..].into()).is_some();
            }
            Place::Field(id, cell) => self.rows.get_mut(id).and_then(|row| row.cells.sealed_mut(cell)),
            Place::User(user) => self.users.get_mut(user).map(|record| &mut *record.sealed),
        };
        match standing.filter(|standing| **standing == **old) {
            Some(standing) => {
                standing.copy_from_slice(new);
                true
            }
            None => false,
        }
    }
}
