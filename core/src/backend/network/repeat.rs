//! What a lost answer allows.

use super::super::Change;

/// What a repeat may do after an answer was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Repeat {
    /// As much as it likes.
    Freely,
    /// It tells by itself whether the call was carried out before.
    Recognised,
    /// It would do it twice, or not know what it did.
    Never,
}

impl Repeat {
    /// Changes know themselves again by their heads and stamps; what they deleted they can't count again.
    pub(in crate::backend) fn of(changes: &[Change]) -> Repeat {
        let is_recognised = |change: &Change| change.effects.head.is_some() || !change.effects.put.is_empty();
        let counts = |change: &Change| {
            !change.effects.delete.is_empty() || (change.effects.clear && change.effects.head.is_none())
        };
        match changes.iter().any(is_recognised) && !changes.iter().any(counts) {
            true => Repeat::Recognised,
            false => Repeat::Never,
        }
    }
}
