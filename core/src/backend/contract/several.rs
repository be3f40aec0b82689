//! The rules of several changes that are one.

use super::*;

/// Heads that say `text`, cells gone, whatever stands there: what a revocation of several sessions does.
fn replace(n: u8, text: &[u8]) -> Change {
    with(n, |change| {
        change.effects.head = Some(text.into());
        change.effects.clear = true;
    })
}

fn apply(backend: &Backend, changes: &[Change]) -> Outcome {
    wait(backend.apply_all(changes)).unwrap()
}

fn heads<const N: usize>(backend: &Backend, ns: [u8; N]) -> [Option<Vec<u8>>; N] {
    ns.map(|n| read(backend, n).head.map(|head| head.to_vec()))
}

pub(super) fn applied_as_one(backend: &Backend) {
    assert!(matches!(apply(backend, &[]), Outcome::Applied { version: 0, deleted: 0 }));
    applied(backend, &put(1, vec![(cell(1), sealed(1, 0, 60)), (cell(2), sealed(1, 0, 6000))]));
    applied(backend, &put(2, vec![(cell(1), sealed(2, 0, 60))]));
    applied(backend, &put(2, vec![(cell(2), sealed(2, 0, 6000)), (cell(3), sealed(2, 0, 60))]));
    let mut last = with(2, |change| {
        change.guard.version = Some(2);
        change.guard.stamps = vec![(cell(1), Some([2; 16]))];
        change.effects.delete = vec![cell(2)];
        change.effects.put = vec![(cell(4), sealed(4, 0, 7000))];
        change.effects.index = Some((user(1), true));
    });
    last.effects.user = Some((user(1), UserEffect::Write((*b"u").into())));
    // The last one's version; the deleted of all.
    let done = apply(backend, &[replace(1, b"a"), replace(3, b"c"), last]);
    assert!(matches!(done, Outcome::Applied { version: 3, deleted: 3 }));
    assert_eq!(heads(backend, [1, 2, 3]), [Some(b"a".to_vec()), None, Some(b"c".to_vec())]);
    assert_eq!((read(backend, 1).count, ids(&read(backend, 2))), (0, vec![cell(1), cell(3), cell(4)]));
    assert_eq!((read(backend, 1).version, read(backend, 2).version, read(backend, 3).version), (2, 3, 1));
    let owner = wait(backend.user(&SPACE, &user(1))).unwrap();
    assert_eq!((owner.record.is_some(), owner.sessions.len()), (true, 1));

    let many: Vec<Change> = (0..200).map(|n| replace(n, b"all")).collect();
    assert!(matches!(apply(backend, &many), Outcome::Applied { version: 1, deleted: 3 }));
    assert!((0..200).all(|n| read(backend, n).head.as_deref() == Some(b"all")));
}

