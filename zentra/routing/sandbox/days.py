"""Days of the simulators. A day may be minutes long, so that money that comes tomorrow comes while one looks.

What lies before today is always counted in real days (UTC), so that a past month is a month whatever a day is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

REAL_DAY_MS = 86_400_000
PAYS_AT_MS = 9 * 3_600_000
"""When in a real day a rail pays out what is due on it."""


@dataclass(frozen=True, slots=True)
class Day:
    """From ``starts_ms``, included, to ``ends_ms``, excluded; milliseconds since the epoch."""

    starts_ms: int
    ends_ms: int

    @property
    def on(self) -> date:
        """The date on which it began, UTC."""
        return date_of(self.starts_ms)


@dataclass(frozen=True, slots=True)
class Days:
    """How long a day is, and how many days after a payment's the rail pays: T+n, business days where days are real."""

    day_ms: int = REAL_DAY_MS
    settle_days: int = 1

    def day_of(self, moment_ms: int, *, is_real: bool = False) -> Day:
        """The day that a moment lies in."""
        length = REAL_DAY_MS if is_real else self.day_ms
        starts_ms = moment_ms - moment_ms % length
        return Day(starts_ms, starts_ms + length)

    @staticmethod
    def today(now_ms: int) -> int:
        """When the real day of now began: what lies before is counted in real days."""
        return now_ms - now_ms % REAL_DAY_MS

    def pays_at(self, day: Day) -> int:
        """When what was collected on a day is paid out, in milliseconds; never before that day is over."""
        if day.ends_ms - day.starts_ms != REAL_DAY_MS:
            return day.starts_ms + max(1, self.settle_days) * (day.ends_ms - day.starts_ms)
        on = day.on
        for _ in range(max(1, self.settle_days)):
            on = next_business_day(on)
        return milliseconds_of(on) + PAYS_AT_MS


def next_business_day(on: date) -> date:
    """The first day after one that is no Saturday or Sunday."""
    following = on + timedelta(days=1)
    while following.weekday() >= 5:
        following += timedelta(days=1)
    return following


def date_of(moment_ms: int) -> date:
    """The date of a moment, UTC."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date()


def milliseconds_of(on: date) -> int:
    """When a date begins, UTC."""
    return int(datetime(on.year, on.month, on.day, tzinfo=UTC).timestamp()) * 1000
