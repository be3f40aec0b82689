//! Changes as arguments of `apply_1`, in its order: an array a member with an entry a change; and where a change has
//! several of something, arrays of all of them beside one that says which change each is of, counted from 1.

use super::super::replace::{Place, Replacement};
use super::super::{Cells, Change, Effects, HeadGuard, SealedField, UserEffect};
use super::statement::Parameter;

/// How many the function takes, with the two that it is told besides.
pub(super) const COUNT: usize = 36;

const HEAD_ABSENT: i64 = 1;
const HEAD_IS: i64 = 2;
const RESET_TOUCH: i64 = 4;
const CLEAR: i64 = 8;
const RAISE_VERSION: i64 = 32;
const WRITE_USER: i64 = 64;
const REMOVE_USER: i64 = 128;
const LIST: i64 = 256;
const UNLIST: i64 = 512;
const HINT: i64 = 1024;
const ANSWER_ALL: i64 = 2048;

/// The arguments that apply changes, all in one space.
pub(super) fn apply(changes: &[Change]) -> Vec<Parameter> {
    let space = changes.first().map(|change| change.space).unwrap_or_default();
    let puts: Vec<_> = changes.iter().map(|change| last_of_each(&change.effects)).collect();
    let stamps = several(changes, |change| &change.guard.stamps);
    let deletes = several(changes, |change| &change.effects.delete);
    let put: Vec<_> = puts.iter().enumerate().flat_map(|(at, puts)| puts.iter().map(move |put| (at, *put))).collect();
    let answers = several(changes, |change| if let Cells::Some(cells) = &change.answer { cells } else { &[] });
    let user_of = |change: &Change| match &change.effects.user {
        Some((user, effect)) => {
            (Some(user.to_vec()), if let UserEffect::Write(sealed) = effect { Some(sealed.to_vec()) } else { None })
        }
        None => (None, None),
    };
    let touch = |change: &Change| change.effects.touch.map(|touch| touch.to_vec());
    let touched = |touch: Vec<u8>| touch.first_chunk().copied().map(i64::from_be_bytes);
    let expiry = |sealed: &SealedField| sealed.expiry().map(|at| at.millis());
    let guarded = changes.iter().any(|change| change.guard.generation.is_some());
    let written = changes.iter().any(|change| change.effects.user.is_some());

    vec![
        Parameter::bytes(space),
        blobs(changes, |change| Some(change.id.to_vec())),
        numbers(changes, |change| Some(change.effects.now.millis())),
        numbers(changes, |change| Some(flags(change))),
        numbers(changes, |change| change.effects.restart.map(u64::cast_signed)),
        blobs(changes, |change| if let HeadGuard::Is(head) = &change.guard.head { Some(head.to_vec()) } else { None }),
        numbers(changes, |change| change.guard.version.map(u64::cast_signed)),
        where_any(guarded, blobs(changes, |change| change.guard.generation.map(|(user, _)| user.to_vec()))),
        numbers(changes, |change| change.guard.generation.map(|(_, generation)| generation.cast_signed())),
        whose(&stamps),
        all(&stamps, |(cell, _)| Some(cell.to_vec())),
        all(&stamps, |(_, stamp)| stamp.map(|stamp| stamp.to_vec())),
        blobs(changes, |change| change.effects.head.as_ref().map(|head| head.to_vec())),
        blobs(changes, touch),
        numbers(changes, |change| touch(change).and_then(touched)),
        whose(&deletes),
        all(&deletes, |cell| Some(cell.to_vec())),
        whose(&put),
        all(&put, |(cell, _)| Some(cell.to_vec())),
        all(&put, |(_, sealed)| sealed.stamp().map(|stamp| stamp.to_vec())),
        match put.is_empty() {
            true => Parameter::Numbers(None),
            false => Parameter::Numbers(Some(put.iter().map(|(_, (_, sealed))| expiry(sealed)).collect())),
        },
        all(&put, |(_, sealed)| Some(sealed.0.to_vec())),
        numbers(&puts, |puts| Some(puts.len() as i64)),
        numbers(&puts, |puts| Some(puts.iter().map(|(_, sealed)| sealed.0.len() as i64).sum())),
        numbers(&puts, |puts| puts.iter().filter_map(|(_, sealed)| expiry(sealed)).min()),
        where_any(written, blobs(changes, |change| user_of(change).0)),
        blobs(changes, |change| user_of(change).1),
        numbers(changes, |change| Some(change.effects.first_generation().cast_signed())),
        blobs(changes, |change| change.effects.index.map(|(user, _)| user.to_vec())),
        numbers(changes, |change| change.effects.hint().flatten().map(|at| at.millis())),
        numbers(changes, |change| Some(limit(change.effects.max_size))),
        numbers(changes, |change| Some(limit(change.effects.max_count))),
        whose(&answers),
        all(&answers, |cell| Some(cell.to_vec())),
    ]
}

