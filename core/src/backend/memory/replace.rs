//! Bytes for bytes.

use super::super::replace::{Place, Replacement};
use super::super::{SealedField, Space};
use super::{Memory, Shard};
use crate::error::Result;

impl Memory {
    pub(in super::super) fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        replacements
            .iter()
            .map(|replacement| {
                let bucket = replacement.place.bucket();
                Ok(replacement.keeps_length() && self.lock(space, bucket)?.replace(space, replacement))
            })
            .collect()
    }
}

impl Shard {
    fn replace(&mut self, space: &Space, replacement: &Replacement) -> bool {
        let Replacement { place, old, new } = replacement;
        match place {
            Place::Head(id) => match self.rows.get_mut(&(*space, *id)) {
                Some(row) if row.head.as_ref() == Some(old) => {
                    row.head = Some(new.clone());
                    true
                }
                _ => false,
            },
            Place::Field(id, cell) => {
                let row = self.rows.get_mut(&(*space, *id));
                let cells = row.map(|row| &mut row.cells).into_iter().flatten();
                match cells.into_iter().find(|(there, sealed)| there == cell && sealed.0 == *old) {
                    Some((_, sealed)) => {
                        *sealed = SealedField(new.clone());
                        true
                    }
                    None => false,
                }
            }
            Place::User(user) => match self.users.get_mut(&(*space, *user)) {
                Some(record) if record.sealed == *old => {
                    record.sealed = new.clone();
                    true
                }
                _ => false,
            },
        }
    }
}
