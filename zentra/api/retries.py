"""Running a transaction again when PostgreSQL ended it for the sake of another one: bounded, with jitter, counted.

Only what says nothing about the request is tried again: a deadlock (SQLSTATE 40P01), a serialization failure (40001),
and a key that somebody else kept first. A lock that was not free in time is not: the caller has waited already.
"""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from django.db import DatabaseError, connection

from zentra.core.errors import DomainError
from zentra.core.idempotency.operations import IdempotencyRaced
from zentra.core.telemetry import Counter

MOST_RETRIES: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.02
_SERIALIZATION: Final = frozenset({"40001", "40P01"})

SERIALIZATION_RETRIES: Final = Counter(
    "zentra_ledger_serialization_retries_total",
    "Transactions that PostgreSQL ended for another one's sake and that were run again as a whole.",
)

T = TypeVar("T")
log = structlog.get_logger(__name__)


def run_retried(attempt: Callable[[], T], *, pause: Callable[[float], None] = time.sleep) -> T:
    """What ``attempt`` answers. It opens its own transaction; run inside of one it is never run again."""
    for tried in range(MOST_RETRIES + 1):
        try:
            return attempt()
        except (DomainError, DatabaseError) as error:
            if tried == MOST_RETRIES or connection.in_atomic_block or not is_for_another(error):
                raise
            if not isinstance(error, IdempotencyRaced):
                SERIALIZATION_RETRIES.add()
            log.warning("api.transaction_retried", attempt=tried + 1, cause=str(error)[:200])
        # Full jitter over a doubling ceiling, so that those who met do not meet again.
        pause(random.uniform(0, _FIRST_PAUSE_SECONDS * 2**tried))  # noqa: S311  # spreads load, keeps no secret
    raise AssertionError("The last attempt answers or raises.")


def is_for_another(error: BaseException) -> bool:
    """Whether the transaction was ended for another one's sake, and would go through by itself."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, IdempotencyRaced) or getattr(found, "sqlstate", None) in _SERIALIZATION:
            return True
        found = found.__cause__
    return False
