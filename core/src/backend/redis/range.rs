//! The bounds of a page of what is ordered byte by byte.

use super::super::BlindUser;

/// `-1`: all of them.
pub(super) fn limit_text(limit: usize) -> i64 {
    i64::try_from(limit).ok().filter(|limit| *limit < i64::MAX).unwrap_or(-1)
}

/// The bounds of `ZRANGEBYLEX`, whose members are compared byte by byte.
pub(super) struct Range {
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
}

impl Range {
    pub(super) const ALL: Range = Range { from: Vec::new(), to: Vec::new() };

    /// All entries of one user.
    pub(super) fn of(user: &BlindUser) -> Range {
        let from = [b"[", &user[..]].concat();
        Range { to: [&from[..], &[u8::MAX; 18][..]].concat(), from }
    }

    /// Of those, what comes after `member`.
    pub(super) fn after(self, member: Option<&[u8]>) -> Range {
        let from = match member {
            Some(member) if self.from.get(1..).is_none_or(|from| from < member) => [b"(", member].concat(),
            _ if self.from.is_empty() => b"-".to_vec(),
            _ => self.from,
        };
        Range { from, to: if self.to.is_empty() { b"+".to_vec() } else { self.to } }
    }
}
