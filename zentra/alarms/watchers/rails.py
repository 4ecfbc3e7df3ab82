"""Do the rails answer."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from zentra.alarms.types import Finding, Sight
from zentra.routing.queries import list_health
from zentra.routing.types import HealthRecord, RailState

MEASURED_WITHIN: Final = timedelta(minutes=2)
"""Rails are measured every ten seconds; older figures say nothing of now."""


def see_rails_down(now: datetime) -> Sight:
    """Rails that answered too few of the last minutes' orders.

    A rail that people disabled or paused is no news. One with too few orders, or not measured of late, is not judged.
    """
    rails = [each for each in list_health() if each.state is RailState.ENABLED and not each.is_paused]
    unsure = frozenset(each.rail_id for each in rails if _is_unsure(each, now))
    down = [each for each in rails if each.rail_id not in unsure and _is_down(each)]
    return Sight(tuple(_finding(each) for each in down), unsure)


def _is_unsure(health: HealthRecord, now: datetime) -> bool:
    if health.measured_at is None or now - health.measured_at > MEASURED_WITHIN:
        return True
    return 0 < health.samples < settings.ZENTRA_ALARM_RAIL_SAMPLES


def _is_down(health: HealthRecord) -> bool:
    return health.success_bps is not None and health.success_bps < settings.ZENTRA_ALARM_RAIL_PERCENT * 100


def _finding(health: HealthRecord) -> Finding:
    words = f"{health.rail} answered {health.answered} of {health.samples} orders in the last 15 minutes."
    return Finding(
        health.rail_id,
        words,
        {
            "rail": health.rail,
            "samples": health.samples,
            "answered": health.answered,
            "success_bps": health.success_bps,
            "p95_ms": health.p95_ms,
        },
    )