pub(super) fn all_or_nothing(backend: &Backend) {
    for n in 1..=3 {
        let begin = with(n, |change| {
            change.effects.head = Some([n].into());
            change.effects.put = vec![(cell(1), sealed(n, 0, 60)), (cell(2), sealed(n, 0, 6000))];
            change.effects.index = Some((user(1), true));
            change.effects.user = Some((user(1), UserEffect::Write([n].into())));
        });
        applied(backend, &begin);
    }
    let good = |n| {
        let mut good = replace(n, b"new");
        good.effects.put = vec![(cell(3), sealed(9, 0, 5000))];
        good.effects.index = Some((user(1), false));
        good.effects.user = Some((user(1), UserEffect::Remove));
        good.effects.expires = Some(NOW);
        good
    };
    let failing = |n| {
        let mut failing = good(n);
        failing.guard.head = HeadGuard::Absent;
        failing
    };
    let large = |n| {
        let mut large = good(n);
        large.effects.max_size = 4999;
        large
    };
    let head = |outcome| match outcome {
        Outcome::Refused(record) => record.head.map(|head| head[0]),
        Outcome::Applied { .. } => panic!("applied"),
        Outcome::TooLarge { size, count } => panic!("{size} bytes in {count} are too large"),
    };
    // Wherever it stands, the first that fails is what is answered with.
    assert_eq!(head(apply(backend, &[failing(1), good(2), good(3)])), Some(1));
    assert_eq!(head(apply(backend, &[good(1), failing(2), good(3)])), Some(2));
    assert_eq!(head(apply(backend, &[good(1), good(2), failing(3)])), Some(3));
    assert_eq!(head(apply(backend, &[good(1), failing(3), failing(2)])), Some(3));
    assert_eq!(head(apply(backend, &[failing(2), large(3)])), Some(2));
    assert!(matches!(apply(backend, &[good(2), good(1), large(3)]), Outcome::TooLarge { size: 5000, count: 1 }));
    assert!(matches!(apply(backend, &[good(2), large(3), failing(1)]), Outcome::TooLarge { .. }));

    assert_eq!(wait(backend.sweep(NOW, 9, None)).unwrap(), 0);
    let owner = wait(backend.user(&SPACE, &user(1))).unwrap();
    assert_eq!(owner.record.map(|record| record.sealed[0]), Some(3));
    assert_eq!(owner.sessions.len(), 3);
    for n in 1..=3 {
        let record = read(backend, n);
        assert_eq!(record.head.as_deref(), Some(&[n][..]));
        assert_eq!((record.version, record.size, ids(&record)), (1, 6060, vec![cell(1), cell(2)]));
    }
    assert!(matches!(apply(backend, &[good(1), good(2), good(3)]), Outcome::Applied { deleted: 6, .. }));
}

pub(super) fn guards_before(backend: &Backend) {
    let begin = |n: u8, generation| {
        with(n, |change| {
            change.guard.generation = Some((user(1), generation));
            change.effects.head = Some([n].into());
            change.effects.user = Some((user(1), UserEffect::Write([n].into())));
        })
    };
    // Each raises the generation, none of them meets another's.
    assert!(matches!(apply(backend, &[begin(1, 0), begin(2, 0), begin(3, 0)]), Outcome::Applied { .. }));
    let generation = || wait(backend.user(&SPACE, &user(1))).unwrap().record.map(|record| record.generation);
    let first = NOW.millis() as u64;
    assert_eq!(generation(), Some(first + 2));
    let Outcome::Refused(there) = apply(backend, &[begin(4, first + 2), begin(5, first + 3)]) else {
        panic!("not refused");
    };
    // The refused one's record, with the user as it stood.
    assert!(there.head.is_none());
    assert_eq!(there.user.map(|user| (user.sealed[0], user.generation)), Some((3, first + 2)));
    assert_eq!(heads(backend, [4, 5]), [None, None]);

    let mut remove = begin(4, first + 2);
    remove.effects.user = Some((user(1), UserEffect::Remove));
    assert!(matches!(apply(backend, &[remove, begin(5, first + 2)]), Outcome::Applied { .. }));
    // In their order: removed, then made again.
    assert_eq!(generation(), Some(first));
}

/// Threads that raise the numbers of two sessions together; the two never differ.
pub(super) fn increments(backend: &Backend) {
    let number = |record: &Record| record.head.as_ref().map_or(0, |head| head[0]);
    let raise = |n: u8, from: &Record| {
        with(n, |change| {
            change.guard.head = from.head.clone().map_or(HeadGuard::Absent, HeadGuard::Is);
            change.effects.head = Some([number(from) + 1].into());
        })
    };
    thread::scope(|scope| {
        for turn in 0..8 {
            scope.spawn(move || {
                for _ in 0..10 {
                    loop {
                        let mut changes = [1, 2].map(|n| raise(n, &read(backend, n)));
                        // Whoever comes from either side must not wait for the other.
                        if turn % 2 == 0 {
                            changes.reverse();
                        }
                        if let Outcome::Applied { .. } = apply(backend, &changes) {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!([1, 2].map(|n| number(&read(backend, n))), [80, 80]);
}
