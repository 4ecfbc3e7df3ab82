"""Business days, by the calendar of whoever keeps the account.

A calendar is ``weekdays`` (Monday to Friday), a market of the ``holidays`` package (``ECB`` for TARGET, ``NYSE``), or a
country by its two letters (``DE``, ``US``), with a part of it after a hyphen (``DE-BY``).
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache
from typing import Final

import holidays

from zentra.core.errors import DomainError

WEEKDAYS: Final = "weekdays"
_SATURDAY: Final = 5
_ALPHA_2: Final = 2
_ONE: Final = timedelta(days=1)
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2200
"""Beyond these nobody knows the holidays: Monday to Friday."""


class UnknownCalendar(DomainError):
    """No such calendar is known."""

    code = "unknown_calendar"
    title = "There is no such calendar"


def check_calendar(name: str) -> str:
    """The calendar's name; raises UnknownCalendar."""
    _days_off(name, 2024)
    return name


def is_business_day(day: date, *, calendar: str) -> bool:
    """Whether banks of this calendar work on a day; raises UnknownCalendar."""
    return day.weekday() < _SATURDAY and day not in _days_off(calendar, day.year)


def add_business_days(day: date, count: int, *, calendar: str) -> date:
    """The day ``count`` business days after a day; from a weekend on, the first is the next business day.

    There is none after the last day that a date can tell.
    """
    while count > 0 and day < date.max:
        day += _ONE
        count -= is_business_day(day, calendar=calendar)
    return day


def number_days(first: date, last: date, *, calendar: str) -> list[tuple[date, int]]:
    """Each day from first to last with how many business days there were since, itself counted.

    The difference of two such numbers is how many business days lie between two days.
    """
    numbered, number = [], 0
    for day in _days(first, last):
        number += is_business_day(day, calendar=calendar)
        numbered.append((day, number))
    return numbered


def _days(first: date, last: date) -> Iterable[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


@cache
def _days_off(calendar: str, year: int) -> frozenset[date]:
    if calendar == WEEKDAYS or not _FIRST_YEAR <= year <= _LAST_YEAR:
        return frozenset()
    name, _, part = calendar.partition("-")
    make: Callable[..., Iterable[date]]
    make = holidays.country_holidays if len(name) == _ALPHA_2 else holidays.financial_holidays
    try:
        return frozenset(make(name, subdiv=part or None, years=year))
    except NotImplementedError:
        raise UnknownCalendar(f"There is no calendar {calendar[:40]!r}.", calendar=calendar[:40]) from None
