"""When to try again. All figures are seconds; the moments themselves live in PostgreSQL."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from zentra.core.tenancy import Mode

# The delay before each attempt: the first at once, the last 27.6 hours later.
LIVE: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
# In a sandbox people watch a consumer come back, so the same number of attempts fits into minutes.
SANDBOX: Final = (0, 2, 4, 8, 15, 30, 60, 120)
JITTER: Final = 0.2

# The platform's own schema delivers nothing, and is swept as every other.
LONGEST_RETRY_AFTER: Final = {"live": 43_200, "sandbox": 60, "platform": 60}


def schedule_of(mode: Mode) -> tuple[int, ...]:
    """The delays of a workspace; ``ZENTRA_SANDBOX_WEBHOOK_SCHEDULE`` replaces the sandbox's."""
    if mode == "live":
        return LIVE
    configured: Sequence[int] | None = getattr(settings, "ZENTRA_SANDBOX_WEBHOOK_SCHEDULE", None)
    return tuple(configured) if configured else SANDBOX


def next_attempt_at(
    *,
    failures: int,
    mode: Mode,
    retry_after_seconds: int | None,
    now: datetime,
    own_schedule: Sequence[int] | None = None,
    uniform: Callable[[float, float], float] = random.uniform,
) -> datetime | None:
    """When to try again after this many failures in a row, or None when the schedule is used up.

    ``own_schedule`` is an endpoint's, and replaces the workspace's.

    ``Retry-After`` can only postpone, and by no more than twelve hours (one minute in a sandbox): a consumer may ask
    for air, but may not park an event for ever. The jitter spreads what failed together.
    """
    delays = own_schedule or schedule_of(mode)
    if failures >= len(delays):
        return None
    delay = delays[failures] * uniform(1 - JITTER, 1 + JITTER)
    if retry_after_seconds is not None:
        delay = max(delay, min(retry_after_seconds, LONGEST_RETRY_AFTER[mode]))
    return now + timedelta(seconds=delay)
