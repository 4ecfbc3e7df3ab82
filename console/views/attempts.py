"""Attempts over all deliveries: found by endpoint, result, answer and time."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_end, read_moment
from console.doors import Visit, room
from console.presenters.attempts import ERRORS, attempt_row
from console.presenters.words import short_url
from console.readings.webhooks import (
    endpoint_options,
    id_problem,
    span_fields,
    span_problem,
    status_problem,
    webhook_tabs,
)
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field, Option
from console.types.webhooks import AttemptsPage
from webhooks.queries import AttemptFilter, list_endpoints, search_attempts
from webhooks.types import EndpointRecord
from zentra.tenants.permissions import Permission

FILTERS: Final = ("endpoint", "error", "status", "tried", "q", "since", "until")
TRIED: Final = (
    ("", "All"),
    ("failed", "Failed"),
    ("auto", "By schedule"),
    ("manual", "By hand"),
    ("replay", "Replays"),
)
_NAMES: Final = {"q": "text", "error": "error"}


@room(Permission.WEBHOOKS_READ)
def show_attempts(visit: Visit) -> HttpResponse:
    """A page of attempts, newest first."""
    before, endpoints = asked(visit, "before"), list_endpoints()
    where, problem = _filter(visit)
    found = None if problem else search_attempts(where=where, before=paging.decode(before))
    urls = {each.id: short_url(each.url) for each in endpoints}
    page = AttemptsPage(
        tabs=webhook_tabs(visit, "attempts"),
        fields=_fields(visit, endpoints),
        filters=(*_tried(visit), *_chosen(visit)),
        rows=tuple(
            attempt_row(each, base=visit.base, now=visit.now, endpoint=urls.get(each.endpoint_id, short_url(each.url)))
            for each in (found.rows if found else ())
        ),
        kept=(("tried", asked(visit, "tried")),) if asked(visit, "tried") else (),
        clear_url=f"{visit.base}webhooks/attempts/" if any(asked(visit, name) for name in FILTERS) else "",
        next_url=_here(visit, before=paging.encode(found.next_key)) if found and found.next_key else "",
        first_url=_here(visit) if before else "",
        problem=problem,
    )
    return render(visit.request, "console/attempts.html", {"shell": build_shell(visit, room="webhooks"), "page": page})


def _here(visit: Visit, **changes: object) -> str:
    kept = {name: asked(visit, name) for name in FILTERS}
    return paging.link(f"{visit.base}webhooks/attempts/", **{**kept, **changes})


def _filter(visit: Visit) -> tuple[AttemptFilter, str]:
    """The filter of the address, and what is wrong with it, if anything."""
    status, tried, error = asked(visit, "status"), asked(visit, "tried"), asked(visit, "error")
    problem = span_problem(visit) or status_problem(status) or id_problem(asked(visit, "endpoint"), "whe")
    if problem:
        return AttemptFilter(), problem
    return AttemptFilter(
        endpoint_id=asked(visit, "endpoint") or None,
        error_class=error if error in ERRORS else None,
        status=int(status) if status else None,
        trigger="auto"
        if tried == "auto"
        else "manual"
        if tried == "manual"
        else "replay"
        if tried == "replay"
        else None,
        is_failed=True if tried == "failed" else None,
        since=read_moment(asked(visit, "since")),
        until=read_end(asked(visit, "until")),
        text=asked(visit, "q"),
    ), ""


def _fields(visit: Visit, endpoints: list[EndpointRecord]) -> tuple[Field, ...]:
    error = asked(visit, "error")
    errors = (Option("", "any", not error), *(Option(key, key.replace("_", " "), key == error) for key in ERRORS))
    return (
        Field("q", "Text", asked(visit, "q"), "search", placeholder="in headers, answers and errors"),
        Field("endpoint", "Endpoint", options=endpoint_options(endpoints, asked(visit, "endpoint"))),
        Field("error", "Error", options=errors),
        Field("status", "Status", asked(visit, "status"), placeholder="500"),
        *span_fields(visit),
    )


def _tried(visit: Visit) -> tuple[Chip, ...]:
    return tuple(Chip(title, _here(visit, tried=key), key == asked(visit, "tried")) for key, title in TRIED)


def _chosen(visit: Visit) -> tuple[Chip, ...]:
    return tuple(
        Chip(f"{_NAMES.get(name, name)} {asked(visit, name)} ×", _here(visit, **{name: ""}), current=True)
        for name in FILTERS
        if asked(visit, name) and name != "tried"
    )
