//! The cells of a row, in the order of their ids. Small ones lie together in one piece of memory: a piece of its own, and
//! what says where it is, would cost each as much again as it has to say.

use std::mem;

use super::super::change::{Entry, Next, Plan};
use super::super::{CellId, SealedField};

/// So many bytes of a row's cells lie together, at most: a change copies them.
const TOGETHER: usize = 4096;
/// Before all of those: how many they are.
const COUNT: usize = 2;
/// Before each of those: its id, and its length in two bytes.
const LEAD: usize = 16 + 2;

/// See the module.
#[derive(Default)]
pub(super) struct CellList {
    /// Their number, and of each: id ‖ length ‖ sealed bytes. Empty: there are none.
    together: Box<[u8]>,
    /// Those that did not fit.
    apart: Box<[(CellId, SealedField)]>,
}

/// A cell where it lies.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) id: &'a CellId,
    pub(super) sealed: &'a [u8],
    /// Its place among those apart, if it is one.
    apart: Option<usize>,
}

impl CellList {
    pub(super) fn iter(&self) -> Cells<'_> {
        let (count, together) = self.parts();
        Cells { together, apart: &self.apart, next_apart: 0, left: count + self.apart.len() }
    }

    /// Sealed bytes of all, without a look at each.
    pub(super) fn size(&self) -> u64 {
        let (count, together) = self.parts();
        let apart: usize = self.apart.iter().map(|(_, sealed)| sealed.0.len()).sum();
        (together.len() - count * LEAD + apart) as u64
    }

    /// How many lie together, and those.
    fn parts(&self) -> (usize, &[u8]) {
        let (count, together) = self.together.split_first_chunk().unwrap_or((&[0; COUNT], &[]));
        (usize::from(u16::from_be_bytes(*count)), together)
    }

    /// The bytes of that cell, to be replaced by as many others.
    pub(super) fn sealed_mut(&mut self, id: &CellId) -> Option<&mut [u8]> {
        let mut rest = self.together.get_mut(COUNT..).unwrap_or_default();
        while let Some((there, length)) = lead(rest) {
            let found = there == id;
            let (sealed, after) = mem::take(&mut rest)[LEAD..].split_at_mut(length);
            if found {
                return Some(sealed);
            }
            rest = after;
        }
        self.apart.iter_mut().find(|(there, _)| there == id).map(|(_, sealed)| &mut *sealed.0)
    }

    /// Puts cells where those with their ids lie, if these are as long; whether they were.
    fn overwrite(&mut self, put: &[(CellId, SealedField)]) -> bool {
        let is_as_long = |(id, sealed): &(CellId, SealedField)| {
            self.sealed_mut(id).is_some_and(|there| there.len() == sealed.0.len())
        };
        let fits = put.iter().all(is_as_long);
        if fits {
            for (id, sealed) in put {
                self.sealed_mut(id).into_iter().for_each(|there| there.copy_from_slice(&sealed.0));
            }
        }
        fits
    }

    /// The list after a change that puts those cells.
    pub(super) fn after(mut self, plan: &Plan, put: &[(CellId, SealedField)]) -> CellList {
        // Mostly a field is put in its own place, and is as long as before: lengths are padded.
        if plan.gone.len() == plan.puts() && self.overwrite(put) {
            return self;
        }
        let Plan { cells, size, .. } = plan;
        let before: Vec<Cell> = self.iter().collect();
        let most = usize::try_from(*size).unwrap_or(TOGETHER).saturating_add(COUNT + cells.len() * LEAD);
        let mut together = Vec::with_capacity(most.min(TOGETHER));
        together.extend_from_slice(&[0; COUNT]);
        let mut count = 0_u16;
        // With the place they had, those that need not be copied.
        let mut apart = Vec::new();
        for next in cells {
            let Cell { id, sealed, apart: place } = match *next {
                Next::Kept(at) => before[at],
                Next::Put(at) => Cell { id: &put[at].0, sealed: &put[at].1.0, apart: None },
            };
            match u16::try_from(sealed.len()) {
                Ok(length) if together.len() + LEAD + sealed.len() <= TOGETHER => {
                    together.extend_from_slice(id);
                    together.extend_from_slice(&length.to_be_bytes());
                    together.extend_from_slice(sealed);
                    count += 1;
                }
                _ => {
                    let copy = if place.is_none() { sealed.into() } else { Box::default() };
                    apart.push((*id, SealedField(copy), place));
                }
            }
        }
        match count {
            0 => together.clear(),
            count => together[..COUNT].copy_from_slice(&count.to_be_bytes()),
        }
        let apart = apart.into_iter().map(|(id, copy, place)| match place {
            Some(place) => (id, mem::replace(&mut self.apart[place].1, copy)),
            None => (id, copy),
        });
        CellList { apart: apart.collect(), together: together.into() }
    }
}

