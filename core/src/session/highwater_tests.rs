//! True histories are never stale; what was put back, or lost, is.

use proptest::prelude::*;

use super::*;
use crate::backend::{Cells, Effects, Guard};
use crate::vault::{Identifier, Owner};

const SPACE: Space = [1; 16];
const ID: StorageId = [2; 17];
const CELL: CellId = [3; 16];

fn head(life: u8, state: HeadState, refresh_counter: u64) -> Head {
    Head {
        life: [life; 16],
        state,
        not_before: None,
        began: Time::from_secs(1_000_000),
        ends: Some(Time::from_secs(2_000_000)),
        idle: None,
        config_version: 1,
        refresh_counter,
        refresh_time: None,
        owner: Owner::plain("r", &Identifier::Integer(1)),
    }
}

/// Sees a head whose bytes are told by `n`, after all that was seen before.
fn see(water: &HighWater, n: u8, head: &Head) -> Result<()> {
    let span = Span { began: water.tick(), ended: water.tick() };
    water.meet(&SPACE, &ID, &[n; 40], head, &Record { span, ..Record::default() })
}

fn is_stale<T>(result: Result<T>) -> bool {
    result.is_err_and(|error| error.code() == crate::error::Code::Stale)
}

#[test]
fn what_was_seen_to_be_replaced_is_stale() {
    let (water, alive) = (HighWater::default(), head(1, HeadState::Alive, 0));
    for n in 1..=4 {
        see(&water, n, &alive).unwrap();
        see(&water, n, &alive).unwrap();
    }
    for old in 1..=3 {
        assert!(is_stale(see(&water, old, &alive)), "{old}");
    }
    see(&water, 4, &alive).unwrap();
}

#[test]
fn within_a_life_some_things_only_grow() {
    let later = |change: fn(&mut Head)| {
        let water = HighWater::default();
        let mut known = head(1, HeadState::Alive, 7);
        change(&mut known);
        see(&water, 9, &known).unwrap();
        // Never seen before, so it is told by what it says.
        is_stale(see(&water, 1, &head(1, HeadState::Alive, 7)))
    };
    assert!(!later(|_| {}));
    assert!(later(|head| head.refresh_counter = 8));
    assert!(later(|head| head.ends = Some(Time::from_secs(2_000_001))));
    assert!(later(|head| head.state = HeadState::Ended));
    assert!(later(|head| head.state = HeadState::Evicted));
    assert!(!later(|head| head.life = [5; 16]), "of another life nobody can tell");
    fn revoked(head: &mut Head, instant: i64) {
        (head.life, head.state, head.not_before) = ([5; 16], HeadState::Revoked, Some(Time::from_secs(instant)));
    }
    assert!(later(|head| revoked(head, 1_000_240)));
    assert!(!later(|head| revoked(head, 1_000_239)));
    assert!(
        later(|head| {
            revoked(head, 1_000_240);
            (head.state, head.began) = (HeadState::Alive, Time::from_secs(1_000_300));
        }),
        "the next life remembers the revocation"
    );
    let water = HighWater::default();
    let mut known = head(1, HeadState::Alive, 0);
    revoked(&mut known, 1_000_240);
    see(&water, 1, &known).unwrap();
    see(&water, 2, &head(2, HeadState::Ended, 0)).unwrap();
}

#[test]
fn changes_that_a_server_lost_are_missed() {
    let (water, alive) = (HighWater::default(), head(1, HeadState::Alive, 0));
    let other: CellId = [4; 16];
    let see = |version, head: &Head, stamps: [Option<u8>; 2]| {
        let span = Span { began: water.tick(), ended: water.tick() };
        water.meet(&SPACE, &ID, &[1; 40], head, &Record { span, version, ..Record::default() })?;
        let stamped = |stamp: Option<u8>| stamp.map(|stamp| [stamp; 16]);
        let [one, two] = stamps.map(stamped);
        let counted = water.meet_version(&SPACE, &ID, version, span).is_ok();
        water.meet_fields(&SPACE, &ID, &[(CELL, one), (other, two)], false, (version, span)).map(|()| counted)
    };
    assert!(see(7, &alive, [Some(1), Some(1)]).unwrap());
    // The eighth change was never seen here.
    assert!(see(9, &alive, [Some(3), Some(1)]).unwrap());
    assert!(is_stale(see(8, &alive, [Some(2), Some(1)])));
    assert!(is_stale(see(8, &alive, [None, Some(1)])));
    assert!(!see(8, &alive, [Some(3), Some(1)]).unwrap(), "what was seen last is no older state of a field");
    // Asked for before the ninth was known.
    water.meet_version(&SPACE, &ID, 8, Span::default()).unwrap();
    assert!(see(9, &alive, [Some(3), Some(1)]).unwrap());

    // A change of our own stands on what is there.
    let limits = crate::limits::Limits::default();
    let effects = Effects { delete: vec![[9; 16]], ..Effects::nothing(Time::from_secs(0), &limits) };
    let guard = Guard { head: HeadGuard::Is([1; 40].into()), ..Guard::default() };
    let put = Change { space: SPACE, id: ID, guard, effects, answer: Cells::None };
    let before = water.tick();
    let span = Span { began: water.tick(), ended: water.tick() };
    water.changed(&[put], &Outcome::Applied { version: 6, deleted: 0 }, span);
    // Asked for while nine were known, and read before that change.
    let read = |version| water.meet_version(&SPACE, &ID, version, Span { began: before, ended: water.tick() });
    assert!(is_stale(read(5)));
    read(6).unwrap();
    assert!(see(6, &alive, [Some(4), Some(5)]).unwrap());
    assert!(is_stale(see(5, &alive, [Some(6), Some(5)])));
    assert!(see(1, &head(2, HeadState::Alive, 0), [Some(7), Some(8)]).unwrap(), "another life");
}

