"""Access review: who may do what, written down, looked through line by line, and signed with the second factor."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import Done, act_once, words
from console.marks import mark
from console.presenters.words import dated, moment, shorten
from console.readings.roles import people_tabs
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.roles import AccessReviewPage, AccessReviewsPage, ReviewLine, ReviewRow
from console.views.roles import read_version
from zentra.tenants.access_reviews import operations as do
from zentra.tenants.access_reviews.errors import UnknownAccessReview
from zentra.tenants.access_reviews.queries import (
    access_review_csv,
    access_review_due_at,
    find_access_review,
    list_access_reviews,
)
from zentra.tenants.access_reviews.types import AccessLine, AccessReviewRecord, AccessReviewSummary
from zentra.tenants.permissions import DANGEROUS, Permission
from zentra.tenants.queries import names_of_users

_SOON: Final = timedelta(days=14)
_KINDS: Final = {"person": "people", "role": "roles", "key": "keys", "client": "clients", "grant": "staff grants"}
_STATES: Final = {"open": "open", "signed": "approved", "abandoned": "abandoned"}
_PATHS: Final = {
    "person": "people/{}/", "role": "roles/{}/", "key": "keys/", "client": "keys/", "grant": "staff-access/",
}  # fmt: skip
_FEW: Final = 2
"""Dangerous permissions in a cell; the rest is a number, and all permissions its title."""


@room(Permission.ACCESS_READ)
def show_reviews(visit: Visit) -> HttpResponse:
    """The reviews of this workspace, and when the next is due."""
    found = list_access_reviews(workspace_id=visit.workspace.id)
    names = names_of_users(user_ids=[who for each in found for who in (each.started_by, each.signed_by) if who])
    due_at = access_review_due_at(workspace_id=visit.workspace.id)
    may = visit.may(Permission.ACCESS_REVIEW)
    is_open = next((each for each in found if each.state == "open"), None)
    page = AccessReviewsPage(
        tabs=people_tabs(visit, "access_review"),
        rows=tuple(_row(visit, each, names) for each in found),
        due=_due(visit, due_at, has_any=any(each.state == "signed" for each in found)),
        is_due=due_at - visit.now < _SOON,
        start_url=f"{visit.base}access-review/start/" if may and is_open is None else "",
        open_url=f"{visit.base}access-review/{is_open.id}/" if is_open else "",
    )
    return _render(visit, "access_reviews", page)


def _due(visit: Visit, due_at: datetime, *, has_any: bool) -> str:
    days = (due_at - visit.now).days
    if days >= 0:
        return f"The next one is due in {days} days, on {dated(due_at)} UTC."
    if has_any:
        return f"It is overdue by {-days} days."
    return "Nobody has looked through the access here yet: it is due."


def _render(visit: Visit, name: str, page: object) -> HttpResponse:
    context = {"shell": build_shell(visit, room="access_review"), "page": page}
    return render(visit.request, f"console/roles/{name}.html", context)


def _row(visit: Visit, review: AccessReviewSummary, names: dict[str, str]) -> ReviewRow:
    going = f", {review.to_remove} to go" if review.to_remove else ""
    signer = names.get(review.signed_by, review.signed_by)
    signed = f"{signer}, {dated(review.signed_at)} UTC" if review.signed_at else ""
    return ReviewRow(
        review_id=review.id,
        url=f"{visit.base}access-review/{review.id}/",
        state=mark(_STATES[review.state], says=review.state),
        words=f"{review.marked} of {review.lines} lines looked at{going}",
        started=moment(review.started_at, visit.now),
        started_by=names.get(review.started_by, review.started_by),
        signed=signed,
        sha256=review.sha256,
    )


@room(Permission.ACCESS_REVIEW, holds_membership=False)
def start(visit: Visit) -> HttpResponse:
    """Write down who may do what."""

    def effect() -> Done:
        review = do.start_access_review(workspace=visit.workspace, actor=visit.actor(), now=visit.now)
        return Done(f"{len(review.lines)} lines are written down.", f"{visit.base}access-review/{review.id}/")

    return act_once(visit, operation="access_review.start", effect=effect, to=f"{visit.base}access-review/")


@room(Permission.ACCESS_READ)
def show_review(visit: Visit, review_id: str) -> HttpResponse:
    """One review, line by line."""
    review = _find(visit, review_id)
    here, names = f"{visit.base}access-review/{review.id}/", _names(review)
    kind = asked(visit, "kind")
    may = review.state == "open" and visit.may(Permission.ACCESS_REVIEW)
    shown = [each for each in review.lines if _is_shown(each, kind)]
    page = AccessReviewPage(
        tabs=people_tabs(visit, "access_review"),
        row=_row(visit, _summary(review), names),
        facts=_facts(review, names),
        kinds=_chips(review, here, kind),
        fields=(),
        lines=tuple(_line(visit, each, names, may=may) for each in shown),
        left=len(review.unmarked),
        version=review.version,
        csv_url=f"{here}lines.csv",
        mark_url=f"{here}mark/" if may else "",
        rest_url=f"{here}rest/" if may and review.unmarked else "",
        sign_url=f"{here}sign/" if may and not review.unmarked else "",
        abandon_url=f"{here}abandon/" if may else "",
    )
    return _render(visit, "access_review", page)


def _find(visit: Visit, review_id: str) -> AccessReviewRecord:
    found = find_access_review(workspace_id=visit.workspace.id, review_id=review_id)
    if found is None:
        raise UnknownAccessReview
    return found


def _names(review: AccessReviewRecord) -> dict[str, str]:
    who = {line.person for line in review.lines} | {line.mark.by for line in review.lines if line.mark}
    return names_of_users(user_ids=sorted({*who, review.started_by, review.signed_by} - {""}))


def _is_shown(line: AccessLine, kind: str) -> bool:
    if kind == "unmarked":
        return line.mark is None
    if kind == "remove":
        return line.mark is not None and line.mark.mark == "remove"
    return kind not in _KINDS or line.kind == kind


def _chips(review: AccessReviewRecord, here: str, chosen: str) -> tuple[Chip, ...]:
    counts = {kind: sum(each.kind == kind for each in review.lines) for kind in _KINDS}
    chips = [Chip("Everything", here, chosen not in (*_KINDS, "unmarked", "remove"), len(review.lines))]
    chips += [
        Chip(_KINDS[kind], paging.link(here, kind=kind), kind == chosen, count)
        for kind, count in counts.items()
        if count
    ]
    to_go = sum(each.mark is not None and each.mark.mark == "remove" for each in review.lines)
    chips.append(Chip("without a word", paging.link(here, kind="unmarked"), chosen == "unmarked", len(review.unmarked)))
    return (*chips, Chip("to go", paging.link(here, kind="remove"), chosen == "remove", to_go))


def _summary(review: AccessReviewRecord) -> AccessReviewSummary:
    said = [each.mark for each in review.lines if each.mark]
    return AccessReviewSummary(
        review.id, review.state, len(review.lines), len(said), sum(each.mark == "remove" for each in said),
        review.sha256, review.started_by, review.started_at, review.signed_by, review.signed_at,
    )  # fmt: skip


def _facts(review: AccessReviewRecord, names: dict[str, str]) -> tuple[Proof, ...]:
    signer = names.get(review.signed_by, review.signed_by)
    facts = [
        Proof("review", review.id, review.id),
        Proof("written down", f"{dated(review.started_at)} UTC by {names.get(review.started_by, review.started_by)}"),
        Proof("SHA-256", shorten(review.sha256, head=12), review.sha256),
    ]
    if review.signed_at:
        facts.append(Proof("signed", f"{dated(review.signed_at)} UTC by {signer}"))
    if review.note:
        facts.append(Proof("note", review.note))
    return tuple(facts)


def _line(visit: Visit, line: AccessLine, names: dict[str, str], *, may: bool) -> ReviewLine:
    dangers = [each for each in line.permissions if each in DANGEROUS]
    rest = len(dangers) - _FEW
    said = line.mark
    target = line.label if line.kind == "role" else line.id
    return ReviewLine(
        line_id=line.id,
        kind=line.kind,
        label=names.get(line.person, line.person) if line.kind in ("person", "grant") else line.label,
        url=visit.base + _PATHS[line.kind].format(target),
        roles=" and ".join(line.roles),
        may=", ".join(dangers[:_FEW]) + (f" +{rest}" if rest > 0 else ""),
        may_all=", ".join(line.permissions),
        dangers=len(dangers),
        facts=_facts_of(line, names, _TOLD),
        facts_all=_facts_of(line, names, sorted(line.facts)),
        mark=_MARKS[said.mark] if said else None,
        said=f"{names.get(said.by, said.by)}{': ' + said.note if said.note else ''}" if said else "",
        keep_url=f"{visit.base}access-review/" if may else "",
        why_not="your own" if line.person == visit.member.user_id else "",
    )


_TOLD: Final = ("last seen", "second factor", "last used", "expires", "version", "until")


def _facts_of(line: AccessLine, names: dict[str, str], told: Sequence[str]) -> str:
    said = ((name, line.facts[name]) for name in told if name in line.facts)
    return " · ".join(f"{name} {names.get(value, value)[:16].replace('T', ' ')}" for name, value in said)


_MARKS: Final = {"keep": mark("passed", says="stays"), "remove": mark("refused", says="to go")}


@room(Permission.ACCESS_REVIEW, holds_membership=False)
def mark_one(visit: Visit, review_id: str) -> HttpResponse:
    """A word on one line."""

    def effect() -> str:
        said = words(visit, "mark")
        do.mark_line(
            workspace=visit.workspace,
            review_id=review_id,
            line_id=words(visit, "line"),
            mark="remove" if said == "remove" else "keep",
            note=words(visit, "note", needed=False),
            actor=visit.actor(),
            now=visit.now,
        )
        return "It is marked to go: take it away in its room." if said == "remove" else "It stays."

    return act_once(visit, operation="access_review.mark", effect=effect)


@room(Permission.ACCESS_REVIEW, holds_membership=False)
def mark_rest(visit: Visit, review_id: str) -> HttpResponse:
    """Everything without a word stays."""

    def effect() -> str:
        review = do.mark_rest(
            workspace=visit.workspace, review_id=review_id, version=read_version(visit), actor=visit.actor(),
            now=visit.now,
        )  # fmt: skip
        left = len(review.unmarked)
        return f"{left} lines are left, which are yours." if left else "Every line has a word: it can be signed."

    return act_once(visit, operation="access_review.rest", effect=effect, to=f"{visit.base}access-review/{review_id}/")


@room(Permission.ACCESS_REVIEW, step_up=True, holds_membership=False)
def sign(visit: Visit, review_id: str) -> HttpResponse:
    """Sign it, with the second factor."""

    def effect() -> str:
        do.sign_access_review(
            workspace=visit.workspace,
            review_id=review_id,
            version=read_version(visit),
            note=words(visit, "note", needed=False),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The review is signed. The next one is due in 90 days."

    return act_once(visit, operation="access_review.sign", effect=effect, to=f"{visit.base}access-review/{review_id}/")


@room(Permission.ACCESS_REVIEW, holds_membership=False)
def abandon(visit: Visit, review_id: str) -> HttpResponse:
    """Give it up, unsigned."""

    def effect() -> str:
        do.abandon_access_review(workspace=visit.workspace, review_id=review_id, actor=visit.actor(), now=visit.now)
        return "The review is given up. It stays to be read."

    return act_once(visit, operation="access_review.abandon", effect=effect, to=f"{visit.base}access-review/")


@room(Permission.ACCESS_READ)
def download(visit: Visit, review_id: str) -> HttpResponse:
    """The lines as CSV."""
    review = _find(visit, review_id)
    return HttpResponse(
        access_review_csv(review=review, names=_names(review)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="access-review-{review.started_at:%Y%m%d}.csv"'},
    )
