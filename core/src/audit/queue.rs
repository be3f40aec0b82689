//! Events that wait for the host: so many at most. What comes when it is full is counted, and the count is an event.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::event::Event;
use crate::clock::Time;

/// The queue of this process, and those of the processes that it was forked from: a thread of theirs may have held the
/// lock, and is not there to let go of it.
pub(super) struct Queues {
    first: Queue,
    next: OnceLock<Box<Queues>>,
}

impl Queues {
    pub(super) fn new(most: usize) -> Queues {
        Queues { first: Queue::new(most), next: OnceLock::new() }
    }

    /// This process's.
    pub(super) fn own(&self) -> &Queue {
        &self.last().first
    }

    /// In a child, before anything happened there: what waits is its parent's to fetch.
    pub(super) fn begin_anew(&self) {
        let last = self.last();
        last.first.forget();
        let _ = last.next.set(Box::new(Queues::new(last.first.most)));
    }

    fn last(&self) -> &Queues {
        let mut last = self;
        while let Some(next) = last.next.get() {
            last = next;
        }
        last
    }
}

/// See the module. Who comes late is dropped, not who came first: a flood must not wash away what led to it.
pub(super) struct Queue {
    most: usize,
    /// A lock of std's, which knows its waiters only by number: in a child those are not there.
    waiting: Mutex<Waiting>,
    /// Whether anything is there, told without the lock.
    some: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<(Time, Event)>,
    dropped: u64,
}

impl Queue {
    pub(super) fn new(most: usize) -> Queue {
        Queue { most, waiting: Mutex::default(), some: AtomicBool::new(false) }
    }

    pub(super) fn push(&self, at: Time, event: Event) {
        let mut waiting = self.waiting();
        if waiting.events.len() < self.most {
            waiting.events.push_back((at, event));
        } else {
            waiting.dropped += 1;
        }
        // Under the lock, so that a drain at the same time can't unsay it.
        self.some.store(true, Ordering::Release);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up what it holds, if nobody holds the lock for good.
    fn forget(&self) {
        if let Ok(mut waiting) = self.waiting.try_lock() {
            *waiting = Waiting::default();
        }
    }

    pub(super) fn has_events(&self) -> bool {
        self.some.load(Ordering::Acquire)
    }

    /// The oldest, `max` at most. How many were dropped is told after all that came before them.
    pub(super) fn drain(&self, max: usize, now: Time) -> Vec<String> {
        let mut waiting = self.waiting();
        let count = max.min(waiting.events.len());
        let mut taken: Vec<(Time, Event)> = waiting.events.drain(..count).collect();
        if waiting.events.is_empty() && waiting.dropped > 0 && taken.len() < max {
            taken.push((now, Event::dropped(std::mem::take(&mut waiting.dropped))));
        }
        if waiting.events.is_empty() && waiting.dropped == 0 {
            waiting.events.shrink_to(64);
            self.some.store(false, Ordering::Release);
        }
        drop(waiting);
        taken.iter().map(|(at, event)| event.to_json(*at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::What;
    use super::*;

    const NOW: Time = Time::from_millis(0);

    fn push(queue: &Queue, times: usize) {
        (0..times).for_each(|_| queue.push(NOW, Event::of(What::LimitHit)));
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let queue = Queue::new(3);
        assert!(!queue.has_events());
        push(&queue, 5);
        assert!(queue.has_events());
        assert_eq!(queue.drain(2, NOW).len(), 2);
        push(&queue, 1);
        let rest = queue.drain(10, NOW);
        assert_eq!(rest.len(), 3, "{rest:?}");
        assert!(rest[2].ends_with(r#""event":"audit.dropped","count":2}"#), "{}", rest[2]);
        assert!(!queue.has_events() && queue.drain(10, NOW).is_empty());
    }

    #[test]
    fn a_child_begins_anew_though_a_lock_is_held_for_good() {
        let queues = Queues::new(2);
        push(queues.own(), 3);
        let held = queues.own().waiting();
        queues.begin_anew();
        assert!(!queues.own().has_events() && queues.own().drain(9, NOW).is_empty());
        push(queues.own(), 3);
        assert_eq!(queues.own().drain(9, NOW).len(), 3);
        drop(held);
        queues.begin_anew();
        assert!(!queues.own().has_events());
        push(queues.own(), 1);
        assert_eq!(queues.own().drain(9, NOW).len(), 1);
    }

    #[test]
    fn the_count_waits_for_its_place() {
        let queue = Queue::new(2);
        push(&queue, 3);
        assert_eq!(queue.drain(0, NOW).len(), 0);
        assert_eq!(queue.drain(2, NOW).len(), 2);
        assert!(queue.has_events());
        assert_eq!(queue.drain(1, NOW).len(), 1);
        assert!(!queue.has_events());
    }

    #[test]
    fn nothing_is_lost_or_told_twice_among_threads() {
        let queue = Queue::new(100);
        let drained = std::thread::scope(|scope| {
            let pushing: Vec<_> = (0..4).map(|_| scope.spawn(|| push(&queue, 5_000))).collect();
            let draining: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut count = 0;
                        for _ in 0..2_000 {
                            count += counted(queue.drain(7, NOW));
                        }
                        count
                    })
                })
                .collect();
            pushing.into_iter().for_each(|thread| thread.join().unwrap());
            draining.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
        });
        assert_eq!(drained + counted(queue.drain(usize::MAX, NOW)), 20_000);
        assert!(!queue.has_events());
    }

    /// How many events these stand for.
    fn counted(events: Vec<String>) -> u64 {
        let count = |event: &String| match event.split_once("\"count\":") {
            Some((_, count)) => count.trim_end_matches('}').parse().unwrap(),
            None => 1,
        };
        events.iter().map(count).sum()
    }
}
