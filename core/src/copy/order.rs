//! Which of two records of one session is the later one. Nothing that is stored proves its age, so only what never goes
//! back is compared; where that does not say, what stands at the destination stays.

use std::cmp::Ordering;

use crate::clock::Time;
use crate::vault::{Head, HeadState};

/// What two records are compared by.
pub(super) struct Side<'a> {
    pub(super) head: &'a Head,
    /// Changes of its fields, and when the last of them was.
    pub(super) version: u64,
    pub(super) updated: Option<Time>,
}

/// What the record at the destination is to the one at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Same,
    Earlier,
    /// Later, or changed on its own: it stays.
    Later,
}

/// A revocation is never undone, a session that is over never comes back, and of two lives the one that began later
/// stands.
pub(super) fn standing(there: &Side<'_>, here: &Side<'_>) -> Standing {
    let (old, new) = (there.head, here.head);
    if old.life != new.life {
        let is_later = new.not_before >= old.not_before && new.began > old.began;
        return if is_later { Standing::Earlier } else { Standing::Later };
    }
    match (old.state == HeadState::Alive, new.state == HeadState::Alive) {
        (true, true) => of_one_life(there, here),
        (true, false) => Standing::Earlier,
        (false, true) => Standing::Later,
        (false, false) => Standing::Same,
    }
}

fn of_one_life(there: &Side<'_>, here: &Side<'_>) -> Standing {
    let ends = |head: &Head| head.ends.map_or(i64::MAX, Time::millis);
    let (old, new) = (there.head, here.head);
    let all = [
        new.refresh_counter.cmp(&old.refresh_counter),
        ends(new).cmp(&ends(old)),
        new.config_version.cmp(&old.config_version),
        here.version.cmp(&there.version),
        here.updated.cmp(&there.updated),
    ];
    let goes_on = here.version == there.version && here.updated != there.updated;
    match (all.contains(&Ordering::Less), all.contains(&Ordering::Greater)) {
        // As many changes, but not the same ones.
        _ if goes_on => Standing::Later,
        (true, _) => Standing::Later,
        (false, true) => Standing::Earlier,
        (false, false) => Standing::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Identifier, Owner};

    fn head(life: u8, shape: impl FnOnce(&mut Head)) -> Head {
        let mut head = Head {
            life: [life; 16],
            state: HeadState::Alive,
            not_before: None,
            began: Time::from_secs(1_000),
            ends: Some(Time::from_secs(9_000)),
            idle: None,
            config_version: 1,
            refresh_counter: 3,
            refresh_time: None,
            owner: Owner::plain("r", &Identifier::Integer(1)),
        };
        shape(&mut head);
        head
    }

    fn compare(there: (&Head, u64, i64), here: (&Head, u64, i64)) -> Standing {
        let side = |(head, version, updated)| Side { head, version, updated: Some(Time::from_secs(updated)) };
        standing(&side(there), &side(here))
    }

    #[test]
    fn within_a_life_what_only_grows_decides() {
        let first = head(1, |_| {});
        assert_eq!(compare((&first, 5, 10), (&first, 5, 10)), Standing::Same);
        let shapes: [fn(&mut Head); 4] = [
            |head| head.refresh_counter = 4,
            |head| head.ends = Some(Time::from_secs(9_001)),
            |head| head.ends = None,
            |head| head.config_version = 2,
        ];
        for shape in shapes {
            let later = head(1, shape);
            assert_eq!(compare((&first, 5, 10), (&later, 5, 10)), Standing::Earlier);
            assert_eq!(compare((&later, 5, 10), (&first, 5, 10)), Standing::Later);
            // Each has gone on: nobody can tell which counts.
            assert_eq!(compare((&later, 5, 10), (&first, 6, 11)), Standing::Later);
        }
        assert_eq!(compare((&first, 5, 10), (&first, 6, 11)), Standing::Earlier);
        assert_eq!(compare((&first, 6, 11), (&first, 5, 10)), Standing::Later);
        assert_eq!(compare((&first, 6, 11), (&first, 6, 12)), Standing::Later, "another sixth change");
        assert_eq!(compare((&first, 6, 12), (&first, 7, 11)), Standing::Later, "written there since");
    }

    #[test]
    fn what_is_over_never_comes_back() {
        let (alive, ended) = (head(1, |_| {}), head(1, |head| head.state = HeadState::Ended));
        assert_eq!(compare((&ended, 5, 10), (&alive, 9, 99)), Standing::Later);
        assert_eq!(compare((&alive, 9, 99), (&ended, 5, 10)), Standing::Earlier);
        assert_eq!(compare((&ended, 5, 10), (&ended, 5, 10)), Standing::Same);
    }

    #[test]
    fn of_two_lives_the_later_one_stands_unless_a_revocation_would_be_lost() {
        let first = head(1, |_| {});
        let revoked = head(2, |head| {
            (head.state, head.began) = (HeadState::Revoked, Time::from_secs(2_000));
            head.not_before = Some(Time::from_secs(2_000));
        });
        let after = head(3, |head| {
            head.began = Time::from_secs(3_000);
            head.not_before = Some(Time::from_secs(2_000));
        });
        let unaware = head(4, |head| head.began = Time::from_secs(4_000));
        let order = [&first, &revoked, &after];
        for (at, old) in order.iter().enumerate() {
            for new in &order[at + 1..] {
                assert_eq!(compare((old, 1, 1), (new, 1, 1)), Standing::Earlier);
                assert_eq!(compare((new, 1, 1), (old, 1, 1)), Standing::Later);
            }
        }
        assert_eq!(compare((&revoked, 1, 1), (&unaware, 1, 1)), Standing::Later);
        assert_eq!(compare((&first, 1, 1), (&unaware, 1, 1)), Standing::Earlier);
    }
}
