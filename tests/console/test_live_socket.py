"""The socket of a workspace: members only, news only, bounded, and level again after an absence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from console.live import consumer
from console.live.window import IN_FLIGHT
from evidence.queries import latest_events, next_index
from tests.evidence.sealing import sequence
from zentra.asgi import application
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.operations import create_intent
from zentra.runtime.types import CreateIntent

if TYPE_CHECKING:
    from tests.people import Person

ORIGIN = "http://localhost"


def _headers(person: Person | None, origin: str = ORIGIN) -> list[tuple[bytes, bytes]]:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    if person is not None:
        cookie = person.sign_in(Client()).cookies["sessionid"].value
        headers.append((b"cookie", f"sessionid={cookie}".encode()))
    return headers


@asynccontextmanager
async def socket(
    workspace: TenantRef, person: Person | None, *, origin: str = ORIGIN
) -> AsyncIterator[WebsocketCommunicator]:
    headers = await sync_to_async(_headers)(person, origin)
    communicator = WebsocketCommunicator(application, f"/w/{workspace.slug}/live/", headers=headers)
    yield communicator
    await communicator.disconnect()


def _create(workspace: TenantRef, person: Person, intent_id: str) -> None:
    with tenant_work(workspace):
        create_intent(command=CreateIntent(intent_id=intent_id), actor=person.actor(), ws=workspace, now=now())
    sequence(workspace)


create = sync_to_async(_create)


async def say(communicator: WebsocketCommunicator, **message: Any) -> None:
    await communicator.send_to(text_data=json.dumps(message))


async def hear(communicator: WebsocketCommunicator, *kinds: str) -> dict[str, Any]:
    """The next message of one of these kinds; heartbeats and figures that only aged are passed over."""
    while True:
        message: dict[str, Any] = json.loads(await communicator.receive_from(timeout=5))
        if message["t"] in kinds and (message["t"] != "frame" or message["rows"]):
            return message
        if message["t"] == "frame":
            await say(communicator, t="ack", n=message["n"])


@sync_to_async
def head(workspace: TenantRef) -> int:
    with tenant_work(workspace):
        return next_index()


@sync_to_async
def denials(workspace: TenantRef) -> list[dict[str, Any]]:
    with tenant_work(workspace):
        return [json.loads(event.body) for event in latest_events(limit=20) if event.type == "access.denied"]


async def test_a_member_sees_a_new_intent_arrive(workspace: TenantRef, operator: Person) -> None:
    async with socket(workspace, operator) as live:
        connected, _ = await live.connect()
        assert connected
        await say(live, t="from", cursor=await head(workspace))
        await create(workspace, operator, "intent_news")
        frame = await hear(live, "frame")
        assert [row["id"] for row in frame["rows"]] == ["intent_news"]
        assert 'id="row-intent_news"' in frame["rows"][0]["html"]
        assert any("ledger.reserved" in item for item in frame["tape"])


async def test_an_outsiders_socket_is_refused_and_recorded(workspace: TenantRef, outsider: Person) -> None:
    async with socket(workspace, outsider) as live:
        connected, _ = await live.connect()
        assert not connected
    (denied,) = await denials(workspace)
    assert denied["actor"]["id"] == outsider.id
    assert denied["data"]["action"] == "room.read (live)"


async def test_a_socket_without_a_session_is_refused(workspace: TenantRef) -> None:
    async with socket(workspace, None) as live:
        connected, _ = await live.connect()
        assert not connected


async def test_a_page_of_another_origin_gets_no_socket(workspace: TenantRef, operator: Person) -> None:
    async with socket(workspace, operator, origin="https://elsewhere.example") as live:
        connected, _ = await live.connect()
        assert not connected


async def test_who_never_confirms_gets_four_frames_and_then_a_number(workspace: TenantRef, operator: Person) -> None:
    async with socket(workspace, operator) as live:
        await live.connect()
        await say(live, t="from", cursor=await head(workspace))
        frames, counters = 0, []
        for number in range(IN_FLIGHT + 4):
            await create(workspace, operator, f"intent_slow_{number}")
            await asyncio.sleep(0.3)
        while not await live.receive_nothing(timeout=0.4):
            message = json.loads(await live.receive_from())
            frames += message["t"] == "frame"
            counters += [message["count"]] if message["t"] == "more" else []
        assert frames == IN_FLIGHT
        assert len(counters) == 1


async def test_nothing_but_a_number_comes_while_the_view_is_paused(workspace: TenantRef, operator: Person) -> None:
    async with socket(workspace, operator) as live:
        await live.connect()
        await say(live, t="from", cursor=await head(workspace))
        await say(live, t="pause")
        await create(workspace, operator, "intent_unseen")
        message = await hear(live, "frame", "more")
        assert message["t"] == "more"
        await say(live, t="resume", cursor=await head(workspace))
        await create(workspace, operator, "intent_seen")
        assert [row["id"] for row in (await hear(live, "frame"))["rows"]] == ["intent_seen"]


async def test_after_an_absence_the_missed_rows_come_in_one_frame(workspace: TenantRef, operator: Person) -> None:
    start = await head(workspace)
    async with socket(workspace, operator) as watching:
        await watching.connect()
        await say(watching, t="from", cursor=start)
        await create(workspace, operator, "intent_missed")
        await hear(watching, "frame")
        async with socket(workspace, operator) as back:
            await back.connect()
            await say(back, t="from", cursor=start)
            assert [row["id"] for row in (await hear(back, "frame"))["rows"]] == ["intent_missed"]


async def test_after_a_long_absence_the_page_is_fetched_again(workspace: TenantRef, operator: Person) -> None:
    await create(workspace, operator, "intent_before")
    async with socket(workspace, operator) as watching:
        await watching.connect()
        await say(watching, t="from", cursor=await head(workspace))
        await create(workspace, operator, "intent_after")
        await hear(watching, "frame")
        async with socket(workspace, operator) as back:
            await back.connect()
            await say(back, t="from", cursor=0)
            assert (await hear(back, "resync"))["cursor"] == await head(workspace)


async def test_a_person_who_loses_access_is_told_and_cut_off(
    workspace: TenantRef, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "HEARTBEAT_SECONDS", 0.05)

    @sync_to_async
    def leave() -> None:
        operator.user.memberships.all().delete()

    async with socket(workspace, operator) as live:
        await live.connect()
        await leave()
        assert await hear(live, "ended") == {"t": "ended"}


async def test_what_a_client_says_changes_nothing(workspace: TenantRef, operator: Person) -> None:
    async with socket(workspace, operator) as live:
        await live.connect()
        before = await head(workspace)
        for nonsense in (
            "{",
            "[]",
            '{"t":"approve","intent":"x"}',
            '{"t":"ack","n":"x"}',
            '{"t":"from","cursor":-1}',
            "x" * 5000,
        ):
            await live.send_to(text_data=nonsense)
        await say(live, t="from", cursor=before)
        assert (await hear(live, "hello"))["t"] == "hello"
        assert await head(workspace) == before
