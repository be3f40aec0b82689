//! Time: milliseconds since 1970 UTC, from the system or from a clock that a test sets. Never a callback.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use crate::error::{Result, fail};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z. Printed as RFC 3339 with milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The instant that many milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Time {
        Time(millis)
    }

    /// The instant that many seconds after 1970-01-01T00:00:00Z, saturating.
    pub const fn from_secs(secs: i64) -> Time {
        Time(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved by so many milliseconds, saturating.
    pub const fn plus_millis(self, millis: i64) -> Time {
        Time(self.0.saturating_add(millis))
    }

    /// Whether RFC 3339 can show it: it has years of four digits.
    pub(crate) fn is_in_calendar(self) -> bool {
        jiff::Timestamp::from_millisecond(self.0).is_ok()
    }

    /// Reads RFC 3339 text: `2026-07-31T12:00:00Z`.
    pub fn parse(text: &str) -> Result<Time> {
        let read: Result<jiff::Timestamp, _> = text.parse();
        match read {
            Ok(time) => Ok(Time(time.as_millisecond())),
            Err(_) => Err(fail!(InvalidArgument, "a time is RFC 3339 in UTC, like 2026-07-31T12:00:00Z")),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a store gets its time from.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still at `start` until it is [`set`](Clock::set) or [`advance`](Clock::advance)d.
    /// Clones share it.
    pub fn manual(start: Time) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(start.millis()))))
    }

    /// The time now.
    pub fn now(&self) -> Time {
        match &self.0 {
            Source::Manual(millis) => Time(millis.load(Ordering::SeqCst)),
            Source::System => match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
                Ok(since) => Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
                Err(before) => Time(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
            },
        }
    }

    /// Puts a manual clock at `time`; `INVALID_ARGUMENT` on the system's.
    pub fn set(&self, time: Time) -> Result<()> {
        self.cell()?.store(time.millis(), Ordering::SeqCst);
        Ok(())
    }

    /// Moves a manual clock by so many milliseconds (negative: back), saturating; `INVALID_ARGUMENT` on the system's.
    pub fn advance(&self, millis: i64) -> Result<()> {
        self.cell()?.update(Ordering::SeqCst, Ordering::SeqCst, |now| now.saturating_add(millis));
        Ok(())
    }

    fn cell(&self) -> Result<&AtomicI64> {
        match &self.0 {
            Source::Manual(millis) => Ok(millis),
            Source::System => Err(fail!(InvalidArgument, "only a manual clock can be moved: Clock::manual(time)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_and_read_back() {
        let time = Time::parse("2026-07-31T12:00:00Z").unwrap();
        assert_eq!(time.to_string(), "2026-07-31T12:00:00.000Z");
        assert_eq!(Time::parse(&time.to_string()).unwrap(), time);
        assert!(Time::parse("yesterday").is_err());
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Time::from_secs(10));
        let other = clock.clone();
        clock.advance(1_500).unwrap();
        assert_eq!(other.now(), Time::from_millis(11_500));
        assert!(Clock::system().set(Time::from_secs(0)).is_err());
    }
}
