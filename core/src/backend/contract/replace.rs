//! What replacing bytes for bytes means, and a walk over all rows.

use super::*;
use crate::backend::replace::{Place, Replacement};

fn head(n: u8) -> SealedHead {
    vec![n; 80].into()
}

fn field(n: u8, size: usize) -> SealedField {
    let mut bytes = vec![n; size];
    // One stamp and one end, whatever else is in it.
    bytes[SealedField::STAMP].fill(5);
    bytes[SealedField::EXPIRY].fill(0);
    SealedField(bytes.into())
}

fn swap(place: Place, old: &[u8], new: &[u8]) -> Replacement {
    Replacement { place, old: old.into(), new: new.into() }
}

/// A session with a head, three fields (one that lies apart in SQLite) and its user's record.
fn made(backend: &Backend, n: u8) {
    let mut effects = Effects::nothing(NOW, &Limits::default());
    effects.head = Some(head(1));
    effects.raise_version = true;
    effects.touch = Some([3; 24]);
    effects.put = vec![(cell(1), field(1, 100)), (cell(2), field(1, 9_000)), (cell(3), field(1, 60))];
    effects.user = Some((user(n), UserEffect::Write(head(1)[..].into())));
    let change = Change { space: SPACE, id: id(n), guard: Guard::default(), effects, answer: Cells::None };
    assert!(matches!(wait(backend.apply(&change)).unwrap(), Outcome::Applied { .. }));
}

fn read(backend: &Backend, n: u8) -> Record {
    wait(backend.read(&SPACE, &id(n), &Cells::All, Some(&user(n)))).unwrap()
}

pub(super) fn bytes_for_bytes(backend: &Backend) {
    made(backend, 1);
    made(backend, 2);
    let before = read(backend, 1);
    let all = |n: u8, old: u8, new: u8| {
        vec![
            swap(Place::Head(id(n)), &head(old), &head(new)),
            swap(Place::Field(id(n), cell(1)), &field(old, 100).0, &field(new, 100).0),
            swap(Place::Field(id(n), cell(2)), &field(old, 9_000).0, &field(new, 9_000).0),
            swap(Place::User(user(n)), &head(old), &head(new)),
        ]
    };
    assert_eq!(wait(backend.replace(&SPACE, &all(1, 1, 2))).unwrap(), [true; 4]);
    let after = read(backend, 1);
    assert!(after.head == Some(head(2)));
    let cells = [(cell(1), field(2, 100)), (cell(2), field(2, 9_000)), (cell(3), field(1, 60))];
    assert!(after.cells == cells);
    let record = after.user.as_ref().unwrap();
    assert!(*record.sealed == *head(2) && record.generation == before.user.as_ref().unwrap().generation);
    let plain = |record: &Record| (record.touch, record.version, record.size, record.count, record.updated);
    assert_eq!(plain(&read(backend, 1)), plain(&before), "nothing else changed");

    assert_eq!(wait(backend.replace(&SPACE, &all(1, 1, 3))).unwrap(), [false; 4], "those bytes stand there no more");
    assert_eq!(wait(backend.replace(&OTHER, &all(1, 2, 3))).unwrap(), [false; 4], "another space");
    assert_eq!(wait(backend.replace(&SPACE, &all(9, 2, 3))).unwrap(), [false; 4], "nothing is there");
    let longer = [
        swap(Place::Head(id(1)), &head(2), &[2; 81]),
        swap(Place::Field(id(1), cell(1)), &field(2, 100).0, &field(2, 101).0),
        swap(Place::User(user(1)), &head(2), &[2; 79]),
    ];
    assert_eq!(wait(backend.replace(&SPACE, &longer)).unwrap(), [false; 3], "another length");
    assert!(read(backend, 1).cells == cells);
    assert!(read(backend, 2).head == Some(head(1)), "nobody else's record is concerned");

    // Each on its own, in any order, of several sessions.
    let mut mixed = all(2, 1, 2);
    mixed.extend(all(1, 2, 4));
    mixed[1].old[0] ^= 1;
    mixed.reverse();
    let mut expected = [true; 8];
    expected[6] = false;
    assert_eq!(wait(backend.replace(&SPACE, &mixed)).unwrap(), expected);
    assert_eq!(wait(backend.replace(&SPACE, &[])).unwrap(), [false; 0]);
}

/// Writers who guard by what they saw, and one who seals anew: nobody's write is lost.
pub(super) fn no_write_is_lost(backend: &Backend) {
    const WRITERS: u64 = 4;
    const WRITES: u64 = 50;
    let numbered = |key: u8, number: u64| {
        let mut sealed = field(key, 100);
        sealed.0[40..48].copy_from_slice(&number.to_be_bytes());
        sealed.0[SealedField::STAMP][..8].copy_from_slice(&number.to_be_bytes());
        sealed
    };
    let number = |sealed: &SealedField| u64::from_be_bytes(sealed.0[40..48].try_into().unwrap());
    let put = |sealed: SealedField, expected: Option<Stamp>| {
        let mut effects = Effects::nothing(NOW, &Limits::default());
        effects.put = vec![(cell(1), sealed)];
        let guard = Guard { stamps: vec![(cell(1), expected)], ..Guard::default() };
        let change = Change { space: SPACE, id: id(1), guard, effects, answer: Cells::None };
        matches!(wait(backend.apply(&change)).unwrap(), Outcome::Applied { .. })
    };
    assert!(put(numbered(1, 0), None));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..WRITES {
                        while {
                            let there = read(backend, 1).cells.remove(0).1;
                            !put(numbered(1, number(&there) + 1), there.stamp())
                        } {}
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let there = read(backend, 1).cells.remove(0).1;
            let new = numbered(2, number(&there));
            wait(backend.replace(&SPACE, &[swap(Place::Field(id(1), cell(1)), &there.0, &new.0)])).unwrap();
        }
    });
    assert_eq!(number(&read(backend, 1).cells[0].1), WRITERS * WRITES);
}
