"""Whether a statement agrees with itself and with the one before it. Pure: figures in, problems out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from zentra.core.money import MAX_AMOUNT_MINOR
from zentra.reconciliation.statements.formats.parsed import Ends, ParsedLine, Problem, Totals
from zentra.reconciliation.statements.types import Continuity

EARLIEST: Final = date(2000, 1, 1)
LATEST_AFTER: Final = timedelta(days=366)
"""A statement's days lie between ``EARLIEST`` and so long after today, whatever its format: what is dated further away
is a typing error or a bank's "no end", and would keep matching from ever coming to an end of its days."""


class Tally:
    """The lines of a statement, counted as they come. Minor units; debits without sign."""

    __slots__ = ("credits", "credits_minor", "debits", "debits_minor", "first_on", "last_on")

    def __init__(self) -> None:
        self.credits = self.credits_minor = self.debits = self.debits_minor = 0
        self.first_on: date | None = None
        self.last_on: date | None = None

    def add(self, line: ParsedLine) -> None:
        """Count a line."""
        minor, day = line.amount_minor, line.booked_on
        if minor > 0:
            self.credits += 1
            self.credits_minor += minor
        else:
            self.debits += 1
            self.debits_minor -= minor
        if self.first_on is None or self.last_on is None:
            self.first_on = self.last_on = day
        elif day < self.first_on:
            self.first_on = day
        elif day > self.last_on:
            self.last_on = day

    @property
    def lines(self) -> int:
        """How many lines."""
        return self.credits + self.debits

    @property
    def net_minor(self) -> int:
        """Their signed sum."""
        return self.credits_minor - self.debits_minor


def check_days(*days: date | None, place: str, latest: date) -> Iterator[Problem]:
    """Each of the days that are before ``EARLIEST`` or after ``latest``."""
    for day in days:
        if day is not None and not EARLIEST <= day <= latest:
            yield Problem(place, "day_out_of_range", f"{day} is not between {EARLIEST} and {latest}.",
                          {"day": str(day), "earliest": str(EARLIEST), "latest": str(latest)})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What continuity is judged by."""

    starts_on: date
    ends_on: date
    sequence: int | None
    opening_minor: int | None
    closing_minor: int | None
    page: int = 0  # of the sequence's number; 0: it is whole


@dataclass(frozen=True, slots=True)
class Link:
    """How a statement goes on from the one before it; ``break_minor`` is this opening less that closing."""

    continuity: Continuity
    break_minor: int | None
    missing: int = 0  # numbers of the sequence that are not there


def check_sums(ends: Ends, tally: Tally) -> Iterator[Problem]:
    """The balances and control totals against the lines."""
    opening, closing = ends.opening_minor, ends.closing_minor
    if opening is not None and closing is not None and opening + tally.net_minor != closing:
        expected = opening + tally.net_minor
        yield Problem(
            ends.place, "balance_mismatch",
            f"Opening {opening} and the lines' {tally.net_minor} make {expected}; the statement closes with {closing}.",
            {
                "opening_minor": opening, "net_minor": tally.net_minor, "expected_minor": expected,
                "found_minor": closing, "difference_minor": closing - expected,
            },
        )  # fmt: skip
    if abs(tally.net_minor) > MAX_AMOUNT_MINOR:
        yield Problem(ends.place, "sum_too_large", "The sum of the lines is more than the ledger holds.",
                      {"net_minor": str(tally.net_minor)})  # fmt: skip
    yield from _check_totals(ends)


def _check_totals(ends: Ends) -> Iterator[Problem]:
    """Each total that the file tells, against what is booked, or against everything where it holds what is pending."""
    for name in Totals.__dataclass_fields__:
        told = getattr(ends.told, name)
        if told is None:
            continue
        booked, every = getattr(ends.counted, name), getattr(ends.counted_all, name)
        if told not in (booked, every):
            yield Problem(
                ends.place, "control_total_differs", f"The statement says {name} {told}, its entries have {booked}.",
                {"total": name, "told": told, "counted": booked, "difference": told - booked},
            )  # fmt: skip


def link(this: Figures, before: Figures | None) -> Link:
    """How a statement goes on from the one before it.

    The money decides where both balances are known: the same is continuous, another is an overlap when the days or the
    sequence go back, else a gap. Same money but numbers left out of the sequence is a gap too: a statement without
    movement may be missing, or two that cancel each other out. A sequence may begin again with a new year.
    """
    if before is None:
        return Link("first", None)
    broken = None
    if this.opening_minor is not None and before.closing_minor is not None:
        broken = this.opening_minor - before.closing_minor
    missing = _missing(this, before)
    goes_back = this.starts_on < before.ends_on or (missing is not None and missing < 0)
    if broken:
        return Link("overlap" if goes_back else "gap", broken, max(0, missing or 0))
    if missing is not None and missing > 0:
        return Link("gap", broken, missing)
    return Link("unknown" if broken is None else "continuous", broken)


def _missing(this: Figures, before: Figures) -> int | None:
    """How many numbers lie between the two sequences; negative: it goes back; None: not known."""
    if this.sequence is None or before.sequence is None:
        return None
    if this.sequence == before.sequence and this.page > before.page:
        return 0
    if this.sequence <= before.sequence and this.ends_on.year > before.ends_on.year:
        return this.sequence - 1  # begins again with the year
    return this.sequence - before.sequence - 1
