"""The review queue: what waits, whose it is, how long it has; claim the next, assign several, keep a view."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.readings import queue
from console.readings.cases import read_case
from console.readings.intents import assignees
from console.shell import build_shell
from console.types.cases import CaseView
from console.types.reviews import QueuePage
from policy.reviews.errors import NoSuchReview
from policy.reviews.operations import assign_review, bulk_assign, claim_next, remove_view, save_view
from policy.reviews.queries import count_reviews, find_review, get_review, reviews_by_id
from policy.reviews.types import ReviewRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users


@room(Permission.REVIEWS_READ)
def show_reviews(visit: Visit) -> HttpResponse:
    """The queue, most urgent first, and the selected case beside it."""
    here, wanted = f"{visit.base}reviews/", queue.asked_of(visit)
    close = f"{here}?{wanted.query()}" if wanted.query() else here
    chosen = visit.request.GET.get("selected", "")
    if visit.is_partial and visit.request.headers.get("HX-Target") == "inspector":
        case = _chosen(visit, chosen, close)
        context = {"case": case, "chosen": True, "me": visit.member.user_id}
        return render(visit.request, "console/parts/review_case.html", context)
    counts = count_reviews(user_id=visit.member.user_id, now=visit.now)
    if visit.is_partial and visit.request.headers.get("HX-Target") == "queue-tabs":
        told = {"tabs": queue.tabs(here, wanted, counts), "words": queue.headline(counts, visit.now)}
        return render(visit.request, "console/parts/queue_told.html", told)
    page = _page(visit, wanted, here, close, chosen, counts)
    return render(visit.request, "console/reviews.html", {"shell": build_shell(visit, room="reviews"), "page": page})


def _page(visit: Visit, wanted: queue.Asked, here: str, close: str, chosen: str, counts: Any) -> QueuePage:
    before = visit.request.GET.get("before", "")
    found, following = queue.read_page(visit, wanted, paging.decode(before))
    case = _chosen(visit, chosen, close) if chosen else None
    after = visit.request.GET.get("after", "")
    if case is None and found:
        case = read_case(visit, following_of(found, after), close_url=close, then=_then(close, found, after))
    query, title = wanted.query(), queue.nothing(wanted)
    may_claim = visit.may(Permission.REVIEWS_DECIDE)
    return QueuePage(
        tabs=queue.tabs(here, wanted, counts),
        reasons=queue.reasons(visit, here, wanted, counts),
        fields=queue.fields(wanted),
        views=queue.views(visit, here, wanted),
        rows=queue.rows(
            visit,
            wanted,
            found,
            link=close + ("&" if "?" in close else "?") + "selected=",
            selected=case.review_id if case else "",
        ),
        words=queue.headline(counts, visit.now),
        me=visit.member.user_id,
        tab=wanted.tab,
        text=wanted.text,
        wants=wanted.wants,
        hidden=queue.hidden(wanted),
        here=here,
        query=query,
        claim_next_url=f"{here}claim-next/" if may_claim else "",
        assign_url=f"{here}assign/" if visit.may(Permission.REVIEWS_ASSIGN) and wanted.tab != "closed" else "",
        assignees=assignees(visit.member) if visit.may(Permission.REVIEWS_ASSIGN) else (),
        save_view_url=f"{here}views/",
        case=case,
        chosen=bool(chosen or after),
        next_url=f"{here}?{wanted.query(before=following)}" if following else "",
        first_url=close if before else "",
        empty_title=title[0],
        empty_words=title[1],
        clear_url=(f"{here}?tab={wanted.tab}" if wanted.tab != "open" else here) if wanted.narrows else "",
    )


def following_of(found: list[ReviewRecord], after: str) -> ReviewRecord:
    """The case to go on with: the first that is more urgent than nothing, after the one that was just left."""
    left = reviews_by_id(review_ids=[after]).get(after) if after else None
    if left is None:
        return found[0]
    place = (left.breached_at is None, left.due_at, left.id)
    later = (each for each in found if (each.breached_at is None, each.due_at, each.id) > place)
    return next(later, found[0])


def _then(close: str, found: list[ReviewRecord], after: str) -> str:
    return close + ("&" if "?" in close else "?") + f"after={following_of(found, after).id}"


def _chosen(visit: Visit, chosen: str, close: str) -> CaseView | None:
    """The case of the address, by its own id or by its intent's."""
    review = reviews_by_id(review_ids=[chosen]).get(chosen) if chosen.startswith("rev_") else None
    review = review or find_review(intent_id=chosen)
    if review is None:
        return None
    then = close + ("&" if "?" in close else "?") + f"after={review.id}"
    return read_case(visit, review, close_url=close, then=then)


