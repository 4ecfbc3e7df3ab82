"""How many denials a process records: whoever is refused must not be able to fill a log at will.

Each log takes so many in a burst and so many a minute, and of one actor fewer, so that one who floods does not drown
what others try. What is turned away is counted, and the next that is recorded says how many it stands for.
"""

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from zentra.core.telemetry import Counter

_MOST_KEYS: Final = 10_000
SUPPRESSED: Final = Counter(
    "zentra_denials_suppressed_total", "Denials that were counted and not recorded one by one, since there were many."
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many in a burst, refilled at so many a second."""

    burst: int
    per_second: float


OF_A_LOG: Final = Allowance(burst=240, per_second=2.0)
"""A log grows by at most 120 denials a minute and process in the long run."""

OF_AN_ACTOR: Final = Allowance(burst=60, per_second=0.5)


class Budget:
    """So many in a burst, refilled at so many a second; counts what it turned away. Shared by threads."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        self._burst, self._per_second = float(burst), per_second
        self._left, self._at = float(burst), 0.0
        self._suppressed = 0
        self._lock = threading.Lock()

    def spend(self, at: float) -> int | None:
        """None when nothing is left; else how many were turned away since the last that was not. ``at`` in seconds."""
        with self._lock:
            self._left = min(self._burst, self._left + (at - self._at) * self._per_second)
            self._at = at
            if self._left < 1:
                self._suppressed += 1
                return None
            self._left -= 1
            suppressed, self._suppressed = self._suppressed, 0
            return suppressed

    def owe(self, number: int) -> None:
        """Count so many that were turned away elsewhere."""
        with self._lock:
            self._suppressed += number

    def is_full(self, at: float) -> bool:
        """Whether it is as new, and so can be forgotten."""
        with self._lock:
            return not self._suppressed and self._left + (at - self._at) * self._per_second >= self._burst


class Budgets:
    """The budgets of this process, by what they are of. Shared by threads; as many as are in use, up to a bound."""

    def __init__(self, allowance: Allowance, *, most: int = _MOST_KEYS) -> None:
        self._allowance, self._most = allowance, most
        self._budgets: dict[Hashable, Budget] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, at: float) -> Budget:
        """The budget of a key."""
        with self._lock:
            found = self._budgets.get(key)
            if found is None:
                if len(self._budgets) >= self._most:
                    self._make_room(at)
                found = Budget(burst=self._allowance.burst, per_second=self._allowance.per_second)
                self._budgets[key] = found
            return found

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._budgets.clear()

    def _make_room(self, at: float) -> None:
        """Forget those that are as new; when none is, the older half."""
        kept = {key: budget for key, budget in self._budgets.items() if not budget.is_full(at)}
        if len(kept) >= self._most:
            kept = dict(list(kept.items())[self._most // 2 :])
        self._budgets = kept


_LOGS: Final = Budgets(OF_A_LOG)
_ACTORS: Final = Budgets(OF_AN_ACTOR)


def admit(*, log: Hashable, actor: str) -> int | None:
    """Whether a denial of this actor is recorded in this log: how many it stands for besides itself, None if not."""
    at = time.monotonic()
    of_actor = _ACTORS.of((log, actor), at)
    suppressed = of_actor.spend(at)
    if suppressed is None:
        SUPPRESSED.add()
        return None
    of_log = _LOGS.of(log, at)
    others = of_log.spend(at)
    if others is None:
        of_actor.owe(suppressed)
        SUPPRESSED.add()
        return None
    return suppressed + others


def forget() -> None:
    """Begin anew: for tests."""
    _LOGS.clear()
    _ACTORS.clear()
