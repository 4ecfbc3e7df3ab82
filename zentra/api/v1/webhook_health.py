"""``/webhook-health`` and ``/webhook-endpoints/{id}/health``: how deliveries do, in figures and as a course."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from webhooks.queries import endpoint_health, endpoint_health_of, health_24h, health_points
from zentra.api.doors import answer_json, caller_of, door
from zentra.api.fields import Edge
from zentra.api.problems import FieldRefusal
from zentra.api.v1.endpoint_answers import (
    EndpointHealthAnswer,
    WorkspaceHealthAnswer,
    show_health,
    show_point,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])

_LONGEST: Final = timedelta(days=90)
_DAY: Final = timedelta(days=1)
Since = Annotated[Edge | None, Query(description="Where the course begins; 24 hours ago if left out.")]
Until = Annotated[Edge | None, Query(description="Where it ends, excluded; now if left out.")]
Points = Annotated[int, Query(ge=1, le=288, description="In how many spans.")]


@door(router, "GET", "/webhook-health", permission=Permission.WEBHOOKS_READ, response=WorkspaceHealthAnswer)
def get(request: HttpRequest, since: Since = None, until: Until = None, points: Points = 24) -> HttpResponse:
    """The last 24 hours of all endpoints and of each, and the course of all together."""
    now = clock.now()
    start, end = _span(since, until, now=now)
    with tenant_work(caller_of(request).tenant):
        overall = health_24h(now=now)
        course = health_points(endpoint_id=None, since=start, until=end, points=points)
        each = endpoint_health(now=now)
    return answer_json(
        {
            "object": "workspace_webhook_health",
            "health_percent": overall.percent,
            "first_due": overall.first_due,
            "resolved": overall.resolved,
            "retrying": overall.retrying,
            "points": [show_point(point) for point in course],
            "data": [show_health(one, ()) for one in each],
        }
    )


@door(
    router,
    "GET",
    "/webhook-endpoints/{endpoint_id}/health",
    permission=Permission.WEBHOOKS_READ,
    response=EndpointHealthAnswer,
)
def get_one(
    request: HttpRequest, endpoint_id: str, since: Since = None, until: Until = None, points: Points = 24
) -> HttpResponse:
    """An endpoint's last 24 hours, what waits for it, and its course."""
    now = clock.now()
    start, end = _span(since, until, now=now)
    with tenant_work(caller_of(request).tenant):
        health = endpoint_health_of(endpoint_id=endpoint_id, now=now)
        course = health_points(endpoint_id=endpoint_id, since=start, until=end, points=points)
    return answer_json(show_health(health, course))


def _span(since: datetime | None, until: datetime | None, *, now: datetime) -> tuple[datetime, datetime]:
    """The span of a course; raises FieldRefusal when it is empty or longer than 90 days."""
    end = until or now
    start = since or end - _DAY
    if not timedelta(0) < end - start <= _LONGEST:
        raise FieldRefusal("since", "lies before until, and at most 90 days")
    return start, end
