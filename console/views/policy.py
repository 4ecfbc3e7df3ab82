"""Policy: the live rules as sentences, every version that there was, and what differs between two of them."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.forms import Done, act_once, words
from console.marks import mark
from console.presenters import policy as present
from console.presenters.words import dated, grouped, moment
from console.readings.policy import hits_lately, people_of
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field, Figure, Option
from console.types.policy import DiffPage, PolicyPage, VersionPage, VersionRow, VersionsPage
from policy.rulesets.operations import create_draft, roll_back
from policy.rulesets.queries import (
    as_second_format,
    list_drafts,
    list_rule_sets,
    live_version,
    rule_set_document,
)
from policy.rulesets.types import RuleSetRecord
from zentra.tenants.permissions import Permission

PAGE: Final = 30
NOBODY: Final = "the installation"


def policy_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The pages of this room."""
    pages = (
        ("live", "Live rules", ""),
        ("drafts", "Drafts", "drafts/"),
        ("versions", "Versions", "versions/"),
        ("limits", "Limits in use", "limits/"),
        ("lists", "Lists", "lists/"),
    )
    return tuple(Chip(title, f"{visit.base}policy/{path}", key == current) for key, title, path in pages)


def context(visit: Visit, page: Any) -> dict[str, Any]:
    """What every template of this room is given."""
    return {"shell": build_shell(visit, room="policy"), "page": page}


@room(Permission.POLICY_READ)
def show_policy(visit: Visit) -> HttpResponse:
    """The rules that hold now, each as a sentence with how often it held lately."""
    live = rule_set_document(version=live_version())
    document = as_second_format(document=live.document)
    hits, span = hits_lately(visit.now)
    rules, limits = present.rule_rows(document, hits=hits.counts, span=span)
    drafts = list_drafts(state="open", limit=PAGE)
    page = PolicyPage(
        tabs=policy_tabs(visit, "live"),
        figures=(
            Figure("live version", str(live.version), note=_published(live)),
            Figure("rules", str(len(rules)), note=f"{sum(each.is_enabled for each in rules)} enabled"),
            Figure("limits", str(len(limits)), note=f"{sum(each.is_enabled for each in limits)} enabled"),
            Figure("decisions", grouped(hits.decisions), note="in 24 h" if hits.is_whole else "looked at, the newest"),
            Figure("open drafts", str(len(drafts)), note="waiting for their writer or a second person"),
        ),
        rules=rules,
        limits=limits,
        settings=present.settings_rows(document),
        limits_url=f"{visit.base}policy/limits/",
        draft_url=f"{visit.base}policy/drafts/new/" if visit.may(Permission.POLICY_DRAFT) else "",
    )
    return render(visit.request, "console/policy/live.html", context(visit, page))


def _published(live: RuleSetRecord) -> str:
    by = people_of([live.published_by]).get(live.published_by, NOBODY)
    return f"published {live.published_at:%d %b %Y %H:%M} UTC by {by}"


@room(Permission.POLICY_DRAFT)
def start_draft(visit: Visit) -> HttpResponse:
    """A draft: a copy of the live rules."""

    def effect() -> Done:
        draft = create_draft(name=words(visit, "name"), actor=visit.actor(), now=visit.now)
        return Done("The draft is a copy of the live rules. Change it, then validate it.", _draft_url(visit, draft.id))

    return act_once(visit, operation="policy.draft", effect=effect)


def _draft_url(visit: Visit, draft_id: str) -> str:
    return f"{visit.base}policy/drafts/{draft_id}/"


