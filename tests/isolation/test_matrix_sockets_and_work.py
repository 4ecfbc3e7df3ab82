"""Every socket × every role × own and foreign workspace; all work of the queue × what is another workspace's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings

from console.live.routing import websocket_urlpatterns
from evidence.queries import list_events
from tests.isolation.rows import changed, fingerprints
from tests.isolation.visitors import Visitor
from zentra.asgi import application
from zentra.core import clock, ids
from zentra.core.queue import Defer, WorkItem, registry
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.operations import create_intent
from zentra.runtime.types import CreateIntent
from zentra.tenants.access import required_permission

Grounds = tuple[TenantRef, TenantRef]
# Work that names nothing of a workspace: it does the same whatever it is given, and only in its own.
GENERAL = {"webhooks.fan_out", "webhooks.match", "ledger.check"}
# Work of the installation, whose rows are in public and name their workspace; other tests hold it.
PUBLIC = {"tenants."}


def denials(ws: TenantRef, *, surface: str) -> list[tuple[str, str, str]]:
    """Actor, action and side of what was recorded, oldest first."""
    with tenant_work(ws):
        found, _ = list_events(types=["access.denied"], limit=500)
    said: list[dict[str, Any]] = [json.loads(event.body) for event in reversed(found)]
    return [(e["actor"]["id"], e["data"]["action"], e["data"]["side"]) for e in said if e["data"]["surface"] == surface]


async def knock(route: str, slug: str, cookie: str) -> bool:
    """Whether a socket opens for whoever has this cookie."""
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if cookie:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    path = "/" + route.replace("<slug:slug>", slug)
    communicator = WebsocketCommunicator(application, path, headers=headers)
    opened, _ = await communicator.connect(timeout=5)
    await communicator.disconnect()
    return bool(opened)


async def test_a_socket_opens_for_whom_the_table_says_and_for_nobody_of_another_workspace(
    grounds: Grounds, visitors: list[Visitor], unbounded: None, database: None
) -> None:
    ours, theirs = grounds
    wrong: list[tuple[Any, ...]] = []
    refused: list[tuple[str, str]] = []
    before = await sync_to_async(fingerprints)(grounds)
    for pattern in websocket_urlpatterns:
        route = str(pattern.pattern)
        needed = required_permission(getattr(pattern.callback, "consumer_class", pattern.callback))
        if await knock(route, ours.slug, ""):
            wrong.append(("nobody", route))
        for visitor in visitors:
            cookie = visitor.client.cookies[settings.SESSION_COOKIE_NAME].value
            is_due = visitor.is_inside and needed in visitor.may
            if await knock(route, ours.slug, cookie) != is_due:
                wrong.append((visitor.name, route, "ours", is_due))
            if not is_due:
                refused.append((str(visitor.user.pk), f"{needed} (live)"))
            if visitor.name != "admin of another" and await knock(route, theirs.slug, cookie):
                wrong.append((visitor.name, route, "theirs"))
    assert wrong == []
    recorded = await sync_to_async(denials)(ours, surface="live")
    assert [each[:2] for each in recorded if each[2] == "target"] == refused
    inside = {str(each.user.pk) for each in visitors if each.is_inside and not each.name.startswith("staff")}
    assert {each[0] for each in recorded if each[2] == "actor"} == inside
    assert changed(before, await sync_to_async(fingerprints)(grounds)) == []


@pytest.fixture(scope="module")
def intent_of_theirs(grounds: Grounds) -> str:
    from zentra.core import actors

    with tenant_work(grounds[1]):
        create_intent(
            command=CreateIntent(intent_id="intent_theirs"), actor=actors.EDGE, ws=grounds[1], now=clock.now()
        )
    return "intent_theirs"


def _refs_of(theirs: TenantRef, intent_id: str) -> dict[str, str]:
    """For kinds of work that name something by an id of ours, one of theirs; elsewhere the intent's."""
    prefixes = {
        "ledger.import": "imp", "ledger.export": "exp", "screening.import_watchlist": "wlv",
        "screening.verify": "ver", "screening.batch": "bat", "policy.backtest": "bkt", "webhooks.replay": "rpl",
        "recon.import": "sti", "recon.run": "rca", "recon.expect": "stm", "recon.adjusted": "adj",
        "recon.settle": "stm", "closeout.seal": "pkt", "closeout.make_periods": "stm",
    }  # fmt: skip
    return {kind: ids.new_id(prefixes[kind]) if kind in prefixes else intent_id for kind in registry.kinds()}


def test_work_that_names_what_is_another_workspace_s_touches_nothing_and_is_recorded(
    grounds: Grounds, intent_of_theirs: str, unbounded: None, database: None
) -> None:
    ours, theirs = grounds
    refs, before, wrong = _refs_of(theirs, intent_of_theirs), fingerprints(grounds), []
    named = [kind for kind in sorted(refs) if kind not in GENERAL and not kind.startswith(tuple(PUBLIC))]
    for kind in named:
        handler = registry.handler_of(kind)
        assert handler is not None
        try:
            handler(WorkItem(ids.new_uuid(), ours.id, kind, refs[kind], clock.now(), 1, ids.new_uuid()), ours)
        except Defer as later:
            wrong.append((kind, "is put off for ever", later.reason))
    assert wrong == []
    assert [each[1] for each in denials(ours, surface="task")] == named
    assert denials(theirs, surface="task") == []
    assert changed(before, fingerprints(grounds)) == []


def test_general_work_of_one_workspace_leaves_another_as_it_is(
    grounds: Grounds, intent_of_theirs: str, unbounded: None, database: None
) -> None:
    ours, theirs = grounds
    before = fingerprints([theirs])
    for kind in sorted(GENERAL & set(registry.kinds())):
        handler = registry.handler_of(kind)
        assert handler is not None
        handler(WorkItem(ids.new_uuid(), ours.id, kind, intent_of_theirs, clock.now(), 1, ids.new_uuid()), ours)
    assert [name for name in changed(before, fingerprints([theirs])) if name.startswith(theirs.schema)] == []
