"""What monitoring looks at and what it says. Amounts are minor units, times aware UTC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Numbers = Mapping[str, Any]
"""The numbers of a scenario: thresholds by currency, counts, days."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One intent in somebody's history. ``is_out``: they paid; else they were paid. ``destination`` is a country."""

    at: datetime
    amount_minor: int
    currency: str
    is_out: bool
    counterparty: str = ""
    destination: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What one reference moved, oldest first. Of before ``since`` only the last movement is known."""

    reference: str
    since: datetime
    moved: tuple[Moved, ...] = ()

    def out(self, *, since: datetime, until: datetime, currency: str | None = None) -> list[Moved]:
        """What went out after ``since`` and not after ``until``."""
        return [m for m in self.moved if m.is_out and since < m.at <= until and currency in (None, m.currency)]

    def currencies(self) -> list[str]:
        """Every currency that occurs."""
        return sorted({m.currency for m in self.moved})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scenario saw. ``period`` names what it is about, so that it is told once; ``facts`` are its numbers."""

    period: str
    currency: str
    facts: dict[str, Any] = field(default_factory=dict)


Judge = Callable[[History, Numbers, datetime], Verdict | None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which money is laundered: what it looks like, in numbers, and how bad it is, 0 to 100."""

    name: str
    title: str
    words: str
    score: int
    numbers: Numbers
    judge: Judge
