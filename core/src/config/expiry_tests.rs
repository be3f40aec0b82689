//! Expiry: what is accepted, what is refused, and the calendar against an independent one.

use super::*;
use crate::error::Code;

fn read(value: &str, period: &str) -> Result<Expiry> {
    Expiry::read(Member { name: "expiry", raw: value }, Member { name: "period", raw: period })
}

fn end(value: &str, period: &str, began: &str) -> String {
    read(value, &format!("{period:?}")).unwrap().end_of(Time::parse(began).unwrap()).unwrap().to_string()
}

#[test]
fn every_spelling_of_every_unit() {
    for (printed, spellings) in [
        ("secs", "sec secs second seconds SEC Secs"),
        ("mins", "min mins minute minutes Mins"),
        ("hours", "hour hours HOURS"),
        ("days", "day days Day"),
        ("weeks", "week weeks"),
        ("months", "month months Months"),
        ("years", "year years Year"),
    ] {
        for spelling in spellings.split(' ') {
            assert_eq!(read("7", &format!("{spelling:?}")).unwrap().to_string(), format!("7 {printed}"));
        }
    }
    assert!(WORDS.iter().all(|word| read("1", &format!("{word:?}")).is_ok()));
    assert_eq!(UNITS.iter().map(|(_, _, others, _)| 1 + others.len()).sum::<usize>(), WORDS.len());
    assert!(UNITS.iter().enumerate().all(|(at, (unit, ..))| *unit as usize == at));
}

#[test]
fn the_calendar_clamps_the_day() {
    for (value, period, began, ends) in [
        // Seed 002, step 4.
        ("7", "Months", "2026-07-31T12:00:00Z", "2027-02-28T12:00:00.000Z"),
        ("1", "month", "2027-01-31T23:59:59.999Z", "2027-02-28T23:59:59.999Z"),
        ("1", "month", "2028-01-31T00:00:00Z", "2028-02-29T00:00:00.000Z"),
        ("1", "month", "2100-01-29T00:00:00Z", "2100-02-28T00:00:00.000Z"),
        ("1", "month", "2000-01-31T00:00:00Z", "2000-02-29T00:00:00.000Z"),
        ("12", "months", "2028-02-29T00:00:00Z", "2029-02-28T00:00:00.000Z"),
        ("1", "year", "2028-02-29T00:00:00Z", "2029-02-28T00:00:00.000Z"),
        ("4", "years", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00.000Z"),
        ("1", "month", "2026-12-31T00:00:00Z", "2027-01-31T00:00:00.000Z"),
        ("1", "month", "1969-12-31T23:59:59.500Z", "1970-01-31T23:59:59.500Z"),
        ("1", "week", "2026-02-26T00:00:00Z", "2026-03-05T00:00:00.000Z"),
        ("30", "days", "2026-01-30T00:00:00.001Z", "2026-03-01T00:00:00.001Z"),
        ("36", "hours", "2028-02-28T12:00:00Z", "2028-03-01T00:00:00.000Z"),
        ("90", "mins", "2026-12-31T23:00:00Z", "2027-01-01T00:30:00.000Z"),
        ("1", "sec", "2016-12-31T23:59:59Z", "2017-01-01T00:00:00.000Z"),
        ("1000", "years", "2026-01-01T00:00:00Z", "3026-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(end(value, period, began), ends, "{began} + {value} {period}");
    }
}

#[test]
fn a_wrong_number_names_the_member_and_what_it_accepts() {
    for value in ["0", "-1", "1.5", "\"7\"", "1000000000000000000", "1e3", "7.0", "null", "true", "[7]", "1001"] {
        let error = read(value, "\"years\"").unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{value}");
        assert_eq!(error.details()["member"], "expiry");
        assert_eq!(
            error.message(),
            format!("expiry: given {value}; it accepts a whole number from 1 to 1000 (1,000 years) of years")
        );
    }
}

#[test]
fn a_wrong_unit_names_the_member_the_list_and_the_nearest() {
    for (period, hint) in [
        ("\"fortnight\"", Some("weeks")),
        ("\"moths\"", Some("months")),
        ("\"Dayz\"", Some("days")),
        ("\"yr\"", Some("years")),
        ("\"m\"", Some("mins")),
        ("\"aeon\"", None),
        ("\"\"", None),
        ("7", None),
        ("null", None),
        ("\"\\ud800\"", None),
    ] {
        let error = read("7", period).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{period}");
        assert_eq!(error.details()["member"], "period");
        assert!(error.message().contains(period) && error.message().contains(ACCEPTED), "{error}");
        assert_eq!(error.details().get("nearest").and_then(|word| word.as_str()), hint, "{error}");
        assert_eq!(
            hint.is_some_and(|word| error.message().contains(&format!("did you mean {word:?}?"))),
            hint.is_some()
        );
    }
}

#[test]
fn an_end_beyond_the_year_9999_is_an_error() {
    for (value, period) in [("1", "\"year\""), ("12", "\"months\""), ("366", "\"days\""), ("31622400", "\"secs\"")] {
        let expiry = read(value, period).unwrap();
        assert!(expiry.end_of(Time::parse("9998-01-01T00:00:00Z").unwrap()).is_ok(), "{expiry}");
        for began in [Time::parse("9999-06-01T00:00:00Z").unwrap(), Time::from_millis(i64::MAX)] {
            assert_eq!(expiry.end_of(began).unwrap_err().code(), Code::ConfigInvalid, "{expiry}");
        }
    }
    assert!(read("1", "\"sec\"").unwrap().end_of(Time::from_millis(i64::MIN)).is_err());
}

/// One case a line, `began value unit end`, made with Python's datetime and dateutil by `tests/expiry/make_cases.py`: a
/// few that are kept, and the 10,000 that `make test-rust` makes and names in `SESSILE_EXPIRY_CASES`.
#[test]
fn an_independent_calendar_agrees() {
    agrees(include_str!("../../../tests/expiry/cases.txt"), 500);
    if let Some(cases) = std::env::var_os("SESSILE_EXPIRY_CASES") {
        agrees(&std::fs::read_to_string(cases).unwrap(), 10_000);
    }
}

fn agrees(cases: &str, count: usize) {
    let mut run = 0;
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split(' ');
        let mut column = || columns.next().unwrap();
        let (began, value, unit, expected) = (column(), column(), column(), column());
        let ends = read(value, &format!("{unit:?}")).unwrap().end_of(Time::from_millis(began.parse().unwrap()));
        match expected {
            "beyond" => assert!(ends.is_err(), "{line}"),
            end => assert_eq!(ends.unwrap().millis().to_string(), end, "{line}"),
        }
        run += 1;
    }
    assert_eq!(run, count);
    println!("expiry: {run} passed, 0 failed");
}
