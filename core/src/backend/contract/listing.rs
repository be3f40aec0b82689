//! The rules of the index and of what lists show of the sessions in it.

use super::*;

type Key = (BlindUser, StorageId);

fn keys(listed: &[Listed]) -> Vec<Key> {
    listed.iter().map(|entry| (entry.user, entry.id)).collect()
}

fn page(backend: &Backend, user: Option<&BlindUser>, after: Option<Key>, limit: usize) -> Vec<Key> {
    keys(&wait(backend.page(&SPACE, user, after, limit)).unwrap())
}

type Shown<'a> = (StorageId, Option<&'a [u8]>, Option<Touch>);

fn shown(listed: &[Listed]) -> Vec<Shown<'_>> {
    listed.iter().map(|entry| (entry.id, entry.head.as_deref(), entry.touch)).collect()
}

/// A change that lists session `n` under user `who`, with a head of that one byte and a touch at `touched`.
fn begin(who: u8, n: u8, touched: Option<i64>) -> Change {
    with(n, |change| {
        change.effects.head = Some([n].into());
        change.effects.touch = touched.map(touch);
        change.effects.index = Some((user(who), true));
    })
}

pub(super) fn index(backend: &Backend) {
    let listed = |space: Space, user: BlindUser, n: u8, add: bool| {
        let change = with(n, |change| {
            change.space = space;
            change.id[0] = user[0];
            change.effects.index = Some((user, add));
        });
        (user, change)
    };
    let mut expected = Vec::new();
    for bucket in [200, 0, 7] {
        for who in [3, 1, 2] {
            for n in [9, 4] {
                let mut owner = user(who);
                owner[0] = bucket;
                let (owner, change) = listed(SPACE, owner, n + who * 10, true);
                applied(backend, &change);
                applied(backend, &change);
                expected.push((owner, change.id));
            }
        }
    }
    let (stranger, foreign) = listed(OTHER, user(1), 1, true);
    applied(backend, &foreign);
    expected.sort_unstable();
    for limit in [0, 1, 4, 5, 100] {
        let mut found = Vec::new();
        loop {
            let page = page(backend, None, found.last().copied(), limit);
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, if limit == 0 { &[] } else { &expected[..] });
    }
    for owner in expected.iter().map(|entry| entry.0) {
        let own: Vec<_> = expected.iter().filter(|entry| entry.0 == owner).copied().collect();
        assert_eq!(page(backend, Some(&owner), None, 9), own);
        assert_eq!(page(backend, Some(&owner), Some(own[0]), 9), own[1..]);
        assert!(page(backend, Some(&owner), Some(own[1]), 9).is_empty());
        // Within one user, what is after a user before theirs is all of it, and after a later one nothing.
        assert_eq!(page(backend, Some(&owner), Some(([0; 16], id(99))), 9), own);
        assert!(page(backend, Some(&owner), Some(([255; 16], id(0))), 9).is_empty());
    }
    let elsewhere = wait(backend.page(&OTHER, None, None, 9)).unwrap();
    assert_eq!(keys(&elsewhere), [(stranger, foreign.id)]);
    let gone = expected.remove(3);
    let (_, mut remove) = listed(SPACE, gone.0, 0, false);
    remove.id = gone.1;
    applied(backend, &remove);
    assert_eq!(page(backend, None, None, 99), expected);
}

pub(super) fn heads_and_touches(backend: &Backend) {
    applied(backend, &begin(1, 2, Some(5)));
    applied(backend, &begin(1, 1, None));
    applied(backend, &begin(2, 3, Some(6)));
    // Listed, but nothing is stored of it.
    let entry_alone = with(4, |change| {
        change.effects.index = Some((user(2), true));
        change.effects.raise_version = false;
    });
    applied(backend, &entry_alone);
    applied(backend, &with(2, |change| change.effects.touch = Some(touch(7))));
    applied(backend, &with(3, |change| change.effects.head = Some((*b"new").into())));
    let all = wait(backend.page(&SPACE, None, None, 9)).unwrap();
    let expected: [Shown; 4] = [
        (id(1), Some(&[1]), None),
        (id(2), Some(&[2]), Some(touch(7))),
        (id(3), Some(b"new"), Some(touch(6))),
        (id(4), None, None),
    ];
    assert_eq!(shown(&all), expected);
    let second = wait(backend.page(&SPACE, Some(&user(2)), Some((user(2), id(3))), 9)).unwrap();
    assert_eq!(shown(&second), expected[3..]);
}

