"""When an endpoint is left alone for a while: a circuit breaker over its last attempts.

Open is not disabled: what waits keeps waiting, at no cost, and none of it is an attempt. After the pause one delivery
at a time is tried; the first that arrives closes the breaker, another failure makes the next pause longer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from zentra.core.tenancy import Mode

OPENS_AFTER: Final = 5
"""Failures in a row."""

_FIRST_PAUSE: Final = {"live": timedelta(seconds=5), "sandbox": timedelta(seconds=1)}
_LONGEST_PAUSE: Final = {"live": timedelta(minutes=5), "sandbox": timedelta(seconds=15)}


@dataclass(frozen=True, slots=True)
class Breaker:
    """Its state; ``until`` is the end of the pause while open, ``opens`` how often it opened in a row."""

    state: Literal["closed", "open"]
    until: datetime | None = None
    opens: int = 0


CLOSED: Final = Breaker("closed")


def advance(breaker: Breaker, *, succeeded: bool, failures: int, mode: Mode, now: datetime) -> Breaker:
    """The breaker after a batch of attempts: whether one arrived, and how many failed in a row up to now."""
    if succeeded and failures < OPENS_AFTER:
        return CLOSED
    if breaker.state == "open" and breaker.until is not None and now < breaker.until <= now + _LONGEST_PAUSE[mode]:
        # Calls that were under way when it opened say nothing new. A later end is that of a clock that went back.
        return breaker
    if breaker.state == "closed" and failures < OPENS_AFTER:
        return breaker
    opens = breaker.opens + 1
    pause = min(_FIRST_PAUSE[mode] * 2 ** min(opens - 1, 16), _LONGEST_PAUSE[mode])
    return Breaker("open", now + pause, opens)
