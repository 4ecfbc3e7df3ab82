"""What a check finds, and how far it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

CheckState = Literal["running", "sound", "diverged", "failed"]
Figure = int | str | None

# How many rows of one check are named; the rest are counted.
ROWS_NAMED: Final = 10

# Every check in the order in which it is made and told: what an earlier one finds explains most of what follows.
CHECKS: Final[Mapping[str, str]] = {
    "posting_complete": "Postings have the entries that they declare, of their own times",
    "posting_balanced": "Postings balance in each currency",
    "entry_hash": "Postings have their entry hash",
    "entry_account": "Entries are in the currency of an account that exists",
    "entry_place": "Entries stand in their account's history, or wait for it, once and with their amount",
    "history_gap": "Histories count from 1 without a gap",
    "history_balance": "Histories have the right balance after each entry",
    "balance": "Balances are the sum of the entries placed",
    "hold": "Holds are the sum of their postings",
    "pending": "Pending is the sum of the open holds",
    "reversal": "Reversals are added up, and take back no more than was posted",
    "turnover": "Turnover is the sum of the entries folded",
    "currency_sum": "Each currency adds up to zero",
}


@dataclass(frozen=True, slots=True)
class Divergence:
    """One row that is not what its entries say. Amounts are minor units; ``subject`` names the row by its ids."""

    sentence: str
    subject: dict[str, Figure]
    expected: dict[str, Figure]
    found: dict[str, Figure]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        parts = {"subject": self.subject, "expected": self.expected, "found": self.found}
        return {"sentence": self.sentence, **parts}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: its first rows, in order, and how many there are in all (of a history: accounts)."""

    check: str
    count: int
    rows: tuple[Divergence, ...]

    @property
    def title(self) -> str:
        """What should hold."""
        return CHECKS.get(self.check, self.check)

    @property
    def first(self) -> Divergence:
        """The first divergent row."""
        return self.rows[0]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "check": self.check,
            "title": self.title,
            "count": self.count,
            "rows": [row.as_dict() for row in self.rows],
        }


def read_finding(stored: Mapping[str, Any]) -> Finding:
    """A finding from its JSON."""
    rows = tuple(
        Divergence(row["sentence"], dict(row["subject"]), dict(row["expected"]), dict(row["found"]))
        for row in stored["rows"]
    )
    return Finding(check=stored["check"], count=stored["count"], rows=rows)


@dataclass(frozen=True, slots=True)
class CheckRunRecord:
    """One run of the integrity check; ``findings`` is empty when the ledger is sound."""

    id: str
    started_by: str
    state: CheckState
    postings: int
    entries: int
    accounts: int
    findings: tuple[Finding, ...]
    started_at: datetime
    finished_at: datetime | None

    @property
    def first(self) -> Divergence | None:
        """The first divergent row of all."""
        return self.findings[0].first if self.findings else None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: which step, and how many of its rows are done. ``total`` is None where it is not known."""

    step: str
    done: int
    total: int | None


Report = Callable[[Progress], None]


@dataclass(slots=True)
class Notebook:
    """Collects what the checks find, bounded however much there is."""

    _counts: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, list[Divergence]] = field(default_factory=dict)

    def has_room(self, check: str) -> bool:
        """Whether another row of this check would be named."""
        return len(self._rows.get(check, ())) < ROWS_NAMED

    def note(self, check: str, divergence: Divergence | None = None, *, count: int = 1) -> None:
        """Count ``count`` divergent rows, and name one while there is room."""
        self._counts[check] = self._counts.get(check, 0) + count
        if divergence is not None and self.has_room(check):
            self._rows.setdefault(check, []).append(divergence)

    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of CHECKS."""
        return tuple(
            Finding(check, self._counts[check], tuple(self._rows[check])) for check in CHECKS if check in self._rows
        )
