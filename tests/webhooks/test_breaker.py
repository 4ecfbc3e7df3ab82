"""When an endpoint is left alone, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from webhooks.outbound.engine.breaker import CLOSED, OPENS_AFTER, Breaker, advance

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def seconds(count: float) -> datetime:
    return NOW + timedelta(seconds=count)


@pytest.mark.parametrize(
    ("before", "succeeded", "failures", "after"),
    [
        (CLOSED, True, 0, CLOSED),
        (CLOSED, False, OPENS_AFTER - 1, CLOSED),
        (CLOSED, False, OPENS_AFTER, Breaker("open", seconds(5), 1)),
        (CLOSED, True, 2, CLOSED),
        # Calls that were under way when it opened do not lengthen the pause.
        (Breaker("open", seconds(3), 1), False, 9, Breaker("open", seconds(3), 1)),
        # A probe after the pause failed: the next pause is longer.
        (Breaker("open", seconds(-1), 1), False, 6, Breaker("open", seconds(10), 2)),
        (Breaker("open", seconds(-1), 4), False, 9, Breaker("open", seconds(80), 5)),
        (Breaker("open", seconds(-1), 30), False, 40, Breaker("open", seconds(300), 31)),
        # One that arrives closes it, also in the middle of a pause.
        (Breaker("open", seconds(-1), 3), True, 0, CLOSED),
        (Breaker("open", seconds(3), 3), True, 1, CLOSED),
    ],
)
def test_the_breaker_of_a_live_workspace(before: Breaker, succeeded: bool, failures: int, after: Breaker) -> None:
    assert advance(before, succeeded=succeeded, failures=failures, mode="live", now=NOW) == after


def test_a_sandbox_comes_back_sooner() -> None:
    opened = advance(CLOSED, succeeded=False, failures=OPENS_AFTER, mode="sandbox", now=NOW)
    much_later = advance(Breaker("open", NOW, 20), succeeded=False, failures=30, mode="sandbox", now=NOW)

    assert opened.until == seconds(1)
    assert much_later.until == seconds(15)
