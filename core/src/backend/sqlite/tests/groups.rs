//! Group commit: who shares a transaction, and what each is told.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use super::super::super::{HeadGuard, SealedHead};
use super::*;

fn sqlite(place: &Place, deadline: Duration) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(&place.file(""), settings(Durability::Commit, deadline)).unwrap())
}

impl Sqlite {
    /// How many transactions are committed from now on; with `refused`, none can be.
    fn count_commits(&self, refused: bool) -> Arc<AtomicUsize> {
        let commits = Arc::new(AtomicUsize::new(0));
        let counted = commits.clone();
        let hook = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            refused
        };
        self.writer.lock().as_mut().unwrap().connection.commit_hook(Some(hook)).unwrap();
        commits
    }

    fn head(&self, n: u8) -> Option<SealedHead> {
        wait(self.read(&SPACE, &id(n), &Cells::None, None)).unwrap().head
    }
}

/// Makes session `n`, if there is none yet.
fn begin(n: u8) -> Change {
    let mut begin = one(n);
    begin.guard.head = HeadGuard::Absent;
    begin.effects.head = Some([n].into());
    begin
}

/// Holds the lock file until all of `count` callers are in the group: one leads, the others wait.
fn gathered<T: Send>(place: &Place, store: &Sqlite, count: u8, call: impl Fn(u8) -> T + Sync) -> Vec<T> {
    let lock = WriteLock::open(&place.file("-lock")).unwrap();
    let held = lock.try_hold().unwrap();
    thread::scope(|scope| {
        let call = &call;
        let callers: Vec<_> = (0..count).map(|n| scope.spawn(move || call(n))).collect();
        let started = Instant::now();
        while store.group.waiting() + 1 < usize::from(count) {
            thread::sleep(Duration::from_millis(1));
            // Who came first gives up by then, and they would never be all there.
            assert!(started.elapsed() < DEADLINE, "{} wait", store.group.waiting());
        }
        drop(held);
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

#[test]
fn callers_share_a_transaction_and_each_has_its_own_answer() {
    let place = Place::new();
    let store = sqlite(&place, DEADLINE);
    for n in (0..64).step_by(4) {
        assert!(matches!(wait(store.apply(&[begin(n)])).unwrap(), Outcome::Applied { .. }));
    }
    store.on_writer(
        "CREATE TEMP TRIGGER broken AFTER INSERT ON main.session WHEN unicode(NEW.head) % 4 = 1 \
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
    );
    let commits = store.count_commits(false);
    let answers = gathered(&place, &store, 64, |n| {
        let mut change = begin(n);
        if n % 4 == 2 {
            change.effects.max_count = 1;
        }
        wait(store.apply(&[change]))
    });
    for (n, answer) in (0_u8..).zip(answers) {
        match (n % 4, answer) {
            // A guard that fails, a change that breaks halfway, one too large: each concerns itself only.
            (0, Ok(Outcome::Refused(there))) => assert_eq!(there.head.as_deref(), Some(&[n][..])),
            (1, Err(error)) => assert!(error.message().contains(group::DOING) && store.head(n).is_none()),
            (2, Ok(Outcome::TooLarge { count: 2, .. })) => assert!(store.head(n).is_none()),
            (3, Ok(Outcome::Applied { version: 1, .. })) => assert!(store.head(n).is_some()),
            (_, answer) => panic!("{n}: {:?}", answer.map(|_| ())),
        }
    }
    assert_eq!(commits.load(Ordering::Relaxed), 1);
    // What broke halfway had written its large field before.
    let writer = store.writer.lock();
    let sql = "SELECT count(*) FROM field WHERE key NOT IN (SELECT key FROM session)";
    let left: i64 = writer.as_ref().unwrap().connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_commit_that_fails_fails_all_and_applies_none() {
    let place = Place::new();
    let store = sqlite(&place, DEADLINE);
    assert!(wait(store.apply(&[begin(0)])).is_ok());
    let commits = store.count_commits(true);
    let answers = gathered(&place, &store, 64, |n| wait(store.apply(&[begin(n)])));
    assert!(answers.iter().all(Result::is_err), "one that was refused too: what it saw may never have been");
    assert_eq!(commits.load(Ordering::Relaxed), 1);
    assert!((1..64).all(|n| store.head(n).is_none()));
    store.count_commits(false);
    assert!(matches!(wait(store.apply(&[begin(1)])).unwrap(), Outcome::Applied { .. }));
}

#[test]
fn no_increment_of_sixty_four_threads_is_lost() {
    let place = Place::new();
    let url = format!("sqlite:{}", place.file("").display());
    let store = open(&url, Durability::Commit, DEADLINE).unwrap();
    thread::scope(|scope| {
        for salt in 0..64 {
            let store = &store;
            // All on one session: most of them fail their guard, and try again.
            scope.spawn(move || (0..2).for_each(|n| increment(store, salt, n)));
        }
    });
    assert_eq!(counted(&store), 128);
}

#[test]
fn who_waits_past_the_deadline_is_told_whoever_leads() {
    let place = Place::new();
    drop(place.open());
    let store = sqlite(&place, Duration::from_millis(100));
    let lock = WriteLock::open(&place.file("-lock")).unwrap();
    let held = lock.try_hold().unwrap();
    thread::scope(|scope| {
        for n in 0..16 {
            let store = &store;
            scope.spawn(move || {
                let started = Instant::now();
                assert_eq!(code(wait(store.apply(&[begin(n)]))), Some(Code::Busy));
                assert!(started.elapsed() >= Duration::from_millis(100));
                assert!(started.elapsed() < Duration::from_secs(5));
            });
        }
    });
    drop(held);
    assert!((0..16).all(|n| store.head(n).is_none()));
    assert!(matches!(wait(store.apply(&[begin(1)])).unwrap(), Outcome::Applied { .. }));
}

/// A host that must not be held up: none of its calls may take a thread of the pool to wait for a leader, for there are
/// two of them.
#[test]
fn calls_that_were_started_share_a_transaction() {
    let place = Place::new();
    let store = sqlite(&place, DEADLINE);
    let commits = store.count_commits(false);
    let lock = WriteLock::open(&place.file("-lock")).unwrap();
    let held = lock.try_hold().unwrap();
    let pool = Pool::default();
    let (sender, receiver) = mpsc::channel();
    for n in 0..64 {
        let (store, sender) = (store.clone(), sender.clone());
        let task = Task::new(&pool, async move || store.apply(&[begin(n)]).await.map(|_| ()));
        assert!(task.start(move |result| sender.send(result).unwrap()).is_none());
    }
    drop(held);
    (0..64).for_each(|_| receiver.recv().unwrap().unwrap());
    assert!((0..64).all(|n| store.head(n).is_some()));
    assert!(commits.load(Ordering::Relaxed) <= 2, "{commits:?}");
    pool.close();
}

#[test]
fn who_gives_up_holds_nobody_up() {
    let place = Place::new();
    let store = sqlite(&place, DEADLINE);
    let mut context = Context::from_waker(Waker::noop());
    {
        let change = [begin(1)];
        // Told to lead, it does not; the one behind it gives up while it waits.
        let leads = store.group.join(change.to_vec(), Instant::now() + DEADLINE);
        let mut waits = pin!(store.apply(&change));
        assert!(waits.as_mut().poll(&mut context).is_pending());
        let other = [begin(2)];
        let mut third = pin!(store.apply(&other));
        assert!(third.as_mut().poll(&mut context).is_pending());
        assert_eq!(store.group.waiting(), 2);
        drop(leads);
        // The second was told to lead meanwhile, and leaves too.
    }
    assert_eq!(store.group.waiting(), 0);
    assert!(store.head(1).is_none() && store.head(2).is_none());
    let Poll::Ready(answer) = pin!(store.apply(&[begin(3)])).poll(&mut context) else { panic!("held up") };
    assert!(matches!(answer.unwrap(), Outcome::Applied { .. }));
}
