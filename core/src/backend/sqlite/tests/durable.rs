//! What a change waits for, and what is left of one that breaks.

use super::super::super::HeadGuard;
use super::*;

/// Levels of `PRAGMA synchronous`.
const NORMAL: i64 = 1;
const FULL: i64 = 2;

impl Sqlite {
    pub(super) fn on_writer(&self, sql: &str) {
        self.writer.lock().as_ref().unwrap().connection.execute_batch(sql).unwrap();
    }

    fn synchronous(&self) -> i64 {
        let writer = self.writer.lock();
        let connection = &writer.as_ref().unwrap().connection;
        connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
    }

    /// What the trigger of a test noted since this was last asked.
    fn noted(&self) -> Vec<i64> {
        let writer = self.writer.lock();
        let connection = &writer.as_ref().unwrap().connection;
        let mut statement = connection.prepare("DELETE FROM noted RETURNING level").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(|level| level.unwrap()).collect()
    }
}

#[test]
fn a_change_that_breaks_halfway_leaves_nothing_behind() {
    let place = Place::new();
    let store = Sqlite::open(&place.file(""), settings(Durability::Interval, DEADLINE)).unwrap();
    store.on_writer(
        "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.session WHEN NEW.head = x'03' \
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
    );
    let begin = |n| {
        let mut begin = one(n);
        begin.effects.head = Some([n].into());
        begin.effects.user = Some((user(1), UserEffect::Write([n].into())));
        begin.effects.index = Some((user(1), true));
        begin.effects.durable = true;
        begin
    };
    assert!(wait(store.apply(&[begin(1), begin(2), begin(3)])).is_err());
    assert_eq!(store.synchronous(), NORMAL);
    let left = wait(store.user(&SPACE, &user(1))).unwrap();
    assert!(left.record.is_none() && left.sessions.is_empty());
    assert!(wait(store.read(&SPACE, &id(1), &Cells::All, None)).unwrap().head.is_none());
    assert!(matches!(wait(store.apply(&[begin(1), begin(2)])).unwrap(), Outcome::Applied { .. }));
}

#[test]
fn a_durable_change_waits_for_the_disk_whatever_the_store_does() {
    let durable = |n| {
        let mut change = one(n);
        change.effects.durable = true;
        change
    };
    for (durability, ordinary) in [(Durability::Interval, NORMAL), (Durability::Commit, FULL)] {
        let place = Place::new();
        let store = Sqlite::open(&place.file(""), settings(durability, DEADLINE)).unwrap();
        // Notes, inside each change's transaction, how SQLite will commit it.
        store.on_writer(
            "CREATE TEMP TABLE noted(level);
             CREATE TEMP TRIGGER note AFTER INSERT ON main.session
             BEGIN INSERT INTO noted SELECT synchronous FROM pragma_synchronous; END",
        );
        let steps = [
            (vec![one(1)], ordinary),
            (vec![durable(2)], FULL),
            (vec![one(3)], ordinary),
            // One of several is enough.
            (vec![one(4), durable(5), one(6)], FULL),
            (vec![one(7)], ordinary),
        ];
        for (changes, expected) in steps {
            assert!(matches!(wait(store.apply(&changes)).unwrap(), Outcome::Applied { .. }));
            assert_eq!(store.noted(), vec![expected; changes.len()], "{durability:?}");
            assert_eq!(store.synchronous(), ordinary, "{durability:?}");
        }
        // Refused, it is set back too.
        let mut refused = durable(2);
        refused.guard.head = HeadGuard::Is((*b"x").into());
        assert!(matches!(wait(store.apply(&[refused])).unwrap(), Outcome::Refused(_)));
        assert_eq!(store.synchronous(), ordinary, "{durability:?}");
    }
}

#[test]
fn a_durable_change_cannot_be_had_inline() {
    let place = Place::new();
    let store = std::sync::Arc::new(place.open());
    let pool = Pool::default();
    for durable in [false, true] {
        let mut change = one(1);
        change.effects.durable = durable;
        let (store, (sender, receiver)) = (store.clone(), mpsc::channel());
        let task = Task::new(&pool, async move || store.apply(&change).await.map(|_| ()));
        let inline = task.start(move |result| sender.send(result).unwrap());
        assert_eq!(inline.is_none(), durable);
        if durable {
            receiver.recv().unwrap().unwrap();
        }
    }
    pool.close();
}
