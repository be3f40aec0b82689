//! Puts and nothing else, which a backend may decide by a shorter way: they come to the same.

use super::*;

type Puts = Vec<(CellId, SealedField)>;

fn begun(backend: &Backend) {
    let begin = with(1, |change| {
        change.effects.head = Some((*b"head").into());
        change.effects.put = vec![(cell(1), sealed(1, 0, 60)), (cell(2), sealed(2, 0, 6000))];
    });
    assert_eq!(applied(backend, &begin), (1, 0));
}

fn after(head: &[u8; 4], puts: Puts) -> Change {
    let mut change = put(1, puts);
    change.guard.head = HeadGuard::Is((*head).into());
    change.effects.now = NOW.plus_millis(5);
    change
}

pub(super) fn count_what_they_replace(backend: &Backend) {
    begun(backend);
    let table: [(Puts, u64, u64); 5] = [
        (vec![(cell(1), sealed(3, 0, 80))], 6080, 2),
        (vec![(cell(3), sealed(4, 0, 40)), (cell(2), sealed(5, 0, 100))], 220, 3),
        // Of two puts of one cell the later one counts.
        (vec![(cell(3), sealed(6, 0, 4000)), (cell(3), sealed(7, 0, 50))], 230, 3),
        ((10..60).map(|n| (cell(n), sealed(n, 0, 100))).collect(), 5230, 53),
        (vec![(cell(10), sealed(8, 0, 29))], 5159, 53),
    ];
    for (place, (puts, size, count)) in table.into_iter().enumerate() {
        let version = place as u64 + 2;
        let last = puts.last().cloned().unwrap();
        assert_eq!(applied(backend, &after(b"head", puts)), (version, 0));
        let there = read(backend, 1);
        assert_eq!((there.version, there.size, there.count), (version, size, count));
        assert_eq!((there.head.as_deref(), there.updated), (Some(&b"head"[..]), Some(NOW.plus_millis(5))));
        assert!(there.cells.contains(&last));
    }
}

pub(super) fn are_refused_or_too_large(backend: &Backend) {
    begun(backend);
    let puts = || vec![(cell(1), sealed(3, 0, 61)), (cell(3), sealed(4, 0, 40))];
    assert_eq!(refused(backend, &after(b"heaD", puts())).version, 1);
    for (max_size, max_count, fits) in [(6100, 9, false), (6101, 2, false), (6101, 3, true)] {
        let mut change = after(b"head", puts());
        (change.effects.max_size, change.effects.max_count) = (max_size, max_count);
        match wait(backend.apply(&change)).unwrap() {
            Outcome::TooLarge { size, count } => assert_eq!((fits, size, count), (false, 6101, 3)),
            Outcome::Applied { version, .. } => assert_eq!((fits, version), (true, 2)),
            Outcome::Refused(_) => panic!("refused"),
        }
    }
    assert_eq!(read(backend, 1).size, 6101);
    let one = |max_size, max_count| {
        let mut change = after(b"head", vec![(cell(4), sealed(5, 0, 99))]);
        (change.effects.max_size, change.effects.max_count) = (max_size, max_count);
        wait(backend.apply(&change)).unwrap()
    };
    assert!(matches!(one(6199, 4), Outcome::TooLarge { size: 6200, count: 4 }));
    assert!(matches!(one(6200, 3), Outcome::TooLarge { size: 6200, count: 4 }));
    assert!(matches!(one(6200, 4), Outcome::Applied { version: 3, .. }));
    assert_eq!(refused(backend, &after(b"heaD", vec![(cell(4), sealed(6, 0, 99))])).version, 3);
}

/// Each writes a cell of its own, ever longer, into the same session.
pub(super) fn side_by_side_lose_nothing(backend: &Backend) {
    const LAST: usize = 30;
    begun(backend);
    std::thread::scope(|scope| {
        for writer in 10..14_u8 {
            scope.spawn(move || {
                for round in 0..=LAST {
                    applied(backend, &after(b"head", vec![(cell(writer), sealed(writer, 0, 40 + round))]));
                }
            });
        }
    });
    let there = read(backend, 1);
    let (size, count) = (6060 + 4 * (40 + LAST as u64), 6);
    assert_eq!((there.version, there.size, there.count), (1 + 4 * (LAST as u64 + 1), size, count));
    assert_eq!(there.cells.iter().map(|(_, sealed)| sealed.0.len() as u64).sum::<u64>(), size);
}

/// What is over leaves with whatever raises the version, and what is put has no expiry that it does not bring.
pub(super) fn meet_what_has_an_expiry(backend: &Backend) {
    begun(backend);
    let at = |millis: i64| Time::from_millis(NOW.millis() + millis).millis();
    let dated = vec![(cell(3), sealed(3, at(5), 100)), (cell(4), sealed(4, at(9), 100))];
    applied(backend, &put(1, dated));
    assert_eq!(read(backend, 1).count, 4);
    assert_eq!(applied(backend, &after(b"head", vec![(cell(1), sealed(5, 0, 60))])), (3, 0));
    let there = read(backend, 1);
    assert_eq!((there.size, there.count), (6160, 3));
    assert_eq!(applied(backend, &after(b"head", vec![(cell(4), sealed(6, 0, 50))])), (4, 0));
    assert_eq!(applied(backend, &after(b"head", vec![(cell(5), sealed(8, at(30), 100))])), (5, 0));
    assert_eq!((read(backend, 1).size, read(backend, 1).count), (6210, 4));
    let mut late = after(b"head", vec![(cell(1), sealed(7, 0, 60))]);
    late.effects.now = NOW.plus_millis(60_000);
    assert_eq!(applied(backend, &late), (6, 0));
    let there = read(backend, 1);
    assert_eq!((there.size, there.count), (6110, 3));
}
