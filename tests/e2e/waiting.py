"""Waiting for a condition with a deadline; nothing in these tests sleeps and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.1


def wait_until(
    condition: Callable[[], T], *, why: str, seconds: float = PATIENCE_SECONDS, told: Callable[[], object] | None = None
) -> T:
    """The first truthy answer of `condition`; fails with `why`, and what `told` says then, when the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s still not: {why}; {told() if told else answer!r}")
        time.sleep(LOOK_EVERY_SECONDS)
    return answer
