"""One case: its page, and everything that a person does with it. What is refused comes back as it was typed."""

import hashlib
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.presenters import cases
from console.readings.case_forms import SNOOZES, Returned
from console.readings.cases import members, read_case
from console.shell import build_shell
from console.types.cases import CasePage
from console.views.reviews import case_of
from policy.reviews.operations import (
    add_note,
    attach,
    claim_review,
    escalate_review,
    hand_over,
    release_claim,
    renew_claim,
    resolve_alert,
    resolve_case,
    snooze_review,
)
from policy.reviews.operations.notes import MAX_ATTACHMENT_BYTES, AttachmentTooLarge
from policy.reviews.queries import approvals_of, get_review, read_attachment
from policy.reviews.types import ReviewRecord
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.runtime.operations import approve_intent, decline_intent
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.step_up import require_step_up

_DECISIONS: Final = frozenset({"approve", "decline", "resolve"})
Effect = Callable[[ReviewRecord], "str | Done"]


@room(Permission.REVIEWS_READ)
def show(visit: Visit, case: str) -> HttpResponse:
    """The case on a page of its own."""
    return _page(visit, case_of(case))


def _page(visit: Visit, review: ReviewRecord, *, returned: Returned | None = None, status: int = 200) -> HttpResponse:
    back = f"{visit.base}reviews/"
    view = read_case(visit, review, then=_then(visit, review), returned=returned)
    context = {
        "shell": build_shell(visit, room="reviews"),
        "page": CasePage(case=view, back_url=f"{back}?selected={review.id}", me=visit.member.user_id),
    }
    answer = render(visit.request, "console/review.html", context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _then(visit: Visit, review: ReviewRecord) -> str:
    """Where a decision leads: to the next case of the queue that it came from."""
    wanted = visit.request.POST.get("then", "")
    own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(f"{visit.base}reviews/")
    return wanted if own else f"{visit.base}reviews/?after={review.id}"


def _do(visit: Visit, case: str, act: str, effect: Effect, *, to: str = "", file_sha256: str = "") -> HttpResponseBase:
    """One act on a case, once a form; what is refused comes back with the case, who acted, and what was typed."""
    try:
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
            review = case_of(case)
            return act_once(
                visit,
                operation=f"reviews.{act}",
                effect=lambda: effect(review),
                to=to or f"{visit.base}reviews/{review.id}/",
                file_sha256=file_sha256,
            )
    except DomainError as error:
        if error.status == 404:
            raise
        with tenant_work(visit.workspace):
            returned = Returned.of(visit, act, error)
            return _page(visit, case_of(case), returned=returned, status=error.status)


def _version(visit: Visit) -> int | None:
    text = visit.request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


# --- the claim -------------------------------------------------------------------------------------------------------


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def claim(visit: Visit, case: str) -> HttpResponseBase:
    """Work on this case: nobody else can meanwhile."""

    def effect(review: ReviewRecord) -> str:
        taken = claim_review(review_id=review.id, actor=visit.actor(), now=visit.now)
        return f"{taken.subject} is yours until {taken.claimed_until:%H:%M:%S} UTC."

    return _do(visit, case, "claim", effect, to=_beside(visit, case))


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def renew(visit: Visit, case: str) -> HttpResponseBase:
    """Go on working on it."""

    def effect(review: ReviewRecord) -> str:
        renewed = renew_claim(review_id=review.id, actor=visit.actor(), now=visit.now)
        return f"The lease runs until {renewed.claimed_until:%H:%M:%S} UTC."

    return _do(visit, case, "renew", effect, to=_beside(visit, case))


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def release(visit: Visit, case: str) -> HttpResponseBase:
    """Let go of it, undecided."""

    def effect(review: ReviewRecord) -> str:
        release_claim(review_id=review.id, actor=visit.actor(), now=visit.now)
        return f"{review.subject} is free for others again."

    return _do(visit, case, "release", effect, to=_beside(visit, case))


def _beside(visit: Visit, case: str) -> str:
    """The page that the form was on, with the case in it."""
    came = visit.request.headers.get("Referer", "")
    if (
        url_has_allowed_host_and_scheme(came, allowed_hosts={visit.request.get_host()})
        and f"{visit.base}reviews/?" in came
    ):
        return came if f"selected={case}" in came else f"{visit.base}reviews/?selected={quote(case)}"
    if came.split("?", 1)[0].endswith(f"{visit.base}reviews/"):
        return f"{visit.base}reviews/?selected={quote(case)}"
    return ""


# --- decisions -------------------------------------------------------------------------------------------------------


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def decide(visit: Visit, case: str) -> HttpResponseBase:
    """Approve, decline or resolve, once, with a code and a reason; money asks for the second factor."""
    decision = visit.request.POST.get("decision", "")

    def effect(review: ReviewRecord) -> str:
        if decision not in _DECISIONS:
            raise FormIncomplete("Say whether to approve, to decline or to resolve.")
        reason = words(visit, "reason")
        if review.case_kind != "intent" or decision == "resolve":
            return _resolve(visit, review, reason)
        require_step_up(visit.request, visit.now)
        return (_approve if decision == "approve" else _decline)(visit, review, reason)

    with tenant_work(visit.workspace):
        then = _then(visit, case_of(case))
    return _do(visit, case, decision if decision in _DECISIONS else "approve", effect, to=then)


def _approve(visit: Visit, review: ReviewRecord, reason: str) -> str:
    intent = approve_intent(
        intent_id=review.intent_id,
        actor=visit.actor(),
        reason_code=visit.request.POST.get("reason_code", ""),
        reason=reason,
        now=visit.now,
        version=_version(visit),
        stepped_up=True,
    )
    if get_review(review_id=review.id).is_open:
        given = len(approvals_of(review_id=review.id))
        return (
            f"{review.subject}: approval {given} of {review.approvals_needed} is given. It waits for a second person."
        )
    return f"{intent.intent_id} is approved: its reserve is posted and it goes on to a rail."


def _decline(visit: Visit, review: ReviewRecord, reason: str) -> str:
    intent = decline_intent(
        intent_id=review.intent_id,
        actor=visit.actor(),
        reason_code=visit.request.POST.get("reason_code", ""),
        reason=reason,
        now=visit.now,
        version=_version(visit),
        stepped_up=True,
    )
    return f"{intent.intent_id} is declined: nothing was posted ({intent.status})."


def _resolve(visit: Visit, review: ReviewRecord, reason: str) -> str:
    ended = resolve_case(
        review_id=review.id,
        actor=visit.actor(),
        outcome_code=visit.request.POST.get("outcome_code", ""),
        reason_code=visit.request.POST.get("reason_code", ""),
        note=reason,
        now=visit.now,
        version=_version(visit),
    )
    return f"The case about {ended.subject} is ended: {ended.outcome_code}."


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def settle(visit: Visit, case: str, alert_id: str) -> HttpResponseBase:
    """Clear or confirm one hit."""
    state = visit.request.POST.get("state", "")

    def effect(_review: ReviewRecord) -> str:
        if state not in {"cleared", "confirmed"}:
            raise FormIncomplete("Say whether it is a match.")
        note = words(visit, "note")
        alert = resolve_alert(
            alert_id=alert_id,
            state="cleared" if state == "cleared" else "confirmed",
            note=note,
            actor=visit.actor(),
            now=visit.now,
        )
        if alert.kind not in {"screening", "aml"}:
            return f"{alert.name} is {alert.state}."
        said = "is no match" if alert.state == "cleared" else "is a match: the case can only be declined"
        return f"{alert.name} {said}."

    return _do(visit, case, "settle", effect, to=_beside(visit, case))


# --- whose it is, and when -------------------------------------------------------------------------------------------


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def escalate(visit: Visit, case: str) -> HttpResponseBase:
    """A step up: to compliance, then to an admin."""

    def effect(review: ReviewRecord) -> str:
        raised = escalate_review(
            review_id=review.id,
            note=words(visit, "reason"),
            actor=visit.actor(),
            now=visit.now,
            version=_version(visit),
        )
        return f"{review.subject} is escalated; {_name(raised.owner)} is accountable for it now."

    with tenant_work(visit.workspace):
        then = _then(visit, case_of(case))
    return _do(visit, case, "escalate", effect, to=then)


@room(Permission.REVIEWS_DECIDE, in_transaction=False)
def snooze(visit: Visit, case: str) -> HttpResponseBase:
    """Put it aside for a while."""

    def effect(review: ReviewRecord) -> str:
        chosen = SNOOZES.get(visit.request.POST.get("until", ""))
        if chosen is None:
            raise FormIncomplete("Say for how long.")
        snooze_review(
            review_id=review.id,
            until=visit.now + chosen[1],
            reason=words(visit, "reason"),
            actor=visit.actor(),
            now=visit.now,
            version=_version(visit),
        )
        return f"{review.subject} comes back in {chosen[0].lower()}."

    with tenant_work(visit.workspace):
        then = _then(visit, case_of(case))
    return _do(visit, case, "snooze", effect, to=then)


@room(Permission.REVIEWS_ASSIGN, in_transaction=False)
def give(visit: Visit, case: str) -> HttpResponseBase:
    """Hand it over to a colleague, with a note."""

    def effect(review: ReviewRecord) -> str:
        given = hand_over(
            review_id=review.id,
            to=words(visit, "to"),
            note=words(visit, "reason"),
            actor=visit.actor(),
            now=visit.now,
            version=_version(visit),
        )
        return f"{_name(given.owner)} is now accountable for {review.subject}."

    with tenant_work(visit.workspace):
        then = _then(visit, case_of(case))
    return _do(visit, case, "hand-over", effect, to=then)


def _name(user_id: str) -> str:
    return cases.person(user_id, names_of_users(user_ids=[user_id]))


# --- notes and files -------------------------------------------------------------------------------------------------


@room(Permission.REVIEWS_ASSIGN, in_transaction=False)
def note(visit: Visit, case: str) -> HttpResponseBase:
    """Say something about it; @name mentions a colleague."""

    def effect(review: ReviewRecord) -> str:
        text = visit.request.POST.get("text", "")
        mentions = cases.mentioned(text, members(visit))
        kept = add_note(review_id=review.id, text=text, actor=visit.actor(), now=visit.now, mentions=mentions)
        return "The note is kept." if not kept.mentions else f"The note is kept; it mentions {len(kept.mentions)}."

    return _do(visit, case, "note", effect, to=_beside(visit, case))


@room(Permission.REVIEWS_ASSIGN, in_transaction=False)
def add_file(visit: Visit, case: str) -> HttpResponseBase:
    """Put a file to the case."""
    upload = visit.request.FILES.get("file")
    content, digest = b"", ""
    if upload is not None and (upload.size or 0) <= MAX_ATTACHMENT_BYTES:
        content = upload.read()
        digest = hashlib.sha256(content).hexdigest()

    def effect(review: ReviewRecord) -> str:
        if upload is None:
            raise FormIncomplete("Choose a file.")
        if (upload.size or 0) > MAX_ATTACHMENT_BYTES:
            raise AttachmentTooLarge("A file has at most 10 MB.")
        kept = attach(
            review_id=review.id,
            name=upload.name or "file",
            content_type=upload.content_type or "",
            content=content,
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{kept.name} is attached."

    return _do(visit, case, "attach", effect, to=_beside(visit, case), file_sha256=digest)


@room(Permission.REVIEWS_READ)
def download(visit: Visit, case: str, attachment_id: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """A file of the case, as a download: it is never opened inside our pages."""
    file, content = read_attachment(review_id=case_of(case).id, attachment_id=attachment_id)
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
