"""Do webhook endpoints take what they are sent."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from webhooks.queries import list_endpoints
from webhooks.types import EndpointRecord
from zentra.alarms.types import Fact, Finding, Sight
from zentra.core.clock import iso


def see_failing_endpoints(_now: datetime) -> Sight:
    """Endpoints that failed several times in a row, and those that were disabled for failing and not enabled since."""
    return Sight(tuple(_finding(each) for each in list_endpoints() if _is_failing(each)))


def _is_failing(endpoint: EndpointRecord) -> bool:
    if endpoint.state == "disabled":
        # A person's decision, or the consumer's own 410, is no news.
        return endpoint.disabled_by == "failing"
    return endpoint.consecutive_failures >= settings.ZENTRA_ALARM_ENDPOINT_FAILURES


def _finding(endpoint: EndpointRecord) -> Finding:
    # The host alone: a path may hold the consumer's own secrets.
    host = urlsplit(endpoint.url).hostname or ""
    since = endpoint.failing_since
    facts: dict[str, Fact] = {
        "host": host,
        "failures_in_a_row": endpoint.consecutive_failures,
        "failing_since": iso(since) if since else None,
        "state": endpoint.state,
    }
    if endpoint.state == "disabled":
        return Finding(endpoint.id, f"{host} was disabled because nothing but failures came back.", facts)
    return Finding(endpoint.id, f"{host} failed {endpoint.consecutive_failures} times in a row.", facts)
