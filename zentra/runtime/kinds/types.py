"""The shape of a kind. Accounts are named by role: ``source`` and ``destination`` are the intent's own, the rest are
codes of the chart in the intent's currency."""

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["reserve", "success", "settle", "release"]
SOURCE = "source"
DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Move:
    """The whole amount from one account to another: debit the first, credit the second."""

    debit: str
    credit: str


@dataclass(frozen=True, slots=True)
class Step:
    """One posting of the flow: all its moves together or none."""

    purpose: Purpose
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of intent. ``source_may_go_negative`` waives the source's floor while the rail still owes us."""

    name: str
    source: str
    destination: str
    source_may_go_negative: bool
    reserve: Step
    success: Step
    settle: Step
    release: Step
