//! A field, sealed: bound to its session, its life, its cell, its version and its end.

use zeroize::Zeroizing;

use super::config_vault::ConfigVault;
use super::derive::{lead, split_part};
use super::envelope::Seals;
use super::head::{Life, or_zero};
use super::known_cells::KnownCells;
use super::random::Entropy;
use crate::backend::{CellId, SealedField, Stamp, StorageId};
use crate::clock::Time;
use crate::error::{Result, fail};

/// What a field's cell holds, opened.
pub(crate) struct OpenField<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) stamp: Stamp,
    pub(crate) expires: Option<Time>,
}

/// Seals and opens the fields of one life. They are opened one after the other in one piece of memory, which is zeroed when
/// dropped.
pub(crate) struct FieldSeals<'a> {
    pub(super) vault: &'a ConfigVault,
    pub(super) seals: &'a Seals,
    pub(super) id: &'a StorageId,
    pub(super) life: &'a Life,
    pub(super) known: Option<&'a KnownCells>,
    pub(super) plain: Zeroizing<Vec<u8>>,
}

impl<'a> FieldSeals<'a> {
    /// With what is known of the session's cells already.
    pub(crate) fn knowing(self, known: Option<&'a KnownCells>) -> FieldSeals<'a> {
        FieldSeals { known, ..self }
    }

    /// Seals a field under its name's cell id.
    pub(crate) fn seal(
        &self,
        name: &str,
        value: &str,
        expires: Option<Time>,
        stamp: Stamp,
        entropy: &mut Entropy,
    ) -> Result<(CellId, SealedField)> {
        let cell = self.vault.cell_id_of(self.known, self.id, name);
        let (place, clear) = (place(self.id, self.life, &cell), clear(&stamp, expires));
        let sealed = self.seals.seal_parts(&place, &clear, &parts(&lead(name.as_bytes()), name, value), entropy)?;
        Ok((cell, SealedField(sealed)))
    }

    /// Opens a field that was read from `cell`; the name inside must be the one that the cell belongs to. `name`: what the
    /// cell's id was made of, for who knows it.
    pub(crate) fn open(&mut self, cell: &CellId, name: Option<&str>, sealed: &SealedField) -> Result<OpenField<'_>> {
        let stamp = sealed.stamp().unwrap_or_default();
        let expires = sealed.expiry();
        let (place, clear) = (place(self.id, self.life, cell), clear(&stamp, expires));
        let plain = self.seals.open_into(&place, &clear, &sealed.0, &mut self.plain)?;
        let opened = read(plain, stamp, expires)?;
        let is_in_place = match name {
            Some(name) => opened.name == name,
            None => self.vault.cell_id_of(self.known, self.id, opened.name) == *cell,
        };
        if !is_in_place {
            return Err(fail!(Corrupt, "a field stands in another field's place").with("cell", "field"));
        }
        Ok(opened)
    }
}

/// What a field's cell is bound to: storage id (17) ‖ life (16) ‖ cell id (16).
pub(super) fn place(id: &StorageId, life: &Life, cell: &CellId) -> [u8; 49] {
    let mut place = [0; 49];
    place[..17].copy_from_slice(id);
    place[17..33].copy_from_slice(life);
    place[33..].copy_from_slice(cell);
    place
}

/// What stands in the clear in the cell: stamp (16) ‖ end (8, milliseconds, 0 = none).
pub(super) fn clear(stamp: &Stamp, expires: Option<Time>) -> [u8; 24] {
    let mut clear = [0; 24];
    clear[..16].copy_from_slice(stamp);
    clear[16..].copy_from_slice(&or_zero(expires).to_be_bytes());
    clear
}

/// name length (2) ‖ name ‖ value, with the length that leads the name.
pub(super) fn parts<'a>(lead: &'a [u8], name: &'a str, value: &'a str) -> [&'a [u8]; 3] {
    [lead, name.as_bytes(), value.as_bytes()]
}

/// What [`read`] reads.
#[cfg(any(test, fuzzing))]
pub(super) fn plain(name: &str, value: &str) -> Vec<u8> {
    parts(&lead(name.as_bytes()), name, value).concat()
}

pub(super) fn read(plain: &[u8], stamp: Stamp, expires: Option<Time>) -> Result<OpenField<'_>> {
    let texts =
        split_part(plain).and_then(|(name, value)| Some((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?)));
    let (name, value) = texts.ok_or_else(|| fail!(Corrupt, "a field was opened but does not read as one"))?;
    Ok(OpenField { name, value, stamp, expires })
}
