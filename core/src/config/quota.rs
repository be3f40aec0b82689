//! The quota: how many of a user's sessions may be alive at once, and what happens when one more begins.

use super::member::Member;
use crate::error::Result;

/// The most sessions that a quota may allow: it is held by looking at every one of them as another begins.
const MOST: u32 = 10_000;

/// What a begin does when the user has as many sessions as they may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnLimit {
    /// The session that was started earliest goes.
    #[default]
    EvictOldest,
    /// The begin is refused: `QUOTA_EXCEEDED`.
    Reject,
}

const WORDS: &[(&str, OnLimit)] = &[("evict_oldest", OnLimit::EvictOldest), ("reject", OnLimit::Reject)];

impl OnLimit {
    /// Reads the member `onLimit`. `CONFIG_INVALID` if it is neither word.
    pub(crate) fn read(member: Member<'_>) -> Result<OnLimit> {
        match member.text().and_then(|text| WORDS.iter().find(|(word, _)| *word == text)) {
            Some((_, on_limit)) => Ok(*on_limit),
            None => Err(member.refused("evict_oldest or reject", &["evict_oldest", "reject"])),
        }
    }

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        WORDS[self as usize].0
    }
}

/// Reads the member `maxSessionsPerUser`. `CONFIG_INVALID` if it is no whole number from 1 to 10,000.
pub(crate) fn max_sessions(member: Member<'_>) -> Result<u64> {
    member.whole("null (no quota), or a whole number of sessions", 1..=MOST).map(u64::from)
}
