"""When a failed delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from webhooks.outbound.schedule import LIVE, SANDBOX, next_attempt_at

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def highest(low: float, high: float) -> float:
    return high


def test_the_live_schedule_is_the_documented_one() -> None:
    assert LIVE == (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
    waits = [
        next_attempt_at(failures=n, mode="live", retry_after_seconds=None, now=NOW, uniform=middle)
        for n in range(1, len(LIVE))
    ]
    assert waits == [NOW + timedelta(seconds=seconds) for seconds in LIVE[1:]]


def test_the_last_failure_exhausts() -> None:
    for mode, schedule in (("live", LIVE), ("sandbox", SANDBOX)):
        assert next_attempt_at(failures=len(schedule), mode=mode, retry_after_seconds=None, now=NOW) is None  # type: ignore[arg-type]  # both words are modes


def test_jitter_is_twenty_per_cent() -> None:
    at = next_attempt_at(failures=2, mode="live", retry_after_seconds=None, now=NOW, uniform=highest)
    assert at == NOW + timedelta(seconds=360)


@pytest.mark.parametrize(("asked", "waited"), [(1, 5), (60, 60), (10**8, 43_200)])
def test_retry_after_postpones_within_bounds(asked: int, waited: int) -> None:
    at = next_attempt_at(failures=1, mode="live", retry_after_seconds=asked, now=NOW, uniform=middle)
    assert at == NOW + timedelta(seconds=waited)


def test_a_sandbox_may_have_a_schedule_of_its_own() -> None:
    with override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0, 1]):
        at = next_attempt_at(failures=1, mode="sandbox", retry_after_seconds=None, now=NOW, uniform=middle)
        assert at == NOW + timedelta(seconds=1)
        assert next_attempt_at(failures=2, mode="sandbox", retry_after_seconds=None, now=NOW) is None
