"""The Webhooks room: every endpoint with its health at a glance, and how deliveries went over the last day."""

from datetime import timedelta
from typing import Final

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.presenters import endpoints as present
from console.presenters import health as plot
from console.readings.webhooks import webhook_tabs
from console.shell import build_shell
from console.types.endpoints import WebhooksPage
from console.types.plots import HealthPlots
from webhooks.queries import endpoint_health, health_24h, health_points, health_sparks
from zentra.tenants.permissions import Permission

WINDOW: Final = timedelta(hours=24)
POINTS: Final = 96
SPARKS: Final = 36
# Addresses that once listed deliveries here.
_MOVED: Final = ("selected", "state", "intent")


@room(Permission.WEBHOOKS_READ)
def show_webhooks(visit: Visit) -> HttpResponse:
    """The room's front page."""
    if any(visit.request.GET.get(name) for name in _MOVED):
        return HttpResponseRedirect(paging.link(f"{visit.base}webhooks/deliveries/", **visit.request.GET.dict()))
    found, health = endpoint_health(now=visit.now), health_24h(now=visit.now)
    since = visit.now - WINDOW
    sparks = health_sparks(
        endpoint_ids=[each.endpoint.id for each in found], since=since, until=visit.now, points=SPARKS
    )
    points = health_points(endpoint_id=None, since=since, until=visit.now, points=POINTS)
    page = WebhooksPage(
        tabs=webhook_tabs(visit, "endpoints"),
        figures=present.room_figures(
            found, resolved=health.resolved, first_due=health.first_due, value=health.percent, now=visit.now
        ),
        rows=tuple(
            present.endpoint_row(each, sparks.get(each.endpoint.id, []), base=visit.base, now=visit.now)
            for each in found
        ),
        plots=HealthPlots(
            attempts=plot.attempts_chart(points), latency=plot.latency_chart(points), rows=plot.table(points)
        ),
        new_url=f"{visit.base}webhooks/endpoints/new/" if visit.may(Permission.WEBHOOKS_MANAGE) else "",
    )
    return render(visit.request, "console/webhooks.html", {"shell": build_shell(visit, room="webhooks"), "page": page})
