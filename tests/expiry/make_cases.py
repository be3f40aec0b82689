#!/usr/bin/env python3
"""Makes the cases that expiry arithmetic is checked against, by a calendar that shares no code with the library.

    tests/expiry/make_cases.py 500 > tests/expiry/cases.txt

One case a line: when it began (milliseconds since 1970), how many, of which unit, when it ends, or `beyond` for an end
after the year 9999. Needs python-dateutil. The same count gives the same file; `make test-rust` has 10,000 made.
"""
import random
import sys
from datetime import datetime, timedelta, timezone

from dateutil.relativedelta import relativedelta

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LONGEST = {"secs": 31_556_952_000, "mins": 525_949_200, "hours": 8_765_820, "days": 365_242, "weeks": 52_177,
           "months": 12_000, "years": 1_000}
DELTA = {"secs": lambda n: timedelta(seconds=n), "mins": lambda n: timedelta(minutes=n),
         "hours": lambda n: timedelta(hours=n), "days": lambda n: timedelta(days=n),
         "weeks": lambda n: timedelta(weeks=n), "months": lambda n: relativedelta(months=n),
         "years": lambda n: relativedelta(years=n)}


def millis(instant):
    return (instant - EPOCH) // timedelta(milliseconds=1)


def begin(random):
    """Mostly this century; often on one of the days that months and leap years clamp."""
    year = random.choice([random.randint(2020, 2060)] * 6 + [random.randint(1900, 2500)] * 2 + [random.randint(1, 9999)])
    first = datetime(year, random.randint(1, 12), 1, tzinfo=timezone.utc)
    days = random.choice([random.randint(0, 27), random.randint(27, 30)])
    time = timedelta(milliseconds=random.choice([0, 86_399_999, random.randrange(86_400_000)]))
    try:
        instant = first + timedelta(days=days) + time
    except OverflowError:
        return first
    if random.random() < 0.1:
        leap = random.choice([y for y in range(1904, 2400, 4) if y % 100 or y % 400 == 0])
        instant = datetime(leap, 2, 29, tzinfo=timezone.utc) + time
    return instant


def main():
    count = int(sys.argv[1])
    draw = random.Random(f"expiry {count}")
    print("# began value unit end; made by tests/expiry/make_cases.py")
    for _ in range(count):
        began, unit = begin(draw), draw.choice(["months", "years", *LONGEST])
        value = draw.randint(1, min(LONGEST[unit], int(10 ** draw.uniform(0.3, 11))))
        try:
            end = millis(began + DELTA[unit](value))
        except (OverflowError, ValueError):
            end = "beyond"
        print(millis(began), value, unit, end)


main()
