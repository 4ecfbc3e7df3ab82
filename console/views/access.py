"""The Access log: who was refused what, when and why, here and elsewhere."""

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_end, read_moment
from console.doors import Visit, room
from console.presenters import access as present
from console.presenters.accounts import Names
from console.readings.ledger import names_of
from console.readings.webhooks import span_fields, span_problem
from console.shell import build_shell
from console.types import Chip
from console.types.access import AccessPage, DenialPage
from console.types.ledger import Field, Option
from evidence.queries import EventNotFound
from ledger.statements import harmless
from zentra.core.clock import iso
from zentra.tenants.denials.queries import count_by_actor, count_denials, find_denial, list_denials
from zentra.tenants.denials.types import Denial, DenialFilters
from zentra.tenants.permissions import Permission

PAGE: Final = 50
MOST_ROWS: Final = 10_000
"""Of one CSV file; more is asked for by a span."""

FILTERS: Final = ("actor", "role", "action", "reason", "surface", "side", "q", "since", "until")
HOUR: Final = timedelta(hours=1)
# How long the plot looks back, and by which span.
RANGES: Final[dict[str, tuple[str, timedelta, timedelta, str]]] = {
    "day": ("24 hours", timedelta(hours=24), HOUR, "an hour"),
    "week": ("7 days", timedelta(days=7), HOUR, "an hour"),
    "quarter": ("90 days", timedelta(days=90), timedelta(days=1), "a day"),
}
_NAMES: Final = {"q": "text", "surface": "where", "side": "log"}
_COLUMNS: Final = (
    "recorded_at", "event_id", "actor_kind", "actor_id", "actor_name", "role", "action", "reason", "surface", "side",
    "workspace", "not_recorded_before",
)  # fmt: skip


@room(Permission.ACCESS_READ)
def show_access(visit: Visit) -> HttpResponse:
    """Denials newest first, narrowed by filters that live in the address, under a plot of how many there were."""
    before, problem, here = asked(visit, "before"), span_problem(visit), f"{visit.base}access/"
    found, following = ([], None) if problem else list_denials(
        filters=read_filters(visit), before=paging.decode(before), limit=PAGE
    )  # fmt: skip
    is_narrowed = any(asked(visit, name) for name in FILTERS)
    chosen_range = asked(visit, "range") if asked(visit, "range") in RANGES else "day"
    _, span, step, step_words = RANGES[chosen_range]
    until = visit.now.replace(minute=0, second=0, microsecond=0) + HOUR
    points = count_denials(since=until - span, until=until, span=step)
    actors = count_by_actor(since=until - span, limit=6)
    names = _names(found, [(each.actor_kind, each.actor_id) for each in actors])
    page = AccessPage(
        chart=present.plot(points, until=until, step_words=step_words),
        chart_rows=present.table(points),
        ranges=tuple(
            Chip(title, _here(visit, range=key), current=key == chosen_range, key=key)
            for key, (title, *_) in RANGES.items()
        ),
        actors=tuple(present.actor_line(each, here=here, names=names) for each in actors),
        fields=_fields(visit),
        chosen=tuple(
            Chip(f"{_NAMES.get(name, name)} {_said(visit, name)} ×", _here(visit, **{name: ""}), current=True)
            for name in FILTERS
            if asked(visit, name)
        ),
        kept=(("range", chosen_range),),
        rows=tuple(present.denial_row(each, base=visit.base, names=names, now=visit.now) for each in found),
        csv_url=paging.link(f"{here}denials.csv", **{name: asked(visit, name) for name in FILTERS}),
        clear_url=here if is_narrowed else "",
        next_url=_here(visit, before=paging.encode(following)) if following else "",
        first_url=_here(visit) if before else "",
        problem=problem,
        note="Older ones are on the next page." if following and len(found) < PAGE else "",
    )
    return render(visit.request, "console/access.html", {"shell": build_shell(visit, room="access"), "page": page})