impl Entry for Cell<'_> {
    fn cell(&self) -> &CellId {
        self.id
    }

    fn start(&self) -> &[u8] {
        self.sealed
    }

    fn size(&self) -> u64 {
        self.sealed.len() as u64
    }
}

/// Goes through both, the smaller id first.
pub(super) struct Cells<'a> {
    together: &'a [u8],
    apart: &'a [(CellId, SealedField)],
    next_apart: usize,
    left: usize,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        self.left = self.left.checked_sub(1)?;
        let lead = lead(self.together);
        if let Some((id, sealed)) = self.apart.get(self.next_apart)
            && lead.is_none_or(|(first, _)| id < first)
        {
            self.next_apart += 1;
            return Some(Cell { id, sealed: &sealed.0, apart: Some(self.next_apart - 1) });
        }
        let (id, length) = lead?;
        let (sealed, rest) = self.together[LEAD..].split_at(length);
        self.together = rest;
        Some(Cell { id, sealed, apart: None })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Cells<'_> {}

/// The id and the length of the first cell that lies together with others.
fn lead(together: &[u8]) -> Option<(&CellId, usize)> {
    let (id, rest) = together.split_first_chunk()?;
    Some((id, usize::from(u16::from_be_bytes(*rest.first_chunk()?))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::super::Effects;
    use super::super::super::change::Standing;
    use super::*;
    use crate::clock::Time;
    use crate::limits::Limits;

    /// A cell of so many bytes like that one, without an expiry.
    fn sealed((byte, size): (u8, usize)) -> SealedField {
        let mut bytes = vec![byte; size];
        bytes[SealedField::EXPIRY].fill(0);
        SealedField(bytes.into())
    }

    /// The list after a change of these cells: `None` deletes one.
    fn changed(list: CellList, changes: &BTreeMap<CellId, Option<(u8, usize)>>) -> CellList {
        let mut effects = Effects::nothing(Time::from_secs(1), &Limits::default());
        for (id, put) in changes {
            match put {
                Some(put) => effects.put.push((*id, sealed(*put))),
                None => effects.delete.push(*id),
            }
        }
        let cells: Vec<Cell> = list.iter().collect();
        let plan = Standing { head: None, touch: None, version: 0, cells: &cells }.plan(&effects);
        let Ok(plan) = plan else { panic!("too large") };
        list.after(&plan, &effects.put)
    }

    fn changes() -> impl Strategy<Value = BTreeMap<CellId, Option<(u8, usize)>>> {
        let size = prop_oneof![8 => 29..300_usize, 1 => 3900..4200_usize, 1 => 60_000..70_000_usize];
        let id = (0..40_u8).prop_map(|n| [n; 16]);
        proptest::collection::btree_map(id, proptest::option::weighted(0.7, (any::<u8>(), size)), 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_list_is_what_was_put_and_not_deleted(history in proptest::collection::vec(changes(), 1..8)) {
            let (mut list, mut model) = (CellList::default(), BTreeMap::new());
            for changes in history {
                list = changed(list, &changes);
                model.extend(changes);
                model.retain(|_, put| put.is_some());
                let there: Vec<_> = list.iter().map(|cell| (*cell.id, SealedField(cell.sealed.into()))).collect();
                let expected: Vec<_> = model.iter().filter_map(|(id, put)| Some((*id, sealed((*put)?)))).collect();
                prop_assert!(there == expected);
                prop_assert_eq!(list.size(), there.iter().map(|(_, sealed)| sealed.0.len() as u64).sum::<u64>());
                prop_assert!(list.together.len() <= TOGETHER);
                for (id, sealed) in expected {
                    prop_assert!(list.sealed_mut(&id).is_some_and(|there| *there == *sealed.0));
                }
                prop_assert!(list.sealed_mut(&[200; 16]).is_none());
            }
        }
    }
}
