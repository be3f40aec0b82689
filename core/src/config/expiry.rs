//! How long something lasts: a whole number and a unit, added to an instant by the calendar of UTC.
//!
//! Seconds to weeks are fixed lengths. A month or a year later is the same day and time of that month, or its last day
//! where there is no such day: 31 January and a month is 28 or 29 February, never 3 March. Leap seconds do not exist
//! in Unix time, so a day is always 86,400 s.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::member::Member;
use crate::clock::Time;
use crate::error::{Error, Result, fail};

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// Every unit: the word that is printed, the other words that are accepted (any case), and how many make 1,000 years,
/// which is the longest there is: it keeps any end that begins within the next 6,900 years before the year 10000.
const UNITS: [(Unit, &str, &[&str], u64); 7] = [
    (Unit::Second, "secs", &["sec", "second", "seconds"], 31_556_952_000),
    (Unit::Minute, "mins", &["min", "minute", "minutes"], 525_949_200),
    (Unit::Hour, "hours", &["hour"], 8_765_820),
    (Unit::Day, "days", &["day"], 365_242),
    (Unit::Week, "weeks", &["week"], 52_177),
    (Unit::Month, "months", &["month"], 12_000),
    (Unit::Year, "years", &["year"], 1_000),
];

/// Every accepted word, for the nearest one.
const WORDS: &[&str] = &[
    "secs", "sec", "second", "seconds", "mins", "min", "minute", "minutes", "hours", "hour", "days", "day", "weeks",
    "week", "months", "month", "years", "year",
];

/// Units that people know and this library has not, with what to write instead.
const RELATED: &[(&str, &str)] = &[
    ("fortnight", "weeks"),
    ("fortnights", "weeks"),
    ("quarter", "months"),
    ("quarters", "months"),
    ("decade", "years"),
    ("decades", "years"),
    ("s", "secs"),
    ("m", "mins"),
    ("h", "hours"),
    ("hr", "hours"),
    ("hrs", "hours"),
    ("d", "days"),
    ("w", "weeks"),
    ("wk", "weeks"),
    ("mo", "months"),
    ("y", "years"),
    ("yr", "years"),
    ("yrs", "years"),
];

/// What a unit is, as errors say it.
pub(crate) const ACCEPTED: &str = "secs, mins, hours, days, weeks, months or years, singular or plural, in any case";

impl Unit {
    fn parse(member: Member<'_>) -> Result<Unit> {
        let Some(text) = member.text() else { return Err(member.refused(ACCEPTED, WORDS)) };
        let word = text.trim().to_ascii_lowercase();
        let found = UNITS.iter().find(|(_, printed, others, _)| *printed == word || others.contains(&word.as_str()));
        if let Some((unit, ..)) = found {
            return Ok(*unit);
        }
        Err(match RELATED.iter().find(|(known, _)| *known == word) {
            Some((_, unit)) => super::member::hint(member.refused(ACCEPTED, &[]), unit),
            None => member.refused(ACCEPTED, WORDS),
        })
    }

    /// The word that is printed.
    pub(crate) fn as_str(self) -> &'static str {
        UNITS[self as usize].1
    }

    /// The most of this unit that an expiry may have: 1,000 years.
    fn most(self) -> u64 {
        UNITS[self as usize].3
    }

    /// The milliseconds of a unit of fixed length.
    fn millis(self) -> Option<i64> {
        match self {
            Unit::Second => Some(1_000),
            Unit::Minute => Some(60_000),
            Unit::Hour => Some(3_600_000),
            Unit::Day => Some(86_400_000),
            Unit::Week => Some(7 * 86_400_000),
            Unit::Month | Unit::Year => None,
        }
    }
}

/// A whole number of units, at least one, at most 1,000 years of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    value: u64,
    unit: Unit,
}

impl Expiry {
    /// Thirty days and the like, known when this is compiled.
    pub(crate) const fn of(value: u64, unit: Unit) -> Expiry {
        Expiry { value, unit }
    }

    /// Reads the two members that say how long: `expiry` and `period`, or a pair of other names. `CONFIG_INVALID`
    /// names the member at fault.
    pub(crate) fn read(value: Member<'_>, period: Member<'_>) -> Result<Expiry> {
        let unit = Unit::parse(period)?;
        let most = unit.most();
        match value.raw.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(Expiry { value: number, unit }),
            _ => {
                Err(value.refused(&format!("a whole number from 1 to {most} (1,000 years) of {}", unit.as_str()), &[]))
            }
        }
    }

    /// How many units.
    pub(crate) fn value(self) -> u64 {
        self.value
    }

    /// The unit.
    pub(crate) fn unit(self) -> Unit {
        self.unit
    }

    /// The end of what began at `began`. An end after the year 9999 is `CONFIG_INVALID`; whoever knows the member adds
    /// its name.
    pub(crate) fn end_of(self, began: Time) -> Result<Time> {
        self.end(began).ok_or_else(|| self.beyond(began))
    }

    fn end(self, began: Time) -> Option<Time> {
        let value = i64::try_from(self.value).ok()?;
        let from = Timestamp::from_millisecond(began.millis()).ok()?;
        let end = match self.unit.millis() {
            Some(unit) => Timestamp::from_millisecond(began.millis().checked_add(value.checked_mul(unit)?)?).ok()?,
            None => {
                let months = if self.unit == Unit::Year { value.checked_mul(12)? } else { value };
                let span = jiff::Span::new().try_months(months).ok()?;
                // A date plus months is clamped to the last day of the month it ends in.
                let end = TimeZone::UTC.to_datetime(from).checked_add(span).ok()?;
                TimeZone::UTC.to_timestamp(end).ok()?
            }
        };
        Some(Time::from_millis(end.as_millisecond()))
    }

    fn beyond(self, began: Time) -> Error {
        fail!(ConfigInvalid, "what begins at {began} and lasts {self} ends beyond the year 9999; take a shorter time")
            .with("given", self.to_string())
    }
}

/// `7 months`.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.as_str())
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[path = "expiry_tests.rs"]
mod tests;