@room(Permission.ACCESS_READ)
def show_denial(visit: Visit, event_id: str) -> HttpResponse:
    """One denial: everything that is known of it. Raises EventNotFound for another event."""
    denial = find_denial(event_id=event_id)
    if denial is None:
        raise EventNotFound(f"There is no denial {event_id[:40]}.")
    names = _names([denial])
    page = DenialPage(
        row=present.denial_row(denial, base=visit.base, names=names, now=visit.now),
        words=present.explained(denial),
        facts=present.facts(denial, names=names),
        more=present.more(denial),
        actor_url=paging.link(f"{visit.base}access/", actor=denial.actor_id),
        member_url=f"{visit.base}people/{denial.actor_id}/"
        if denial.actor_id in names and visit.may(Permission.PEOPLE_READ)
        else "",
        event_url=f"{visit.base}events/{denial.id}/" if visit.may(Permission.EVENTS_READ) else "",
        runbook_url=f"{visit.base}runbooks/access-denials/" if visit.may(Permission.ALARMS_READ) else "",
    )
    return render(visit.request, "console/denial.html", {"shell": build_shell(visit, room="access"), "page": page})


@room(Permission.ACCESS_READ)
def download_denials(visit: Visit) -> HttpResponse:
    """The same list as CSV, newest first, at most 10,000 rows."""
    found: list[Denial] = []
    if not span_problem(visit):
        before = paging.decode(asked(visit, "before"))
        found, _ = list_denials(filters=read_filters(visit), before=before, limit=MOST_ROWS)
    names, text, name = _names(found), io.StringIO(), f"denials-{visit.workspace.slug}-{visit.now:%Y%m%dT%H%M%SZ}.csv"
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows(tuple(map(harmless, _cells(each, names))) for each in found)
    return HttpResponse(
        text.getvalue().encode(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def read_filters(visit: Visit) -> DenialFilters:
    """What the address asks for."""
    return DenialFilters(
        actor=asked(visit, "actor"),
        role=asked(visit, "role"),
        action=asked(visit, "action"),
        reason=asked(visit, "reason"),
        surface=asked(visit, "surface"),
        side=asked(visit, "side"),
        since=read_moment(asked(visit, "since")),
        until=read_end(asked(visit, "until")),
        text=asked(visit, "q"),
    )


def _fields(visit: Visit) -> tuple[Field, ...]:
    return (
        Field("actor", "Actor", asked(visit, "actor"), placeholder="usr_… or key_…"),
        Field("action", "Asked for", asked(visit, "action"), placeholder="accounts. or POST /v1/"),
        Field("reason", "Why not", options=_options(visit, "reason", present.REASONS)),
        Field("surface", "Where", options=_options(visit, "surface", present.SURFACES)),
        Field("side", "In whose log", options=_options(visit, "side", present.SIDES)),
        Field("role", "Role", asked(visit, "role"), placeholder="auditor"),
        Field("q", "Text", asked(visit, "q"), "search", placeholder="anything in the event"),
        *span_fields(visit),
    )


def _options(visit: Visit, name: str, words: Mapping[str, str]) -> tuple[Option, ...]:
    wanted = asked(visit, name)
    known = words if not wanted or wanted in words else {**words, wanted: wanted}
    return (Option("", "all", not wanted), *(Option(key, title, key == wanted) for key, title in known.items()))


def _said(visit: Visit, name: str) -> str:
    words = {"reason": present.REASONS, "surface": present.SURFACES, "side": present.SIDES}.get(name, {})
    return words.get(asked(visit, name), asked(visit, name))


def _here(visit: Visit, **changes: object) -> str:
    kept = {name: asked(visit, name) for name in (*FILTERS, "range")}
    return paging.link(f"{visit.base}access/", **{**kept, **changes})


def _names(found: list[Denial], others: list[tuple[str, str]] | None = None) -> Names:
    actors = {(each.actor_kind, each.actor_id) for each in found} | set(others or ())
    return names_of({"id": actor_id} for kind, actor_id in actors if kind == "user")


def _cells(denial: Denial, names: Names) -> tuple[str, ...]:
    return (
        iso(denial.recorded_at), denial.id, denial.actor_kind, denial.actor_id, names.get(denial.actor_id, ""),
        denial.role, denial.action, denial.reason, denial.surface, denial.side, denial.workspace,
        str(denial.suppressed),
    )  # fmt: skip
