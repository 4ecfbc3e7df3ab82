"""Screening: hits and findings of all parties, runs over everybody with their progress, and how it is done."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once
from console.marks import mark
from console.presenters import parties as present
from console.presenters.words import grouped, moment
from console.readings.parties import ground_of_hits, list_names_by_id
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field, Figure
from console.types.parties import AlertLine, AlertsPage, RunsPage
from console.views.parties import compliance_tabs
from policy.screening.operations import change_settings, start_run
from policy.screening.queries import (
    count_hits,
    count_parties,
    list_findings,
    list_hits,
    list_runs,
    parties_by_id,
    screening_settings,
)
from policy.screening.types import FindingRecord
from zentra.tenants.permissions import Permission

PAGE: Final = 20
STATES: Final = (("open", "To resolve"), ("confirmed", "Confirmed"), ("cleared", "Not the same"), ("aml", "Monitoring"))


@room(Permission.PARTIES_READ)
def show_alerts(visit: Visit) -> HttpResponse:
    """Hits of all parties, newest first; and what monitoring found in what they moved."""
    said, before = asked(visit, "state"), asked(visit, "before")
    state = said if said in {key for key, _ in STATES} else "open"
    here = f"{visit.base}compliance/alerts/"
    key = paging.decode(before)
    hits = list_hits(state=state, before=key, limit=PAGE + 1) if state != "aml" else []
    findings = list_findings(before=key, limit=PAGE + 1) if state == "aml" else []
    ground, counts = ground_of_hits(hits), count_hits()
    parties = parties_by_id(party_ids=[each.party_id for each in hits])
    last = [each.page_key for each in hits] or [each.page_key for each in findings]
    page = AlertsPage(
        tabs=compliance_tabs(visit, "alerts"),
        states=tuple(
            Chip(title, paging.link(here, state=word), word == state, counts.get(word, 0) if word != "aml" else None)
            for word, title in STATES
        ),
        hits=tuple(
            present.hit_view(
                each,
                party=parties[each.party_id],
                entry=ground.entries.get(each.entry_id),
                list_name=ground.lists.get(each.list_id, ""),
                base=visit.base,
                now=visit.now,
                names=ground.names,
                may_resolve=visit.may(Permission.PARTIES_SCREEN),
                with_party=True,
            )
            for each in hits[:PAGE]
        ),
        findings=tuple(_finding(visit, each) for each in findings[:PAGE]),
        next_url=paging.link(here, state=state, before=paging.encode(last[PAGE - 1])) if len(last) > PAGE else "",
        first_url=paging.link(here, state=state) if before else "",
    )
    return render(visit.request, "console/compliance/alerts.html", _context(visit, page))


def _finding(visit: Visit, found: FindingRecord) -> AlertLine:
    url = f"{visit.base}compliance/parties/{found.party_id}/" if found.party_id else ""
    if found.review_id:
        url = f"{visit.base}reviews/{found.review_id}/"
    numbers = " · ".join(
        f"{name.replace('_', ' ')} {grouped(value) if type(value) is int else value}"
        for name, value in found.facts.items()
        if isinstance(value, int | str)
    )
    return AlertLine(
        f"{found.scenario.replace('_', ' ')}: {found.reference}",
        url,
        mark("review", says=f"score {found.score}"),
        f"{found.period} · {numbers}",
        moment(found.found_at, visit.now),
    )


@room(Permission.PARTIES_READ)
def show_runs(visit: Visit) -> HttpResponse:
    """Runs over all parties, newest first; the page looks again by itself while one is under way."""
    before = read_place(asked(visit, "before"))
    found = list_runs(limit=PAGE + 1, before=before)
    lists = list_names_by_id()
    settings, counts = screening_settings(), count_parties()["screening"]
    here = f"{visit.base}compliance/screening/"
    may = visit.may(Permission.PARTIES_SCREEN)
    page = RunsPage(
        tabs=compliance_tabs(visit, "runs"),
        figures=(
            Figure("parties", grouped(sum(counts.values())), note="active"),
            Figure("to resolve", grouped(counts.get("unresolved", 0)), note="parties with open hits",
                   level="alert" if counts.get("unresolved") else ""),
            Figure("confirmed", grouped(counts.get("confirmed", 0)), note="blocked",
                   level="bad" if counts.get("confirmed") else ""),
            Figure("hit from score", str(settings.hit_from_score), note="of 100"),
        ),
        rows=tuple(present.run_row(each, now=visit.now, lists=lists) for each in found[:PAGE]),
        settings=(
            Field("hit_from_score", "A hit from score, 50 to 100", str(settings.hit_from_score)),
            Field("kyc_lasts_days", "A verification lasts, days", str(settings.kyc_lasts_days)),
        ) if may else (),
        version=str(settings.version),
        start_url=f"{here}start/" if may else "",
        settings_url=f"{here}settings/" if may else "",
        poll_url=paging.link(here, before=before) if any(each.state == "running" for each in found) else "",
        next_url=paging.link(here, before=found[PAGE - 1].number) if len(found) > PAGE else "",
        first_url=here if before else "",
    )  # fmt: skip
    if visit.is_partial:
        return render(visit.request, "console/compliance/runs_body.html", {"page": page})
    return render(visit.request, "console/compliance/runs.html", _context(visit, page))


def _context(visit: Visit, page: Any) -> dict[str, Any]:
    return {"shell": build_shell(visit, room="compliance"), "page": page}


@room(Permission.PARTIES_SCREEN)
def start(visit: Visit) -> HttpResponse:
    """Screen every active party again."""

    def effect() -> str:
        run = start_run(reason="manual", actor=visit.actor(), now=visit.now)
        return f"Run {run.number} screens {grouped(run.total)} parties."

    return act_once(visit, operation="screening.run", effect=effect, to=f"{visit.base}compliance/screening/")


@room(Permission.PARTIES_SCREEN, step_up=True)
def change(visit: Visit) -> HttpResponse:
    """From which score a match is a hit, and how long a verification lasts."""
    form = visit.request.POST
    numbers = [read_place(form.get(name, "").strip()) for name in ("hit_from_score", "kyc_lasts_days", "version")]
    if None in numbers:
        raise FormIncomplete("Both are whole numbers.")
    score, days, version = (each or 0 for each in numbers)

    def effect() -> str:
        change_settings(version=version, hit_from_score=score, kyc_lasts_days=days, actor=visit.actor(), now=visit.now)
        return "The settings are changed. Another score screens all parties again."

    return act_once(visit, operation="screening.settings", effect=effect, to=f"{visit.base}compliance/screening/")