#[test]
fn what_overlaps_proves_nothing() {
    let (water, alive) = (HighWater::default(), head(1, HeadState::Alive, 0));
    let meet = |n: u8, span| water.meet(&SPACE, &ID, &[n; 40], &alive, &Record { span, ..Record::default() });
    let early = water.tick();
    see(&water, 1, &alive).unwrap();
    see(&water, 2, &alive).unwrap();
    // Asked for before 2 was seen.
    meet(1, Span { began: early, ended: water.tick() }).unwrap();
    assert!(is_stale(see(&water, 1, &alive)));
    meet(1, Span::default()).unwrap();
}

#[test]
fn fields_too() {
    let water = HighWater::default();
    let see = |stamp: Option<u8>, all| {
        let span = Span { began: water.tick(), ended: water.tick() };
        let fields: Vec<_> = stamp.map(|stamp| (CELL, Some([stamp; 16]))).into_iter().collect();
        water.meet_fields(&SPACE, &ID, &fields, all, (0, span))
    };
    see(Some(1), false).unwrap();
    see(None, false).unwrap();
    see(Some(1), false).unwrap();
    see(Some(2), false).unwrap();
    assert!(is_stale(see(Some(1), true)));
    see(None, true).unwrap();
    assert!(is_stale(see(Some(2), false)), "it was seen not to be there");
    see(Some(3), false).unwrap();
}

#[test]
fn it_is_bounded() {
    let (water, alive) = (HighWater::default(), head(1, HeadState::Alive, 0));
    for n in 0..(SESSIONS_PER_SHARD as u32 * 3) {
        let mut id = [0; 17];
        id[13..].copy_from_slice(&n.to_be_bytes());
        let span = Span { began: water.tick(), ended: water.tick() };
        water.meet(&SPACE, &id, &[1; 40], &alive, &Record { span, ..Record::default() }).unwrap();
        let fields: Vec<_> = (0..20).map(|cell| ([cell; 16], Some([n as u8; 16]))).collect();
        water.meet_fields(&SPACE, &id, &fields, true, (0, span)).unwrap();
    }
    let shard = water.shards[0].lock();
    assert!(shard.sessions.len() <= SESSIONS_PER_SHARD && shard.cells <= CELLS_PER_SHARD);
    assert_eq!(shard.cells, shard.sessions.values().map(|session| session.cells.len()).sum::<usize>());
    assert!(shard.sessions.values().all(|session| session.head.replaced.len() <= REPLACED));
}

#[test]
fn names_of_fields_that_are_gone_do_not_pile_up() {
    let water = HighWater::default();
    for n in 0..CELLS_PER_SHARD as u32 * 3 {
        let mut cell = [0; 16];
        cell[..4].copy_from_slice(&n.to_be_bytes());
        for stamp in [Some([1; 16]), None] {
            let span = Span { began: water.tick(), ended: water.tick() };
            water.meet_fields(&SPACE, &ID, &[(cell, stamp)], false, (0, span)).unwrap();
        }
    }
    let shard = water.shard(&ID).lock();
    assert!(shard.cells <= CELLS_PER_SHARD, "{}", shard.cells);
    assert_eq!(shard.cells, shard.sessions.values().map(|session| session.cells.len()).sum::<usize>());
}

proptest! {
    /// Operations that overlap in any way, on a place that holds one state after the other, and are told of in any
    /// order: none is ever called stale.
    #[test]
    fn no_true_history_is_stale(
        operations in prop::collection::vec((0_u64..400, 1_u64..40, 0_u64..40, any::<u32>()), 1..60),
        writes in prop::collection::btree_set(0_u64..400, 0..20),
    ) {
        let (water, alive) = (HighWater::default(), head(1, HeadState::Alive, 0));
        // An operation begins, sees what stands at some instant in between, ends, and is told of later.
        let mut events = Vec::new();
        for (number, (began, lasts, delay, at)) in operations.iter().enumerate() {
            let instant = began + u64::from(*at) % lasts;
            events.push((began * 10, 0, number));
            events.push((instant * 10 + 5, 1, number));
            events.push(((began + lasts) * 10, 2, number));
            events.push(((began + lasts + delay) * 10, 3, number));
        }
        events.sort_unstable();
        let mut seen = vec![(Span::default(), 0_u8); operations.len()];
        for (instant, kind, number) in events {
            match kind {
                0 => seen[number].0.began = water.tick(),
                1 => seen[number].1 = writes.iter().filter(|write| **write * 10 < instant).count() as u8,
                2 => seen[number].0.ended = water.tick(),
                _ => {
                    let (span, state) = seen[number];
                    let version = u64::from(state);
                    let record = Record { span, version, ..Record::default() };
                    prop_assert!(water.meet(&SPACE, &ID, &[state; 40], &alive, &record).is_ok());
                    let fields = [(CELL, (state % 5 != 0).then_some([state; 16]))];
                    prop_assert!(water.meet_fields(&SPACE, &ID, &fields, true, (version, span)).is_ok());
                }
            }
        }
    }
}
