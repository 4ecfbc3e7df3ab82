"""The review queue: what is held, why, what a decision would do, and the decision."""

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.columns import gate
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.marks import mark
from console.presenters import story
from console.presenters.words import age, grouped, moment, money
from console.readings.intents import assignees
from console.shell import build_shell
from console.types import Chip
from console.types.reviews import DecisionView, ReviewCase, ReviewPage, ReviewRow
from evidence.queries import sealed_to
from ledger.queries import get_account, list_balances
from policy.queries import (
    count_open_by_rule,
    count_open_reviews,
    find_decision,
    find_review,
    list_closed_reviews,
    list_open_reviews,
)
from policy.types import ReviewRecord
from zentra.core.money import format_signed
from zentra.runtime.operations import approve_intent, assign_intent_review, decline_intent
from zentra.runtime.queries import get_intent
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users

PAGE = 100


@room(Permission.REVIEWS_READ)
def show_reviews(visit: Visit) -> HttpResponse:
    """The queue, oldest first, and the selected case."""
    query, here = visit.request.GET, f"{visit.base}reviews/"
    queue, rule, chosen = query.get("queue", ""), query.get("rule", ""), query.get("selected", "")
    is_closed = queue == "closed"
    if is_closed:
        found = list_closed_reviews(limit=PAGE, before=paging.decode(query.get("before", "")))
    else:
        found = list_open_reviews(
            rule=rule or None, owner=visit.member.user_id if queue == "mine" else None, limit=PAGE
        )
    count, oldest = count_open_reviews()
    selected = chosen or (found[0].intent_id if found else "")
    close = paging.link(here, queue=queue, rule=rule)
    last = found[-1] if is_closed and len(found) == PAGE else None
    page = {
        "page": ReviewPage(
            tabs=_tabs(visit, here, queue, count),
            filters=() if is_closed else _rules(here, queue, rule),
            rows=_rows(visit, found, link=close + ("&" if "?" in close else "?") + "selected=", selected=selected),
            words=f"{grouped(count)} open · oldest {age(visit.now - oldest)}"
            if oldest
            else "nothing waits for a decision",
            case=_case(visit, selected, close_url=close) if selected else None,
            chosen=bool(chosen),
            next_url=paging.link(here, queue=queue, before=paging.encode((last.decided_at, last.id)))
            if last and last.decided_at
            else "",
        ),
        "closed": is_closed,
    }
    return render(visit.request, "console/reviews.html", {"shell": build_shell(visit, room="reviews"), **page})


def _tabs(visit: Visit, here: str, queue: str, count: int) -> tuple[Chip, ...]:
    mine = len(list_open_reviews(owner=visit.member.user_id, limit=PAGE))
    return (
        Chip("Open", here, not queue, count),
        Chip("Mine", paging.link(here, queue="mine"), queue == "mine", mine),
        Chip("Closed", paging.link(here, queue="closed"), queue == "closed"),
    )


def _rules(here: str, queue: str, rule: str) -> tuple[Chip, ...]:
    chips = [Chip("All reasons", paging.link(here, queue=queue), not rule)]
    chips += [
        Chip(name, paging.link(here, queue=queue, rule=name), name == rule, count)
        for name, count in count_open_by_rule()
    ]
    return tuple(chips)


def _rows(visit: Visit, found: Sequence[ReviewRecord], *, link: str, selected: str) -> tuple[ReviewRow, ...]:
    names = names_of_users(user_ids=[review.owner for review in found] + [review.decided_by or "" for review in found])
    return tuple(
        ReviewRow(
            review_id=review.id,
            intent_id=review.intent_id,
            url=link + review.intent_id,
            money=money(review.amount_minor, review.currency),
            reason=mark(
                "review" if review.state == "open" else review.state,
                says=gate(review.rule) if review.state == "open" else f"{gate(review.rule)}, {review.state}",
            ),
            saw=review.saw,
            owner=_person(visit, review.decided_by or review.owner, names),
            moment=moment(review.decided_at or review.opened_at, visit.now),
            selected=review.intent_id == selected,
        )
        for review in found
    )


