"""Days and countries as they are compared and said.

A day of a list is ISO 8601 as far as it is known: ``1969-03-01``, ``1969-03``, ``1969``; ``~`` before it says about,
``/`` stands between the ends of a range.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Agreement = Literal["exact", "swapped", "partly", "year", "near", "off"]
ORDER: Final[tuple[Agreement, ...]] = ("exact", "swapped", "partly", "year", "near", "off")
"""From the best agreement of two days to the worst."""


@dataclass(frozen=True, slots=True)
class PartialDay:
    """A day as far as it is known."""

    year: int
    month: int = 0
    day: int = 0

    @property
    def words(self) -> str:
        """Such as 1 Mar 1969, Mar 1969 or 1969."""
        known = [str(self.day) if self.day else "", _MONTHS[self.month], str(self.year)]
        return " ".join(word for word in known if word)


@dataclass(frozen=True, slots=True)
class DayRange:
    """When somebody was born, as a list says it."""

    first: PartialDay
    last: PartialDay
    is_about: bool = False

    @property
    def words(self) -> str:
        """Such as about 1969, or 1960 to 1965."""
        said = self.first.words if self.first == self.last else f"{self.first.words} to {self.last.words}"
        return f"about {said}" if self.is_about else said


@lru_cache(maxsize=20_000)
def read_days(text: str) -> DayRange | None:
    """A day or a range of a list; None when it is none."""
    is_about = text.startswith("~")
    ends = [_read_day(end) for end in text.removeprefix("~").split("/")]
    first, last = ends[0], ends[-1]
    if first is None or last is None or len(ends) > 2:
        return None
    return DayRange(first=first, last=last, is_about=is_about)


def _read_day(text: str) -> PartialDay | None:
    parts = text.split("-")
    if not 1 <= len(parts) <= 3 or not all(part.isdecimal() and part.isascii() for part in parts) or len(parts[0]) != 4:
        return None
    numbers = [int(part) for part in parts]
    day = PartialDay(*numbers)
    return day if 0 <= day.month <= 12 and 0 <= day.day <= 31 else None


def agreement_of(said: DayRange, listed: DayRange) -> Agreement:
    """How well a party's day agrees with what a list says."""
    ours, theirs = said.first, listed.first
    if theirs == listed.last and not listed.is_about:
        if ours.day and ours == theirs:
            return "exact"
        if ours.year == theirs.year:
            return _within_year(ours, theirs)
    slack = 2 if listed.is_about else 0
    if theirs.year - slack <= ours.year <= listed.last.year + slack:
        return "partly"
    away = max(theirs.year - slack - ours.year, ours.year - listed.last.year - slack)
    return "near" if away <= 2 else "off"


def _within_year(ours: PartialDay, theirs: PartialDay) -> Agreement:
    if not ours.month or not theirs.month or (ours.month == theirs.month and not (ours.day and theirs.day)):
        return "partly"
    if ours.day and theirs.day and (ours.day, ours.month) == (theirs.month, theirs.day):
        return "swapped"
    return "year"