def case_of(name: str) -> ReviewRecord:
    """The case of an id, or the one that holds an intent; raises NoSuchReview."""
    found = None if name.startswith("rev_") else find_review(intent_id=name)
    return found or get_review(review_id=name)


@room(Permission.REVIEWS_DECIDE)
def take_next(visit: Visit) -> HttpResponse:
    """Claim the most urgent case of these filters that nobody works on; one form is one case, however often sent."""
    wanted = queue.read_asked(visit.request.POST.dict())
    here = f"{visit.base}reviews/"

    def effect() -> Done:
        where = wanted.where(visit.member.user_id) if wanted.narrows else None
        taken = claim_next(actor=visit.actor(), now=visit.now, where=where)
        if taken is None:
            return Done("Nothing waits for you: what is open is claimed, snoozed, or not yours to decide.")
        link = f"{here}?{wanted.query(tab='', selected=taken.id)}"
        return Done(f"{taken.subject} is yours until {taken.claimed_until:%H:%M:%S} UTC.", link)

    return act_once(visit, operation="reviews.claim_next", effect=effect)


@room(Permission.REVIEWS_ASSIGN)
def assign_several(visit: Visit) -> HttpResponse:
    """Make one person accountable for the ticked cases; those that cannot be theirs are named."""
    owner, chosen = words(visit, "owner"), visit.request.POST.getlist("review")
    if not chosen:
        raise FormIncomplete("Tick at least one case.")

    def effect() -> str:
        done = bulk_assign(review_ids=chosen, owner=owner, actor=visit.actor(), now=visit.now)
        name = names_of_users(user_ids=[owner]).get(owner, owner)
        told = f"{name} is now accountable for {len(done.assigned)} case{'' if len(done.assigned) == 1 else 's'}."
        if not done.refused:
            return told
        subjects = reviews_by_id(review_ids=[review_id for review_id, _ in done.refused])
        left = [subjects[each].subject if each in subjects else each for each, _ in done.refused[:6]]
        more = " and more" if len(done.refused) > 6 else ""
        return f"{told} Not for {', '.join(left)}{more}: they were decided, or cannot be theirs."

    return act_once(visit, operation="reviews.assign_several", effect=effect)


@room(Permission.REVIEWS_READ)
def keep_view(visit: Visit) -> HttpResponse:
    """Keep the filters of the address under a name of this person's own."""
    name, query = words(visit, "name"), queue.clean(visit.request.POST.get("query", "")[:1000])

    def effect() -> Done:
        save_view(user_id=visit.member.user_id, room=queue.ROOM, name=name, query=query, now=visit.now)
        return Done(f"“{name}” is kept under Views.", f"{visit.base}reviews/{'?' + query if query else ''}")

    return act_once(visit, operation="reviews.keep_view", effect=effect)


@room(Permission.REVIEWS_READ)
def drop_view(visit: Visit, view_id: str) -> HttpResponse:
    """Remove one's own view."""

    def effect() -> str:
        remove_view(user_id=visit.member.user_id, view_id=view_id)
        return "The view is removed."

    return act_once(visit, operation="reviews.drop_view", effect=effect)


@room(Permission.REVIEWS_ASSIGN)
def assign(visit: Visit, intent_id: str) -> HttpResponse:
    """Make another person accountable for the case that holds an intent."""
    owner = words(visit, "owner")

    def effect() -> str:
        held = find_review(intent_id=intent_id)
        if held is None:
            raise NoSuchReview(f"Nothing holds {intent_id}.")
        review = assign_review(review_id=held.id, owner=owner, actor=visit.actor(), now=visit.now)
        name = names_of_users(user_ids=[review.owner]).get(review.owner, review.owner)
        return f"{name} is now accountable for {intent_id}."

    return act_once(visit, operation="reviews.assign", effect=effect)
