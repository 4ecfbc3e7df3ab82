"""The values that cross the door of backtests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from policy.rules.types import Outcome

BacktestState = Literal["running", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Intents that were decided one way and would be decided another (or the same): how many, and how much by currency,
    minor units."""

    was: Outcome
    would: Outcome
    count: int
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Example:
    """An intent that would be decided otherwise. ``gate`` is the rule that would hold or decline it, else ""."""

    decision_id: str
    intent_id: str
    was: Outcome
    would: Outcome
    gate: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class BacktestRecord:
    """A backtest as it stands. ``skipped`` were decided before decisions kept what the rules saw."""

    id: str
    draft_id: str | None
    document: dict[str, Any]
    state: BacktestState
    since: datetime
    until: datetime
    total: int
    done: int
    skipped: int
    cells: tuple[Cell, ...]
    rules: Mapping[str, int]
    examples: tuple[Example, ...]
    error: str
    started_by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100."""
        return 100 if not self.total else 100 * self.done // self.total

    @property
    def changed(self) -> int:
        """How many intents would be decided otherwise."""
        return sum(cell.count for cell in self.cells if cell.was != cell.would)
