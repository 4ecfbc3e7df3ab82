"""Find an intent, account, event, delivery, endpoint, callback, posting or hold by its id, or by the start of it."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.presenters.events import ReadEvent
from console.presenters.words import grouped
from console.shell import build_shell
from console.types import Finding, Found
from evidence.queries import find_event
from ledger.queries import find_account, get_hold, get_posting
from webhooks.queries import get_callback, get_delivery, get_endpoint, get_replay
from zentra.core.errors import DomainError
from zentra.runtime.queries import find_by_prefix
from zentra.tenants.denials import note_miss
from zentra.tenants.permissions import Permission

MAX_QUERY = 80
_ID_BODY: Final = 26
Look = Callable[[Visit, str], Finding]


@room(Permission.ROOM_READ)
def show(visit: Visit) -> HttpResponse:
    """What has this id. One exact hit without scripts leads straight there."""
    query = visit.request.GET.get("q", "").strip()[:MAX_QUERY]
    found = Found(query, tuple(_look(visit, query)) if query else ())
    if not found.hits and _is_whole_id(query):
        note_miss(actor=visit.actor(), action="find", surface="console", tenant=visit.workspace, now=visit.now)
    if visit.is_partial:
        return render(visit.request, "console/parts/found.html", {"found": found})
    if len(found.hits) == 1:
        return HttpResponse(status=302, headers={"Location": found.hits[0].url})
    return render(visit.request, "console/find.html", {"shell": build_shell(visit, room="find"), "found": found})


def _is_whole_id(text: str) -> bool:
    """Whether it is an id of ours and not the start of one: who types these in a row and finds nothing is searching."""
    prefix, _, body = text.rpartition("_")
    return any(known == f"{prefix}_" for known in _BY_PREFIX) and len(body) == _ID_BODY


def _look(visit: Visit, query: str) -> list[Finding]:
    hits: list[Finding] = []
    if visit.may(Permission.INTENTS_READ):
        hits += [Finding("intent", name, f"{visit.base}intents/{name}/") for name in find_by_prefix(text=query)]
    for prefix, (permission, look) in _BY_PREFIX.items():
        if query.startswith(prefix):
            hits += _tried(visit, query, permission, look)
    return hits or _tried(visit, query, Permission.ACCOUNTS_READ, _account)


def _tried(visit: Visit, query: str, permission: Permission, look: Look) -> list[Finding]:
    if not visit.may(permission):
        return []
    try:
        return [look(visit, query)]
    except DomainError:  # no such id, or half of one: not found is an answer here
        return []


def _event(visit: Visit, query: str) -> Finding:
    event = ReadEvent(find_event(event_id=query))
    return Finding("event", query, f"{visit.base}events/{query}/", event.name)


def _account(visit: Visit, query: str) -> Finding:
    account = find_account(ref=query)
    words = f"{account.name} · {account.currency}"
    return Finding("account", account.code, f"{visit.base}accounts/{account.id}/", words)


def _delivery(visit: Visit, query: str) -> Finding:
    delivery = get_delivery(delivery_id=query)
    return Finding("delivery", query, f"{visit.base}webhooks/deliveries/{query}/", delivery.event_type)


def _posting(visit: Visit, query: str) -> Finding:
    posted = get_posting(posting_id=query).posted
    words = f"{posted.purpose} · {grouped(posted.amount_minor)} {posted.currency}"
    return Finding("posting", query, f"{visit.base}ledger/postings/{query}/", words)


def _hold(visit: Visit, query: str) -> Finding:
    hold = get_hold(hold_id=query)
    return Finding("hold", hold.reference, f"{visit.base}holds/{query}/", f"{hold.account_code} · {hold.state}")


def _endpoint(visit: Visit, query: str) -> Finding:
    endpoint = get_endpoint(endpoint_id=query)
    return Finding("endpoint", endpoint.url, f"{visit.base}webhooks/endpoints/{query}/", endpoint.description)


def _callback(visit: Visit, query: str) -> Finding:
    record = get_callback(callback_id=query).callback
    words = f"{record.provider_type or record.provider_event_id} · {record.state}"
    return Finding("callback", query, f"{visit.base}inbound/{query}/", words)


def _replay(visit: Visit, query: str) -> Finding:
    replay = get_replay(replay_id=query)
    return Finding("replay", query, f"{visit.base}webhooks/replays/{query}/", f"{replay.reason} · {replay.state}")


_BY_PREFIX: Final[dict[str, tuple[Permission, Look]]] = {
    "evt_": (Permission.EVENTS_READ, _event),
    "acct_": (Permission.ACCOUNTS_READ, _account),
    "dlv_": (Permission.WEBHOOKS_READ, _delivery),
    "whe_": (Permission.WEBHOOKS_READ, _endpoint),
    "rpl_": (Permission.WEBHOOKS_READ, _replay),
    "cb_": (Permission.CALLBACKS_READ, _callback),
    "posting_": (Permission.LEDGER_READ, _posting),
    "hold_": (Permission.ACCOUNTS_READ, _hold),
}
