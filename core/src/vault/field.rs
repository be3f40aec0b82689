//! A field, sealed: bound to its session, its life, its cell, its version and its end.

use super::head::{Life, Reader};
use crate::backend::{CellId, StorageId, Stamp};
use crate::clock::Time;
use crate::error::{Result, fail};

/// What a field's cell holds, once opened.
pub(crate) struct OpenField {
    pub(crate) name: String,
    pub(crate) value: String,
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
    clear[16..].copy_from_slice(&expires.map_or(0, Time::millis).to_be_bytes());
    clear
}

/// name length (2) ‖ name ‖ value.
pub(super) fn plain(name: &str, value: &str) -> Vec<u8> {
    let mut plain = Vec::with_capacity(2 + name.len() + value.len());
    super::derive::push_part(&mut plain, name.as_bytes());
    plain.extend(value.as_bytes());
    plain
}

pub(super) fn read(plain: &[u8], stamp: Stamp, expires: Option<Time>) -> Result<OpenField> {
    let corrupt = || fail!(Corrupt, "a field was opened but does not read as one");
    let mut reader = Reader(plain);
    let length = usize::from(u16::from_be_bytes(reader.take()?));
    let (name, value) = reader.0.split_at_checked(length).ok_or_else(corrupt)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| corrupt());
    Ok(OpenField { name: text(name)?, value: text(value)?, stamp, expires })
}
