//! Changes as arguments of `apply.lua`, in the order in which it takes them.

use redis::Cmd;

use super::super::{CellId, Cells, Change, Guard, HeadGuard, Place, Replacement, SealedField, UserEffect};
use super::keys::Bucket;
use super::script::{APPLY, PUT, REPLACE};

/// Redis keeps a session this much longer than its hint says: that is the sweep's business. What it drops by itself is
/// what no sweep came by for.
const GRACE_MILLIS: i64 = 24 * 3600 * 1000;

/// A call that applies `changes`, all of this bucket. `again`: an answer to this very call was lost.
pub(super) fn apply(bucket: &Bucket, changes: &[Change], again: bool) -> Cmd {
    let shared = bucket.shared();
    let sessions: Vec<_> = changes.iter().map(|change| bucket.session(&change.id)).collect();
    let keys: Vec<&[u8]> = shared.iter().chain(&sessions).map(Vec::as_slice).collect();
    let mut call = APPLY.call(keys.into_iter());
    call.arg(u8::from(again));
    for change in changes {
        write(&mut call, change);
    }
    call
}

/// The short way for a put and nothing else into the session of that key; `None` when a change is more than that.
pub(super) fn put(session: &[u8], changes: &[Change]) -> Option<Cmd> {
    let [Change { guard: Guard { head: HeadGuard::Is(head), .. }, effects, .. }] = changes else { return None };
    if !is_put(&changes[0]) {
        return None;
    }
    let mut call = PUT.call([session].into_iter());
    call.arg(&head[..]).arg(effects.now.millis()).arg(effects.max_size).arg(effects.max_count);
    for (cell, sealed) in &effects.put {
        call.arg(cell).arg(&sealed.0[..]);
    }
    Some(call)
}

/// Whether it puts a few different cells, small and without an expiry, where that head stands, and does nothing else.
fn is_put(change: &Change) -> bool {
    let Change { guard, effects, .. } = change;
    let is_first = |at: usize, cell: &CellId| effects.put[..at].iter().all(|(other, _)| other != cell);
    let is_plain = |(at, (cell, sealed)): (usize, &(CellId, SealedField))| {
        sealed.expiry().is_none() && sealed.0.len() <= SMALL && is_first(at, cell)
    };
    guard.version.is_none()
        && guard.generation.is_none()
        && guard.stamps.is_empty()
        && effects.head.is_none()
        && effects.touch.is_none()
        && !effects.reset_touch
        && !effects.clear
        && effects.restart.is_none()
        && effects.delete.is_empty()
        && effects.raise_version
        && effects.user.is_none()
        && effects.index.is_none()
        && effects.hint().is_none()
        && (1..=FEW).contains(&effects.put.len())
        && effects.put.iter().enumerate().all(is_plain)
}

/// What stood there before is read to know how long it was; of large cells only the length is.
const SMALL: usize = 16 << 10;

/// Lua's stack is bounded, and each cell is compared with all others.
const FEW: usize = 32;

/// A call that replaces bytes by bytes, all in this bucket.
pub(super) fn replace<'a>(
    bucket: &Bucket,
    replacements: impl ExactSizeIterator<Item = &'a Replacement>,
    again: bool,
) -> Cmd {
    let shared = bucket.shared();
    let (rows, cells): (Vec<_>, Vec<_>) = replacements
        .map(|replacement| {
            let row = replacement.place.row().map_or_else(|| shared[0].clone(), |id| bucket.session(&id));
            (row, (replacement.place, &replacement.old, &replacement.new))
        })
        .unzip();
    let mut call = REPLACE.call(rows.iter().map(Vec::as_slice));
    call.arg(u8::from(again));
    for (place, old, new) in cells {
        match place {
            Place::Head(_) => call.arg("h").arg(0),
            Place::Field(_, cell) => call.arg(&cell).arg(0),
            // Its generation stays.
            Place::User(user) => call.arg(&user).arg(8),
        };
        call.arg(&old[..]).arg(&new[..]);
    }
    call
}

fn write(call: &mut Cmd, change: &Change) {
    let Change { guard, effects, .. } = change;
    call.arg(effects.now.millis());
    match &guard.head {
        HeadGuard::Any => call.arg(""),
        HeadGuard::Absent => call.arg("-"),
        HeadGuard::Is(head) => call.arg(marked(head)),
    };
    match guard.version {
        Some(version) => call.arg(version),
        None => call.arg(""),
    };
    match &guard.generation {
        Some((user, generation)) => call.arg(user).arg(*generation),
        None => call.arg("").arg(0),
    };
    call.arg(guard.stamps.len());
    for (cell, stamp) in &guard.stamps {
        call.arg(cell).arg(stamp.as_ref().map_or(&[][..], |stamp| &stamp[..]));
    }
    match &effects.head {
        Some(head) => call.arg(marked(head)),
        None => call.arg(""),
    };
    call.arg(effects.touch.as_ref().map_or(&[][..], |touch| &touch[..]));
    for flag in [effects.reset_touch, effects.clear, effects.raise_version] {
        call.arg(u8::from(flag));
    }
    match effects.restart {
        Some(version) => call.arg(version),
        None => call.arg(""),
    };
    call.arg(effects.delete.len());
    for cell in &effects.delete {
        call.arg(cell);
    }
    call.arg(effects.put.len());
    for (cell, sealed) in &effects.put {
        call.arg(cell).arg(&sealed.0[..]);
    }
    match &effects.user {
        Some((user, UserEffect::Write(sealed))) => call.arg("w").arg(user).arg(&sealed[..]),
        Some((user, UserEffect::Remove)) => call.arg("r").arg(user).arg(""),
        None => call.arg("").arg("").arg(""),
    };
    call.arg(effects.first_generation());
    match &effects.index {
        Some((user, listed)) => call.arg(if *listed { "+" } else { "-" }).arg(user),
        None => call.arg("").arg(""),
    };
    match effects.hint() {
        Some(Some(at)) => {
            let remaining = at.millis().saturating_sub(effects.now.millis()).max(0);
            call.arg(at.millis()).arg(remaining.saturating_add(GRACE_MILLIS))
        }
        Some(None) => call.arg("never").arg(""),
        None => call.arg("").arg(""),
    };
    call.arg(effects.max_size).arg(effects.max_count);
    match &change.answer {
        Cells::All => call.arg("*"),
        Cells::None => call.arg(0),
        Cells::Some(cells) => cells.iter().fold(call.arg(cells.len()), |call, cell| call.arg(cell)),
    };
}

/// Bytes that may be none, told apart from nothing at all.
pub(super) fn marked(bytes: &[u8]) -> Vec<u8> {
    [b"=", bytes].concat()
}
