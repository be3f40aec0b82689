//! Which connection reads a session.

use super::*;

#[test]
fn the_writer_reads_when_it_has_nothing_else_to_do() {
    let place = Place::new();
    let backend = place.open();
    applied(&backend, &one(1));
    let Backend::Sqlite(store, _) = &backend else { panic!("another backend") };
    assert!(!store.readers.is_any_open());
    assert_eq!(read(&backend, 1).count, 2);
    assert!(store.readers.is_any_open(), "the first read looks whether the file is in place");
    // What the writer reads from now on, and no reader.
    store.on_writer("CREATE TEMP TABLE session AS SELECT * FROM main.session LIMIT 0");
    let count = || read(&backend, 1).count;
    assert_eq!(count(), 0, "by the writer");
    {
        let _busy = store.writer.lock();
        assert_eq!(count(), 2, "by a reader");
    }
    store.writers_waiting.fetch_add(1, Ordering::Relaxed);
    assert_eq!(count(), 2, "by a reader: somebody waits to write");
    store.writers_waiting.fetch_sub(1, Ordering::Relaxed);
    store.on_writer("BEGIN");
    assert_eq!(count(), 2, "by a reader: what is not committed is nobody's");
    store.on_writer("ROLLBACK");
    assert_eq!(count(), 0);
    // One that the writer cannot read is not thereby damaged.
    store.on_writer("DROP TABLE temp.session; CREATE TEMP TABLE session(key)");
    assert_eq!(count(), 2);
}

#[test]
fn reads_keep_nobody_from_writing() {
    let place = Place::new();
    let backend = place.open();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    read(&backend, 1);
                }
            });
        }
        let started = Instant::now();
        (0..100).for_each(|n| increment(&backend, 1, n));
        over.store(true, Ordering::Relaxed);
        assert!(started.elapsed() < DEADLINE / 2, "{:?}", started.elapsed());
    });
    assert_eq!(counted(&backend), 100);
}
