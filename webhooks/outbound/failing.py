"""Endpoints that do nothing but fail: somebody is warned, later they are disabled, and we ask whether they are back.

Counted is per endpoint, over all its deliveries: any success ends it. Times that matter are those of the failures
themselves: an endpoint to which nothing was sent neither fails nor recovers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks.models import Endpoint
from webhooks.outbound.endpoints import rows, states
from webhooks.outbound.subscription import TEST
from zentra.core import ids
from zentra.core.actors import EVENTS
from zentra.core.clock import iso
from zentra.core.queue import lanes
from zentra.core.tenancy import Mode, current_tenant

DISABLE_AFTER: Final[Mapping[Mode, timedelta]] = {"live": timedelta(days=5), "sandbox": timedelta(hours=1)}
FEWEST_FAILURES: Final = 5
PROBE_EVERY: Final[Mapping[Mode, timedelta]] = {"live": timedelta(hours=1), "sandbox": timedelta(minutes=1)}
PROBES_AT_ONCE: Final = 100

WARN_AFTER_FAILURES: Final = 3
# The share of the time until it is disabled that has passed when each warning is due; the first is the third failure's.
WARN_AT: Final = (0.0, 1 / 5, 1 / 2)

_MAX_ERROR: Final = 200

_COUNT_FAILURES = """
UPDATE webhooks_endpoint
   SET consecutive_failures = consecutive_failures + %s, failing_since = coalesce(failing_since, %s)
 WHERE id = %s AND state = 'enabled'
RETURNING consecutive_failures, failing_since, warnings
"""

# Without a lock where there is nothing to change, which is the case after nearly every attempt.
_LOCK_FAILING = """
SELECT failing_since, warnings, disabled_by FROM webhooks_endpoint
 WHERE id = %s AND (consecutive_failures > 0 OR failing_since IS NOT NULL) AND removed_at IS NULL FOR UPDATE
"""

_COUNT_MISSED = """
SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = %s AND state = 'retained' AND purpose = 'event'
"""


@dataclass(frozen=True, slots=True)
class _Failing:
    """How long an endpoint has done nothing but fail, and how many warnings were given of it."""

    failures: int
    since: datetime
    warnings: int

    def warnings_due(self, *, now: datetime) -> int:
        """How many warnings there should have been by now."""
        if self.failures < WARN_AFTER_FAILURES:
            return 0
        share = (now - self.since) / _disable_after()
        return sum(share >= due for due in WARN_AT)

    def is_to_be_disabled(self, *, now: datetime) -> bool:
        """Whether it failed for long enough, and the last warning was given before this failure."""
        is_sustained = now - self.since >= _disable_after() and self.failures >= FEWEST_FAILURES
        return is_sustained and self.warnings == len(WARN_AT)


def note_outcomes(*, endpoint_id: str, succeeded: int, failed: int, last_error: str, now: datetime) -> None:
    """Count how attempts of one endpoint ended. A success after a success writes nothing: the row would be a hot spot.

    Several endpoints are noted in the order of their ids, before any delivery is locked. ``last_error`` is one line
    without anything secret.
    """
    if succeeded:
        _note_success(endpoint_id, now=now)
    elif failed:
        _note_failures(endpoint_id, failed, last_error, now=now)


def disable_gone(*, endpoint_id: str, now: datetime) -> None:
    """The consumer answered 410, "never call again". Harmless twice: another 410 may have got there first."""
    states.disable_by_itself(endpoint_id=endpoint_id, by="gone", reason="the endpoint answered 410 Gone", now=now)


def send_due_probes(*, now: datetime) -> list[str]:
    """Ask each endpoint that was disabled for failing whether it is back, when that is due; returns their ids.

    The probe is an ``endpoint.test`` event like a person's, marked as ours. Two workers at once send one.
    """
    due = Endpoint.objects.select_for_update(skip_locked=True).filter(
        state="disabled", disabled_by="failing", removed_at=None, probe_at__lte=now
    )
    found = [row.id for row in due.order_by("id")[:PROBES_AT_ONCE]]
    if not found:
        return []
    Endpoint.objects.filter(id__in=found).update(probe_at=now + PROBE_EVERY[current_tenant().mode])
    record_events(
        events=[NewEvent(type=TEST, actor=EVENTS, data={"endpoint_id": each, "probe": True}) for each in found],
        now=now,
    )
    return found


def _note_failures(endpoint_id: str, failed: int, last_error: str, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_FAILURES, [failed, now, ids.to_uuid(endpoint_id, prefix="whe")])
        found = cursor.fetchone()
    if found is None:
        return  # disabled meanwhile: what was in flight then decides nothing
    failing = _Failing(*found)
    if failing.is_to_be_disabled(now=now):
        _disable(endpoint_id, failing, last_error, now=now)
    elif failing.warnings_due(now=now) > failing.warnings:
        _warn(endpoint_id, failing, last_error, now=now)


def _warn(endpoint_id: str, failing: _Failing, last_error: str, *, now: datetime) -> None:
    """One warning, however many became due since the last failure."""
    number = failing.warnings_due(now=now)
    Endpoint.objects.filter(id=endpoint_id).update(warnings=number, warned_at=now)
    data = {
        "failing_since": iso(failing.since),
        "consecutive_failures": failing.failures,
        "warning": number,
        "disables_at": iso(failing.since + _disable_after()),
        "last_error": _line(last_error),
    }
    rows.record("endpoint.failing", endpoint_id, actor=EVENTS, data=data, now=now)


def _disable(endpoint_id: str, failing: _Failing, last_error: str, *, now: datetime) -> None:
    reason = f"nothing but failures since {iso(failing.since)}, {failing.failures} in a row: {_line(last_error)}"
    probe_at = now + PROBE_EVERY[current_tenant().mode]
    states.disable_by_itself(endpoint_id=endpoint_id, by="failing", reason=reason, now=now, probe_at=probe_at)


def _note_success(endpoint_id: str, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_FAILING, [ids.to_uuid(endpoint_id, prefix="whe")])
        found = cursor.fetchone()
    if found is None:
        return
    since, warnings, disabled_by = found
    is_back = disabled_by == "failing"
    Endpoint.objects.filter(id=endpoint_id).update(**(states.ENABLED if is_back else rows.NO_FAILURES))
    if is_back:
        lanes.resume_lane(lane=endpoint_id)
    if is_back or warnings:
        _record_recovery(endpoint_id, since or now, was_disabled=is_back, now=now)


def _record_recovery(endpoint_id: str, since: datetime, *, was_disabled: bool, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_MISSED, [ids.to_uuid(endpoint_id, prefix="whe")])
        [missed] = cursor.fetchone()
    rows.record(
        "endpoint.recovered",
        endpoint_id,
        actor=EVENTS,
        data={"failing_since": iso(since), "was_disabled": was_disabled, "missed": missed},
        now=now,
        announced_as=("endpoint.enabled",) if was_disabled else (),
    )


def _disable_after() -> timedelta:
    return DISABLE_AFTER[current_tenant().mode]


def _line(error: str) -> str:
    return " ".join(error.replace("\x00", "").split())[:_MAX_ERROR] or "no answer"
