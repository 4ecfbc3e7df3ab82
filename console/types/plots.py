"""Plots of health: paths in a fixed box, their axes, and the same figures as rows of a table."""

from dataclasses import dataclass

from console.types import Chip
from console.types.ledger import PlotLabel


@dataclass(frozen=True, slots=True)
class Chart:
    """One plot. ``ok`` and ``bad`` are bars, above and below the line; ``first`` and ``second`` are lines."""

    title: str
    words: str
    height: str = ""
    zero: str = ""
    ok: str = ""
    bad: str = ""
    first: str = ""
    second: str = ""
    grid: tuple[str, ...] = ()
    labels: tuple[PlotLabel, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw; ``words`` says why then."""
        return not (self.ok or self.bad or self.first or self.second)


@dataclass(frozen=True, slots=True)
class Spark:
    """The same, small enough for a row of a table: bars in a 104 × 22 box."""

    ok: str = ""
    bad: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class HealthPlots:
    """How attempts went and how long they took, over one range, with the table behind both."""

    attempts: Chart
    latency: Chart
    rows: tuple[tuple[str, ...], ...]
    ranges: tuple[Chip, ...] = ()
