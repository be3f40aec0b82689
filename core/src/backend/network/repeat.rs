//! What a lost answer allows.

use super::super::{Change, Outcome};
use super::{lost, unavailable};
use crate::error::Result;

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

/// What a change came to by its last answer; `was_lost`: an earlier one never came.
pub(in crate::backend) fn settled(outcome: Result<Outcome>, was_lost: bool, doing: &str) -> Result<Outcome> {
    match outcome {
        Ok(Outcome::Applied { .. }) => outcome,
        _ if !was_lost => outcome,
        // It may have been applied, and changed again by others since.
        Ok(_) => Err(lost(unavailable("connection", format!("could not {doing}: an answer was lost")))),
        Err(strange) => Err(lost(strange)),
    }
}
