//! The cells of a session as one blob of its row.
//!
//! A format byte, then for each cell, in the order of their ids: id (16) ‖ length (4, big-endian; the highest bit: lies
//! apart) ‖ bytes. A cell that lies apart, in a row of `field`, leaves its first 29 bytes here, as far as the expiry, so
//! that guards, limits and counts are decided without touching a large value.

use super::super::change::Entry;
use super::super::{CellId, SealedField};

const FORMAT: u8 = 1;
const APART: u32 = 1 << 31;
const START: usize = SealedField::EXPIRY.end;

/// A field sealed larger than this lies apart: it would push the row off its page for every other field's write.
pub(super) const INLINE: usize = 4096;

/// One cell, borrowed from the blob or from a change.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a> {
    cell: CellId,
    size: u32,
    pub(super) apart: bool,
    /// All of it, or its start when it lies apart.
    pub(super) bytes: &'a [u8],
}

impl<'a> Packed<'a> {
    /// How `sealed` is to be kept. `None` beyond 2 GiB.
    pub(super) fn new(cell: CellId, sealed: &'a [u8]) -> Option<Packed<'a>> {
        let size = u32::try_from(sealed.len()).ok().filter(|size| size & APART == 0)?;
        let apart = sealed.len() > INLINE;
        Some(Packed { cell, size, apart, bytes: if apart { &sealed[..START] } else { sealed } })
    }

    /// Whether `sealed`, found apart, is what this entry stands for.
    pub(super) fn stands_for(&self, sealed: &[u8]) -> bool {
        sealed.len() as u64 == self.size() && sealed.starts_with(self.bytes)
    }
}

impl Entry for Packed<'_> {
    fn cell(&self) -> &CellId {
        &self.cell
    }

    fn start(&self) -> &[u8] {
        self.bytes
    }

    fn size(&self) -> u64 {
        u64::from(self.size)
    }
}

/// The blob of these cells; empty for none.
pub(super) fn pack<'a>(cells: impl Iterator<Item = Packed<'a>> + Clone) -> Vec<u8> {
    let mut blob = Vec::with_capacity(1 + cells.clone().map(|cell| 20 + cell.bytes.len()).sum::<usize>());
    for cell in cells {
        if blob.is_empty() {
            blob.push(FORMAT);
        }
        blob.extend_from_slice(&cell.cell);
        blob.extend_from_slice(&(cell.size | if cell.apart { APART } else { 0 }).to_be_bytes());
        blob.extend_from_slice(cell.bytes);
    }
    blob
}

/// The cells of a blob; `None` when it is not one that [`pack`] makes.
pub(super) fn unpack(blob: &[u8]) -> Option<Vec<Packed<'_>>> {
    let mut cells: Vec<Packed<'_>> = Vec::new();
    let Some((format, mut rest)) = blob.split_first() else {
        return Some(cells);
    };
    if *format != FORMAT {
        return None;
    }
    while !rest.is_empty() {
        let (cell, after) = rest.split_first_chunk::<16>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        let (apart, size) = (length & APART != 0, length & !APART);
        let (bytes, after) = after.split_at_checked(if apart { START } else { size as usize })?;
        // A large cell here or a small one apart, or ids out of order, were not written by us.
        if apart != (size as usize > INLINE) || cells.last().is_some_and(|last| last.cell >= *cell) {
            return None;
        }
        cells.push(Packed { cell: *cell, size, apart, bytes });
        rest = after;
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(sizes: &[usize]) -> Vec<u8> {
        let sealed: Vec<Vec<u8>> = sizes.iter().map(|&size| vec![7; size]).collect();
        let cells = sealed.iter().enumerate().map(|(i, sealed)| Packed::new([i as u8; 16], sealed).unwrap());
        pack(cells)
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        for sizes in [&[][..], &[0], &[60, INLINE], &[INLINE + 1, 29, 100_000]] {
            let blob = blob(sizes);
            let cells = unpack(&blob).unwrap();
            let found: Vec<usize> = cells.iter().map(|cell| cell.size() as usize).collect();
            assert_eq!(found, sizes);
            assert!(cells.iter().all(|cell| cell.apart == (cell.size() > INLINE as u64)));
            assert_eq!(pack(cells.iter().copied()), blob);
        }
    }

    #[test]
    fn no_truncation_is_taken_for_another_whole() {
        let whole = blob(&[60, 5000, 80]);
        let cells = unpack(&whole).unwrap().len();
        for end in 0..whole.len() {
            // Cut between two cells it still parses: the row's count tells.
            if let Some(found) = unpack(&whole[..end]) {
                assert!(found.len() < cells, "{end}");
            }
        }
    }

    #[test]
    fn other_formats_orders_and_places_are_refused() {
        let mut other = blob(&[60]);
        other[0] = 2;
        assert!(unpack(&other).is_none());
        let one = blob(&[60]);
        let twice = [&one[..], &one[1..]].concat();
        assert!(unpack(&twice).is_none());
        let mut apart = blob(&[60]);
        apart[17] |= 0x80;
        assert!(unpack(&apart).is_none());
    }
}