def _person(visit: Visit, user_id: str, names: dict[str, str]) -> str:
    return (
        "you" if user_id == visit.member.user_id else names.get(user_id, user_id.replace("queue_reviews", "the queue"))
    )


def _case(visit: Visit, intent_id: str, *, close_url: str) -> ReviewCase | None:
    review = find_review(intent_id=intent_id)
    if review is None:
        return None
    intent = get_intent(intent_id=intent_id)
    account = get_account(account_id=intent.source_account)
    available = list_balances(account_ids=[account.id])[account.id].available_minor
    names = names_of_users(
        user_ids=[review.owner, review.decided_by or "", review.maker, str(intent.actor.get("id", ""))]
    )
    is_open = review.state == "open"
    cannot = _cannot_decide(visit, review) if is_open else ""
    may_assign = is_open and visit.may(Permission.REVIEWS_ASSIGN)
    decided_by = _person(visit, review.decided_by or "", names)
    said = (
        f"{review.state.capitalize()} by {decided_by}, {review.decided_at:%d %b %H:%M:%S} UTC."
        if review.decided_at
        else ""
    )
    return ReviewCase(
        review_id=review.id,
        intent_id=intent_id,
        intent_url=f"{visit.base}intents/{intent_id}/",
        money=money(review.amount_minor, review.currency),
        words=f"{story.movement(intent)}{' · nothing posts until approved' if is_open else ''}",
        mark=mark("held" if is_open else review.state),
        owner=_person(visit, review.owner, names),
        decision=story.decision(find_decision(intent_id=intent_id)) or DecisionView("", "", "", ()),
        account=f"{account.code} {account.currency}",
        before=grouped(available),
        posts=format_signed(-review.amount_minor),
        after_approved=grouped(available - review.amount_minor),
        after_declined=grouped(available),
        decide_url="" if cannot or not is_open else f"{visit.base}reviews/{intent_id}/decide/",
        cannot_decide=cannot,
        decided=said,
        reason=review.note,
        assign_url=f"{visit.base}intents/{intent_id}/assign/" if may_assign else "",
        assignees=assignees(visit.member) if may_assign else (),
        close_url=close_url,
        trust=story.trust(intent, scope=visit.workspace.slug, signed=sealed_to(now=visit.now).signed, names=names),
    )


def _cannot_decide(visit: Visit, review: ReviewRecord) -> str:
    if review.maker == visit.member.user_id:
        return "You made this intent. Another person has to decide it."
    if not visit.may(Permission.REVIEWS_DECIDE):
        return f"As {visit.member.role} you can follow this case; operators and compliance decide it."
    return ""


@room(Permission.REVIEWS_DECIDE)
def decide(visit: Visit, intent_id: str) -> HttpResponse:
    """Approve or decline, once, with a reason. Whoever comes second is told who decided, and when."""
    decision, reason = visit.request.POST.get("decision", ""), words(visit, "reason")
    if decision not in {"approve", "decline"}:
        raise FormIncomplete("Say whether to approve or to decline.")

    def effect() -> str:
        take = approve_intent if decision == "approve" else decline_intent
        intent = take(intent_id=intent_id, actor=visit.actor(), reason=reason, now=visit.now)
        if decision == "approve":
            return f"{intent_id} is approved: its reserve is posted and it goes on to a rail."
        return f"{intent_id} is declined: nothing was posted ({intent.status})."

    return act_once(visit, operation="reviews.decide", effect=effect, to=f"{visit.base}reviews/")


@room(Permission.REVIEWS_ASSIGN)
def assign(visit: Visit, intent_id: str) -> HttpResponse:
    """Make another person accountable for an open case."""
    owner = words(visit, "owner")

    def effect() -> str:
        review = assign_intent_review(intent_id=intent_id, owner=owner, actor=visit.actor(), now=visit.now)
        name = names_of_users(user_ids=[review.owner]).get(review.owner, review.owner)
        return f"{name} is now accountable for {intent_id}."

    return act_once(visit, operation="reviews.assign", effect=effect)
