//! A field, sealed: bound to its session, its life, its cell, its version and its end.

use std::mem;

use zeroize::Zeroizing;

use super::derive::{part_length, push_part, split_part};
use super::head::{Life, or_zero};
use crate::backend::{CellId, Stamp, StorageId};
use crate::clock::Time;
use crate::error::{Result, fail};

/// What a field's cell holds, once opened; name and value are zeroed when dropped.
pub(crate) struct OpenField {
    /// The name, then the value.
    text: Zeroizing<String>,
    name_length: usize,
    pub(crate) stamp: Stamp,
    pub(crate) expires: Option<Time>,
}

impl OpenField {
    pub(crate) fn name(&self) -> &str {
        &self.text[..self.name_length]
    }

    pub(crate) fn value(&self) -> &str {
        &self.text[self.name_length..]
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

/// name length (2) ‖ name ‖ value.
pub(super) fn plain(name: &str, value: &str) -> Zeroizing<Vec<u8>> {
    // Exactly as long as needed: a vector that grows leaves copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(part_length(name.as_bytes()) + value.len()));
    push_part(&mut plain, name.as_bytes());
    plain.extend(value.as_bytes());
    plain
}

pub(super) fn read(mut plain: Zeroizing<Vec<u8>>, stamp: Stamp, expires: Option<Time>) -> Result<OpenField> {
    let corrupt = || fail!(Corrupt, "a field was opened but does not read as one");
    let (name, value) = split_part(&plain).ok_or_else(corrupt)?;
    let (name_length, text_length) = (name.len(), name.len() + value.len());
    let before = plain.len() - text_length;
    plain.drain(..before);
    let text = String::from_utf8(mem::take(&mut *plain)).map(Zeroizing::new);
    let text = text.map_err(|error| drop(Zeroizing::new(error.into_bytes()))).map_err(|()| corrupt())?;
    if !text.is_char_boundary(name_length) {
        return Err(corrupt());
    }
    Ok(OpenField { text, name_length, stamp, expires })
}
