//! What may have become of one field between two moments, and the rules for putting such pieces together.

use crate::step::Operation;

/// What may have become of a field since some moment: one of a set of outcomes.
///
/// Only the last write counts, so three outcomes are all there are, and a loop is no more than its body done once or
/// not at all. Since the start of the pipeline, where nothing is put, `KEPT` means absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect(u8);

impl Effect {
    /// Nothing wrote it.
    pub(super) const KEPT: Effect = Effect(1);
    /// The last write put it.
    pub(super) const PUT: Effect = Effect(2);
    /// The last write deleted it.
    pub(super) const DELETED: Effect = Effect(4);

    pub(super) fn of(operation: Operation) -> Effect {
        match operation {
            Operation::Get => Effect::KEPT,
            Operation::Put => Effect::PUT,
            Operation::Delete => Effect::DELETED,
        }
    }

    /// Whether `outcome` is among those that may be.
    pub(super) fn may_be(self, outcome: Effect) -> bool {
        self.0 & outcome.0 != 0
    }

    /// One or the other happens.
    pub(super) fn or(self, other: Effect) -> Effect {
        Effect(self.0 | other.0)
    }

    /// This happens first, then `next`.
    pub(super) fn then(self, next: Effect) -> Effect {
        if next.may_be(Effect::KEPT) { self.or(next.writes()) } else { next }
    }

    /// Both happen, in any order: the last write of either may be the last of all.
    pub(super) fn beside(self, other: Effect) -> Effect {
        self.writes().or(other.writes()).or(self.kept_with(other))
    }

    fn writes(self) -> Effect {
        Effect(self.0 & !Effect::KEPT.0)
    }

    fn kept_with(self, other: Effect) -> Effect {
        Effect(self.0 & other.0 & Effect::KEPT.0)
    }
}

/// The two versions that the steps of one level can name: the shared map, and the sub-process's own.
///
/// The root's own version is the shared map: there, `own` is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions<T> {
    pub(super) shared: T,
    pub(super) own: T,
}

impl<T: Copy> Versions<T> {
    pub(super) const fn both(each: T) -> Versions<T> {
        Versions { shared: each, own: each }
    }

    /// The version that is the parent's own for a sub-process started at this level.
    pub(super) fn at(self, level: usize) -> T {
        if level == 0 { self.shared } else { self.own }
    }

    fn with(self, other: Versions<T>, join: impl Fn(T, T) -> T) -> Versions<T> {
        Versions { shared: join(self.shared, other.shared), own: join(self.own, other.own) }
    }
}

impl Versions<Effect> {
    pub(super) const KEPT: Versions<Effect> = Versions::both(Effect::KEPT);

    pub(super) fn or(self, other: Versions<Effect>) -> Versions<Effect> {
        self.with(other, Effect::or)
    }

    pub(super) fn then(self, next: Versions<Effect>) -> Versions<Effect> {
        self.with(next, Effect::then)
    }

    pub(super) fn beside(self, other: Versions<Effect>) -> Versions<Effect> {
        self.with(other, Effect::beside)
    }
}

/// Whether a value that is there is used: seen by a GET or a DELETE.
impl Versions<bool> {
    pub(super) const UNUSED: Versions<bool> = Versions::both(false);

    pub(super) fn or(self, other: Versions<bool>) -> Versions<bool> {
        self.with(other, |a, b| a || b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Effect = Effect::KEPT;
    const PUT: Effect = Effect::PUT;
    const DELETED: Effect = Effect::DELETED;

    fn every_effect() -> impl Iterator<Item = Effect> + Clone {
        (1..8).map(Effect)
    }

    #[test]
    fn the_last_write_counts() {
        for (first, next, both) in [
            (KEPT, PUT, PUT),
            (PUT, KEPT, PUT),
            (PUT, DELETED, DELETED),
            (DELETED, KEPT.or(PUT), DELETED.or(PUT)),
            (PUT, KEPT.or(DELETED), PUT.or(DELETED)),
            (KEPT.or(PUT), KEPT, KEPT.or(PUT)),
            (KEPT, KEPT.or(PUT), KEPT.or(PUT)),
            (PUT, KEPT.or(PUT), PUT),
        ] {
            assert_eq!(first.then(next), both, "{first:?} then {next:?}");
        }
    }

    #[test]
    fn of_two_side_by_side_either_may_write_last() {
        for (one, other, both) in [
            (PUT, KEPT, PUT),
            (PUT, DELETED, PUT.or(DELETED)),
            (KEPT.or(PUT), KEPT, KEPT.or(PUT)),
            (KEPT.or(PUT), DELETED, PUT.or(DELETED)),
            (KEPT, KEPT, KEPT),
        ] {
            assert_eq!(one.beside(other), both, "{one:?} beside {other:?}");
        }
        for (a, b) in every_effect().flat_map(|a| every_effect().map(move |b| (a, b))) {
            assert_eq!(a.beside(b), a.then(b).or(b.then(a)), "{a:?} and {b:?}");
        }
    }

    #[test]
    fn a_loop_is_its_body_once_or_not_at_all() {
        for body in every_effect() {
            let some = KEPT.or(body);
            assert_eq!(some.then(body).or(KEPT), some, "{body:?}");
        }
    }
}
