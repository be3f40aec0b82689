//! A field, sealed: bound to its session, its life, its cell, its version and its end.

use zeroize::Zeroizing;

use super::derive::{part_length, push_part, split_part};
use super::head::{Life, or_zero};
use crate::backend::{CellId, Stamp, StorageId};
use crate::clock::Time;
use crate::error::{Result, fail};

/// What a field's cell holds, once opened; name and value are zeroed when dropped.
pub(crate) struct OpenField {
    pub(crate) name: Zeroizing<String>,
    pub(crate) value: Zeroizing<String>,
    pub(crate) stamp: Stamp,
    pub(crate) expires: Option<Time>,
}

/// What a field's cell is bound to: storage id (17) ‖ life (16) ‖ cell id (16).
pub(super) fn place(id: &StorageId, life: &Life, cell: &CellId) -> Vec<u8> {
    [&id[..], life, cell].concat()
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

pub(super) fn read(plain: &[u8], stamp: Stamp, expires: Option<Time>) -> Result<OpenField> {
    let corrupt = || fail!(Corrupt, "a field was opened but does not read as one");
    let (name, value) = split_part(plain).ok_or_else(corrupt)?;
    let text = |bytes| std::str::from_utf8(bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| corrupt());
    Ok(OpenField { name: text(name)?, value: text(value)?, stamp, expires })
}
