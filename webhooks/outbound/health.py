"""How endpoints do: folded by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """One attempt that ended, for the fold."""

    endpoint_id: str
    succeeded: bool
    duration_ms: int


def count_first_due(*, rows: Sequence[tuple[str, datetime]]) -> None:
    """Count deliveries (endpoint, first_due_at) that became due for the first time."""


def count_attempts(*, rows: Sequence[AttemptCount], resolved: Sequence[tuple[str, datetime]], now: datetime) -> None:
    """Count attempts that ended now, and deliveries (endpoint, first_due_at) that were resolved by them."""