/// The arguments that replace bytes by bytes.
pub(super) fn replace<'a>(
    space: &[u8; 16],
    replacements: impl Iterator<Item = &'a Replacement> + Clone,
) -> Vec<Parameter> {
    let blobs =
        |of: fn(&Replacement) -> Option<Vec<u8>>| Parameter::Blobs(Some(replacements.clone().map(of).collect()));
    let kind = |replacement: &Replacement| {
        Some(match replacement.place {
            Place::Head(_) => 0,
            Place::Field(..) => 1,
            Place::User(_) => 2,
        })
    };
    vec![
        Parameter::bytes(space),
        Parameter::Numbers(Some(replacements.clone().map(kind).collect())),
        blobs(|replacement| {
            Some(match replacement.place {
                Place::Head(id) | Place::Field(id, _) => id.to_vec(),
                Place::User(user) => user.to_vec(),
            })
        }),
        blobs(|replacement| if let Place::Field(_, cell) = replacement.place { Some(cell.to_vec()) } else { None }),
        blobs(|replacement| Some(replacement.old.to_vec())),
        blobs(|replacement| Some(replacement.new.to_vec())),
    ]
}

fn flags(change: &Change) -> i64 {
    let Change { guard, effects, answer, .. } = change;
    let user = |wanted: bool| effects.user.as_ref().is_some_and(|(_, it)| matches!(it, UserEffect::Write(_)) == wanted);
    let listed = |wanted: bool| effects.index.is_some_and(|(_, it)| it == wanted);
    let all = [
        (HEAD_ABSENT, guard.head == HeadGuard::Absent),
        (HEAD_IS, matches!(guard.head, HeadGuard::Is(_))),
        (RESET_TOUCH, effects.reset_touch),
        (CLEAR, effects.clear),
        (RAISE_VERSION, effects.raise_version),
        (WRITE_USER, user(true)),
        (REMOVE_USER, user(false)),
        (LIST, listed(true)),
        (UNLIST, listed(false)),
        (HINT, effects.hint().is_some()),
        (ANSWER_ALL, *answer == Cells::All),
    ];
    all.iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag).sum()
}

/// Of two puts of one cell the later one counts.
fn last_of_each(effects: &Effects) -> Vec<&([u8; 16], SealedField)> {
    let later = |at: usize, cell: &[u8; 16]| effects.put[at + 1..].iter().any(|(other, _)| other == cell);
    effects.put.iter().enumerate().filter(|(at, (cell, _))| !later(*at, cell)).map(|(_, put)| put).collect()
}

fn limit(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Every item of every change, with its change's place.
fn several<'a, T>(changes: &'a [Change], of: impl Fn(&'a Change) -> &'a [T]) -> Vec<(usize, &'a T)> {
    changes.iter().enumerate().flat_map(|(at, change)| of(change).iter().map(move |item| (at, item))).collect()
}

fn numbers<T>(each: &[T], of: impl Fn(&T) -> Option<i64>) -> Parameter {
    Parameter::Numbers(Some(each.iter().map(of).collect()))
}

fn blobs<T>(each: &[T], of: impl Fn(&T) -> Option<Vec<u8>>) -> Parameter {
    Parameter::Blobs(Some(each.iter().map(of).collect()))
}

/// Nothing at all where no change has any: the function then needs no look at it.
fn where_any(is_there: bool, parameter: Parameter) -> Parameter {
    if is_there { parameter } else { Parameter::Blobs(None) }
}

fn whose<T>(items: &[(usize, T)]) -> Parameter {
    let places = || items.iter().map(|(at, _)| Some(*at as i64 + 1)).collect();
    Parameter::Numbers((!items.is_empty()).then(places))
}

fn all<T>(items: &[(usize, &T)], of: impl Fn(&T) -> Option<Vec<u8>>) -> Parameter {
    let values = || items.iter().map(|(_, item)| of(item)).collect();
    Parameter::Blobs((!items.is_empty()).then(values))
}
