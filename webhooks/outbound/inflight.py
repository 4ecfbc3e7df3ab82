"""How many calls to one endpoint this process makes at once, so that a slow endpoint cannot take every worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Condition
from typing import Final

from django.conf import settings

# An endpoint that keeps failing holds its thread until the timeout: one is enough to notice that it is back.
FAILING_CAP: Final = 1
FAILING_AFTER: Final = 3
# Healthy endpoints answer within milliseconds; waiting for that long costs less than going back to the queue.
SHORT_WAIT_SECONDS: Final = 0.05


class InFlight:
    """Counts the calls at hand, and the failures in a row, by endpoint, as far as this process has seen them."""

    def __init__(self, *, healthy_cap: int) -> None:
        self._healthy_cap = healthy_cap
        self._changed = Condition()
        self._calls: dict[str, int] = {}
        self._failures: dict[str, int] = {}

    @contextmanager
    def slot(self, endpoint_id: str, *, wait_seconds: float = SHORT_WAIT_SECONDS) -> Iterator[bool]:
        """Yields whether there was room; the slot is given back at the end."""
        if not self._take(endpoint_id, wait_seconds):
            yield False
            return
        try:
            yield True
        finally:
            self._give_back(endpoint_id)

    def count_outcome(self, endpoint_id: str, *, succeeded: bool) -> None:
        """Remember how the last call ended: a failing endpoint gets a smaller share of this process."""
        with self._changed:
            if succeeded:
                self._failures.pop(endpoint_id, None)
            else:
                self._failures[endpoint_id] = self._failures.get(endpoint_id, 0) + 1

    def cap(self, endpoint_id: str) -> int:
        """How many calls at once this endpoint may have here."""
        return FAILING_CAP if self._failures.get(endpoint_id, 0) >= FAILING_AFTER else self._healthy_cap

    def _take(self, endpoint_id: str, wait_seconds: float) -> bool:
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(endpoint_id), timeout=wait_seconds):
                return False
            self._calls[endpoint_id] = self._calls.get(endpoint_id, 0) + 1
            return True

    def _has_room(self, endpoint_id: str) -> bool:
        return self._calls.get(endpoint_id, 0) < self.cap(endpoint_id)

    def _give_back(self, endpoint_id: str) -> None:
        with self._changed:
            left = self._calls[endpoint_id] - 1
            if left:
                self._calls[endpoint_id] = left
            else:
                del self._calls[endpoint_id]
            self._changed.notify_all()


@cache
def in_flight() -> InFlight:
    """The counter of this process. No endpoint gets more than half of its threads."""
    threads: int = getattr(settings, "ZENTRA_WORKER_THREADS", 4)
    return InFlight(healthy_cap=max(1, threads // 2))
