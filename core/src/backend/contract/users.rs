//! The rules of users' records.

use super::*;

/// The generation of a record made at [`NOW`].
const FIRST: u64 = NOW.millis().cast_unsigned();

/// A change that does this to the record of user 1, at that instant, and nothing else.
fn at(now: i64, effect: UserEffect) -> Change {
    with(1, |change| {
        change.effects.now = Time::from_millis(now);
        change.effects.user = Some((user(1), effect));
        change.effects.raise_version = false;
    })
}

fn generation(backend: &Backend) -> Option<u64> {
    wait(backend.user(&SPACE, &user(1))).unwrap().record.map(|record| record.generation)
}

pub(super) fn generations(backend: &Backend) {
    let begin = |n, generation| {
        with(n, |change| {
            change.guard.generation = Some((user(1), generation));
            change.effects.user = Some((user(1), UserEffect::Write([n].into())));
            change.effects.raise_version = false;
        })
    };
    applied(backend, &begin(1, 0));
    let answer = refused(backend, &begin(2, 0));
    assert_eq!(answer.user.map(|user| (user.sealed[0], user.generation)), Some((1, FIRST)));
    applied(backend, &begin(2, FIRST));
    let found = wait(backend.read(&SPACE, &id(3), &Cells::None, Some(&user(1)))).unwrap().user;
    assert_eq!(found.map(|user| (user.sealed[0], user.generation)), Some((2, FIRST + 1)));
    assert!(wait(backend.read(&SPACE, &id(1), &Cells::None, None)).unwrap().user.is_none());
}

pub(super) fn made_again(backend: &Backend) {
    let write = |now| at(now, UserEffect::Write((*b"u").into()));
    let remove = || at(NOW.millis(), UserEffect::Remove);
    let steps = [
        (remove(), None),
        (write(5000), Some(5000)),
        // From then on by one, whatever the time.
        (write(9000), Some(5001)),
        (write(1), Some(5002)),
        (remove(), None),
        (remove(), None),
        (write(6000), Some(6000)),
        (remove(), None),
        // Never 0, which is no record.
        (write(0), Some(1)),
        (remove(), None),
        (write(-7), Some(1)),
    ];
    for (step, (change, expected)) in steps.iter().enumerate() {
        applied(backend, change);
        assert_eq!(generation(backend), *expected, "{step}");
    }

    // Who knew the one before is refused by the new one, and "no record" holds only while there is none.
    let guarded = |expected, effect| {
        let mut change = at(NOW.millis(), effect);
        change.guard.generation = Some((user(1), expected));
        change
    };
    applied(backend, &guarded(1, UserEffect::Remove));
    refused(backend, &guarded(1, UserEffect::Remove));
    applied(backend, &guarded(0, UserEffect::Write((*b"v").into())));
    let there = refused(backend, &guarded(1, UserEffect::Remove)).user;
    assert_eq!(there.map(|user| (user.sealed, user.generation)), Some(((*b"v").into(), FIRST)));
    refused(backend, &guarded(0, UserEffect::Remove));
}

pub(super) fn pages(backend: &Backend) {
    let write = |space: Space, owner: BlindUser| {
        let change = with(1, |change| {
            change.space = space;
            change.id[0] = owner[0];
            change.effects.user = Some((owner, UserEffect::Write(owner.into())));
        });
        applied(backend, &change);
    };
    let mut expected = Vec::new();
    for bucket in [200, 0, 7, 255] {
        for who in [3, 255, 0, 2] {
            let mut owner = if who == 255 { [255; 16] } else { user(who) };
            owner[0] = bucket;
            write(SPACE, owner);
            expected.push(owner);
        }
    }
    // The spaces before and after are not entered.
    for space in [[0; 16], OTHER] {
        write(space, user(9));
    }
    let mut gone = with(1, |change| change.effects.user = Some((user(8), UserEffect::Write([].into()))));
    applied(backend, &gone);
    gone.effects.user = Some((user(8), UserEffect::Remove));
    applied(backend, &gone);

    expected.sort_unstable();
    for limit in [0, 1, 3, 4, 100] {
        let mut found: Vec<BlindUser> = Vec::new();
        loop {
            let page = wait(backend.page_users(&SPACE, found.last().copied(), limit)).unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            for (owner, record) in page {
                assert_eq!((&record.sealed[..], record.generation), (&owner[..], FIRST));
                assert!(found.last().is_none_or(|last| *last < owner), "a page goes on where the last one ended");
                found.push(owner);
            }
        }
        assert_eq!(found, if limit == 0 { &[] } else { &expected[..] });
    }
    // What is asked after need not be there.
    let after = wait(backend.page_users(&SPACE, Some(user(1)), 1)).unwrap();
    assert_eq!(after[0].0, user(2));
}
