//! Whom the leader of a group waits for.
//!
//! Who was answered is likely to come again with the next change, and a wait for the disk that all share costs each of
//! them less than two that some share: where 64 promises of one thread come one after the other, the first would go
//! alone, and the others after it. So a leader waits for as many as there were last, while they come one soon after the
//! other; in all for half of what the last commit took at most. Who is alone waits for nobody.

use std::time::Duration;

use super::group::MOST;

/// What the groups before tell the next.
#[derive(Default)]
pub(super) struct Company {
    /// Who was answered last, and who waited for the leader after that one: so many may ask at once.
    callers: usize,
    /// How long the last commit took.
    commit: Duration,
    /// Groups that wait for nobody: callers may each come once only.
    hurried: u32,
    /// How many those were when a leader last waited in vain.
    in_vain: u32,
}

/// The most groups that wait for nobody before one tries again.
const LONGEST_HURRY: u32 = 16;

impl Company {
    /// How long a leader waits for the next at most: several times what it takes to prepare a change, and no more than to
    /// go to sleep and be woken.
    pub(super) const BETWEEN_TWO: Duration = Duration::from_micros(30);

    /// How many more a leader waits for that has so many.
    pub(super) fn missing(&self, taken: usize) -> usize {
        if self.hurried > 0 { 0 } else { self.callers.saturating_sub(taken) }
    }

    /// How long it waits at most, in all.
    pub(super) fn patience(&self) -> Duration {
        self.commit / 2
    }

    /// A group was so many, its commit took that long, and so many wait for the next already.
    pub(super) fn learn(&mut self, taken: usize, commit: Duration, waiting: usize) {
        if self.hurried > 0 {
            self.hurried -= 1;
        } else if taken * 4 < self.callers.min(MOST) * 3 {
            self.in_vain = (self.in_vain * 2).clamp(1, LONGEST_HURRY);
            self.hurried = self.in_vain;
        } else {
            self.in_vain = 0;
        }
        self.callers = taken + waiting;
        self.commit = commit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: Duration = Duration::from_millis(2);

    #[test]
    fn a_leader_waits_for_those_who_were_there_last() {
        let mut company = Company::default();
        assert_eq!(company.missing(1), 0, "nobody was there");
        company.learn(1, COMMIT, 63);
        assert_eq!((company.missing(1), company.missing(64), company.patience()), (63, 0, COMMIT / 2));
        company.learn(64, COMMIT, 0);
        assert_eq!((company.missing(1), company.missing(60)), (63, 4));
    }

    #[test]
    fn who_is_alone_waits_for_nobody() {
        let mut company = Company::default();
        for _ in 0..100 {
            company.learn(1, COMMIT, 0);
            assert_eq!(company.missing(1), 0);
        }
        // Of many one is left: it waits once.
        company.learn(64, COMMIT, 0);
        assert_eq!(company.missing(1), 63);
        company.learn(1, COMMIT, 0);
        assert_eq!(company.missing(1), 0);
    }

    #[test]
    fn a_full_group_is_not_waited_for_in_vain() {
        let mut company = Company::default();
        for _ in 0..100 {
            company.learn(MOST, COMMIT, MOST);
            assert_eq!(company.missing(1), 2 * MOST - 1);
        }
    }

    /// Callers who come once each, one while the other is written.
    #[test]
    fn who_waits_in_vain_waits_more_seldom() {
        let mut company = Company::default();
        let waits = (0..1000).filter(|_| {
            let waits = company.missing(1) > 0;
            company.learn(1, COMMIT, 1);
            waits
        });
        assert!(waits.count() < 70);
        // They come together again, and the next leader that waits finds it out.
        (0..=LONGEST_HURRY).for_each(|_| company.learn(2, COMMIT, 0));
        assert_eq!(company.missing(1), 1);
        company.learn(2, COMMIT, 0);
        assert_eq!(company.missing(1), 1);
    }
}
