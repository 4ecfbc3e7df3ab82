"""One endpoint: how it does, how it is set, which keys sign for it, and what was tried last."""

from datetime import timedelta
from typing import Final, cast, get_args

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.presenters import endpoints as present
from console.presenters import health as plot
from console.presenters.attempts import attempt_row
from console.presenters.secrets import header_line, secret_line
from console.readings.arrival import read_arrival
from console.shell import build_shell
from console.types import Chip
from console.types.endpoints import EndpointActs, EndpointPage, HeaderLine, Notice, SecretLine
from console.types.ledger import Option
from console.types.plots import HealthPlots
from webhooks.queries import (
    DISABLE_AFTER,
    AttemptFilter,
    endpoint_health_of,
    health_points,
    list_headers,
    list_secrets,
    schedule_of,
    search_attempts,
)
from webhooks.types import EndpointHealth, EndpointRecord, Trigger
from zentra.tenants.permissions import Permission

ATTEMPTS: Final = 25
RANGES: Final = {
    "1h": (timedelta(hours=1), 60),
    "24h": (timedelta(hours=24), 96),
    "7d": (timedelta(days=7), 84),
    "30d": (timedelta(days=30), 90),
}
OVERLAPS: Final = {
    "24": "24 hours",
    "0": "at once",
    "1": "1 hour",
    "72": "3 days",
    "168": "7 days",
}
KINDS: Final = {"hmac": "HMAC secret, v1", "ed25519": "Ed25519 key pair, v1a"}


@room(Permission.WEBHOOKS_READ)
def show_endpoint(visit: Visit, endpoint_id: str) -> HttpResponse:
    """The page of an endpoint."""
    arrival = read_arrival(visit, endpoint_id, asked(visit, "test"))
    if visit.is_partial and arrival is not None:
        return render(visit.request, "console/parts/arrival.html", {"arrival": arrival})
    health = endpoint_health_of(endpoint_id=endpoint_id, now=visit.now)
    endpoint = health.endpoint
    before = asked(visit, "before")
    found = search_attempts(where=_attempt_filter(visit, endpoint_id), before=paging.decode(before), limit=ATTEMPTS)
    here = _here(visit, endpoint_id)
    page = EndpointPage(
        endpoint_id=endpoint.id,
        address=endpoint.url,
        description=endpoint.description,
        state=present.state_of(endpoint),
        notices=_notices(visit, health),
        figures=present.figures(health, now=visit.now),
        plots=_plots(visit, endpoint_id),
        settings=present.settings(endpoint, schedule=_schedule(visit, endpoint)),
        facts=present.facts(endpoint),
        secrets=_secrets(visit, endpoint),
        headers=_headers(endpoint_id),
        acts=_acts(visit, endpoint),
        attempts=tuple(attempt_row(each, base=visit.base, now=visit.now) for each in found.rows),
        attempt_filters=_attempt_chips(visit, endpoint_id),
        arrival=arrival,
        overlaps=tuple(Option(key, title, key == "24") for key, title in OVERLAPS.items()),
        kinds=tuple(Option(key, title, key == "hmac") for key, title in KINDS.items()),
        next_url=paging.link(here, **_kept(visit), before=paging.encode(found.next_key)) if found.next_key else "",
        first_url=paging.link(here, **_kept(visit)) if before else "",
        all_url=paging.link(f"{visit.base}webhooks/attempts/", endpoint=endpoint_id),
        deliveries_url=paging.link(f"{visit.base}webhooks/deliveries/", endpoint=endpoint_id),
    )
    return render(visit.request, "console/endpoint.html", {"shell": build_shell(visit, room="webhooks"), "page": page})


def _here(visit: Visit, endpoint_id: str) -> str:
    return f"{visit.base}webhooks/endpoints/{endpoint_id}/"


def _kept(visit: Visit) -> dict[str, str]:
    return {name: asked(visit, name) for name in ("range", "tried")}


def _notices(visit: Visit, health: EndpointHealth) -> tuple[Notice, ...]:
    replay_url = paging.link(f"{visit.base}webhooks/replays/new/", endpoint=health.endpoint.id)
    return present.notices(
        health,
        now=visit.now,
        disable_after=DISABLE_AFTER[visit.workspace.mode],
        replay_url=replay_url if visit.may(Permission.WEBHOOKS_REPLAY) else "",
    )


def _plots(visit: Visit, endpoint_id: str) -> HealthPlots:
    chosen = asked(visit, "range")
    chosen = chosen if chosen in RANGES else "24h"
    span, count = RANGES[chosen]
    points = health_points(endpoint_id=endpoint_id, since=visit.now - span, until=visit.now, points=count)
    here, kept = _here(visit, endpoint_id), asked(visit, "tried")
    return HealthPlots(
        attempts=plot.attempts_chart(points),
        latency=plot.latency_chart(points),
        rows=plot.table(points),
        ranges=tuple(
            Chip(key, paging.link(here, range="" if key == "24h" else key, tried=kept), key == chosen) for key in RANGES
        ),
    )


def _schedule(visit: Visit, endpoint: EndpointRecord) -> str:
    words = present.schedule_words(endpoint.schedule or schedule_of(visit.workspace.mode))
    return words if endpoint.schedule else f"{words} (the workspace's)"


def _secrets(visit: Visit, endpoint: EndpointRecord) -> tuple[SecretLine, ...]:
    may = visit.may(Permission.WEBHOOKS_MANAGE) and endpoint.removed_at is None
    expire = f"{_here(visit, endpoint.id)}secrets/expire/" if may else ""
    return tuple(secret_line(each, now=visit.now, expire_url=expire) for each in list_secrets(endpoint_id=endpoint.id))


def _headers(endpoint_id: str) -> tuple[HeaderLine, ...]:
    return tuple(header_line(each) for each in list_headers(endpoint_id=endpoint_id))


def _acts(visit: Visit, endpoint: EndpointRecord) -> EndpointActs:
    """The forms that this person may use now."""
    here = _here(visit, endpoint.id)
    replay = paging.link(f"{visit.base}webhooks/replays/new/", endpoint=endpoint.id)
    if endpoint.removed_at is not None:
        return EndpointActs()
    if not visit.may(Permission.WEBHOOKS_MANAGE):
        return EndpointActs(replay=replay if visit.may(Permission.WEBHOOKS_REPLAY) else "")
    is_enabled = endpoint.state == "enabled"
    return EndpointActs(
        test=f"{here}test/",
        settings=f"{here}settings/",
        enable="" if is_enabled or endpoint.disabled_by == "unverified" else f"{here}enable/",
        disable=f"{here}disable/" if is_enabled or endpoint.disabled_by == "failing" else "",
        remove=f"{here}remove/",
        rotate=f"{here}secrets/rotate/",
        replay=replay if visit.may(Permission.WEBHOOKS_REPLAY) else "",
    )


def _attempt_filter(visit: Visit, endpoint_id: str) -> AttemptFilter:
    tried = asked(visit, "tried")
    return AttemptFilter(
        endpoint_id=endpoint_id,
        is_failed=True if tried == "failed" else None,
        trigger=cast("Trigger", tried) if tried in get_args(Trigger) else None,
    )


def _attempt_chips(visit: Visit, endpoint_id: str) -> tuple[Chip, ...]:
    chosen, here = asked(visit, "tried"), _here(visit, endpoint_id)
    named = (("", "All"), ("failed", "Failed"), ("manual", "By hand"), ("replay", "Replays"))
    return tuple(
        Chip(title, f"{paging.link(here, range=asked(visit, 'range'), tried=key)}#attempts", key == chosen)
        for key, title in named
    )
