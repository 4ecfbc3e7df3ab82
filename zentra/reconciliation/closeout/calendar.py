"""Months as a workspace counts them: its time zone, and the hour at which its business day ends. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MIDNIGHT = 24
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month: its first and last business day, and the moments between which its money counts, UTC."""

    starts_on: date
    ends_on: date
    starts_at: datetime
    ends_at: datetime


def end_of_day(*, day: date, zone: str, hour: int) -> datetime:
    """The moment at which a business day is over: ``hour`` (1 to 24) of that day in the zone, as UTC."""
    local = datetime.combine(day + _DAY, time()) if hour == MIDNIGHT else datetime.combine(day, time(hour))
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def business_day(*, at: datetime, zone: str, hour: int) -> date:
    """The business day in which a moment counts."""
    day = at.astimezone(ZoneInfo(zone)).date()
    return day + _DAY if at >= end_of_day(day=day, zone=zone, hour=hour) else day


def month_of(*, day: date, zone: str, hour: int, starts_at: datetime | None = None) -> Month:
    """The month of a day. ``starts_at`` is where the one before ended, if that is known: no moment is between two."""
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - _DAY
    begin = starts_at or end_of_day(day=first - _DAY, zone=zone, hour=hour)
    return Month(first, last, begin, end_of_day(day=last, zone=zone, hour=hour))


def months_between(*, first: date, last: date) -> Iterator[date]:
    """The first day of each month from one day's to another's, both included."""
    day = first.replace(day=1)
    while day <= last:
        yield day
        day = (day + timedelta(days=31)).replace(day=1)
