"""How endpoints do: what happens is folded by the minute as it happens, and read from there."""

from webhooks.outbound.health.counting import (
    AttemptCount,
    count_attempts,
    count_first_due,
    fold_hours,
    forget_minutes,
    recount_minutes,
)
from webhooks.outbound.health.plotting import health_points, health_sparks
from webhooks.outbound.health.reading import endpoint_health, endpoint_health_of, health_24h

__all__ = [
    "AttemptCount",
    "count_attempts",
    "count_first_due",
    "endpoint_health",
    "endpoint_health_of",
    "fold_hours",
    "forget_minutes",
    "health_24h",
    "health_points",
    "health_sparks",
    "recount_minutes",
]