@room(Permission.POLICY_READ)
def show_versions(visit: Visit) -> HttpResponse:
    """Every rule set that was live, newest first; two of them can be compared."""
    before = read_place(asked(visit, "before"))
    found = list_rule_sets(before=before, limit=PAGE + 1)
    people = people_of(each for row in found for each in (row.published_by, *row.editors))
    here = f"{visit.base}policy/versions/"
    live = live_version()
    page = VersionsPage(
        tabs=policy_tabs(visit, "versions"),
        rows=tuple(
            VersionRow(
                number=str(row.version),
                url=f"{here}{row.version}/",
                state=_state(row, live),
                note=row.note or (f"back to version {row.restores}" if row.restores else "—"),
                editors=", ".join(people.get(each, each) for each in row.editors) or NOBODY,
                by=people.get(row.published_by, NOBODY),
                count=_count(row),
                moment=moment(row.published_at, visit.now),
                is_left=at == min(1, len(found) - 1),
                is_right=at == 0,
            )
            for at, row in enumerate(found[:PAGE])
        ),
        diff_url=f"{visit.base}policy/diff/",
        next_url=paging.link(here, before=found[PAGE - 1].version) if len(found) > PAGE else "",
        first_url=here if before else "",
    )
    return render(visit.request, "console/policy/versions.html", context(visit, page))


def _state(row: RuleSetRecord, live: int) -> Any:
    return mark("live") if row.version == live else mark("superseded", says="replaced")


def _count(row: RuleSetRecord) -> str:
    document = as_second_format(document=row.document)
    return f"{len(document.get('rules') or ())} + {len(document.get('limits') or ())}"


@room(Permission.POLICY_READ)
def show_version(visit: Visit, number: str) -> HttpResponse:
    """One version as it was published."""
    row = rule_set_document(version=read_place(number) or 0)
    people, live = people_of([row.published_by, *row.editors]), live_version()
    document = as_second_format(document=row.document)
    rules, limits = present.rule_rows(document)
    by = people.get(row.published_by, NOBODY)
    writers = ", ".join(people.get(each, each) for each in row.editors)
    note = f" “{row.note}”" if row.note else ""
    may_go_back = visit.may(Permission.POLICY_DRAFT) and row.version != live
    page = VersionPage(
        number=str(row.version),
        state=_state(row, live),
        words=f"published {dated(row.published_at)} UTC by {by}{f', written by {writers}' if writers else ''}.{note}",
        rules=rules,
        limits=limits,
        settings=present.settings_rows(document),
        diff_url=paging.link(f"{visit.base}policy/diff/", left=row.version - 1, right=row.version)
        if row.version > 1
        else "",
        roll_back_url=f"{visit.base}policy/versions/{row.version}/roll-back/" if may_go_back else "",
    )
    return render(visit.request, "console/policy/version.html", context(visit, page))


@room(Permission.POLICY_DRAFT)
def go_back(visit: Visit, number: str) -> HttpResponse:
    """A validated draft of an earlier version; another person publishes it."""

    def effect() -> Done:
        draft = roll_back(to_version=read_place(number) or 0, actor=visit.actor(), now=visit.now)
        return Done(f"“{draft.name}” is validated; another person has to publish it.", _draft_url(visit, draft.id))

    return act_once(visit, operation="policy.roll_back", effect=effect)


@room(Permission.POLICY_READ)
def show_diff(visit: Visit) -> HttpResponse:
    """What differs between two versions."""
    live = live_version()
    right = read_place(asked(visit, "right")) or live
    left = read_place(asked(visit, "left")) or max(1, right - 1)
    before, after = rule_set_document(version=left), rule_set_document(version=right)
    changes = present.change_rows(as_second_format(document=before.document), as_second_format(document=after.document))
    numbers = [row.version for row in list_rule_sets(limit=100)]

    def versions(chosen: int) -> tuple[Option, ...]:
        return tuple(
            Option(str(each), f"{each}{', live' if each == live else ''}", each == chosen)
            for each in sorted({*numbers, chosen}, reverse=True)
        )

    page = DiffPage(
        title=f"Version {left} to {right}",
        words="Nothing differs." if not changes else f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}.",
        fields=(Field("left", "From", options=versions(left)), Field("right", "To", options=versions(right))),
        changes=changes,
    )
    return render(visit.request, "console/policy/diff.html", context(visit, page))
