"""``/screening-hits``, ``/watchlists``: who may be whom, and the lists that say so. People clear or confirm a hit."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from policy.screening import queries
from policy.screening.operations import screen_party
from policy.screening.watchlists.errors import WatchlistNotFound
from policy.screening.watchlists.queries import get_watchlist, list_versions, list_watchlists
from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import EmptyBody
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.party_answers import (
    HitAnswer,
    HitPage,
    ScreeningAnswer,
    WatchlistAnswer,
    WatchlistPage,
    WatchlistVersionPage,
    show_hit,
    show_screening,
    show_version,
    show_watchlist,
)
from zentra.core.ids import BadId
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Compliance"])


@door(
    router,
    "POST",
    "/parties/{party_id}/screenings",
    permission=Permission.PARTIES_SCREEN,
    response={200: ScreeningAnswer},
)
def screen(request: HttpRequest, party_id: str, body: EmptyBody) -> HttpResponse:
    """Screen a party now against every active watchlist. Creating and changing one does this by itself."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_screening(screen_party(party_id=party_id, actor=actor, now=now))

    return answer_once(request, operation="screenings.screen", body=body, effect=effect)


@door(router, "GET", "/screening-hits", permission=Permission.PARTIES_READ, response=HitPage)
def list_hits(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["open", "cleared", "confirmed", "lapsed"] | None, Query()] = None,
    party_id: Annotated[str | None, Query()] = None,
    list_id: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Hits, newest first."""
    return answer_page(
        request,
        listing="screening_hits",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: queries.list_hits(
            state=state, party_id=party_id, list_id=list_id, before=after, limit=many
        ),
        position=lambda each: each.page_key,
        show=show_hit,
    )


@door(router, "GET", "/screening-hits/{hit_id}", permission=Permission.PARTIES_READ, response=HitAnswer)
def get_hit(request: HttpRequest, hit_id: str) -> HttpResponse:
    """One hit and the parts of its score."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_hit(hit_id=hit_id)
    return answer_json(show_hit(found))


@door(router, "GET", "/watchlists", permission=Permission.PARTIES_READ, response=WatchlistPage)
def list_lists(request: HttpRequest) -> HttpResponse:
    """Every watchlist, by name."""
    with tenant_work(caller_of(request).tenant):
        found = list_watchlists()
    return answer_json({"data": [show_watchlist(each) for each in found], "next_cursor": None, "has_more": False})


@door(router, "GET", "/watchlists/{list_id}", permission=Permission.PARTIES_READ, response=WatchlistAnswer)
def get_list(request: HttpRequest, list_id: str) -> HttpResponse:
    """One watchlist."""
    with tenant_work(caller_of(request).tenant):
        found = _watchlist(list_id)
    return answer_json(found)


@door(
    router, "GET", "/watchlists/{list_id}/versions", permission=Permission.PARTIES_READ, response=WatchlistVersionPage
)
def list_of_versions(
    request: HttpRequest, list_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> HttpResponse:
    """The versions of a watchlist, newest first: how far an import is, and what it changes."""
    with tenant_work(caller_of(request).tenant):
        _watchlist(list_id)
    return answer_page(
        request,
        listing=f"watchlist_versions.{list_id}",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: list_versions(list_id=list_id, before=int(after[1]) if after else None, limit=many),
        position=lambda each: (each.created_at, str(each.number)),
        show=show_version,
    )


def _watchlist(list_id: str) -> dict[str, Any]:
    try:
        return show_watchlist(get_watchlist(list_id=list_id))
    except BadId as error:
        raise WatchlistNotFound(f"There is no list {list_id[:40]!r}.", list_id=list_id[:40]) from error