pub(super) fn user_sessions(backend: &Backend) {
    let of = |space: &Space, who| wait(backend.user(space, &user(who))).unwrap();
    assert!(of(&SPACE, 1).record.is_none() && of(&SPACE, 1).sessions.is_empty());
    for n in [30, 10, 20] {
        let mut begin = begin(1, n, Some(n.into()));
        begin.effects.user = Some((user(1), UserEffect::Write([n].into())));
        applied(backend, &begin);
    }
    applied(backend, &begin(2, 11, None));
    let mut elsewhere = begin(1, 12, None);
    elsewhere.space = OTHER;
    applied(backend, &elsewhere);

    let first = of(&SPACE, 1);
    let record = first.record.map(|record| (record.sealed[0], record.generation));
    assert_eq!(record, Some((20, NOW.millis() as u64 + 2)));
    let expected: [Shown; 3] = [
        (id(10), Some(&[10]), Some(touch(10))),
        (id(20), Some(&[20]), Some(touch(20))),
        (id(30), Some(&[30]), Some(touch(30))),
    ];
    assert_eq!(shown(&first.sessions), expected);
    assert!(first.sessions.iter().all(|entry| entry.user == user(1)));
    let second = of(&SPACE, 2);
    assert!(second.record.is_none());
    assert_eq!(shown(&second.sessions), [(id(11), Some(&[11][..]), None)]);
    assert_eq!(keys(&of(&OTHER, 1).sessions), [(user(1), id(12))]);
}

/// Whether a user comes along is the backend's own affair; if one does, it is the one who has it in the index.
pub(super) fn found(backend: &Backend) {
    let find = |n: u8| wait(backend.find(&SPACE, &id(n))).unwrap();
    let (nothing, nobody) = find(1);
    assert!(nothing.head.is_none() && nothing.touch.is_none() && nobody.is_none());
    for n in [1, 2] {
        let mut begin = begin(1, n, Some(n.into()));
        begin.effects.user = Some((user(1), UserEffect::Write([n].into())));
        applied(backend, &begin);
    }
    applied(backend, &begin(2, 3, None));
    applied(backend, &with(4, |change| change.effects.head = Some([4].into())));
    for (n, owner) in [(1, Some(user(1))), (2, Some(user(1))), (3, Some(user(2))), (4, None)] {
        let (record, listed) = find(n);
        assert_eq!((record.head.as_deref(), record.touch), (Some(&[n][..]), (n < 3).then(|| touch(n.into()))));
        assert_eq!(listed.is_some(), backend.is_remote() && owner.is_some(), "{n}");
        let Some((who, known)) = listed else { continue };
        let wanted = wait(backend.user(&SPACE, &who)).unwrap();
        assert!(Some(who) == owner && known.record == wanted.record && known.sessions == wanted.sessions, "{n}");
    }
    assert!(wait(backend.find(&OTHER, &id(1))).unwrap().0.head.is_none());
}

/// One change writes head, touch, index and user: who lists meanwhile sees all of it or nothing.
pub(super) fn one_instant(backend: &Backend) {
    let step = |n: u8| {
        with(1, |change| {
            change.effects.head = Some([n].into());
            change.effects.touch = Some(touch(n.into()));
            change.effects.reset_touch = true;
            change.effects.index = Some((user(1), n.is_multiple_of(2)));
            change.effects.user = Some((user(1), UserEffect::Write([n].into())));
        })
    };
    applied(backend, &step(0));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let whole = |entry: &Listed| {
                    let n = entry.head.as_ref().map(|head| head[0]).unwrap();
                    assert!(n.is_multiple_of(2) && entry.touch == Some(touch(n.into())), "{n}");
                    n
                };
                while !done.load(Ordering::Relaxed) {
                    wait(backend.page(&SPACE, None, None, 9)).unwrap().iter().for_each(|entry| {
                        whole(entry);
                    });
                    let user = wait(backend.user(&SPACE, &user(1))).unwrap();
                    let written = user.record.unwrap().sealed[0];
                    let listed: Vec<u8> = user.sessions.iter().map(whole).collect();
                    assert_eq!(listed, if written.is_multiple_of(2) { vec![written] } else { Vec::new() });
                }
            });
        }
        (0..200).for_each(|n| {
            applied(backend, &step(n));
        });
        done.store(true, Ordering::Relaxed);
    });
}

pub(super) fn ids(backend: &Backend) {
    // Two buckets; indexed or not.
    let other = |n: u8| {
        let mut id = id(n);
        id[0] = 9;
        id
    };
    for n in [3, 1, 2] {
        applied(backend, &put(n, vec![(cell(1), sealed(n, 0, 60))]));
        let mut change = put(n, vec![(cell(1), sealed(n, 0, 60))]);
        change.id = other(n);
        applied(backend, &change);
    }
    let mut elsewhere = put(4, vec![(cell(1), sealed(4, 0, 60))]);
    elsewhere.space = OTHER;
    applied(backend, &elsewhere);
    let all = [id(1), id(2), id(3), other(1), other(2), other(3)];
    assert_eq!(wait(backend.ids(&SPACE, None, 100)).unwrap(), all);
    for limit in 1..=6 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = wait(backend.ids(&SPACE, after.as_ref(), limit)).unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            found.extend(page);
        }
        assert_eq!(found, all, "{limit}");
    }
}
